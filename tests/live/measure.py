"""What RTCP said in an AMI session, by arithmetic of the bench's own: the yardstick for recordings and scenarios.

A stream is measured from report to report (RFC 3550 section 6.4.1): lost over expected packets, summed over the call.  Where a
report continues no earlier one (a phone counts from 0 again after each re-INVITE, a sequence number leaps) nothing is summed.
What the peer reports includes the gaps that Asterisk passed on from the other leg; they are packets that Asterisk did not send
although its sequence numbers ran on, so ``net_loss_percent`` takes them out of both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from tests.live.ami import Message

JUDGED_PACKETS: Final = 400  # as many as the default rules want before they judge


@dataclass(frozen=True, slots=True)
class Heard:
    """One RTP stream as its receiver saw it, from the first to the last report."""

    channel: str
    direction: str  # to_peer or from_peer
    ssrc: str
    reports: int
    expected: int
    lost: int
    net_loss_percent: float | None  # None: nothing came between the first and the last report
    loss_percent: float | None
    worst_percent: float  # of any stretch of reports with at least JUDGED_PACKETS, as reported; 0.0 without one
    jitter_ticks: float  # median of the last two thirds: the estimate starts from 0
    rtt_ms: float | None

    @property
    def peer(self) -> str:
        return self.channel.rpartition("-")[0]


def heard(messages: Iterable[Message]) -> list[Heard]:
    """All streams with at least two reports, in order of their first one."""
    streams: dict[tuple[str, str, str], list[Message]] = defaultdict(list)
    sent: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        name, channel = message.get("Event"), message.get("Channel", "")
        if name not in {"RTCPSent", "RTCPReceived"}:
            continue
        if name == "RTCPSent":
            sent[channel].append(message)
        if "Report0SourceSSRC" in message:
            streams[channel, name, message["Report0SourceSSRC"]].append(message)
    return [_judge(key, reports, sent[key[0]]) for key, reports in streams.items() if len(reports) > 1]


def _judge(key: tuple[str, str, str], reports: list[Message], sent: list[Message]) -> Heard:
    channel, event, ssrc = key
    expected = lost = 0
    propagated = 0.0
    steps: list[tuple[int, int]] = []
    for before, after in pairwise(reports):
        more = _sequence(after) - _sequence(before)
        more_lost = _signed(after["Report0CumulativeLost"]) - _signed(before["Report0CumulativeLost"])
        if not 0 <= more <= 120 * (_at(after) - _at(before)) + 200 or not -5 <= more_lost <= more:
            continue
        expected += more
        lost += more_lost
        steps.append((more, more_lost))
        if event == "RTCPReceived":
            propagated += more - _packets_between(sent, _at(before), _at(after), default=more)
    propagated = max(0.0, propagated)
    rtts = [float(report["RTT"]) * 1000 for report in reports if float(report.get("RTT", 0)) > 0]
    return Heard(
        channel,
        "to_peer" if event == "RTCPReceived" else "from_peer",
        ssrc,
        len(reports),
        expected,
        lost,
        100 * max(0.0, lost - propagated) / (expected - propagated) if expected > propagated else None,
        100 * max(0, lost) / expected if expected > 0 else None,
        _worst(steps),
        median(int(report["Report0IAJitter"]) for report in reports[len(reports) // 3 :]),
        median(rtts) if rtts else None,
    )


def _worst(steps: list[tuple[int, int]]) -> float:
    """The highest loss of the shortest stretches of reports that are long enough to be judged."""
    worst = 0.0
    for first in range(len(steps)):
        expected = lost = 0
        for more, more_lost in steps[first:]:
            expected, lost = expected + more, lost + more_lost
            if expected >= JUDGED_PACKETS:
                worst = max(worst, 100 * lost / expected)
                break
    return worst


def _packets_between(sent: list[Message], start: float, end: float, default: float) -> float:
    """Packets that Asterisk sent between two instants, interpolated between its own reports."""
    points: list[tuple[float, int]] = []
    for report in sent:
        if "SentPackets" in report:
            points.append((_at(report), int(report["SentPackets"])))
        elif points:
            points.append((_at(report), points[-1][1]))  # a receiver report: nothing was sent since the one before
    if len(points) < 2:
        return default
    return _interpolated(points, end) - _interpolated(points, start)


def _interpolated(points: list[tuple[float, int]], at: float) -> float:
    """The counter at an instant, on the line through the two neighbouring points (the last two beyond the end)."""
    index = min(max(1, bisect_right(points, (at, 0))), len(points) - 1)
    (at_0, count_0), (at_1, count_1) = points[index - 1], points[index]
    return count_0 + (count_1 - count_0) * (at - at_0) / (at_1 - at_0)


def _at(message: Message) -> float:
    return float(message["Timestamp"])


def _sequence(message: Message) -> int:
    return int(message["Report0SequenceNumberCycles"]) * 65536 + int(message["Report0HighestSequence"])


def _signed(value: str) -> int:
    number = int(value)
    return number - 2**24 if number >= 2**23 else number
