"""Series as small tables in ``rollup.db``: minutes, hours, calls, events; readable by Grafana and ``sqlite3`` while we run.

Rows are held in memory and written once a minute in one transaction that adds to what is there: a kill -9 loses at most
what was not yet written, and a restart in mid-minute loses nothing.  When the disk is full or the file locked, rows wait
for the next flush.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from qualitywatch.errors import StoreError
from qualitywatch.ports import SeriesBatch
from qualitywatch.store.database import Database
from qualitywatch.store.layout import connect
from qualitywatch.store.rollup import HOUR_S, MINUTE_S, Aggregator
from qualitywatch.store.rollup_tables import LAYOUT, Row, insert, prune_calls, prune_events, prune_rows

log = logging.getLogger(__name__)

ROLLUP_FILE: Final = "rollup.db"
MAX_WAITING: Final = 200_000  # rows: hours of a large PBX on a full disk, some 100 MB of memory


@dataclass(frozen=True, slots=True)
class RollupOptions:
    """How long rows are kept, in seconds."""

    minutes_s: float = 30 * 86_400.0
    hours_s: float = 730 * 86_400.0
    calls_s: float = 90 * 86_400.0
    events_s: float = 365 * 86_400.0


class RollupStore:
    """``ports.SeriesStore`` on a local disk."""

    Options: ClassVar[type[RollupOptions]] = RollupOptions

    def __init__(self, database: Database, options: RollupOptions) -> None:
        self._database = database
        self._options = options
        self._aggregator = Aggregator()
        self._waiting = _Waiting()
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, options: RollupOptions, *, now: float) -> RollupStore:
        """Open ``rollup.db`` in the directory, both created if missing; raises StoreError."""

        def make_and_connect() -> sqlite3.Connection:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            return connect(directory / ROLLUP_FILE, LAYOUT, now)

        return cls(await Database.open(directory / ROLLUP_FILE, make_and_connect), options)

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch, in memory only; raises StoreError after ``close``."""
        if self._closed:
            raise StoreError(f"{ROLLUP_FILE}: already closed")
        self._aggregator.add(batch.samples)
        self._waiting.extend(batch.calls)
        self._waiting.extend(batch.logs)

    async def flush(self, now: float) -> None:
        """Write whole minutes, calls and events; raises StoreError, and then keeps them for the next flush."""
        self._waiting.extend(self._aggregator.take(now))
        await self._database.run(self._waiting.write_out)

    async def prune(self, now: float) -> None:
        """Delete what is older than its retention, a few thousand rows at a time; raises StoreError."""
        kept = self._options
        await self._prune(lambda connection, before: prune_rows(connection, MINUTE_S, before), now - kept.minutes_s)
        await self._prune(lambda connection, before: prune_rows(connection, HOUR_S, before), now - kept.hours_s)
        await self._prune(prune_calls, now - kept.calls_s)
        await self._prune(prune_events, now - kept.events_s)

    async def _prune(self, chunk: Callable[[sqlite3.Connection, float], int], before: float) -> None:
        while await self._database.run(lambda connection: chunk(connection, before)):
            pass

    async def close(self, now: float) -> None:
        """Write everything still held, the minute at hand included, and close; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._waiting.extend(self._aggregator.take(now, everything=True))
        try:
            await self._database.run(self._waiting.write_out)
        finally:
            await self._database.close()


class _Waiting:
    """Rows on their way to the disk.

    The event loop only appends to the queue; the database's thread moves rows on to its own list and forgets them once they are
    committed.  So a flush whose caller was cancelled half-way is neither repeated nor lost.
    """

    def __init__(self) -> None:
        self._queue: deque[Row] = deque()
        self._unwritten: list[Row] = []

    def extend(self, rows: Sequence[Row]) -> None:
        """Add rows; called in the event loop."""
        self._queue.extend(rows)

    def write_out(self, connection: sqlite3.Connection) -> None:
        """Write all rows in one transaction; called in the database's thread."""
        while self._queue:
            self._unwritten.append(self._queue.popleft())
        excess = len(self._unwritten) - MAX_WAITING
        if excess > 0:
            del self._unwritten[:excess]
            log.error("%s could not be written for long: dropped the oldest %d rows", ROLLUP_FILE, excess)
        if self._unwritten:
            insert(connection, self._unwritten)
            self._unwritten.clear()
