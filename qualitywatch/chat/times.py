"""Instants and local clocks: when the morning comes, and how a time is written shortly.

Local clocks jump.  A wall time that occurs twice means its first occurrence that is still to come; one that does not occur is
taken as PEP 495 does, by the offset before the jump.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from qualitywatch.notify.legible import legible


def clock_time_after(now: float, hour: int, minute: int, zone: tzinfo, at_least_s: float = 0.0) -> float:
    """Return the first instant later than ``now + at_least_s`` at which local clocks show ``hour:minute``."""
    today = datetime.fromtimestamp(now, zone).date()
    for days in range(-1, 9):  # a clock may skip a whole day, as Samoa's did
        day = today + timedelta(days=days)
        for fold in (0, 1):
            at = datetime(day.year, day.month, day.day, hour, minute, fold=fold, tzinfo=zone).timestamp()
            if at > now + at_least_s:
                return at
    return now + at_least_s + 86_400.0


def date_time(year: int, month: int, day: int, hour: int, minute: int, zone: tzinfo) -> float | None:
    """Return the instant of a local date and time, or None when there is no such date."""
    try:
        return datetime(year, month, day, hour, minute, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None


def short_time(at: float, now: float, zone: tzinfo, months: tuple[str, ...]) -> str:
    """Return ``03:12`` on the same local day as ``now``, else ``23 Nov 03:12``, with the year when it is another."""
    try:
        local, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    except (OverflowError, OSError, ValueError):
        return "?"
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {months[local.month - 1]}{year} {local:%H:%M}"


def zone_label(at: float, zone: tzinfo) -> str:
    """Return the abbreviation of a zone at an instant, such as ``MSK``."""
    return legible(datetime.fromtimestamp(at, zone).tzname() or "")
