"""What is on its way to a database, on disk: oldest first, capped in size.

Strategy: every batch is written here before it is sent, and deleted once the database has taken it.  So an outage and a
restart are the same thing: whatever lies here is sent next.  What is sent twice does no harm, since the same series at the
same instant overwrites itself (in VictoriaMetrics with ``-dedup.minScrapeInterval=1ms``).  Beyond the cap the oldest batches
make room, and are counted; so is one that the disk has damaged, which must hold up no other.
"""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qualitywatch.errors import StoreError
from qualitywatch.store.database import Database, transaction
from qualitywatch.store.layout import Layout, connect

LAYOUT: Final = Layout(
    application_id=0x51575350,  # "QWSP"
    migrations=(("CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, lines INTEGER NOT NULL, body BLOB NOT NULL)",),),
    # A power cut may cost the last seconds; nothing more is promised, and every batch would otherwise wait for the disk.
    pragmas=("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-256"),
    mode=0o600,
    check_pages=False,
)


# Whatever a damaged row holds comes as what it should be.
_OLDEST: Final = "SELECT id, CAST(lines AS INTEGER), coalesce(CAST(body AS BLOB), x'') FROM batch ORDER BY id LIMIT 1"


@dataclass(frozen=True, slots=True)
class Batch:
    """One write of so many lines of line protocol."""

    id: int
    lines: int
    text: bytes | None  # None: what lies on the disk is damaged


@dataclass(frozen=True, slots=True)
class Load:
    """How full the spool is."""

    batches: int = 0
    lines: int = 0
    size: int = 0  # bytes of all bodies


class Spool:
    """One file for one database; made by ``open``."""

    def __init__(self, database: Database, max_bytes: int, load: Load) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self.load = load
        self.appending = False  # what was asked for is done even when whoever asked is cancelled

    @classmethod
    async def open(cls, path: Path, *, max_bytes: int, now: float) -> Spool:
        """Open or create the file, with whatever an earlier process left in it; raises StoreError."""

        def make_and_connect() -> sqlite3.Connection:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            return connect(path, LAYOUT, now)

        database = await Database.open(path, make_and_connect)
        return cls(database, max_bytes, await database.run(_load))

    def resize(self, max_bytes: int) -> None:
        """Take another size; what no longer fits makes room when the next batch comes."""
        self._max_bytes = max_bytes

    async def append(self, text: bytes, lines: int) -> Mapping[int, int]:
        """Store a batch; return lines by batch that had to go to make room.  Raises StoreError when it cannot be stored."""

        def work(connection: sqlite3.Connection) -> tuple[Mapping[int, int], Load]:
            body = gzip.compress(text, compresslevel=5)
            with transaction(connection):
                connection.execute("INSERT INTO batch (lines, body) VALUES (?, ?)", (lines, body))
                dropped = _make_room(connection, self._max_bytes)
            return dropped, _load(connection)

        self.appending = True
        try:
            dropped, self.load = await self._database.run(work)
        except StoreError:
            self.appending = False
            raise
        self.appending = False
        return dropped

    async def oldest(self) -> Batch | None:
        """Return the batch that is to be sent next, None when there is none; raises StoreError."""

        def work(connection: sqlite3.Connection) -> Batch | None:
            row = connection.execute(_OLDEST).fetchone()
            return Batch(row[0], row[1], _text(row[2])) if row is not None else None

        return await self._database.run(work)

    async def remove(self, batch: Batch) -> None:
        """Forget a batch that was taken, or that will never be; raises StoreError."""

        def work(connection: sqlite3.Connection) -> Load:
            with transaction(connection):
                connection.execute("DELETE FROM batch WHERE id = ?", (batch.id,))
            connection.execute("PRAGMA incremental_vacuum(100)").fetchall()
            return _load(connection)

        self.load = await self._database.run(work)

    async def close(self) -> None:
        """Close the file; a second call does nothing."""
        await self._database.close()


def _text(body: bytes) -> bytes | None:
    """What a batch says; SQLite has no checksum of its own, gzip has one."""
    try:
        return gzip.decompress(body) or None
    except (OSError, EOFError, zlib.error):
        return None


def _load(connection: sqlite3.Connection) -> Load:
    row = connection.execute("SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(length(body)), 0) FROM batch").fetchone()
    return Load(*row)


def _make_room(connection: sqlite3.Connection, max_bytes: int) -> Mapping[int, int]:
    """Delete the oldest batches, but never the newest, until the rest fits; return their lines by their ids."""
    dropped = {}
    while _load(connection).size > max_bytes:
        row = connection.execute("SELECT id, lines FROM batch ORDER BY id LIMIT 1").fetchone()
        if row is None or row[0] == connection.execute("SELECT max(id) FROM batch").fetchone()[0]:
            break
        connection.execute("DELETE FROM batch WHERE id = ?", (row[0],))
        dropped[row[0]] = row[1]
    return dropped
