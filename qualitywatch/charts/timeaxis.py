"""Local time under a chart: which zone, how a span is told, what a tick says."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from qualitywatch.charts.words import Words

_DAY_S: Final = 86_400.0
_SHORT_S: Final = 600.0


def zone_of(name: str) -> tzinfo:
    """Return the zone of this name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def span(since: float, until: float, zone: tzinfo, words: Words) -> str:
    """Return a span of time as ``22 Nov 2025, 23:00–23:30 MSK``, with both days, and both zones, where there are two."""
    start, end = datetime.fromtimestamp(since, zone), datetime.fromtimestamp(until, zone)
    name, earlier = end.tzname() or "", start.tzname() or ""
    began = f"{start:%H:%M}" if earlier == name else f"{start:%H:%M} {earlier}"
    if start.date() == end.date():
        return f"{_day(start, words)} {start.year}, {began}–{end:%H:%M} {name}"
    first = f"{_day(start, words)} {start.year}" if start.year != end.year else _day(start, words)
    return f"{first}, {began} – {_day(end, words)} {end.year}, {end:%H:%M} {name}"


def tick(at: datetime, span_s: float, words: Words) -> str:
    """Return what is written at a tick: the time, with seconds within minutes, and the day where a chart shows several."""
    if span_s < _SHORT_S:
        return f"{at:%H:%M:%S}"
    if span_s <= 1.5 * _DAY_S:
        return f"{at:%H:%M}"
    return _day(at, words) if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def _day(at: datetime, words: Words) -> str:
    return f"{at.day} {words.months[at.month - 1]}"
