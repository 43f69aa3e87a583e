"""Whole calls through the pipeline: two phones in a bridge, real packets lost at random, reports at random times.

Asterisk passes the gaps of what one phone sends on to the other, whose reports then show losses of a leg that is not its own.
Whatever the loss, the intervals and the moment: nobody innocent is ever named, and whoever is guilty is, while the call lasts.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    Channel,
    ChannelHungUp,
    Direction,
    NotifyReason,
    PbxEvent,
    ReportBlock,
    RtcpReport,
    SenderInfo,
)
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules

SPECS = load_rules([Path(__file__).parents[1] / "rules"])
TO_PEER, FROM_PEER = Direction.TO_PEER, Direction.FROM_PEER
PACKET_S = 0.02
NAMES = ("SIP/6117", "SIP/6118")


@dataclass
class Heard:
    """What the receiver of a stream has counted, RFC 3550 A.3."""

    first: int | None = None
    highest: int = 0
    received: int = 0
    before: tuple[int, int] = (0, 0)  # expected and received at the last report

    def take(self, sequence: int) -> None:
        if self.first is None:
            self.first = sequence
        self.highest = sequence
        self.received += 1

    def block(self, ssrc: int) -> ReportBlock | None:
        if self.first is None:
            return None
        expected = self.highest - self.first + 1
        new_expected, new_received = expected - self.before[0], self.received - self.before[1]
        self.before = expected, self.received
        fraction = max(0, 256 * (new_expected - new_received) // new_expected) if new_expected > 0 else 0
        return ReportBlock(ssrc, min(255, fraction), expected - self.received, self.highest, 8, 1, 1.0)


@dataclass
class Leg:
    """One phone and its channel: what it sends, what Asterisk sends it, and who heard what of that."""

    name: str
    number: int
    uplink: float
    downlink: float
    by_pbx: Heard = field(default_factory=Heard)
    by_phone: Heard = field(default_factory=Heard)
    phone_sent: int = 0
    pbx_sent: int = 0
    sent_before: int = 0

    @property
    def channel(self) -> Channel:
        return Channel(f"{self.name}-{self.number:08x}", f"1700000000.{self.number}", state="Up", codec="alaw")

    def report(self, at: float, direction: Direction) -> RtcpReport:
        sent, heard = (self.pbx_sent, self.by_pbx) if direction is FROM_PEER else (self.phone_sent, self.by_phone)
        ours, theirs = f"10.0.0.1:{10_000 + self.number}", f"10.0.0.{self.number + 2}:4001"
        sender: SenderInfo | None = SenderInfo(at, round(at * 8000) & 0xFFFFFFFF, sent, sent * 160)
        if direction is FROM_PEER:
            if sent == self.sent_before:
                sender = None
            self.sent_before = sent
        return RtcpReport(
            at,
            direction,
            self.channel,
            # The SSRC that Asterisk prints in RTCPReceived is a time of day; in RTCPSent it is our own.
            0xA000 + self.number if direction is FROM_PEER else round(at) & 0xFFFFFFFF,
            sender,
            heard.block(0xB000 + self.number if direction is FROM_PEER else 0xA000 + self.number),
            None if direction is FROM_PEER else 0.04,
            theirs if direction is FROM_PEER else ours,
            ours if direction is FROM_PEER else theirs,
        )


@dataclass(frozen=True)
class Call:
    """Loss of each stretch of the way (of 1), report intervals in seconds, and when all of it began."""

    seed: int
    start_at: float
    losses: tuple[float, float, float, float]  # uplink and downlink of the first phone, then of the second
    pbx_every_s: float
    phones_every_s: tuple[float, float]
    seconds: float = 75.0
    speech: tuple[float, float] = (1.0, 0.0)  # seconds of talk and of pause, silence suppressed

    def guilty(self, least: float = 0.0) -> set[tuple[str, Direction]]:
        """Whom the losses are to be put down to."""
        legs = [(NAMES[0], FROM_PEER), (NAMES[0], TO_PEER), (NAMES[1], FROM_PEER), (NAMES[1], TO_PEER)]
        return {leg for leg, loss in zip(legs, self.losses, strict=True) if loss > least}

    def events(self) -> Iterator[PbxEvent]:
        """The reports of the call in the order of time."""
        rng = random.Random(self.seed)
        legs = [Leg(NAMES[n], n, self.losses[2 * n], self.losses[2 * n + 1]) for n in (0, 1)]
        sequences = [rng.randrange(65536), rng.randrange(65536)]
        # Asterisk's timer is as exact as a clock and begins with the first packet (``ast_rtcp_calc_interval`` returns
        # ``rtcpinterval``, and so does every recorded stream begin); phones are not.
        due = [(self.start_at + self.pbx_every_s + rng.random() / 50, n, FROM_PEER) for n in (0, 1)]
        due += [(self.start_at + every_s * rng.uniform(0.3, 1), n, TO_PEER) for n, every_s in enumerate(self.phones_every_s)]
        heapq.heapify(due)
        for packet in range(int(self.seconds / PACKET_S)):
            now = self.start_at + packet * PACKET_S
            for n, leg in enumerate(legs):
                if (packet * PACKET_S + 1.7 * n) % sum(self.speech) >= self.speech[0]:
                    continue
                sequences[n] += 1
                leg.phone_sent += 1
                if rng.random() < leg.uplink:
                    continue
                leg.by_pbx.take(sequences[n])
                other = legs[1 - n]
                other.pbx_sent += 1
                if rng.random() >= other.downlink:
                    other.by_phone.take(sequences[n])
            while due[0][0] <= now:
                _, n, direction = heapq.heappop(due)
                yield legs[n].report(now, direction)
                pause_s = self.pbx_every_s if direction is FROM_PEER else self.phones_every_s[n] * rng.uniform(0.9, 1.1)
                heapq.heappush(due, (now + pause_s, n, direction))
        for leg in legs:
            yield ChannelHungUp(self.start_at + self.seconds, leg.channel, 16)


def fired(call: Call, events: Iterable[PbxEvent] | None = None) -> dict[tuple[str, str, Direction | None], float]:
    """Who was named for what, and how many seconds after the beginning."""
    pipeline = Pipeline("office", SPECS)
    found: dict[tuple[str, str, Direction | None], float] = {}
    for event in call.events() if events is None else events:
        for transition in pipeline.feed(event).transitions:
            if transition.reason is NotifyReason.FIRING:
                key = transition.alert.key
                found[key.rule, key.subject, key.direction] = transition.at - call.start_at
    return found


# Packets are lost by chance here, and what chance can do has no bound: the same examples every time.
CHANCE = settings(deadline=None, derandomize=True)
intervals = st.one_of(st.sampled_from([0.5, 1.0, 2.0, 5.0, 10.0]), st.floats(0.5, 10.0))
starts = st.floats(1_700_000_000.0, 1_700_000_100.0)
seeds = st.integers(0, 10**9)


one_lossy_leg = given(seeds, starts, st.integers(0, 3), st.floats(0.06, 0.3), intervals, st.tuples(intervals, intervals))


@settings(CHANCE, max_examples=25)
@one_lossy_leg
def test_the_guilty_leg_is_named_in_time_and_no_other(
    seed: int, start_at: float, where: int, loss: float, pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    _name_the_guilty_leg(seed, start_at, where, loss, pbx_every_s, phones_every_s)


@pytest.mark.slow
@settings(CHANCE, max_examples=400)
@one_lossy_leg
def test_the_guilty_leg_is_named_in_time_and_no_other_in_many_calls(
    seed: int, start_at: float, where: int, loss: float, pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    _name_the_guilty_leg(seed, start_at, where, loss, pbx_every_s, phones_every_s)


def _name_the_guilty_leg(
    seed: int, start_at: float, where: int, loss: float, pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    losses = [0.0] * 4
    losses[where] = loss
    call = Call(seed, start_at, (losses[0], losses[1], losses[2], losses[3]), pbx_every_s, phones_every_s)
    found = fired(call)
    assert {(subject, direction) for _, subject, direction in found} == call.guilty()
    (guilty,) = call.guilty()
    assert found["loss", *guilty] <= 60, "reported too late"


@pytest.mark.slow
@settings(CHANCE, max_examples=25)
@given(seeds, starts, st.tuples(*[st.sampled_from([0.0, 0.08, 0.15])] * 4), intervals, st.tuples(intervals, intervals))
def test_whatever_is_lost_where_only_the_guilty_are_named(
    seed: int,
    start_at: float,
    losses: tuple[float, float, float, float],
    pbx_every_s: float,
    phones_every_s: tuple[float, float],
) -> None:
    call = Call(seed, start_at, losses, pbx_every_s, phones_every_s)
    assert {(subject, direction) for _, subject, direction in fired(call)} <= call.guilty()


clean_call = given(seeds, starts, st.floats(0, 0.01), intervals, st.tuples(intervals, intervals))


@settings(CHANCE, max_examples=15)
@clean_call
def test_a_clean_call_says_nothing(
    seed: int, start_at: float, loss: float, pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    assert not fired(Call(seed, start_at, (loss, 0.0, 0.0, loss), pbx_every_s, phones_every_s))


@pytest.mark.slow
@settings(CHANCE, max_examples=300)
@clean_call
def test_many_clean_calls_say_nothing(
    seed: int, start_at: float, loss: float, pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    assert not fired(Call(seed, start_at, (loss, 0.0, 0.0, loss), pbx_every_s, phones_every_s))


@pytest.mark.parametrize(
    ("seed", "losses", "pbx_every_s", "phones_every_s"),
    [
        (1613, (0.269, 0.0, 0.0, 0.0), 5, (5, 0.5)),
        (3010, (0.0, 0.0, 0.233, 0.271), 10, (10, 2)),
        (3237, (0.0, 0.0, 0.287, 0.0), 5, (2, 5)),
    ],
)
def test_a_quarter_lost_by_one_phone_does_not_make_the_other_guilty(
    seed: int, losses: tuple[float, float, float, float], pbx_every_s: float, phones_every_s: tuple[float, float]
) -> None:
    for each in range(seed, seed + 10):
        call = Call(each, 1_700_000_000.25, losses, pbx_every_s, phones_every_s)
        assert {(subject, direction) for _, subject, direction in fired(call)} <= call.guilty()


@settings(CHANCE, max_examples=25)
@given(seeds, starts, st.sampled_from([(2.0, 1.5), (4.0, 4.0), (10.0, 10.0), (20.0, 20.0), (3.0, 0.5)]), st.integers(0, 3))
def test_pauses_make_nobody_guilty(seed: int, start_at: float, speech: tuple[float, float], where: int) -> None:
    losses = [0.0] * 4
    losses[where] = 0.08
    call = Call(seed, start_at, (losses[0], losses[1], losses[2], losses[3]), 5.0, (5.0, 5.0), 180.0, speech)
    found = {(subject, direction) for rule, subject, direction in fired(call) if rule == "loss"}
    assert found == call.guilty(), "and who is guilty is found"


def test_a_call_of_forty_seconds_at_four_percent_is_reported_while_it_lasts() -> None:
    for seed in range(8):
        found = fired(Call(seed, 1_700_000_000.5, (0.05, 0.0, 0.0, 0.0), 5.0, (5.0, 5.0), seconds=41.0))
        assert ("loss", "SIP/6117", FROM_PEER) in found
        assert found["loss", "SIP/6117", FROM_PEER] <= 40


@pytest.mark.parametrize("step_s", [-45.0, -20.0, -8.0])
def test_a_clock_set_back_a_little_makes_nobody_guilty(step_s: float) -> None:
    for seed in range(4):
        call = Call(seed, 1_700_000_000.0, (0.06, 0.0, 0.0, 0.0), 5.0, (5.0, 5.0), 150.0)
        step_at = call.start_at + 60 + 0.7 * seed
        events = (replace(event, at=event.at + step_s) if event.at >= step_at else event for event in call.events())
        assert {(subject, direction) for _, subject, direction in fired(call, events)} == call.guilty()
