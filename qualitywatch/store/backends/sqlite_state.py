"""Alerts, incidents, posts, silences, agents, the audit and small facts in ``state.db``.

One transaction per step holds the alerts and the incidents made of them, so that a kill at any moment leaves either both or
neither: nothing is forgotten, and at most the message that was being sent is sent twice.  WAL with ``synchronous=FULL``: what
``commit`` returned for is on the disk.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from qualitywatch.model import AuditRow
from qualitywatch.ports import StateChange, StoredState
from qualitywatch.store.bounds import USUAL, Bounds
from qualitywatch.store.database import Database, explain
from qualitywatch.store.layout import connect
from qualitywatch.store.lock import DirectoryLock
from qualitywatch.store.state_tables import LAYOUT, STATE_FILE, read, read_audit, thin, write

log = logging.getLogger(__name__)


class SqliteStateStore:
    """``ports.StateStore`` on a local disk; one daemon per directory."""

    def __init__(self, database: Database, lock: DirectoryLock, path: Path, bounds: Bounds, opened_at: float) -> None:
        self._database = database
        self._lock = lock
        self._path = path
        self._bounds = bounds
        self._opened_at = opened_at
        self._commits = 0

    @classmethod
    async def open(cls, directory: Path, *, now: float, bounds: Bounds = USUAL) -> SqliteStateStore:
        """Lock the directory (created if missing) and open its ``state.db``; raises StoreError."""
        locks: list[DirectoryLock] = []

        def lock_and_connect() -> sqlite3.Connection:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            locks.append(DirectoryLock.acquire(directory))  # before anything is looked at, let alone set aside
            connection = connect(directory / STATE_FILE, LAYOUT, now)
            _thin(connection, directory / STATE_FILE, bounds, now)
            return connection

        try:
            database = await Database.open(directory / STATE_FILE, lock_and_connect)
        except BaseException:
            for lock in locks:
                lock.release()
            raise
        return cls(database, locks[0], directory / STATE_FILE, bounds, now)

    async def load(self) -> StoredState:
        """Read everything a daemon needs to go on; an unreadable row is skipped with a line in the log.

        Of closed incidents: those somebody has still to be told of, and the newest.  All posts of what is read, and all
        incidents that share a digest with it.
        """
        return await self._database.run(lambda connection: read(connection, self._bounds, self._opened_at))

    async def commit(self, change: StateChange) -> None:
        """Store all of the change or nothing; on return it survives a kill and a power cut."""
        if not change:
            return
        await self._database.run(lambda connection: write(connection, change))
        self._commits += 1
        if self._commits % self._bounds.commits_between == 0:
            await self._database.run(lambda connection: _thin(connection, self._path, self._bounds, self._opened_at))

    async def audit(self, limit: int) -> Sequence[AuditRow]:
        """The newest rows of the audit, newest first."""
        return await self._database.run(lambda connection: read_audit(connection, limit))

    async def close(self) -> None:
        """Close the file and give the directory free; a second call does nothing."""
        try:
            await self._database.close()
        finally:
            self._lock.release()


def _thin(connection: sqlite3.Connection, path: Path, bounds: Bounds, now: float) -> None:
    try:
        thin(connection, bounds, now)
    except sqlite3.Error as exc:  # a full disk must not stop anybody from starting, nor make a stored change look lost
        log.warning("old rows were not deleted: %s", explain(path, exc))
