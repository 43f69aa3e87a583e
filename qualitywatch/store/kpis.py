"""Figures of trunks and queues into per-minute and per-hour rows: pure arithmetic, no I/O.

As with the samples of calls (``rollup.py``) counts, sums and extremes are kept, never averages, so that rows can be added to
each other.  A tally's row holds so many good of so many: its mean is the share (answer seizure ratio), its extremes are those
of single calls and say nothing.  What was not counted has no row, and is not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from qualitywatch.model import KpiPoint, KpiRecord, StatusObservation, TrunkState
from qualitywatch.model.observations import Observed
from qualitywatch.store.rollup import HOUR_S, LATE_S, MINUTE_S

UP: Final = "up"  # of a trunk: 1 while it is registered, 0 while it is not; nothing while nobody knows

_WIDTHS: Final = (MINUTE_S, HOUR_S)
_UNKNOWN: Final = frozenset({TrunkState.RETRYING, TrunkState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class KpiKey:
    """What a row is about; ``start_at`` is the Unix second the minute or hour begins."""

    start_at: int
    pbx: str
    subject: str
    kpi: str


@dataclass(frozen=True, slots=True)
class KpiFigures:
    """Count, sum and extremes of one row."""

    n: float
    total: float
    low: float
    high: float

    def __add__(self, other: KpiFigures) -> KpiFigures:
        """Return the figures of both stretches of time together."""
        return KpiFigures(self.n + other.n, self.total + other.total, min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, slots=True)
class KpiRow:
    """One row to be added to whatever the store already has under this key."""

    width_s: int
    key: KpiKey
    figures: KpiFigures


_Rows: TypeAlias = dict[KpiKey, KpiFigures]


def trunk_ups(observed: Iterable[Observed]) -> Iterator[KpiRecord]:
    """Return whether trunks were up, as figures: what a chart of registrations is made of."""
    for each in observed:
        what = each.what
        if isinstance(what, StatusObservation) and what.entity == "trunk" and what.status not in _UNKNOWN:
            yield KpiRecord(what.at, what.pbx, what.subject, UP, float(what.status == TrunkState.REGISTERED))


@dataclass(frozen=True, slots=True)
class TakenKpis:
    """Minutes that were let go of: whom they are of, PBX and subject, in order; and what makes their rows, in any thread."""

    subjects: Iterable[tuple[str, str]]
    rows: Callable[[], list[KpiRow]]


class KpiAggregator:
    """Holds the minutes that are not yet written."""

    def __init__(self) -> None:
        self._minutes: _Rows = {}

    def add(self, records: Iterable[KpiRecord]) -> None:
        """Take records in, in any order of time."""
        _sort_in(self._minutes, records, MINUTE_S)

    def take(self, now: float, *, everything: bool = False) -> TakenKpis:
        """Hand out, once, the rows of all minutes complete at ``now``, as minutes and as hours."""
        # A minute in the future (a PBX whose clock is ahead) is handed out as it stands: its end would be long in coming.
        ready = {
            key: figures
            for key, figures in self._minutes.items()
            if everything or key.start_at + MINUTE_S + LATE_S <= now or key.start_at > now
        }
        for key in ready:
            del self._minutes[key]
        return TakenKpis({(key.pbx, key.subject): None for key in ready}, partial(_all_widths, ready))

    def held(self, pbx: str, subject: str, width_s: int) -> list[KpiRow]:
        """Look at what ``take`` would hand out of one subject, present minute included."""
        mine = {key: figures for key, figures in self._minutes.items() if (key.pbx, key.subject) == (pbx, subject)}
        return _widened(mine, width_s)


def kpi_rows(records: Iterable[KpiRecord], width_s: int) -> list[KpiRow]:
    """Add records up in rows of any width."""
    rows: _Rows = {}
    _sort_in(rows, records, width_s)
    return [KpiRow(width_s, key, figures) for key, figures in rows.items()]


def kpi_points(rows: Iterable[KpiRow], since: float, until: float) -> Sequence[KpiPoint]:
    """Return one point for each figure and stretch that reaches into [since, until), oldest first, then by name."""
    merged: dict[tuple[int, str], tuple[int, KpiFigures]] = {}
    for row in rows:
        place = row.key.start_at, row.key.kpi
        if row.key.start_at < until and row.key.start_at + row.width_s > since:
            known = merged.get(place)
            merged[place] = row.width_s, row.figures if known is None else known[1] + row.figures
    return [
        KpiPoint(float(start_at), float(width_s), kpi, figures.n, figures.total / figures.n, figures.low, figures.high)
        for (start_at, kpi), (width_s, figures) in sorted(merged.items(), key=lambda item: item[0])
    ]


def _sort_in(rows: _Rows, records: Iterable[KpiRecord], width_s: int) -> None:
    for record in records:
        if record.count <= 0:
            continue
        key = KpiKey(int(record.at // width_s) * width_s, record.pbx, record.subject, str(record.kpi))
        each = record.total / record.count
        figures = KpiFigures(record.count, record.total, each, each)
        rows[key] = rows[key] + figures if key in rows else figures


def _all_widths(minutes: _Rows) -> list[KpiRow]:
    return [row for width_s in _WIDTHS for row in _widened(minutes, width_s)]


def _widened(minutes: _Rows, width_s: int) -> list[KpiRow]:
    rows: _Rows = {}
    for key, figures in minutes.items():
        wide = KpiKey(key.start_at // width_s * width_s, key.pbx, key.subject, key.kpi)
        rows[wide] = rows[wide] + figures if wide in rows else figures
    return [KpiRow(width_s, key, figures) for key, figures in rows.items()]
