"""How many packets of one stream had left us at an instant, as far as our own sender reports tell.

Strategy: between two reports nothing is interpolated for blame; the counters around an instant and the pace of the stream bound
what may have left by then.  The few newest reports are enough: a peer's report refers to a moment shortly before.
"""

from __future__ import annotations

import math
from typing import Final

from qualitywatch.quality.packetpace import FASTEST_PER_S, USUAL_PER_S, PacketPace
from qualitywatch.quality.sentpoints import FIGURES, SentPoints

POINTS_KEPT = 8
# Feedback (NACK, FIR) sends a report out of turn; of several so close together one is enough, and leaves room for older ones.
APART_S = 1.5
# How far a count may be from that of one interval of steady talk.
FULL_INTERVAL_PACKETS = 2.0

_FASTEST: Final = PacketPace(FASTEST_PER_S)


class SentCounter(SentPoints):
    """How many packets we had sent at the instants of our own sender reports."""

    __slots__ = ()

    def observe(self, at: float, packets: int | None) -> None:
        """Take in the counter of one report of ours; None (a receiver report) means nothing was sent since the last one."""
        points, count = self._points, self._count(packets)
        if count is None:
            return
        if points:
            if count < points[-1]:
                del points[:]
            elif at <= points[-2]:
                return
            elif len(points) > FIGURES and points[-2] < points[-4] + APART_S:
                del points[-2:]
            elif len(points) == FIGURES:
                self._note_beginning(at - points[0])
        self._keep(at, count, POINTS_KEPT)

    def _note_beginning(self, interval_s: float) -> None:
        """Put the beginning of the stream, with a count of 0, before a first report that is known to be the first of all.

        Asterisk sends that an interval after the first packet, so it counts exactly one interval's packets where nobody paused
        and nothing was lost on the way to us.  Where it counts anything else, nothing is known of the time before.
        """
        points = self._points
        if interval_s >= APART_S and abs(points[1] - USUAL_PER_S * interval_s) <= FULL_INTERVAL_PACKETS:
            points.insert(0, 0.0)
            points.insert(0, points[1] - points[2] / USUAL_PER_S)

    @property
    def last_at(self) -> float:
        """The instant of our newest report."""
        return self._points[-2] if self._points else -math.inf

    @property
    def known(self) -> int:
        """How many reports the count rests on."""
        return len(self._points) // FIGURES

    def within(self, start_at: float, end_at: float) -> list[tuple[float, float]]:
        """The reports later than ``start_at``, up to ``end_at``."""
        points = self._points
        return [
            (points[place], points[place + 1]) for place in range(0, len(points), FIGURES) if start_at < points[place] <= end_at
        ]

    def bounds(self, at: float, pace: PacketPace) -> tuple[float, float] | None:
        """The fewest and the most packets that may have been sent up to ``at``; None before the first report."""
        points = self._points
        if not points or at < points[0]:
            return None
        place = len(points) - FIGURES
        while points[place] > at:
            place -= FIGURES
        left = points[place + 1]
        most = left + pace.most(at - points[place])
        after = place + FIGURES
        if after == len(points):
            return left, most
        right = points[after + 1]
        return max(left, right - pace.most(points[after] - at)), min(right, most)

    def likely(self, at: float) -> float | None:
        """How many packets had been sent at ``at`` if they left evenly between two reports; None where it is not."""
        points = self._points
        place = len(points) - FIGURES
        if place <= 0 or not points[0] <= at <= points[place]:
            return None
        while points[place] > at:
            place -= FIGURES
        if place == len(points) - FIGURES:
            return points[place + 1]
        seconds, packets = points[place + 2] - points[place], points[place + 3] - points[place + 1]
        return points[place + 1] + packets * (at - points[place]) / seconds

    def most_between(self, start_at: float, end_at: float) -> float | None:
        """The most packets that may have been sent between two instants; None when the first is too long ago."""
        pace, points = _FASTEST, self._points
        if len(points) > FIGURES:
            packets, seconds = points[-1] - points[-3], points[-2] - points[-4]
            if packets > FASTEST_PER_S / 2 * seconds:
                pace = PacketPace(max(FASTEST_PER_S, 2 * packets / seconds))
        start, end = self.bounds(start_at, pace), self.bounds(end_at, pace)
        return None if start is None or end is None else end[1] - start[0]
