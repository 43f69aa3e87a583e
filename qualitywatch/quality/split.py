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


class SentCounter:
    """How many packets we had sent at any recent instant, from our own sender reports."""

    __slots__ = ("_points",)

    def __init__(self) -> None:
        self._points: list[tuple[float, int]] = []  # a deque of so few would take ten times the memory

    def observe(self, at: float, packets: int | None) -> None:
        """Take in the counter of one report of ours; None (a receiver report) means nothing was sent since the last one."""
        if packets is None:
            if not self._points:
                return
            packets = self._points[-1][1]
        if self._points and (at <= self._points[-1][0] or packets < self._points[-1][1]):
            if packets < self._points[-1][1]:
                self._points.clear()
            else:
                return
        self._points.append((at, packets))
        del self._points[:-POINTS_KEPT]

    @property
    def known(self) -> int:
        """How many reports the count rests on."""
        return len(self._points)

    def covers(self, at: float) -> bool:
        """Whether ``at`` lies between two reports, so that its count is interpolated and final."""
        return len(self._points) >= 2 and self._points[0][0] <= at <= self._points[-1][0]

    def steady(self, at: float) -> bool:
        """Whether packets left at one pace around ``at``; in a bracket in which a hold ended, interpolation is wrong."""
        points = self._points
        for index in range(1, len(points) - 1):
            if at <= points[index][0]:
                pace, next_pace = _pace(points[index - 1], points[index]), _pace(points[index], points[index + 1])
                return abs(pace - next_pace) <= STEADY_SHARE * max(pace, next_pace)
        return True

    def between(self, start_at: float, end_at: float) -> float | None:
        """Packets sent between two instants; None with fewer than two reports."""
        start, end = self.at(start_at), self.at(end_at)
        return None if start is None or end is None else end - start

    def beyond(self, at: float) -> float:
        """How many packets ``at`` lies beyond our last report."""
        points = self._points
        if len(points) < 2 or at <= points[-1][0]:
            return 0.0
        return (self.at(at) or 0.0) - points[-1][1]

    def doubt(self, at: float) -> float:
        """How many packets of the count at ``at`` are a guess: none at a report of ours, the more the farther from one.

        Times the share of gaps it is the variance of the count: a bridge between two reports, a walk beyond them, at a pace
        that is itself only known from the nearest pair.
        """
        bracket = self._bracket(at)
        if bracket is None:
            return 0.0
        left, right = bracket
        sent = max(1, right[1] - left[1])
        share = (at - left[0]) / (right[0] - left[0])
        if 0 <= share <= 1:
            return sent * share * (1 - share)
        outside = sent * (share - 1 if share > 1 else -share)
        return outside + outside * outside / sent

    def at(self, at: float) -> float | None:
        """Packets sent up to ``at``: interpolated, or extrapolated from the nearest pair; None with fewer than two reports."""
        bracket = self._bracket(at)
        if bracket is None:
            return None
        left, right = bracket
        return max(0.0, left[1] + _pace(left, right) * (at - left[0]))

    def _bracket(self, at: float) -> tuple[tuple[float, int], tuple[float, int]] | None:
        """The pair of reports around ``at``, or the nearest pair; None with fewer than two reports."""
        points = self._points
        index = len(points) - 1
        if index < 1:
            return None
        while index > 1 and at <= points[index - 1][0]:
            index -= 1
        return points[index - 1], points[index]


def _pace(left: tuple[float, int], right: tuple[float, int]) -> float:
    """Packets a second between two reports."""
    return (right[1] - left[1]) / (right[0] - left[0])


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
