"""What becomes of the calls over a trunk, and who is a trunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import (
    Channel,
    ChannelChanged,
    ChannelHungUp,
    DialBegun,
    DialEnded,
    DialProgressed,
    Gauge,
    LevelObservation,
    Metric,
    PbxEvent,
    Sample,
    Tally,
    TallyObservation,
)
from qualitywatch.trunks.causes import cause_text, was_delivered
from qualitywatch.trunks.load import LoadTracker
from qualitywatch.trunks.traffic import MOST_FAILED, Counted, TrafficTracker

CAPTURES = Path(__file__).parents[1] / "captures"
RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
TRUNK = "PJSIP/trunk-a"
ANSWERED, DELIVERED, LONG_ENOUGH = Tally.ANSWERED, Tally.DELIVERED, Tally.LONG_ENOUGH


def feed(tracker: TrafficTracker, *events: PbxEvent) -> list[TallyObservation]:
    return [told for told in feed_all(tracker, *events) if isinstance(told, TallyObservation)]


def figures(*events: PbxEvent) -> list[tuple[str, float]]:
    """What is measured of calls over a trunk."""
    told = feed_all(traffic(TRUNK), *events)
    return [(str(each.metric), round(each.value, 3)) for each in told if isinstance(each, Sample)]


def feed_all(tracker: TrafficTracker, *events: PbxEvent) -> list[Counted]:
    told: list[Counted] = []
    for event in events:
        match event:
            case DialBegun():
                tracker.begun(event)
            case DialProgressed() | DialEnded():
                told += tracker.progress(event)
            case ChannelChanged():
                told += tracker.see(event)
            case ChannelHungUp():
                told += tracker.hang_up(event)
            case _:
                pass  # no other event is for it
    return told


def traffic(*trunks: str) -> TrafficTracker:
    return TrafficTracker("office", carries=lambda peer: peer in trunks)


def channel(peer: str = TRUNK, uniqueid: str = "1.2", state: str | None = None) -> Channel:
    return Channel(f"{peer}-00000001", uniqueid, "1.1", state)


def call(
    *,
    peer: str = TRUNK,
    number: str | None = "84951112233",
    at: float = 100.0,
    rings: bool = False,
    status: str | None = "NOANSWER",
    answered_after_s: float | None = None,
    ends_after_s: float = 0.1,
    cause: int | None = 16,
    tech_cause: str | None = None,
) -> list[PbxEvent]:
    """All events of one call over a peer, in the order of Asterisk."""
    events: list[PbxEvent] = [DialBegun(at, channel(peer, state="Down"), None, number)]
    if rings:
        events.append(ChannelChanged(at + 0.05, channel(peer, state="Ringing")))
    if answered_after_s is not None:
        events.append(ChannelChanged(at + answered_after_s, channel(peer, state="Up")))
        events.append(DialEnded(at + answered_after_s, channel(peer), "ANSWER"))
    elif status is not None:
        events.append(DialEnded(at + ends_after_s, channel(peer), status))
    events.append(ChannelHungUp(at + ends_after_s, channel(peer), cause, tech_cause))
    return events


def outcome(told: list[TallyObservation]) -> dict[str, bool]:
    assert all(each.total == 1 for each in told)
    return {str(each.tally): each.good == 1 for each in told}


# --- Recordings --------------------------------------------------------------------------------------------------------


def replayed(recording: Path) -> list[TallyObservation]:
    tracker = traffic()
    timed = read_recording((recording / "input.ami").read_bytes())
    return [told for each in timed for event in translate(each.message, each.at) for told in feed(tracker, event)]


def test_the_recorded_trunks_are_told_apart() -> None:
    told = replayed(CAPTURES / "asterisk-20/trunk-calls")
    good = Counter((each.subject, str(each.tally), each.good == 1) for each in told)
    assert good == {
        ("SIP/provider", "answered", True): 1,
        ("SIP/provider", "answered", False): 3,
        ("SIP/provider", "delivered", True): 3,  # answered, busy, and a number that does not exist
        ("SIP/provider", "delivered", False): 1,
        ("SIP/provider", "long_enough", False): 1,  # hung up after 8 s
        ("PJSIP/trunk-pj", "answered", False): 4,
        ("PJSIP/trunk-pj", "delivered", False): 4,
    }
    assert {each.detail for each in told if each.subject == "PJSIP/trunk-pj"} == {"21 call rejected, SIP 401"}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_recorded_phone_is_taken_for_a_trunk(recording: Path) -> None:
    assert {each.subject for each in replayed(recording)} <= {"SIP/provider", "PJSIP/trunk-pj"}


# --- Who is a trunk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "number", "counted"),
    [
        ("PJSIP/trunk-a", "84951112233", True),
        ("SIP/provider", "404", True),
        ("IAX2/branch", "202", True),
        ("SIP/6117", None, False),  # a phone, called by its name
        ("SIP/6117", "6117", False),  # the same, in full
        ("PJSIP/6117-desk", "6117", False),  # PJSIP_DIAL_CONTACTS
        ("Local/6117@internal", "100", False),
        ("DAHDI/i1/84951112233", "84951112233", False),
    ],
)
def test_a_trunk_is_called_by_the_number_that_it_shall_reach(peer: str, number: str | None, counted: bool) -> None:
    assert bool(feed(traffic(), *call(peer=peer, number=number, cause=34))) is counted


def dialled(tracker: TrafficTracker, number: str) -> bool:
    """Whether PJSIP/anna is a trunk after a call to ``anna/sip:number@host``."""
    tracker.begun(DialBegun(1.0, channel("PJSIP/anna"), None, number, is_uri=True))
    return tracker.carries("PJSIP/anna")


def test_the_contact_of_a_phone_with_a_name_is_not_called_through_it() -> None:
    tracker = traffic()
    assert [dialled(tracker, "101") for _ in range(3)] == [False] * 3
    assert dialled(tracker, "102")
    assert dialled(traffic(), "84951112233")


def test_a_known_trunk_is_one_whatever_is_called_through_it() -> None:
    assert feed(traffic("SIP/6117"), *call(peer="SIP/6117", number=None, cause=34))


def test_a_peer_that_was_used_as_a_trunk_stays_one() -> None:
    tracker = traffic()
    assert not feed(tracker, *call(number=None))
    feed(tracker, *call())
    tracker.forget()
    assert feed(tracker, *call(number=None))


# --- What became of a call ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [1, 16, 17, 19, 20, 22, 28])
def test_what_the_called_party_does_is_no_failure_of_the_trunk(cause: int) -> None:
    assert outcome(feed(traffic(), *call(cause=cause, ends_after_s=5))) == {ANSWERED: False, DELIVERED: True}


@pytest.mark.parametrize("cause", [27, 34, 38, 41, 58, 102])
def test_what_the_network_could_not_do_is(cause: int) -> None:
    told = feed(traffic(), *call(cause=cause, tech_cause="503"))
    assert outcome(told) == {ANSWERED: False, DELIVERED: False}
    assert {each.detail for each in told} == {cause_text(cause, 503)}


@pytest.mark.parametrize(
    ("cause", "tech_cause", "rings", "after_s", "delivered"),
    [
        (21, "401", False, 0.1, False),
        (21, "403", False, 9, False),
        (21, "407", False, 9, False),
        (127, "402", False, 9, False),  # no money left
        (21, "603", False, 0.1, True),  # declined by a person, or by what speaks for him
        (20, "480", False, 3, True),  # a mobile that is switched off, from a provider that tells Q.850 causes
        (18, "480", False, 3, True),
        (31, "480", False, 3, True),
        (21, "480", False, 3, True),  # not to be disturbed
        (21, "486", False, 0.2, True),
        (31, "486", False, 3, True),
        (3, "404", False, 3, True),  # no such number
        (127, "410", False, 3, True),
        (28, "484", False, 0.2, True),  # dialled wrongly: so by Asterisk's own table, too
        (1, "485", False, 0.2, True),
        (31, "600", False, 3, True),
        (34, "480", False, 3, False),  # what the network says of itself is taken at its word
        (38, "404", False, 3, False),
        (3, "503", False, 3, False),
        (3, None, False, 3, None),
        (18, "408", False, 32, False),  # nobody there at all
        (18, "408", True, 60, True),
        (127, "487", False, 30, None),  # our own timeout, after nothing was heard
        (127, "487", True, 30, True),
        (21, None, False, 0.1, False),  # versions without the SIP code: a machine says no at once,
        (127, None, False, 0.1, False),
        (21, None, False, 5, None),  # who takes time may be a person
        (21, None, True, 0.5, True),  # and a phone that rings is the called party's
        (18, None, False, 32, None),
        (18, None, True, 32, True),
        (0, None, True, 30, True),  # the dial plan's own timeout
        (0, None, False, 30, None),
        (None, None, False, 0.1, None),
        (21, "garbage", False, 5, None),
        (21, "9999", False, 5, None),
    ],
)
def test_refusals_are_told_apart(
    cause: int | None, tech_cause: str | None, rings: bool, after_s: float, delivered: bool | None
) -> None:
    told = outcome(feed(traffic(), *call(cause=cause, tech_cause=tech_cause, rings=rings, ends_after_s=after_s)))
    assert told.get(DELIVERED) is delivered
    assert told[ANSWERED] is False


@pytest.mark.parametrize(
    ("sign", "cause", "tech_cause", "delivered"),
    [
        ("PROGRESS", 18, "408", True),  # the provider's own ringing tone, for a minute
        ("PROCEEDING", 18, "408", False),  # 100 Trying rings nowhere
        ("PROGRESS", 127, "487", True),
        ("PROGRESS", 34, "503", False),  # after an announcement
        ("PROGRESS", 21, "403", False),
        ("PROGRESS", 18, None, None),
    ],
)
def test_early_media_is_ringing_to_who_waits_for_a_timeout(
    sign: str, cause: int, tech_cause: str | None, delivered: bool | None
) -> None:
    events = call(cause=cause, tech_cause=tech_cause, ends_after_s=61)
    events.insert(1, DialProgressed(101.5, channel(), sign))
    assert outcome(feed(traffic(), *events)).get(DELIVERED) is delivered


def test_who_hangs_up_on_early_media_may_have_heard_that_the_network_is_busy() -> None:
    events = call(status="CANCEL", cause=127, ends_after_s=7)
    events.insert(1, DialProgressed(101.5, channel(), "PROGRESS"))
    assert outcome(feed(traffic(), *events)) == {}


@pytest.mark.parametrize(("rings", "told"), [(False, {}), (True, {DELIVERED: True})])
def test_a_caller_who_gives_up_says_nothing_of_answers(rings: bool, told: dict[str, bool]) -> None:
    assert outcome(feed(traffic(), *call(status="CANCEL", rings=rings, cause=127, ends_after_s=7))) == told
    assert outcome(feed(traffic(), *call(status="NOANSWER", rings=rings, cause=26, ends_after_s=7))) == told


def test_an_answer_is_told_when_it_comes_and_once() -> None:
    tracker = traffic()
    *begun, hung_up = call(answered_after_s=3, ends_after_s=3600, cause=38)
    told = feed(tracker, *begun)
    assert [(each.at, str(each.tally), each.good) for each in told] == [(103, "answered", 1), (103, "delivered", 1)]
    assert outcome(feed(tracker, hung_up)) == {LONG_ENOUGH: True}  # whatever the cause


@pytest.mark.parametrize(("talk_s", "long_enough"), [(9.9, False), (10, True)])
def test_short_calls_are_counted(talk_s: float, long_enough: bool) -> None:
    told = outcome(feed(traffic(), *call(at=1000, answered_after_s=2, ends_after_s=2 + talk_s)))
    assert told[LONG_ENOUGH] is long_enough


def failing(tracker: TrafficTracker, number: str | None, at: float) -> bool:
    """Whether a call that the trunk refuses is counted as a failure."""
    return DELIVERED in outcome(feed(tracker, *call(number=number, at=at, cause=21, tech_cause="403")))


def test_a_number_dialled_again_and_again_is_one_failure() -> None:
    tracker = traffic()
    assert [failing(tracker, "810441", at) for at in (0, 20, 299, 360, 3599)] == [True, False, False, False, False]
    assert failing(tracker, "810441", 3600.1)  # beyond what the shipped rule looks back
    assert not failing(tracker, "810441", 3700)
    assert all(failing(tracker, None, at) for at in (3800, 3801))  # nobody knows what was dialled


def test_numbers_dialled_in_turn_are_one_failure_each() -> None:
    tracker = traffic()
    turns = [(number, at) for at in range(0, 3000, 60) for number in ("810441", "810442")]
    assert [failing(tracker, number, at) for number, at in turns] == [True, True] + [False] * (len(turns) - 2)
    assert failing(tracker, "810443", 3000)


@pytest.mark.parametrize(
    "working",
    [
        {"answered_after_s": 5, "ends_after_s": 60},
        {"rings": True, "ends_after_s": 60, "cause": 19},
        {"rings": True, "status": "CANCEL"},
    ],
    ids=["answered", "rang", "given up"],
)
def test_a_number_that_fails_again_after_the_trunk_worked_may_be_another_outage(working: dict[str, Any]) -> None:
    tracker = traffic()
    assert failing(tracker, "810441", 0)
    feed(tracker, *call(number="84957654321", at=100, **working))
    assert [failing(tracker, "810441", at) for at in (200, 299, 301)] == [False, False, True]
    assert [failing(tracker, "810441", at) for at in (700, 3600, 3902)] == [False, False, True]  # it did not work since


def test_of_a_trunk_that_refuses_everything_not_every_number_is_kept() -> None:
    tracker = traffic()
    assert all(failing(tracker, f"{n}", n) for n in range(1000, 1000 + MOST_FAILED + 1))
    assert failing(tracker, "1000", 2500)  # the oldest made room
    assert not failing(tracker, "1999", 2501)


def test_a_barred_number_on_one_trunk_is_another_failure_on_the_next() -> None:
    tracker = traffic()
    first = feed(tracker, *call(cause=34))
    second = feed(tracker, *call(peer="SIP/provider", cause=34))
    assert outcome(first) == outcome(second) == {ANSWERED: False, DELIVERED: False}


def test_calls_in_progress_are_forgotten_over_a_gap() -> None:
    tracker = traffic()
    *begun, hung_up = call(cause=34)
    feed(tracker, *begun)
    tracker.forget()
    assert feed(tracker, hung_up) == []


def test_a_call_that_was_never_begun_means_nothing() -> None:
    assert feed(traffic(TRUNK), *call(cause=34)[1:]) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "ringing", "up", "end", "cancel", "hangup", "forget"]),
            st.sampled_from(["1.1", "1.2", "1.3"]),
            st.sampled_from([0, 16, 17, 21, 34, 127]),
        ),
        max_size=60,
    )
)
def test_no_call_is_counted_twice_in_whatever_order_its_events_come(script: list[tuple[str, str, int]]) -> None:
    tracker = traffic()
    attempts = 0
    told: list[TallyObservation] = []
    for at, (what, uniqueid, cause) in enumerate(script):
        dest = channel(uniqueid=uniqueid, state={"ringing": "Ringing", "up": "Up"}.get(what))
        match what:
            case "begin":
                attempts += 1
                tracker.begun(DialBegun(at, dest, None, str(1000 + at)))
            case "ringing" | "up":
                told += feed(tracker, ChannelChanged(at, dest))
            case "end" | "cancel":
                told += feed(tracker, DialEnded(at, dest, "ANSWER" if what == "end" else "CANCEL"))
            case "hangup":
                told += feed(tracker, ChannelHungUp(at, dest, cause))
            case _:
                tracker.forget()
    for tally in (ANSWERED, DELIVERED, LONG_ENOUGH):
        assert sum(each.tally is tally for each in told) <= attempts
    assert sum(each.good for each in told if each.tally is DELIVERED) >= sum(
        each.good for each in told if each.tally is ANSWERED
    )


# --- Causes ------------------------------------------------------------------------------------------------------------


@given(st.none() | st.integers(0, 200), st.none() | st.integers(100, 699), st.booleans(), st.booleans(), st.floats(0, 100))
def test_what_rang_has_failed_only_by_a_plain_cause_of_the_network_or_a_sip_code(
    cause: int | None, code: int | None, rang: bool, had_sign: bool, after_s: float
) -> None:
    verdict = was_delivered(cause, code, rang=rang, had_sign=had_sign, after_s=after_s)
    if rang and verdict is False:
        assert cause in {27, 34, 38, 41, 58, 102} or (code is not None and 400 <= code < 600)
    if cause in {1, 16, 17, 19, 20, 22, 28}:
        assert verdict is True
    assert cause_text(cause, code)


@pytest.mark.parametrize(
    ("cause", "code", "text"),
    [
        (21, 401, "21 call rejected, SIP 401"),
        (34, None, "34 congestion"),
        (99, None, "99"),
        (0, None, "no cause"),
        (None, 503, "no cause, SIP 503"),
    ],
)
def test_a_cause_is_named(cause: int | None, code: int | None, text: str) -> None:
    assert cause_text(cause, code) == text


# --- How long it takes, how long it lasts, how many at once --------------------------------------------------------------


def test_the_delay_lasts_until_it_rings_and_the_duration_from_the_answer() -> None:
    events = call(answered_after_s=7.0, ends_after_s=67.5)
    events.insert(1, ChannelChanged(103.2, channel(state="Ringing")))
    assert figures(*events) == [("post_dial_delay_s", 3.2), ("call_duration_s", 60.5)]


def test_early_media_is_a_sign_of_the_called_side_and_comes_once() -> None:
    events = call(answered_after_s=7.0, ends_after_s=20.0)
    events[1:1] = [DialProgressed(102.0, channel(), "PROGRESS"), DialProgressed(104.0, channel(), "RINGING")]
    assert figures(*events) == [("post_dial_delay_s", 2.0), ("call_duration_s", 13.0)]


@pytest.mark.parametrize("status", ["PROCEEDING", "ANSWER", ""])
def test_another_word_is_no_sign(status: str) -> None:
    events = call(answered_after_s=7.0, ends_after_s=20.0)
    events.insert(1, DialProgressed(102.0, channel(), status))
    assert figures(*events) == [("call_duration_s", 13.0)]


def test_of_a_call_without_a_sign_no_delay_is_known() -> None:
    assert figures(*call(status="CONGESTION", ends_after_s=30.0, cause=34)) == []
    assert figures(*call(answered_after_s=12.0, ends_after_s=13.0)) == [("call_duration_s", 1.0)]


def test_recorded_calls_have_the_delay_and_the_duration_they_were_given() -> None:
    tracker = traffic()
    timed = read_recording((CAPTURES / "asterisk-20/trunk-calls/input.ami").read_bytes())
    events = [event for each in timed for event in translate(each.message, each.at)]
    measured = [each for each in feed_all(tracker, *events) if isinstance(each, Sample)]
    (lasted,) = [each.value for each in measured if each.metric is Metric.CALL_DURATION_S]
    assert lasted == pytest.approx(8, abs=0.5)
    assert {each.subject for each in measured} <= {"SIP/provider", "PJSIP/trunk-pj"}
    assert all(0 <= each.value < 1 for each in measured if each.metric is Metric.POST_DIAL_DELAY_S)


def load(*events: ChannelChanged | ChannelHungUp, trunks: tuple[str, ...] = (TRUNK,)) -> list[tuple[str, float]]:
    tracker = LoadTracker("office", carries=lambda peer: peer in trunks)
    told: list[LevelObservation] = []
    for event in events:
        told += tracker.see(event) if isinstance(event, ChannelChanged) else tracker.hang_up(event)
    return [(each.subject, each.levels[Gauge.CONCURRENT_CALLS]) for each in told]


def lines(told: Sequence[LevelObservation]) -> list[float]:
    return [each.levels[Gauge.CONCURRENT_CALLS] for each in told]


def made(number: int, peer: str = TRUNK, state: str = "Down", at: float = 1.0) -> ChannelChanged:
    return ChannelChanged(at, channel(peer, f"1.{number}", state))


def gone(number: int, peer: str = TRUNK, at: float = 9.0) -> ChannelHungUp:
    return ChannelHungUp(at, channel(peer, f"1.{number}"), 16)


def test_lines_in_use_are_told_as_they_change_whichever_way_the_calls_go() -> None:
    told = load(made(1), made(1, state="Up"), made(2, state="Ring"), made(3, "SIP/6117"), gone(1), gone(3, "SIP/6117"), gone(2))
    assert told == [(TRUNK, 1), (TRUNK, 2), (TRUNK, 1), (TRUNK, 0)]


def test_a_trunk_that_is_known_late_is_told_with_all_its_lines() -> None:
    known: set[str] = set()
    tracker = LoadTracker("office", carries=known.__contains__)
    assert tracker.see(made(1)) == ()
    known.add(TRUNK)
    assert lines(tracker.see(made(2))) == [2]


def test_a_renamed_channel_leaves_its_line() -> None:
    assert load(made(1), made(1, "SIP/6117"), gone(1, "SIP/6117")) == [(TRUNK, 1), (TRUNK, 0)]


def test_lines_that_were_freed_in_a_gap_are_not_counted_on() -> None:
    tracker = LoadTracker("office", carries=lambda peer: peer == TRUNK)
    for number in (1, 2, 3):
        tracker.see(made(number))
    assert lines(tracker.listed(5.0, {"1.3"})) == [1]
    assert lines(tracker.see(made(4))) == [2]


def test_a_list_that_grows_is_nobodys_load_until_it_is_over() -> None:
    tracker = LoadTracker("office", carries=lambda peer: peer == TRUNK)
    tracker.connected()
    assert [tracker.see(made(number)) for number in (1, 2, 3)] == [(), (), ()]
    assert lines(tracker.listed(2.0, None)) == [3]
    tracker.connected()
    assert lines(tracker.listed(3.0, set())) == [0]  # all hung up in the gap
    tracker.connected()
    assert tracker.see(made(1)) == ()
    assert lines(tracker.see(made(2, at=40.0))) == [2]  # no list takes so long


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=40))
def test_the_number_told_is_that_of_the_channels_there_are(steps: list[tuple[int, bool]]) -> None:
    tracker = LoadTracker("office", carries=lambda peer: peer == TRUNK)
    there: set[int] = set()
    last = 0.0
    for number, comes in steps:
        told = tracker.see(made(number)) if comes else tracker.hang_up(gone(number))
        (there.add if comes else there.discard)(number)
        last = lines(told)[-1] if told else last
        assert last == len(there)
