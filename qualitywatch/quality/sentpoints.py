"""What a sender's own reports say of how many packets it had sent, the newest few of them.

Strategy: instants and counts stand one after the other in one array of numbers.  Of ten thousand streams, tuples would take
five times the memory.
"""

from __future__ import annotations

from array import array
from typing import Final

FIGURES: Final = 2  # of a report: its instant, and the packets sent until then


class SentPoints:
    """The reports of one sender; those who judge by them say which are left out."""

    __slots__ = ("_points",)

    def __init__(self) -> None:
        self._points = array("d")

    def _count(self, packets: int | None) -> float | None:
        """What a report counts; None (a receiver report) says that nothing was sent since the last one, if there was one."""
        if packets is not None:
            return float(packets)
        return self._points[-1] if self._points else None

    def _keep(self, at: float, count: float, kept: int) -> None:
        """Add a report and let go of the oldest beyond ``kept``."""
        points = self._points
        points.append(at)
        points.append(count)
        if len(points) > FIGURES * kept:
            del points[:FIGURES]
