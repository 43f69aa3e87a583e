"""Which calls leave by a trunk, by whom, and when they are over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import Channel, ChannelChanged, ChannelHungUp, DialBegun, DialObservation, PbxEvent
from qualitywatch.trunks.dials import DialTracker
from qualitywatch.trunks.traffic import TrafficTracker

RECORDINGS = sorted(path.parent for path in (Path(__file__).parents[1] / "captures").glob("*/*/input.ami"))
NUMBER = "0088216123456"


def tracker(*trunks: str) -> DialTracker:
    return DialTracker("office", carries=lambda peer: peer in (trunks or ("SIP/a", "SIP/b")), own="qualitywatch-")


def phone(uniqueid: str = "1.1", name: str = "SIP/6117-00000001", linkedid: str | None = None) -> Channel:
    return Channel(name, uniqueid, linkedid or uniqueid)


def leg(uniqueid: str = "1.2", peer: str = "SIP/a") -> Channel:
    return Channel(f"{peer}-00000002", uniqueid, "1.1")


def hung_up(channel: Channel, at: float = 20.0) -> ChannelHungUp:
    return ChannelHungUp(at, channel, 16)


def test_a_call_by_a_trunk_is_told_with_the_callers_channel_and_ends_with_its_leg() -> None:
    dials = tracker()
    (begun,) = dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    expected = DialObservation(10.0, "office", "SIP/6117", NUMBER, "SIP/a", "SIP/6117-00000001", "1.2", is_new=True)
    assert begun == expected
    assert dials.hang_up(hung_up(phone("1.9"))) == ()
    (over,) = dials.hang_up(hung_up(leg()))
    assert (over.at, over.subject, over.uniqueid, over.is_over) == (20.0, "SIP/6117", "1.2", True)
    assert dials.hang_up(hung_up(leg())) == ()


@pytest.mark.parametrize(
    ("dest", "number"),
    [
        (leg(peer="SIP/6118"), NUMBER),  # no trunk
        (leg(peer="SIP/a"), None),  # the peer itself
        (leg(peer="Local/0088216123456@outbound"), NUMBER),  # leads to another channel that is told itself
        (leg(uniqueid="qualitywatch-7-1"), NUMBER),  # we call whoever is on call
    ],
)
def test_what_does_not_leave_the_house_is_not_told(dest: Channel, number: str | None) -> None:
    assert tracker().begun(DialBegun(10.0, dest, phone(), number)) == ()


def test_a_second_trunk_for_the_same_number_is_the_same_call() -> None:
    dials = tracker()
    (first,) = dials.begun(DialBegun(10.0, leg("1.2"), phone(), NUMBER))
    dials.hang_up(hung_up(leg("1.2"), 11.0))
    (second,) = dials.begun(DialBegun(11.0, leg("1.3", "SIP/b"), phone(), NUMBER))
    (other,) = dials.begun(DialBegun(12.0, leg("1.4", "SIP/b"), phone(), "110"))
    assert [call.is_new for call in (first, second, other)] == [True, False, True]
    assert second.trunk == "SIP/b"


def test_the_next_call_of_the_same_phone_is_a_call_of_its_own() -> None:
    dials = tracker()
    dials.begun(DialBegun(10.0, leg("1.2"), phone(), NUMBER))
    dials.hang_up(hung_up(leg("1.2"), 11.0))
    dials.hang_up(hung_up(phone(), 11.0))
    (again,) = dials.begun(DialBegun(12.0, leg("2.2"), phone("2.1", "SIP/6117-00000005"), NUMBER))
    assert again.is_new


def test_behind_a_local_channel_the_caller_is_who_began_the_call_and_the_leg_is_what_to_hang_up() -> None:
    dials = tracker()
    dials.see(ChannelChanged(9.0, phone()))
    local = Channel("Local/0088216123456@outbound-00000001;2", "1.5", "1.1")
    (call,) = dials.begun(DialBegun(10.0, leg(), local, NUMBER))
    assert (call.subject, call.channel) == ("SIP/6117", "SIP/a-00000002")


def test_where_nobody_is_known_the_trunk_stands_for_the_caller() -> None:
    local = Channel("Local/0088216123456@outbound-00000001;2", "1.5", "1.1")
    for caller in (None, local):
        (call,) = tracker().begun(DialBegun(10.0, leg(), caller, NUMBER))
        assert (call.subject, call.channel) == ("SIP/a", "SIP/a-00000002")


def test_a_call_that_a_trunk_passes_on_is_the_trunks() -> None:
    (call,) = tracker().begun(DialBegun(10.0, leg(), phone(name="SIP/b-00000001"), NUMBER))
    assert call.subject == "SIP/b"


def test_a_telephone_line_is_a_trunk_and_its_name_holds_no_number() -> None:
    dest = Channel("DAHDI/i1/0088216123456-5", "1.2", "1.1")
    (call,) = tracker().begun(DialBegun(10.0, dest, phone(), NUMBER))
    assert (call.subject, call.trunk) == ("SIP/6117", "DAHDI/i1")


def test_the_list_after_a_gap_tells_which_calls_go_on_and_which_are_over() -> None:
    dials = tracker()
    (first,) = dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    dials.begun(DialBegun(11.0, leg("2.2"), phone("2.1", "SIP/6118-00000001"), NUMBER))
    dials.doubt()
    assert dials.going_on() == ()
    dials.begun(DialBegun(29.0, leg("3.2"), phone("3.1"), NUMBER))  # begun while the list was read, and not in it
    told = dials.listed(30.0, {"1.1", "1.2", "2.1"})
    assert told[0] == replace(first, is_new=False)
    assert [(each.at, each.uniqueid, each.is_over) for each in told] == [(10.0, "1.2", False), (30.0, "2.2", True)]
    assert {each.uniqueid for each in dials.going_on()} == {"1.2", "3.2"}
    assert dials.listed(60.0, set()) == ()  # not after a gap: whoever counts channels tells who is gone
    (over,) = dials.hang_up(hung_up(leg(), 70.0))
    assert (over.at, over.is_over) == (70.0, True)


def test_a_list_that_cannot_be_read_tells_nothing() -> None:
    dials = tracker()
    dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    dials.doubt()
    assert dials.listed(30.0, None) == ()


def test_a_caller_who_left_in_a_gap_dials_anew_under_the_same_name() -> None:
    dials = tracker()
    dials.see(ChannelChanged(9.0, phone()))
    dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    dials.doubt()
    dials.listed(30.0, set())
    assert not dials._callers
    assert not dials._first


def test_a_restart_of_asterisk_ends_all_calls() -> None:
    dials = tracker()
    dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    dials.begun(DialBegun(10.0, leg("1.3", "SIP/b"), phone(), NUMBER))
    assert [(each.at, each.uniqueid, each.is_over) for each in dials.end_all(50.0)] == [
        (50.0, "1.2", True),
        (50.0, "1.3", True),
    ]
    assert dials.hang_up(hung_up(leg())) == ()


EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda at, caller, number, to: DialBegun(at, leg(f"{caller}.{to}"), phone(f"{caller}"), number),
            st.floats(0, 100),
            st.integers(1, 4),
            st.sampled_from([NUMBER, "110", None]),
            st.integers(1, 5),
        ),
        st.builds(
            lambda at, caller, to: hung_up(leg(f"{caller}.{to}"), at), st.floats(0, 100), st.integers(1, 4), st.integers(1, 5)
        ),
        st.builds(lambda at, caller: hung_up(phone(f"{caller}"), at), st.floats(0, 100), st.integers(1, 4)),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(events=EVENTS)
def test_every_leg_is_over_once_at_most_and_nothing_is_kept_of_what_is_over(events: list[PbxEvent]) -> None:
    dials = tracker()
    open_legs: set[str] = set()
    for event in events:
        if isinstance(event, DialBegun):
            open_legs |= {call.uniqueid for call in dials.begun(event)}
        elif isinstance(event, ChannelHungUp):
            for call in dials.hang_up(event):
                assert call.is_over
                assert call.uniqueid in open_legs
                open_legs.remove(call.uniqueid)
    for uniqueid in list(open_legs):
        (call,) = dials.hang_up(hung_up(leg(uniqueid)))
        assert call.uniqueid == uniqueid
    for caller in range(1, 5):
        dials.hang_up(hung_up(phone(f"{caller}")))
    assert not dials._callers
    assert not dials._legs


def told(recording: Path) -> list[DialObservation]:
    """What the trackers tell of a recording, both fed as the pipeline feeds them."""
    traffic = TrafficTracker("office", carries=lambda peer: False)
    dials = DialTracker("office", carries=traffic.carries, own="qualitywatch-")
    found: list[DialObservation] = []
    for item in read_recording((recording / "input.ami").read_bytes()):
        for event in translate(item.message, item.at):
            match event:
                case DialBegun():
                    traffic.begun(event)
                    found += dials.begun(event)
                case ChannelChanged():
                    dials.see(event)
                case ChannelHungUp():
                    found += dials.hang_up(event)
                case _:
                    pass  # no other event is for it
    return found


def test_the_recorded_calls_over_two_trunks() -> None:
    (recording,) = (path for path in RECORDINGS if path.name == "trunk-calls")
    calls = [(call.subject, call.number, call.trunk, call.channel) for call in told(recording) if call.is_new]
    assert calls[:4] == [
        ("SIP/6101", "100", "SIP/provider", "SIP/6101-00000004"),
        ("SIP/6101", "100", "PJSIP/trunk-pj", "SIP/6101-00000006"),
        ("SIP/6101", "404", "SIP/provider", "SIP/6101-00000007"),
        ("SIP/6101", "404", "PJSIP/trunk-pj", "SIP/6101-00000009"),
    ]
    assert len(calls) == 8


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_begins_in_a_recording_also_ends_there(recording: Path) -> None:
    calls = told(recording)
    begun = [call.uniqueid for call in calls if not call.is_over]
    over = [call.uniqueid for call in calls if call.is_over]
    assert set(over) <= set(begun)
    assert len(set(begun) - set(over)) <= 1  # the recording may stop in a call


def test_where_channels_may_not_be_listed_calls_are_given_up_with_the_next_gap() -> None:
    dials = tracker()
    dials.see(ChannelChanged(9.0, phone()))
    dials.begun(DialBegun(10.0, leg(), phone(), NUMBER))
    dials.doubt()
    assert dials.listed(30.0, None) == ()
    assert dials.going_on() == (), "nobody knows"
    dials.doubt()
    assert dials.listed(60.0, {"1.1", "1.2"}) == (), "or they would be kept for ever"
    assert dials.hang_up(hung_up(leg())) == ()
