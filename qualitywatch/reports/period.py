"""Which days a report is about, by the calendar of a time zone: the day, or the week, that ended last midnight."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final

WEEK_DAYS: Final = 7


def ended(now: float, zone: tzinfo, *, is_weekly: bool) -> tuple[float, float]:
    """When it began and ended; a day of summer time has 23 or 25 hours."""
    midnight = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return _back(midnight, WEEK_DAYS if is_weekly else 1), midnight.timestamp()


def a_week_before(since: float, until: float, zone: tzinfo) -> tuple[float, float]:
    """The same days of the week before."""
    first, last = datetime.fromtimestamp(since, zone), datetime.fromtimestamp(until, zone)
    return _back(first, WEEK_DAYS), _back(last, WEEK_DAYS)


def last_due(now: float, zone: tzinfo, at: tuple[int, int], weekday: int | None) -> float:
    """When a report was due last: at that hour and minute, on that day of the week (0 is Monday) or every day.

    A time that the clock jumps over is due as soon as it has jumped: who begins to watch right after it must not miss it.
    """
    local = datetime.fromtimestamp(now, zone)
    due = local.replace(hour=at[0], minute=at[1], second=0, microsecond=0, fold=0)
    days = 0 if weekday is None else (local.weekday() - weekday) % WEEK_DAYS
    due -= timedelta(days=days)
    if due.timestamp() > now and due.replace(tzinfo=None) > local.replace(tzinfo=None):
        due -= timedelta(days=1 if weekday is None else WEEK_DAYS)
    return min(due.timestamp(), now)


def _back(moment: datetime, days: int) -> float:
    return (moment - timedelta(days=days)).timestamp()  # of the wall clock: the same hour of another day
