"""One direction of one RTP session: packets that one end says it sent, and reports of the other on what came.

Strategy: whatever moves in the receiver's reports, sequence or SSRC, is sound; loss figures are not looked at, since a stream
that stopped altogether shows none.  Standing still is a fault only beside a sender whose own counter went on meanwhile, over
two reports and some seconds.  A sender that pauses (silence suppression, mute, fax) is therefore never suspected.
Standard: RFC 3550 sections 6.4.1 (highest sequence, sender's packet count) and 6.4.2.
"""

from __future__ import annotations

import math
from array import array

from qualitywatch.quality.counters import MAX_PACKETS_PER_SECOND
from qualitywatch.quality.sentpoints import SentPoints

POINTS_KEPT = 16
# A second of speech: fewer packets may still be on their way, or be a burst of comfort noise.
ENOUGH_PACKETS = 50
# A packet that was counted as sent so long before a report should be in it.
ON_THE_WAY_S = 0.5
# Reports closer together than this are one (initial and farewell bursts, feedback packets): RTCP's own pace is seconds.
APART_S = 1.5
LASTING_S = 6.0
REPORTS_NEEDED = 2
# A speaker pauses within so many reports; a stream that never changed its pace is not one that pauses.
STEADY_INTERVALS = 4
STEADY_SHARE = 0.95

Mark = tuple[int, int]
"""SSRC and extended highest sequence of a report block."""


class SentCount(SentPoints):
    """A sender's own packet counter, as far as recently told."""

    __slots__ = ()

    def note(self, at: float, packets: int | None) -> None:
        """Take in the counter; None (a receiver report) says that nothing was sent since the last one."""
        points, count = self._points, self._count(packets)
        if count is None:
            return
        if points and (count < points[-1] or at < points[-2]):
            del points[:]  # it began to count anew, or time did
        self._keep(at, count, POINTS_KEPT)

    def grown(self, start_at: float, end_at: float, *, from_zero: bool) -> int:
        """Packets surely sent between two instants; ``from_zero`` when the counter was 0 near the first of them."""
        points = list(zip(self._points[::2], map(int, self._points[1::2]), strict=True))
        inside = [packets for at, packets in points if start_at <= at <= end_at]
        if not inside:
            return 0
        grown = inside[-1] - inside[0]
        before = next(((at, packets) for at, packets in reversed(points) if at < start_at), None)
        if before is not None:
            # As many as could be were sent before the first of the two instants.
            return max(grown, inside[-1] - before[1] - math.ceil(MAX_PACKETS_PER_SECOND * (start_at - before[0])))
        return inside[0] if from_zero and len(inside) == 1 else grown


class Way:
    """What one end sends and the other reports, since the call was answered or last resumed."""

    __slots__ = ("_first_at", "_from_zero", "_last", "_paces", "arrived", "proven", "quiet", "sent", "since_at")

    def __init__(self, at: float, *, from_zero: bool, is_paced: bool = False) -> None:
        """``is_paced``: whether it will be asked if it is steady."""
        self.sent = SentCount()
        self.arrived = False  # ever
        self._paces = array("d") if is_paced else None
        self.begin(at, from_zero=from_zero)

    def begin(self, at: float, *, from_zero: bool = False) -> None:
        """Judge from here on: what came before was early media, a hold, another stream."""
        self.since_at = at  # the last movement, or the beginning
        self.proven = False
        self._from_zero = from_zero
        self._last: Mark | None = None
        self.quiet: tuple[float, ...] = ()  # reports in which nothing moved, the latest of them
        if self._paces is not None:
            del self._paces[:]

    def report(self, at: float, mark: Mark | None) -> bool:
        """Take in a report of the receiver, None when it has received nothing; return whether something moved."""
        if mark is None or 0 in mark:
            mark = None
        if mark is None or mark == self._last:
            if at - max([self.since_at, *self.quiet[-1:]]) >= APART_S:
                self.quiet = (*self.quiet, at)[-REPORTS_NEEDED:]
            return False
        self._note_pace(at, mark)
        self.proven = self.proven or self._last is not None
        self.arrived = True
        self.since_at, self._last, self.quiet, self._from_zero = at, mark, (), False
        return True

    def _note_pace(self, at: float, mark: Mark) -> None:
        paces, last = self._paces, self._last
        if paces is not None and last is not None and last[0] == mark[0] and at - self.since_at >= APART_S:
            paces.append((mark[1] - last[1]) / (at - self.since_at))
            if len(paces) > 2 * STEADY_INTERVALS:
                del paces[0]

    @property
    def quiet_for_s(self) -> float:
        """How long nothing has moved over two reports or more; 0 with fewer."""
        return self.quiet[-1] - self.since_at if len(self.quiet) >= REPORTS_NEEDED else 0.0

    @property
    def steady(self) -> bool:
        """Whether the stream kept one pace as long as it flowed, as one without silence suppression does."""
        paces = (self._paces or ())[:-1]  # it stopped within the last of them
        return len(paces) >= STEADY_INTERVALS and 0 < STEADY_SHARE * max(paces) <= min(paces)

    def sending(self, until: float) -> bool:
        """Whether the sender surely went on since something last moved."""
        return self.sent.grown(self.since_at, until, from_zero=self._from_zero) >= ENOUGH_PACKETS

    def stalled(self) -> bool:
        """Whether the sender sent, the receiver reported, and nothing came."""
        return self.quiet_for_s >= LASTING_S and self.sending(self.quiet[-1] - ON_THE_WAY_S)

    def never_came(self) -> bool:
        """The same of a call that is over, by one report: people hang up before the second when they hear nothing."""
        return self._from_zero and bool(self.quiet) and self.sending(self.quiet[-1] - ON_THE_WAY_S)
