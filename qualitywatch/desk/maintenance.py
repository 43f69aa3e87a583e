"""Maintenance windows: whether one covers an instant, and when that changes; ``document.hours`` knows local time."""

from __future__ import annotations

from qualitywatch.desk.policy import MaintenanceWindow
from qualitywatch.document import Hours


def window_at(window: MaintenanceWindow, wall: float) -> float | None:
    """Return the instant at which the occurrence that covers ``wall`` ends, or None when none does."""
    return _hours(window).ends_at(wall)


def next_edge(window: MaintenanceWindow, wall: float) -> float:
    """Return the next instant after ``wall`` at which an occurrence begins or ends."""
    return _hours(window).next_edge(wall)


def _hours(window: MaintenanceWindow) -> Hours:
    return Hours(window.start, window.end, window.zone, window.weekdays)
