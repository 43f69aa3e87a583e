"""Series as small tables in ``rollup.db``: minutes, hours, calls, events, and what ``backtest`` judges anew.

Grafana and ``sqlite3`` can read it while we run.  Rows are held in memory and written once a minute in one transaction that
adds to what is there: a kill -9 loses at most what was not yet written, and a restart in mid-minute loses nothing.  When the
disk is full or the file locked, rows wait for the next flush.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from qualitywatch.errors import StoreError
from qualitywatch.model import CallRecord, HistoryPoint, KpiPoint, LinkedCall, LogRecord
from qualitywatch.model.observations import Observed
from qualitywatch.ports import CallQuery, EventQuery, SeriesBatch
from qualitywatch.store.codec import printable
from qualitywatch.store.database import Database
from qualitywatch.store.detail import DetailCollector
from qualitywatch.store.history import with_stored
from qualitywatch.store.journal import pack
from qualitywatch.store.kpi_tables import select_kpis
from qualitywatch.store.kpis import KpiAggregator, KpiRow, kpi_points, trunk_ups
from qualitywatch.store.layout import connect
from qualitywatch.store.linked import linked, newest, newest_first, page
from qualitywatch.store.past_tables import select_events, select_legs, select_newest
from qualitywatch.store.places import Labels, PlaceBook, no_labels
from qualitywatch.store.rollup import HOUR_S, MINUTE_S, Aggregator, Rollup
from qualitywatch.store.rollup_tables import (
    LAYOUT,
    TABLES_OF,
    Row,
    insert,
    prune_calls,
    prune_detail,
    prune_events,
    prune_judged,
    prune_rows,
    select_subjects,
)
from qualitywatch.store.voice_tables import select_points, select_voice

log = logging.getLogger(__name__)

ROLLUP_FILE: Final = "rollup.db"
FINE_S: Final = 3 * 86_400.0  # a longer time is read in hours
MAX_WAITING: Final = 200_000  # rows: hours of a large PBX on a full disk, some 100 MB of memory


@dataclass(frozen=True, slots=True)
class RollupOptions:
    """How long rows are kept, in seconds; ``labels`` tells where peers belong."""

    minutes_s: float = 30 * 86_400.0
    hours_s: float = 730 * 86_400.0
    calls_s: float = 90 * 86_400.0
    events_s: float = 365 * 86_400.0
    judged_s: float = 15 * 86_400.0  # what ``backtest`` reads: two weeks, and a day to begin with
    labels: Labels = no_labels


class RollupStore:
    """``ports.SeriesStore`` and ``ports.SeriesReader`` on a local disk."""

    Options: ClassVar[type[RollupOptions]] = RollupOptions

    def __init__(self, database: Database, options: RollupOptions, now: float) -> None:
        self._database = database
        self._options = options
        self._minutes_from = now - options.minutes_s
        self._aggregator = Aggregator()
        self._detail = DetailCollector()
        self._kpis = KpiAggregator()
        self._places = PlaceBook(options.labels)
        self._collected: list[Row] = []  # calls and events since the last flush
        self._observed: list[Observed] = []  # likewise
        self._waiting = _Waiting()
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, options: RollupOptions, *, now: float) -> RollupStore:
        """Open ``rollup.db`` in the directory, both created if missing; raises StoreError."""

        def make_and_connect() -> sqlite3.Connection:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            return connect(directory / ROLLUP_FILE, LAYOUT, now)

        return cls(await Database.open(directory / ROLLUP_FILE, make_and_connect), options, now)

    def keep(self, options: RollupOptions) -> None:
        """Keep rows for another time from the next pruning on; labels stay."""
        self._options = replace(options, labels=self._options.labels)

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch, in memory only; raises StoreError after ``close``."""
        if self._closed:
            raise StoreError(f"{ROLLUP_FILE}: already closed")
        self._aggregator.add(batch.samples)
        self._detail.add(batch.samples)
        self._kpis.add(batch.kpis)
        self._kpis.add(trunk_ups(batch.observed))
        self._collected += batch.calls
        self._collected += batch.logs
        self._observed += batch.observed

    async def flush(self, now: float) -> None:
        """Write whole minutes, calls and events; raises StoreError, and then keeps them for the next flush."""
        await self._hand_over(now)

    async def _hand_over(self, now: float, *, everything: bool = False) -> None:
        # Nothing may be awaited on the way: who reads next must find each row either in the aggregator or behind him in line.
        voice = self._aggregator.take(now, everything=everything)
        details = self._detail.take(now, everything=everything)
        kpis = self._kpis.take(now, everything=everything)
        places = self._places.news((*voice.subjects, *kpis.subjects))
        collected, self._collected = self._collected, []
        observed, self._observed = self._observed, []

        def write(connection: sqlite3.Connection) -> None:
            # All this takes a while on a busy PBX: not in the loop that reads from it.
            rows = [*collected, *voice.rows(), *details(), *kpis.rows(), *places]
            journals = pack(observed)
            self._waiting.write_out(connection, [*rows, *journals])
            self._detail.count_others(sum(len(journal.packed) for journal in journals))

        await self._database.run(write)

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        """Minutes that reach into [since, until), oldest first; hours where the time is long, or its minutes are deleted."""
        width_s = self._width_s(since, until)
        held = self._aggregator.held(pbx, subject, width_s)

        def look(connection: sqlite3.Connection) -> Sequence[HistoryPoint]:
            fresh = [*held(), *self._waiting.of(pbx, subject, width_s)]
            # What begins before any row that is not written is read as it will be drawn.
            first = min((row.key.start_at for row in fresh), default=math.inf)
            done = select_points(connection, width_s, pbx, subject, since, min(first, until))
            stored = select_voice(connection, width_s, pbx, subject, max(since, first + width_s - 1), until) if fresh else ()
            return with_stored(done, stored, width_s, fresh, since, until)  # not in the event loop: a year has many

        return await self._database.run(look)

    async def kpis(self, pbx: str, subject: str, since: float, until: float) -> Sequence[KpiPoint]:
        """Minutes or hours, as of ``history``."""
        width_s = self._width_s(since, until)
        held = self._kpis.held(pbx, subject, width_s)

        def look(connection: sqlite3.Connection) -> Sequence[KpiPoint]:
            rows = select_kpis(connection, width_s, pbx, subject, since, until) + self._waiting.kpis(pbx, subject, width_s)
            return kpi_points(held + rows, since, until)

        return await self._database.run(look)

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        """Subjects with any measured call in that time, in order of name."""
        width_s = self._width_s(since, until)
        held = self._aggregator.subjects(pbx, since, until)

        def look(connection: sqlite3.Connection) -> set[str]:
            return select_subjects(connection, width_s, pbx, since, until) | self._waiting.subjects(pbx, since, until)

        return sorted(set(map(printable, held)) | await self._database.run(look))

    async def calls(self, query: CallQuery) -> Sequence[LinkedCall]:
        """A page of calls, the one whose leg began last first."""
        collected = [row for row in self._collected if isinstance(row, CallRecord)]

        def look(connection: sqlite3.Connection) -> list[LinkedCall]:
            held = [*self._waiting.calls(), *collected]
            found = select_newest(connection, query)
            for call, start in newest(held, query).items():
                found[call] = max(start, found.get(call, start))
            calls = page(found, query)
            return linked(calls, [*select_legs(connection, calls), *held])

        return await self._database.run(look)

    async def events(self, query: EventQuery) -> Sequence[LogRecord]:
        """A page of what happened, newest first."""
        collected = [row for row in self._collected if isinstance(row, LogRecord)]

        def look(connection: sqlite3.Connection) -> list[LogRecord]:
            stored = select_events(connection, query, query.offset + query.limit)
            return newest_first([*stored, *self._waiting.logs(), *collected], query)

        return await self._database.run(look)

    def _width_s(self, since: float, until: float) -> int:
        return MINUTE_S if until - since <= FINE_S and since >= self._minutes_from else HOUR_S

    async def prune(self, now: float) -> None:
        """Delete what is older than its retention, a few thousand rows at a time; raises StoreError."""
        kept = self._options
        self._minutes_from = now - kept.minutes_s
        for width_s, kept_s in ((MINUTE_S, kept.minutes_s), (HOUR_S, kept.hours_s)):
            for table in TABLES_OF[width_s]:
                await self._prune(partial(_prune_table, table), now - kept_s)
        await self._prune(prune_calls, now - kept.calls_s)
        await self._prune(prune_events, now - kept.events_s)
        await self._prune(prune_detail, now - kept.judged_s)
        await self._prune(prune_judged, now - kept.judged_s)

    async def _prune(self, chunk: Callable[[sqlite3.Connection, float], int], before: float) -> None:
        while await self._database.run(lambda connection: chunk(connection, before)):
            pass

    async def close(self, now: float) -> None:
        """Write everything still held, the minute at hand included, and close; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._hand_over(now, everything=True)
        finally:
            await self._database.close()


def _prune_table(table: str, connection: sqlite3.Connection, before: float) -> int:
    return prune_rows(connection, table, before)


class _Waiting:
    """Rows on their way to the disk; used in the database's thread alone.

    Rows are forgotten only once they are committed, so a flush whose caller was cancelled is neither repeated nor lost.
    """

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def write_out(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Write these and all earlier rows in one transaction."""
        self._rows += rows
        excess = len(self._rows) - MAX_WAITING
        if excess > 0:
            del self._rows[:excess]
            log.error("%s could not be written for long: dropped the oldest %d rows", ROLLUP_FILE, excess)
        if self._rows:
            insert(connection, self._rows)
            self._rows.clear()

    def of(self, pbx: str, subject: str, width_s: int) -> list[Rollup]:
        """Rows of one subject that could not be written so far."""
        return [row for row in self._rollups(pbx) if row.key.subject == subject and row.width_s == width_s]

    def subjects(self, pbx: str, since: float, until: float) -> set[str]:
        """Subjects of rows that could not be written so far, and reach into [since, until)."""
        return {
            printable(row.key.subject)
            for row in self._rollups(pbx)
            if row.width_s == MINUTE_S and row.key.start_at < until and row.key.start_at + MINUTE_S > since
        }

    def kpis(self, pbx: str, subject: str, width_s: int) -> list[KpiRow]:
        """Figures of one subject that could not be written so far."""
        wanted = (pbx, subject, width_s)
        return [r for r in self._rows if isinstance(r, KpiRow) and (r.key.pbx, r.key.subject, r.width_s) == wanted]

    def calls(self) -> list[CallRecord]:
        """Calls that could not be written so far."""
        return [row for row in self._rows if isinstance(row, CallRecord)]

    def logs(self) -> list[LogRecord]:
        """Events that could not be written so far."""
        return [row for row in self._rows if isinstance(row, LogRecord)]

    def _rollups(self, pbx: str) -> Iterator[Rollup]:
        return (row for row in self._rows if isinstance(row, Rollup) and row.key.pbx == pbx)
