"""How often a peer reports on what it hears, learned from its own reports.

Strategy: most phones report every 5 s, some every 30 s, and one that is not due yet withholds nothing.  The mean pause between
the reports of one leg is taken, that of the newest leg that had enough of them; pairs at the beginning and the farewell at
the end come out of turn and would make it too short.
"""

from __future__ import annotations

from collections import OrderedDict

from qualitywatch.quality.pace import SHORTEST_S

PAUSES_NEEDED = 2  # of three reports
LONGEST_S = 60.0  # a hold stretches the mean, and no phone is that slow by itself
PEERS_KEPT = 5000  # callers may come under ever new names


class LegReports:
    """When the peer of one leg reported, as far as its interval needs it."""

    __slots__ = ("_first_at", "_last_at", "_pauses")

    def __init__(self) -> None:
        self._first_at = self._last_at = 0.0
        self._pauses = -1  # nothing was heard

    def hear(self, at: float) -> None:
        """Take in a report; one that comes out of turn tells nothing."""
        if self._pauses < 0:
            self._first_at = at
        elif at - self._last_at < SHORTEST_S:
            return
        self._last_at = at
        self._pauses += 1

    @property
    def interval_s(self) -> float | None:
        """Seconds between two reports; None for too few of them."""
        if self._pauses < PAUSES_NEEDED:
            return None
        return min(LONGEST_S, (self._last_at - self._first_at) / self._pauses)


class PeerPaces:
    """The interval of each peer that was heard lately."""

    def __init__(self) -> None:
        self._intervals: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._intervals)

    def learn(self, peer: str, interval_s: float | None) -> None:
        """Take in what a finished leg tells; whose interval was learned longest ago is forgotten when they become too many."""
        if interval_s is None:
            return
        self._intervals[peer] = interval_s
        self._intervals.move_to_end(peer)
        if len(self._intervals) > PEERS_KEPT:
            self._intervals.popitem(last=False)

    def interval_s(self, peer: str) -> float | None:
        """Seconds between two reports of a peer; None while that is not known."""
        return self._intervals.get(peer)

    def drop(self, peer: str) -> None:
        """Let go of a peer that is no longer configured."""
        self._intervals.pop(peer, None)
