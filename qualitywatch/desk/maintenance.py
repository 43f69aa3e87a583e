"""Maintenance windows: when a time of the week begins and ends, as instants.

A window is written in local wall time, and twice a year that time has a gap or an hour that comes twice.  A window whose
edge falls into the gap has it at the first moment that exists after the gap; one whose edge comes twice begins at the first
and ends at the second, so that it covers both.  Whatever the day, each occurrence is one stretch [begin, end).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from qualitywatch.desk.policy import MaintenanceWindow

_DAYS: Final = range(-2, 10)  # around today: what began yesterday may go on, and the next one begins within a week


def window_at(window: MaintenanceWindow, wall: float) -> float | None:
    """Return the instant at which the occurrence that covers ``wall`` ends, or None when none does."""
    return max((end for begin, end in _occurrences(window, wall) if begin <= wall < end), default=None)


def next_edge(window: MaintenanceWindow, wall: float) -> float:
    """Return the next instant after ``wall`` at which an occurrence begins or ends."""
    return min((edge for stretch in _occurrences(window, wall) for edge in stretch if edge > wall), default=math.inf)


def _occurrences(window: MaintenanceWindow, wall: float) -> Iterator[tuple[float, float]]:
    here = datetime.fromtimestamp(wall, window.zone)
    today = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    length = (window.end - window.start) % (24 * 60) or 24 * 60
    for offset in _DAYS:
        day = today + timedelta(days=offset)
        if window.weekdays and day.weekday() not in window.weekdays:
            continue
        start = day + timedelta(minutes=window.start)
        begin, end = _instant(start, window, fold=0), _instant(start + timedelta(minutes=length), window, fold=1)
        if begin < end:
            yield begin, end


def _instant(local: datetime, window: MaintenanceWindow, *, fold: int) -> float:
    """The instant of a local time: of two the first or the second as ``fold`` says, of none the end of the gap."""
    aware = local.replace(tzinfo=window.zone, fold=fold)
    instant = aware.timestamp()
    if datetime.fromtimestamp(instant, window.zone).replace(tzinfo=None, fold=0) == local:
        return instant
    one, other = (local.replace(tzinfo=window.zone, fold=either).timestamp() for either in (0, 1))
    before, after = math.floor(min(one, other)), math.ceil(max(one, other))  # the gap ends between them
    offset = datetime.fromtimestamp(before, window.zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, window.zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return float(after)
