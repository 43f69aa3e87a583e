"""Alert state, outbox, agents and small facts in ``state.db``.

One transaction per pipeline step holds the alerts and the messages about them, so that a kill at any moment leaves either
both or neither: nothing is forgotten, and at most the message that was being sent is sent twice.  WAL with
``synchronous=FULL``: what ``commit`` returned for is on the disk.  Values are JSON (``store.codec``), the columns beside
them are for the index and for an administrator who looks in with ``sqlite3``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AlertState, Notification
from qualitywatch.ports import StateChange, StoredState
from qualitywatch.store.codec import dumps, loads, printable
from qualitywatch.store.database import Database, transaction
from qualitywatch.store.layout import Layout, connect
from qualitywatch.store.lock import DirectoryLock

log = logging.getLogger(__name__)

T = TypeVar("T")

STATE_FILE: Final = "state.db"
DEAD_KEPT_S: Final = 30 * 86400.0

_LAYOUT: Final = Layout(
    application_id=0x51577374,  # "QWst"
    mode=0o600,
    pragmas=("journal_mode = WAL", "synchronous = FULL"),
    check_pages=True,
    migrations=(
        (
            """CREATE TABLE alert(rule TEXT NOT NULL, pbx TEXT NOT NULL, subject TEXT NOT NULL, direction TEXT NOT NULL,
                 state TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(rule, pbx, subject, direction)) WITHOUT ROWID, STRICT""",
            # AUTOINCREMENT: an id is never used again, so that ids tell the order of messages for ever
            """CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, not_before REAL NOT NULL,
                 attempts INTEGER NOT NULL, error TEXT, body TEXT NOT NULL) STRICT""",
            "CREATE INDEX outbox_not_before ON outbox(not_before)",
            """CREATE TABLE dead(id INTEGER PRIMARY KEY, target TEXT NOT NULL, given_up_at REAL NOT NULL,
                 attempts INTEGER NOT NULL, error TEXT NOT NULL, body TEXT NOT NULL) STRICT""",
            """CREATE TABLE agent(pbx TEXT NOT NULL, peer TEXT NOT NULL, body TEXT NOT NULL,
                 PRIMARY KEY(pbx, peer)) WITHOUT ROWID, STRICT""",
            "CREATE TABLE meta(name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Fact:
    """A row of ``meta``."""

    name: str
    value: str


class SqliteStateStore:
    """``ports.StateStore`` on a local disk; one daemon per directory."""

    def __init__(self, database: Database, lock: DirectoryLock) -> None:
        self._database = database
        self._lock = lock

    @classmethod
    async def open(cls, directory: Path, *, now: float) -> SqliteStateStore:
        """Lock the directory (created if missing) and open its ``state.db``; raises StoreError."""
        locks: list[DirectoryLock] = []

        def lock_and_connect() -> sqlite3.Connection:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            locks.append(DirectoryLock.acquire(directory))  # before anything is looked at, let alone set aside
            connection = connect(directory / STATE_FILE, _LAYOUT, now)
            _forget_old_dead(connection, now)
            return connection

        try:
            database = await Database.open(directory / STATE_FILE, lock_and_connect)
        except BaseException:
            for lock in locks:
                lock.release()
            raise
        return cls(database, locks[0])

    async def load(self) -> StoredState:
        """Read everything but the outbox; an unreadable alert or agent is skipped with a line in the log."""
        return await self._database.run(_load)

    async def commit(self, change: StateChange) -> None:
        """Store all of the change or nothing; on return it survives a kill and a power cut."""
        if change:
            await self._database.run(lambda connection: _commit(connection, change))

    async def due(self, now: float, limit: int = 100) -> Sequence[Notification]:
        """Undelivered notifications whose ``not_before`` has come, oldest first by ``id``."""
        return await self._database.run(lambda connection: _due(connection, now, limit))

    async def next_due_at(self) -> float | None:
        """Earliest ``not_before`` in the outbox, or None when it is empty."""
        return await self._database.run(_next_due_at)

    async def delivered(self, notification: Notification, now: float) -> None:
        """Take a delivered notification out of the outbox."""

        def remove(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute("DELETE FROM outbox WHERE id = ?", (notification.id,))
                _forget_old_dead(connection, now)

        await self._database.run(remove)

    async def postpone(self, notification: Notification, not_before: float, error: str) -> None:
        """Keep it for later: counts an attempt and remembers the error text."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, not_before = ?, error = ? WHERE id = ?",
                (not_before, printable(error), notification.id),
            )

        await self._database.run(update)

    async def give_up(self, notification: Notification, now: float, error: str) -> None:
        """Set a permanently failed notification aside; ``given_up`` and the table ``dead`` show it for 30 days."""

        def bury(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                _bury(connection, notification.id, now, error)
                _forget_old_dead(connection, now)

        await self._database.run(bury)

    async def given_up(self) -> Sequence[tuple[Notification, str]]:
        """Notifications set aside and why, oldest first."""
        return await self._database.run(_given_up)

    async def close(self) -> None:
        """Close the file and give the directory free; a second call does nothing."""
        try:
            await self._database.close()
        finally:
            self._lock.release()


def _load(connection: sqlite3.Connection) -> StoredState:
    return StoredState(
        alerts=_readable(Alert, connection.execute("SELECT body FROM alert ORDER BY rule, pbx, subject, direction")),
        agents=_readable(AgentRecord, connection.execute("SELECT body FROM agent ORDER BY pbx, peer")),
        meta={fact.name: fact.value for fact in _readable(_Fact, connection.execute("SELECT body FROM meta"))},
    )


def _readable(kind: type[T], rows: Iterable[tuple[str]]) -> tuple[T, ...]:
    values: list[T] = []
    for (body,) in rows:
        try:
            values.append(loads(kind, body))
        except StoreError as exc:
            log.error("%s: skipped one row: %s", STATE_FILE, exc)
    return tuple(values)


def _commit(connection: sqlite3.Connection, change: StateChange) -> None:
    with transaction(connection):
        for alert in change.alerts:
            key = (*map(printable, (alert.key.rule, alert.key.pbx, alert.key.subject)), alert.key.direction or "")
            if alert.state is AlertState.INACTIVE:
                connection.execute("DELETE FROM alert WHERE (rule, pbx, subject, direction) = (?, ?, ?, ?)", key)
            else:
                connection.execute("INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?)", (*key, alert.state, dumps(alert)))
        for notification in change.notifications:
            connection.execute(
                "INSERT INTO outbox(target, not_before, attempts, body) VALUES (?, ?, ?, ?)",
                (printable(notification.target), notification.not_before, notification.attempts, dumps(notification)),
            )
        for agent in change.agents:
            row = (printable(agent.pbx), printable(agent.peer), dumps(agent))
            connection.execute("INSERT OR REPLACE INTO agent VALUES (?, ?, ?)", row)
        for name, value in (change.meta or {}).items():
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (printable(name), dumps(_Fact(name, value))))


def _due(connection: sqlite3.Connection, now: float, limit: int) -> Sequence[Notification]:
    rows = connection.execute(
        "SELECT id, attempts, not_before, body FROM outbox WHERE not_before <= ? ORDER BY id LIMIT ?", (now, limit)
    ).fetchall()
    notifications = []
    for row_id, attempts, not_before, body in rows:
        try:
            notification = loads(Notification, body)
        except StoreError as exc:  # must not stand in the way of the others
            log.error("%s: message %d cannot be read and is set aside: %s", STATE_FILE, row_id, exc)
            with transaction(connection):
                _bury(connection, row_id, now, str(exc))
        else:
            notifications.append(replace(notification, id=row_id, attempts=attempts, not_before=not_before))
    return notifications


def _next_due_at(connection: sqlite3.Connection) -> float | None:
    (earliest,) = connection.execute("SELECT min(not_before) FROM outbox").fetchone()
    return None if earliest is None else float(earliest)


def _bury(connection: sqlite3.Connection, row_id: int, now: float, error: str) -> None:
    connection.execute(
        """INSERT INTO dead(id, target, given_up_at, attempts, error, body)
             SELECT id, target, ?, attempts + 1, ?, body FROM outbox WHERE id = ?""",
        (now, printable(error), row_id),
    )
    connection.execute("DELETE FROM outbox WHERE id = ?", (row_id,))


def _forget_old_dead(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("DELETE FROM dead WHERE given_up_at < ?", (now - DEAD_KEPT_S,))


def _given_up(connection: sqlite3.Connection) -> Sequence[tuple[Notification, str]]:
    found = []
    for row_id, attempts, error, body in connection.execute("SELECT id, attempts, error, body FROM dead ORDER BY id"):
        try:
            found.append((replace(loads(Notification, body), id=row_id, attempts=attempts), str(error)))
        except StoreError:
            continue  # said when it was set aside; the row itself stays readable
    return found
