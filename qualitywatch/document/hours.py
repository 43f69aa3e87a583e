"""A time of the week: when it begins and ends, as instants.

It is written in local wall time, and twice a year that time has a gap or an hour that comes twice.  A stretch whose edge
falls into the gap has it at the first moment that exists after the gap; one whose edge comes twice begins at the first and ends
at the second, so that it covers both.  Whatever the day, each occurrence is one stretch [begin, end).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from qualitywatch.document.section import Section

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 24 * 60

_DAYS: Final = range(-2, 10)  # around today: what began yesterday may go on, and the next one begins within a week
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Hours:
    """``start`` and ``end`` are minutes of the local day in ``zone``; an ``end`` at or before ``start`` is on the next day.

    ``weekdays`` are those on which a stretch begins (Monday is 0, empty means every day).
    """

    start: int
    end: int
    zone: tzinfo
    weekdays: frozenset[int] = frozenset()

    def stretches(self, around: float) -> Iterator[tuple[float, float]]:
        """Yield the occurrences of the days around an instant, each as [begin, end)."""
        here = datetime.fromtimestamp(around, self.zone)
        today = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
        length = (self.end - self.start) % DAY_MINUTES or DAY_MINUTES
        for offset in _DAYS:
            day = today + timedelta(days=offset)
            if self.weekdays and day.weekday() not in self.weekdays:
                continue
            start = day + timedelta(minutes=self.start)
            begin, end = self._instant(start, fold=0), self._instant(start + timedelta(minutes=length), fold=1)
            if begin < end:
                yield begin, end

    def opened_at(self, at: float) -> float | None:
        """Return when the occurrence that covers an instant began, or None when none does."""
        return min((begin for begin, end in self.stretches(at) if begin <= at < end), default=None)

    def ends_at(self, at: float) -> float | None:
        """Return when the occurrence that covers an instant ends, or None when none does."""
        return max((end for begin, end in self.stretches(at) if begin <= at < end), default=None)

    def next_edge(self, at: float) -> float:
        """Return the next instant after ``at`` at which an occurrence begins or ends."""
        return min((edge for stretch in self.stretches(at) for edge in stretch if edge > at), default=math.inf)

    def _instant(self, local: datetime, *, fold: int) -> float:
        """The instant of a local time: of two the first or the second as ``fold`` says, of none the end of the gap."""
        aware = local.replace(tzinfo=self.zone, fold=fold)
        instant = aware.timestamp()
        if datetime.fromtimestamp(instant, self.zone).replace(tzinfo=None, fold=0) == local:
            return instant
        one, other = (local.replace(tzinfo=self.zone, fold=either).timestamp() for either in (0, 1))
        before, after = math.floor(min(one, other)), math.ceil(max(one, other))  # the gap ends between them
        offset = datetime.fromtimestamp(before, self.zone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return float(after)


def read_hours(section: Section, default_zone: tzinfo | None = None) -> Hours:
    """Read ``days``, ``from``, ``to`` and ``timezone``; without a default the zone must be named."""
    start, end = read_time(section, "from"), read_time(section, "to", may_be_midnight_after=True)
    if start is not None and start == end:
        section.problem("to", 'is the same time as "from"; for a whole day write from: "00:00", to: "24:00"')
    zone = default_zone or UTC
    name = section.text("timezone") if default_zone is None else section.text("timezone", None)
    try:
        zone = find_timezone(name) if name else zone
    except ValueError as exc:
        section.problem("timezone", str(exc))
    return Hours(start or 0, (end or 0) % DAY_MINUTES, zone, _read_weekdays(section, "days"))


def read_time(section: Section, key: str, default: int | None = None, *, may_be_midnight_after: bool = False) -> int | None:
    """Return minutes since midnight of ``HH:MM``; ``24:00`` is 1440 where it may be. None after a problem, or by default.

    Without a default the key is required.
    """
    text = section.text(key) if default is None else section.text(key, None)
    if not text:
        return default
    if may_be_midnight_after and text == "24:00":
        return DAY_MINUTES
    found = _TIME.fullmatch(text)
    if found is None:
        section.problem(key, 'must be a time of day such as "08:00" or "23:30"')
        return default
    return int(found[1]) * 60 + int(found[2])


def find_timezone(name: str) -> tzinfo:
    """Return the zone of a name such as ``Europe/Moscow``; raise ValueError with the reason when there is none."""
    if name.upper() == "UTC":
        return UTC  # known even where no time zone data is installed
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        known = available_timezones()
        if not known:
            raise ValueError("cannot be looked up: install the tzdata package, or use UTC") from exc
        near = get_close_matches(name, known, n=1, cutoff=0.8)
        hint = f', did you mean "{near[0]}"?' if near else "; write it like Europe/Moscow"
        raise ValueError(f"unknown time zone{hint}") from exc


def _read_weekdays(section: Section, key: str) -> frozenset[int]:
    """Return weekdays (Monday is 0) of a list such as ``[mon, tue]``; empty when the key is not there."""
    return frozenset(WEEKDAYS.index(day) for day in section.texts(key, required=key in section, choices=WEEKDAYS))
