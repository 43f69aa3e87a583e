"""How often the PBX itself reports on a stream, learned from its own reports.

Strategy: Asterisk sends a report of every session at a fixed interval (``rtcpinterval`` of rtp.conf, 5 s unless set), and
none while nothing moves.  The longest of the last few pauses is taken: one that was stretched by silence makes us patient for
a while, one that was cut short changes nothing.  Only pauses between two reports of one session count, because the timer of a
session starts with its first packet, which may be long before the answer.
"""

from __future__ import annotations

from collections import deque

PAUSES_KEPT = 5
# Farewell reports and feedback packets come out of turn.
SHORTEST_S = 1.5
# A report is late when none came for so many intervals, and a moment for its way.
LATE_INTERVALS = 1.5
MOMENT_S = 0.5


class ReportPace:
    """The interval of the PBX's own reports, as far as it has been seen."""

    __slots__ = ("_pauses",)

    def __init__(self) -> None:
        self._pauses: deque[float] = deque(maxlen=PAUSES_KEPT)

    def learn(self, pause_s: float) -> None:
        """Take in the seconds between two reports of one session."""
        if pause_s >= SHORTEST_S:
            self._pauses.append(pause_s)

    @property
    def late_after_s(self) -> float | None:
        """Seconds after which a report that has not come is missing; None while the pace is not known."""
        return LATE_INTERVALS * max(self._pauses) + MOMENT_S if self._pauses else None
