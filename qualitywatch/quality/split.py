"""Telling our own leg's loss from the gaps the other leg left.

Asterisk copies sequence gaps of the leg it receives into the leg it sends, so a phone's receiver report counts packets that
never reached Asterisk.  The phone expected more packets than we sent; the difference is what was passed on:

    passed_on = expected by the peer - packets we sent in the same time
    net loss  = (lost - passed_on) / (expected - passed_on)

Strategy: "packets we sent" comes from the sender reports in RTCPSent, whose times never coincide with those of the peer's
reports, so the count is interpolated.  Interpolating each interval on its own would turn that noise into loss; therefore
the balance is kept over the whole stream, and an interval is given only what the balance has grown by.  Its error is then a
packet or two per call.
"""

from __future__ import annotations

import math
from array import array
from typing import Final

POINTS_KEPT = 8
# Beyond our last report the count is extrapolated; at 6 % of gaps its spread is about so much of the extrapolated packets.
# It is held back until the next report: a balance that only ever grows would otherwise collect the peaks of the noise.
EXTRAPOLATION_SPREAD = 0.015
# With many gaps chance weighs more, most of all at the start of a stream, where our count has to be guessed backwards.  What
# two standard deviations may feign is held back as well, but for so few packets as no rule would notice (3 % of 400).
DEVIATIONS = 2.0
UNNOTICED_PACKETS = 12
# How far our count and the peer's may disagree before the sequence must have leapt without a packet being sent or lost.
STEADY_SHARE = 0.25
LEAP_MARGIN_PACKETS = 50
LEAP_MARGIN_SHARE = 0.1
_TWO: Final = 4  # figures of two reports


class SentCounter:
    """How many packets we had sent at any recent instant, from our own sender reports."""

    __slots__ = ("_points",)

    def __init__(self) -> None:
        # Instant and packets, one report after the other: of five thousand streams, tuples would take six times the memory.
        self._points = array("d")

    def observe(self, at: float, packets: int | None) -> None:
        """Take in the counter of one report of ours; None (a receiver report) means nothing was sent since the last one."""
        points = self._points
        if packets is None:
            if not points:
                return
            count = points[-1]
        else:
            count = float(packets)
        if points and (at <= points[-2] or count < points[-1]):
            if count >= points[-1]:
                return
            del points[:]
        points.append(at)
        points.append(count)
        if len(points) > 2 * POINTS_KEPT:
            del points[:2]

    @property
    def known(self) -> int:
        """How many reports the count rests on."""
        return len(self._points) // 2

    def covers(self, at: float) -> bool:
        """Whether ``at`` lies between two reports, so that its count is interpolated and final."""
        points = self._points
        return len(points) >= _TWO and points[0] <= at <= points[-2]

    def steady(self, at: float) -> bool:
        """Whether packets left at one pace around ``at``; in a bracket in which a hold ended, interpolation is wrong."""
        points = self._points
        for place in range(2, len(points) - 2, 2):
            if at <= points[place]:
                pace, next_pace = self._pace(place - 2), self._pace(place)
                return abs(pace - next_pace) <= STEADY_SHARE * max(pace, next_pace)
        return True

    def between(self, start_at: float, end_at: float) -> float | None:
        """Packets sent between two instants; None with fewer than two reports."""
        start, end = self.at(start_at), self.at(end_at)
        return None if start is None or end is None else end - start

    def beyond(self, at: float) -> float:
        """How many packets ``at`` lies beyond our last report."""
        points = self._points
        if len(points) < _TWO or at <= points[-2]:
            return 0.0
        return (self.at(at) or 0.0) - points[-1]

    def doubt(self, at: float) -> float:
        """How many packets of the count at ``at`` are a guess: none at a report of ours, the more the farther from one.

        Times the share of gaps it is the variance of the count: a bridge between two reports, a walk beyond them, at a pace
        that is itself only known from the nearest pair.
        """
        points, left = self._points, self._bracket(at)
        if left is None:
            return 0.0
        sent = max(1.0, points[left + 3] - points[left + 1])
        share = (at - points[left]) / (points[left + 2] - points[left])
        if 0 <= share <= 1:
            return sent * share * (1 - share)
        outside = sent * (share - 1 if share > 1 else -share)
        return outside + outside * outside / sent

    def at(self, at: float) -> float | None:
        """Packets sent up to ``at``: interpolated, or extrapolated from the nearest pair; None with fewer than two reports."""
        points, left = self._points, self._bracket(at)
        if left is None:
            return None
        return max(0.0, points[left + 1] + self._pace(left) * (at - points[left]))

    def _bracket(self, at: float) -> int | None:
        """Where the pair of reports around ``at`` begins, or the nearest pair; None with fewer than two reports."""
        points = self._points
        place = len(points) - 2
        if place < 2:
            return None
        while place > 2 and at <= points[place - 2]:
            place -= 2
        return place - 2

    def _pace(self, place: int) -> float:
        """Packets a second between the report there and the next."""
        points = self._points
        return (points[place + 3] - points[place + 1]) / (points[place + 2] - points[place])


def leapt(expected: float, lost: float, sent: float | None) -> bool:
    """Whether a sequence ran ahead of what was sent although the receiver misses nothing: Asterisk renumbered the stream.

    It does so after a hold and in transfers, under the same SSRC; ``sent`` None (not known) means no.
    """
    if sent is None:
        return False
    return expected - sent > lost + LEAP_MARGIN_PACKETS + LEAP_MARGIN_SHARE * sent


class GapSplit:
    """The running balance of one stream of ours as its receiver sees it."""

    __slots__ = ("_expected", "_given_expected", "_given_lost", "_lost", "_started_at", "_started_doubt", "_started_sent")

    def __init__(self, at: float) -> None:
        self._begin(at)

    def _begin(self, at: float) -> None:
        self._started_at = at
        self._started_sent: float | None = None
        self._started_doubt = 0.0
        self._expected = 0.0
        self._lost = 0.0
        self._given_expected = 0.0
        self._given_lost = 0.0

    @property
    def started_at(self) -> float:
        return self._started_at

    def add(self, expected: float, lost: float) -> None:
        """Count what the peer's next report expected and missed."""
        self._expected += expected
        self._lost += lost

    def take(self, at: float, sent: SentCounter) -> tuple[float, float] | None:
        """Return (expected, lost) of our own leg since the last take, or None while our count is not known well enough."""
        sent_now = sent.at(at)
        if sent_now is None:
            return None
        started = self._started_sent
        if started is None:
            started = sent.at(self._started_at)
            if started is None:
                return None
            if not sent.steady(self._started_at):
                self._begin(at)
                return None
            self._started_doubt = sent.doubt(self._started_at)
            if sent.covers(self._started_at) or sent.known > 2:
                self._started_sent = started
        passed_on = min(max(0.0, self._expected - (sent_now - started)), self._lost)
        held_back = 0.0
        if passed_on > 0:
            chance = self._chance(passed_on, sent.doubt(at) + self._started_doubt)
            held_back = min(passed_on, max(EXTRAPOLATION_SPREAD * sent.beyond(at), chance))
        lost = max(0.0, self._lost - passed_on - held_back - self._given_lost)
        expected = self._expected - passed_on - self._given_expected
        if expected <= 0:
            return None
        lost = min(lost, expected)
        self._given_lost += lost
        self._given_expected += expected
        return expected, lost

    def _chance(self, passed_on: float, doubt: float) -> float:
        """Packets that chance may have put between our count and the truth, beyond those that do not matter."""
        if self._expected <= 0:
            return 0.0
        return DEVIATIONS * math.sqrt(passed_on / self._expected * doubt) - UNNOTICED_PACKETS

    def take_unsplit(self) -> tuple[float, float] | None:
        """Return (expected, lost) since the last take without splitting: our own count is missing."""
        expected, lost = self._expected - self._given_expected, self._lost - self._given_lost
        if expected <= 0:
            return None
        self._given_expected, self._given_lost = self._expected, self._lost
        return expected, max(0.0, min(lost, expected))
