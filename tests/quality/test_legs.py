"""Which leg is to blame: what each segment is called on made-up legs, and on every recording nobody but those who lose."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import (
    Alert,
    AlertKey,
    Channel,
    ChannelHungUp,
    Direction,
    Evaluation,
    Level,
    Metric,
    Sample,
    Severity,
    Signal,
    Verdict,
)
from qualitywatch.pipeline import Pipeline
from qualitywatch.quality.legs import EXPIRE_EVERY_S, IDLE_ROUNDS, LegBook
from qualitywatch.quality.neighbours import network
from qualitywatch.quality.recent import MIN_PACKETS, WINDOW_S, RecentLoss
from tests.accuracy.findings import SHIPPED, events_of
from tests.conftest import CAPTURES

TO, FROM = Direction.TO_PEER, Direction.FROM_PEER
NOW = 1000.0
RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
IDS = [f"{path.parent.name}/{path.name}" for path in RECORDINGS]


class Office:
    """Legs with figures, and the question who is to blame."""

    def __init__(self, *, trunks: tuple[str, ...] = (), addresses: dict[str, str] | None = None) -> None:
        known = addresses or {}
        self.book = LegBook(trunk_of=lambda subject: "reg" if subject in trunks else None, address_of=known.get)

    def leg(
        self,
        subject: str,
        call: str | None = "call",
        *,
        to: float | None = 0.0,
        back: float | None = 0.0,
        number: int = 1,
        verdict: Verdict = Verdict.OK,
        at: float = NOW,
    ) -> Channel:
        """A leg of a call; ``to`` and ``back`` are percent of 1000 packets to and from the peer, None is silence."""
        channel = Channel(f"{subject}-0000000{number}", f"{subject}.{number}", call, "Up")
        self.book.see(channel)
        for direction, percent in ((TO, to), (FROM, back)):
            if percent is not None:
                self.book.observe(
                    sample(channel, direction, percent, at=at, verdict=verdict if direction is TO else Verdict.OK)
                )
        return channel

    def blame(self, subject: str, direction: Direction, *, at: float = NOW) -> dict[str, str]:
        return dict(self.book.explain(evaluation(subject, direction, at=at)).details)

    def segment(self, subject: str, direction: Direction) -> str | None:
        return self.blame(subject, direction).get("segment")


def sample(
    channel: Channel,
    direction: Direction,
    percent: float,
    *,
    at: float = NOW,
    packets: float = 1000,
    verdict: Verdict = Verdict.OK,
) -> Sample:
    return Sample(
        at, Metric.LOSS_PERCENT, percent, "office", channel.peer, direction, channel.name, channel.uniqueid, verdict, packets
    )


def evaluation(subject: str, direction: Direction | None, **changes: Any) -> Evaluation:
    values: dict[str, Any] = {
        "at": NOW,
        "levels": (Level(Severity.WARNING, Signal.BREACH, 0.0),),
        "value": 6.0,
        "clear_hold_s": 0.0,
        "topic": "loss_percent",
    }
    return Evaluation(AlertKey("loss", "office", subject, direction), **values | changes)


# --- Segments ------------------------------------------------------------------------------------------------------------


def test_an_uplink_and_a_downlink_are_two_segments_of_one_call() -> None:
    office = Office()
    office.leg("SIP/6117", back=6.1)
    office.leg("SIP/6118", to=9.2)
    assert office.blame("SIP/6117", FROM) == {
        "segment": "peer_up",
        "lossy_calls": "1",
        "known_calls": "1",
        "other_leg": "SIP/6118",
        "other_to_peer": "9.2",
        "other_from_peer": "0.0",
    }
    assert office.segment("SIP/6118", TO) == "peer_down"


def test_both_directions_are_the_access_line() -> None:
    office = Office()
    office.leg("SIP/6117", to=4, back=6)
    office.leg("SIP/6118")
    found = office.blame("SIP/6117", FROM)
    assert (found["segment"], found["own_to_peer"], found["other_clean"]) == ("peer_both", "4.0", "yes")


def test_a_trunk_is_no_phone() -> None:
    office = Office(trunks=("PJSIP/mango",))
    office.leg("PJSIP/mango", "1", back=6, number=1)
    office.leg("PJSIP/mango", "2", back=7, number=2)
    office.leg("PJSIP/mango", "3", back=0, number=3)
    office.leg("SIP/6117", "1")
    office.leg("SIP/6118", "2")
    office.leg("SIP/6119", "3", to=20)
    assert office.blame("PJSIP/mango", FROM) == {
        "segment": "trunk_up",
        "lossy_calls": "2",
        "known_calls": "3",
        "other_legs": "2",
        "clean_legs": "2",
    }
    assert office.segment("PJSIP/mango", TO) is None


def test_silence_is_unknown_and_never_clean() -> None:
    office = Office()
    office.leg("SIP/6117", to=6, back=None)
    office.leg("SIP/6118", to=None, back=0.0)
    found = office.blame("SIP/6117", TO)
    assert found["segment"] == "peer_down"
    assert "other_clean" not in found
    assert "other_to_peer" not in found
    assert found["other_from_peer"] == "0.0"


def test_what_could_not_be_split_blames_nobody_unless_the_other_leg_is_known_to_be_clean() -> None:
    for back, segment in ((6.0, "unsplit"), (None, "unsplit"), (1.2, "unsplit"), (0.2, "peer_down")):
        office = Office()
        office.leg("SIP/6117", to=6, verdict=Verdict.NOT_SPLIT)
        office.leg("SIP/6118", back=back)
        assert office.segment("SIP/6117", TO) == segment, back


def test_an_echo_of_what_could_not_be_split_may_be_the_phone_s_own_gaps() -> None:
    office = Office()
    office.leg("SIP/6117", to=6, back=6, verdict=Verdict.NOT_SPLIT)
    assert office.segment("SIP/6117", TO) == "unsplit"


@pytest.mark.parametrize(
    ("addresses", "trunks", "clean", "segment"),
    [
        (("10.1.0.5:5060", "10.2.0.5:5060", "10.3.0.5:5060"), (), 0, "pbx"),
        (("10.1.0.5:5060", "10.1.0.6:5060", "10.1.0.7:5060"), (), 0, "peer_up"),  # one site: its router, perhaps
        (("10.1.0.5:5060", "10.1.0.6:5060", "10.1.0.7:5060"), ("SIP/3",), 0, "pbx"),  # phones and a trunk
        ((), (), 0, "peer_up"),  # nothing is known of where they are
        (("10.1.0.5:5060", "10.2.0.5:5060", "10.3.0.5:5060"), (), 3, "peer_up"),  # as many are well
        (("10.1.0.5:5060", "10.2.0.5:5060"), (), 0, "peer_up"),  # two prove nothing
    ],
)
def test_the_pbx_itself_is_what_most_unrelated_peers_share(
    addresses: tuple[str, ...], trunks: tuple[str, ...], clean: int, segment: str
) -> None:
    names = [f"SIP/{number}" for number in range(1, 4)][: len(addresses) or 3]
    office = Office(trunks=trunks, addresses=dict(zip(names, addresses, strict=False)))
    for name in names:
        office.leg(name, name, back=5)
    for number in range(clean):
        office.leg(f"SIP/9{number}", f"clean{number}")
    found = office.blame("SIP/1", FROM)
    assert found["segment"] == segment
    if segment == "pbx":
        assert (found["lossy_peers"], found["active_peers"]) == ("3", "3")
    assert office.segment("SIP/1", TO) is None


def test_a_site_and_one_more_phone_are_no_fault_of_the_pbx() -> None:
    north = {f"SIP/{number}": f"10.1.0.{number}:5060" for number in range(1, 6)}
    south = {f"SIP/{number}": f"10.2.0.{number}:5060" for number in range(6, 9)}
    office = Office(addresses={**north, **south})
    for name in north:
        office.leg(name, name, back=5)
    for name in south:
        office.leg(name, name, back=5 if name == "SIP/6" else 0)
    assert office.segment("SIP/1", FROM) == "peer_up"
    office.leg("SIP/7", "SIP/7", back=9)
    assert office.segment("SIP/1", FROM) == "peer_up", "what was found in a second holds for it"
    assert office.blame("SIP/1", FROM, at=NOW + 1)["segment"] == "pbx"


# --- Whose leg it is -----------------------------------------------------------------------------------------------------


def test_a_transfer_brings_another_leg_and_the_old_one_is_not_named_any_more() -> None:
    office = Office()
    office.leg("SIP/6117", "1", back=6)
    boris = office.leg("SIP/6118", "1")
    clara = office.leg("SIP/6119", "2", to=3.3)
    assert office.blame("SIP/6117", FROM)["other_leg"] == "SIP/6118"
    office.book.see(replace(clara, linkedid="1"))
    assert office.blame("SIP/6117", FROM)["other_legs"] == "2"
    office.book.hang_up(ChannelHungUp(NOW, boris, 16))
    assert office.blame("SIP/6117", FROM)["other_leg"] == "SIP/6119"


def test_a_phone_that_rings_is_not_a_leg_yet_and_a_local_channel_never() -> None:
    office = Office()
    office.leg("SIP/6117", back=6)
    office.book.see(Channel("SIP/6118-00000009", "9", "call", "Ringing"))
    office.book.see(Channel("Local/6118@default-0000000a;1", "10", "call", "Up"))
    assert not {"other_leg", "other_legs"} & office.blame("SIP/6117", FROM).keys()


def test_a_renamed_channel_is_another_peer_s() -> None:
    office = Office()
    channel = office.leg("SIP/6117", back=6)
    office.book.see(Channel("SIP/6200-00000009", channel.uniqueid))
    assert office.segment("SIP/6117", FROM) is None
    assert office.segment("SIP/6200", FROM) == "peer_up"


def test_a_call_that_is_over_explains_its_alert_for_a_minute_and_is_then_forgotten() -> None:
    office = Office()
    channels = [office.leg("SIP/6117", back=6), office.leg("SIP/6118")]
    for channel in channels:
        office.book.hang_up(ChannelHungUp(NOW, channel, 16))
    assert office.blame("SIP/6117", FROM, at=NOW + 30)["other_leg"] == "SIP/6118"
    assert office.blame("SIP/6117", FROM, at=NOW + WINDOW_S) == {}
    office.book.hang_up(ChannelHungUp(NOW + WINDOW_S, Channel("x", "x"), 16))
    assert len(office.book) == 0


def test_a_leg_whose_hangup_was_missed_is_forgotten_in_half_a_day() -> None:
    office = Office()
    office.leg("SIP/6117")
    for number in range(IDLE_ROUNDS + 1):
        assert len(office.book) == 1
        office.book.expire(number * EXPIRE_EVERY_S)
    assert len(office.book) == 0


@pytest.mark.parametrize(
    "asked",
    [
        evaluation("SIP/6117", FROM, topic="jitter_ms"),
        evaluation("SIP/6117", FROM, value=None),
        evaluation("SIP/6117", None),
        evaluation("SIP/6117", FROM, levels=(Level(Severity.WARNING, Signal.CLEAR, 0.0),)),
        evaluation("SIP/9999", FROM),
    ],
)
def test_whatever_is_no_bad_loss_is_returned_as_it_is(asked: Evaluation) -> None:
    office = Office()
    office.leg("SIP/6117", back=6)
    assert office.book.explain(asked) is asked


def test_a_gap_in_what_we_see_forgets_all() -> None:
    office = Office()
    office.leg("SIP/6117", back=6)
    office.book.forget()
    assert office.blame("SIP/6117", FROM) == {}


# --- Arithmetic ----------------------------------------------------------------------------------------------------------

REPORTS = st.lists(
    st.tuples(st.floats(0, 20), st.integers(0, 500), st.floats(0, 1), st.sampled_from([*Verdict])), min_size=1, max_size=60
)


@given(REPORTS, st.floats(0, 100))
def test_loss_is_lost_over_expected_of_the_last_minute(reports: list[tuple[float, int, float, Verdict]], later: float) -> None:
    recent, kept, at = RecentLoss(), [], NOW
    channel = Channel("SIP/6117-1", "1")
    for step, packets, share, verdict in reports:
        at += step
        recent.add(sample(channel, TO, 100 * share, at=at, packets=packets, verdict=verdict))
        if verdict in {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT} and packets:
            kept.append((at, packets, packets * share, verdict))
    now = at + later
    inside = [report for report in kept if report[0] > now - WINDOW_S]
    packets = sum(report[1] for report in inside)
    percent = recent.percent(now)
    assert (percent is None) == (packets < MIN_PACKETS)
    if percent is not None:
        assert percent == pytest.approx(100 * sum(report[2] for report in inside) / packets, abs=1e-6)
        assert 0 <= percent <= 100 + 1e-9
    assert recent.is_split(now) == all(report[3] is not Verdict.NOT_SPLIT for report in inside)


PERCENT = st.sampled_from([None, 0.0, 0.9, 1.2, 3.0, 9.0])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), PERCENT, PERCENT), max_size=40))
def test_nobody_is_blamed_whose_own_figures_are_good(facts: list[tuple[int, int, float | None, float | None]]) -> None:
    """Whatever the legs and calls: a segment is named only for a direction that is lossy itself, and "clean" is known to be."""
    office = Office(trunks=("SIP/0",), addresses={f"SIP/{number}": f"10.{number}.0.1:5060" for number in range(6)})
    legs: dict[str, list[dict[Direction, float | None]]] = defaultdict(list)
    for index, (peer, call, to, back) in enumerate(facts):
        office.leg(f"SIP/{peer}", str(call), number=index, to=to, back=back)
        legs[f"SIP/{peer}"].append({TO: to, FROM: back})
    for subject, own in legs.items():
        for direction in Direction:
            found = office.blame(subject, direction)
            assert bool(found) == any((leg[direction] or 0) >= 1.5 for leg in own)
            if found:
                assert int(found["lossy_calls"]) == sum((leg[direction] or 0) >= 1.5 for leg in own)
                assert int(found["known_calls"]) == sum(leg[direction] is not None for leg in own)
            if "other_clean" in found:
                assert any(
                    all(percent is not None and percent < 1 for percent in leg.values()) for leg in legs[found["other_leg"]]
                )


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (None, None),
        ("", None),
        ("10.1.2.3:5060", "10.1.2.0/24"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("[2001:db8::7]:5060", "2001:db8::/64"),
        ("sip.Mango.ru:5060", "sip.mango.ru"),
    ],
)
def test_neighbours_share_a_network(address: str | None, found: str | None) -> None:
    assert network(address) == found


# --- Recordings ----------------------------------------------------------------------------------------------------------


def blamed(recording: Path, **facts: Any) -> dict[tuple[str, Direction | None], set[str]]:
    """The segments that the loss alerts of a recording named while they fired."""
    pipeline = Pipeline("pbx", SHIPPED, **facts)
    segments: dict[tuple[str, Direction | None], set[str]] = defaultdict(set)
    for event in events_of(recording):
        pipeline.feed(event)
        for alert in pipeline.alerts:
            if alert.key.rule == "loss" and "segment" in alert.details:
                segments[alert.key.subject, alert.key.direction].add(alert.details["segment"])
    return segments


def last_alert(recording: Path, subject: str, direction: Direction, **facts: Any) -> Alert:
    pipeline = Pipeline("pbx", SHIPPED, **facts)
    found = None
    for event in events_of(recording):
        pipeline.feed(event)
        for alert in pipeline.alerts:
            if alert.key == AlertKey("loss", "pbx", subject, direction) and "segment" in alert.details:
                found = alert
    assert found is not None
    return found


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_only_those_who_lose_are_blamed_and_by_the_direction_they_lose_in(recording: Path) -> None:
    truth = yaml.safe_load((recording / "truth.yml").read_text(encoding="utf-8"))
    guilty = {(fault["peer"], fault["direction"]) for fault in truth.get("injected", []) if fault.get("loss_percent")}
    if "storm" in recording.name:
        guilty = {(f"SIP/{number}", "to_peer") for number in range(6111, 6125)}
    for (subject, direction), segments in blamed(recording).items():
        assert (subject, direction) in guilty, f"{subject} {direction} is innocent: {segments}"
        assert segments == {"peer_down" if direction is TO else "peer_up"}


@pytest.mark.parametrize(
    ("recording", "caller", "called"),
    [
        ("asterisk-13/sip-bridge-loss", "SIP/6117", "SIP/6118"),
        ("asterisk-20/sip-bridge-loss", "SIP/6117", "SIP/6118"),
        ("asterisk-22/pjsip-bridge-loss", "PJSIP/701", "PJSIP/702"),
    ],
)
def test_on_a_bridge_the_uplink_of_one_and_the_downlink_of_the_other(recording: str, caller: str, called: str) -> None:
    up, down = last_alert(CAPTURES / recording, caller, FROM), last_alert(CAPTURES / recording, called, TO)
    assert up.value == pytest.approx(6, abs=1.1)
    assert down.value == pytest.approx(9, abs=1)
    assert (up.details["segment"], up.details["other_leg"]) == ("peer_up", called)
    assert float(up.details["other_to_peer"]) == pytest.approx(9, abs=1.2)
    assert up.details["other_from_peer"] == "0.0"
    assert (down.details["segment"], down.details["other_leg"]) == ("peer_down", caller)
    assert float(down.details["other_from_peer"]) == pytest.approx(
        6, abs=3 * 0.43
    )  # deviations of 6 % of a minute's 3,000 packets
    assert (down.details["lossy_calls"], down.details["known_calls"]) == ("1", "1")


def test_a_call_over_a_trunk_shows_that_the_trunk_is_clean() -> None:
    found = last_alert(CAPTURES / "asterisk-13/sip-bridge-loss", "SIP/6101", TO).details
    assert (found["segment"], found["other_leg"], found["other_clean"]) == ("peer_down", "SIP/provider", "yes")


def test_the_same_loss_of_a_peer_that_carries_a_trunk_is_the_trunk_s_side() -> None:
    trunk = {"trunk_peers": {"SIP/6101": "SIP/74993801@127.0.0.1"}}
    assert blamed(CAPTURES / "asterisk-13/sip-bridge-loss", **trunk)["SIP/6101", TO] == {"trunk_down"}


@pytest.mark.parametrize("version", ["asterisk-16", "asterisk-22"])
def test_after_a_transfer_the_new_leg_stands_beside_the_guilty_one(version: str) -> None:
    caller = "SIP/6117" if version == "asterisk-16" else "PJSIP/703"
    found = last_alert(CAPTURES / version / "attended-transfer", caller, FROM).details
    assert (found["segment"], found["other_leg"], found["other_clean"]) == ("peer_up", "PJSIP/701", "yes")
