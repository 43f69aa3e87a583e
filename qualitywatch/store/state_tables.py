"""The tables of ``state.db`` and the statements that fill, read and thin them; every function works on a given connection.

Values are JSON (``store.codec``); the columns beside them are what is asked for by, and for an administrator who looks in
with ``sqlite3``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AlertState, AuditRow, Incident, Post, Silence
from qualitywatch.ports import StateChange, StoredState
from qualitywatch.store.bounds import Bounds
from qualitywatch.store.codec import dumps, loads, printable
from qualitywatch.store.database import transaction
from qualitywatch.store.layout import Layout

log = logging.getLogger(__name__)

T = TypeVar("T")

STATE_FILE: Final = "state.db"

# Statements of a published migration never change: files that went through them are out there.
_MIGRATION_1: Final = (
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
)
_MIGRATION_2: Final = (
    # One message per transition became one message per incident; stored alerts that fire are taken up as incidents anew.
    "DROP TABLE outbox",
    "DROP TABLE dead",
    """CREATE TABLE incident(id INTEGER PRIMARY KEY, pbx TEXT NOT NULL, is_open INTEGER NOT NULL, news INTEGER NOT NULL,
         revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT""",
    "CREATE INDEX incident_open ON incident(is_open, id)",
    """CREATE TABLE concern(incident INTEGER NOT NULL, target TEXT NOT NULL,
         PRIMARY KEY(incident, target)) WITHOUT ROWID, STRICT""",
    """CREATE TABLE post(id INTEGER PRIMARY KEY, target TEXT NOT NULL, is_failed INTEGER NOT NULL,
         superseded INTEGER NOT NULL, body TEXT NOT NULL) STRICT""",
    """CREATE TABLE told(incident INTEGER NOT NULL, post INTEGER NOT NULL, news INTEGER NOT NULL, revision INTEGER NOT NULL,
         PRIMARY KEY(incident, post)) WITHOUT ROWID, STRICT""",
    "CREATE INDEX told_post ON told(post)",
    """CREATE TABLE silence(id INTEGER PRIMARY KEY, ends_at REAL NOT NULL, is_expired INTEGER NOT NULL,
         body TEXT NOT NULL) STRICT""",
    """CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
         incident INTEGER NOT NULL, body TEXT NOT NULL) STRICT""",
)

LAYOUT: Final = Layout(
    application_id=0x51577374,  # "QWst"
    mode=0o600,
    pragmas=("journal_mode = WAL", "synchronous = FULL", "cache_size = -512"),
    check_pages=True,
    migrations=(_MIGRATION_1, _MIGRATION_2),
)

# What a daemon needs to go on: what is open, what somebody has still to be told, and the newest of the rest.  The newest post's
# incidents are among it so that its id is known and never given twice.  The last part adds all others that share a digest.
_WANTED: Final = """WITH RECURSIVE wanted(id) AS (
      SELECT id FROM incident WHERE is_open
    UNION SELECT * FROM (SELECT id FROM incident WHERE NOT is_open ORDER BY id DESC LIMIT :closed_loaded)
    UNION SELECT incident FROM told WHERE post = (SELECT max(id) FROM post)
    UNION SELECT i.id FROM incident i JOIN told t ON t.incident = i.id JOIN post p ON p.id = t.post
      WHERE NOT p.is_failed AND (p.superseded OR t.news < i.news OR t.revision < i.revision)
    UNION SELECT i.id FROM incident i JOIN concern c ON c.incident = i.id WHERE i.news > 0 AND NOT EXISTS
      (SELECT * FROM told t JOIN post p ON p.id = t.post WHERE t.incident = i.id AND p.target = c.target)
    UNION SELECT beside.incident FROM wanted JOIN told ON told.incident = wanted.id JOIN told beside ON beside.post = told.post
  ) """
_INCIDENTS: Final = _WANTED + "SELECT body FROM incident WHERE id IN wanted ORDER BY id"  # noqa: S608 - constants
_POSTS: Final = _WANTED + "SELECT body FROM post WHERE id IN (SELECT post FROM told WHERE incident IN wanted) ORDER BY id"  # noqa: S608
_SILENCES: Final = """SELECT body FROM silence WHERE (ends_at > :now AND NOT is_expired)
    OR id IN (SELECT id FROM silence ORDER BY id DESC LIMIT :silences_loaded) ORDER BY id"""

_THINNING: Final = (
    """DELETE FROM incident WHERE NOT is_open
         AND id <= (SELECT id FROM incident WHERE NOT is_open ORDER BY id DESC LIMIT 1 OFFSET :closed_kept)""",
    "DELETE FROM concern WHERE incident NOT IN (SELECT id FROM incident)",
    "DELETE FROM post WHERE id NOT IN (SELECT post FROM told WHERE incident IN (SELECT id FROM incident))",
    "DELETE FROM told WHERE post NOT IN (SELECT id FROM post)",
    """DELETE FROM silence WHERE (ends_at <= :now OR is_expired)
         AND id <= (SELECT id FROM silence ORDER BY id DESC LIMIT 1 OFFSET :silences_kept)""",
    "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - :audit_kept",
)


@dataclass(frozen=True, slots=True)
class _Fact:
    """A row of ``meta``."""

    name: str
    value: str


def write(connection: sqlite3.Connection, change: StateChange) -> None:
    """Store the whole change in one transaction, or nothing of it."""
    with transaction(connection):
        for alert in change.alerts:
            _write_alert(connection, alert)
        for incident in change.incidents:
            _write_incident(connection, incident)
        for post in change.posts:
            _write_post(connection, post)
        for silence in change.silences:
            row = (silence.id, silence.ends_at, silence.expired_at is not None, dumps(silence))
            connection.execute("INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?)", row)
        for entry in change.audit:
            names = (printable(entry.by), printable(entry.action))
            connection.execute(
                "INSERT INTO audit(at, who, action, incident, body) VALUES (?, ?, ?, ?, ?)",
                (entry.at, *names, entry.incident, dumps(entry)),
            )
        for agent in change.agents:
            place = (printable(agent.pbx), printable(agent.peer))
            connection.execute("INSERT OR REPLACE INTO agent VALUES (?, ?, ?)", (*place, dumps(agent)))
        for name, value in (change.meta or {}).items():
            if value:
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (printable(name), dumps(_Fact(name, value))))
            else:
                connection.execute("DELETE FROM meta WHERE name = ?", (printable(name),))


def read(connection: sqlite3.Connection, bounds: Bounds, now: float) -> StoredState:
    """Read what a daemon needs; a row that cannot be read is skipped with a line in the log."""
    closed_loaded = {"closed_loaded": bounds.closed_loaded}
    silences = {"now": now, "silences_loaded": bounds.silences_loaded}
    return StoredState(
        alerts=_readable(Alert, connection.execute("SELECT body FROM alert ORDER BY rule, pbx, subject, direction")),
        agents=_readable(AgentRecord, connection.execute("SELECT body FROM agent ORDER BY pbx, peer")),
        meta={fact.name: fact.value for fact in _readable(_Fact, connection.execute("SELECT body FROM meta"))},
        incidents=_readable(Incident, connection.execute(_INCIDENTS, closed_loaded)),
        posts=_readable(Post, connection.execute(_POSTS, closed_loaded)),
        silences=_readable(Silence, connection.execute(_SILENCES, silences)),
        last_incident=_last(connection, "SELECT max(id) FROM incident"),
        last_silence=_last(connection, "SELECT max(id) FROM silence"),
    )


def read_audit(connection: sqlite3.Connection, limit: int) -> tuple[AuditRow, ...]:
    """Read the newest rows of the audit, newest first."""
    return _readable(AuditRow, connection.execute("SELECT body FROM audit ORDER BY id DESC LIMIT ?", (limit,)))


def thin(connection: sqlite3.Connection, bounds: Bounds, now: float) -> None:
    """Delete what is over and beyond the bounds."""
    values = {
        "closed_kept": bounds.closed_kept,
        "silences_kept": bounds.silences_kept,
        "audit_kept": bounds.audit_kept,
        "now": now,
    }
    with transaction(connection):
        for statement in _THINNING:
            connection.execute(statement, values)


def _write_alert(connection: sqlite3.Connection, alert: Alert) -> None:
    key = (*map(printable, (alert.key.rule, alert.key.pbx, alert.key.subject)), alert.key.direction or "")
    if alert.state is AlertState.INACTIVE:
        connection.execute("DELETE FROM alert WHERE (rule, pbx, subject, direction) = (?, ?, ?, ?)", key)
    else:
        connection.execute("INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?)", (*key, alert.state, dumps(alert)))


def _write_incident(connection: sqlite3.Connection, incident: Incident) -> None:
    figures = (incident.is_open, incident.news, incident.revision)
    row = (incident.id, printable(incident.pbx), *figures, dumps(incident))
    connection.execute("INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.execute("DELETE FROM concern WHERE incident = ?", (incident.id,))
    concerns = [(incident.id, printable(target)) for target in incident.targets]
    connection.executemany("INSERT OR IGNORE INTO concern VALUES (?, ?)", concerns)


def _write_post(connection: sqlite3.Connection, post: Post) -> None:
    row = (post.id, printable(post.target), bool(post.failed), len(post.superseded), dumps(post))
    connection.execute("INSERT OR REPLACE INTO post VALUES (?, ?, ?, ?, ?)", row)
    connection.execute("DELETE FROM told WHERE post = ?", (post.id,))
    told = [(told.incident, post.id, told.news, told.revision) for told in post.told]
    connection.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", told)


def _last(connection: sqlite3.Connection, query: str) -> int:
    (number,) = connection.execute(query).fetchone()
    return 0 if number is None else int(number)


def _readable(kind: type[T], rows: Iterable[tuple[str]]) -> tuple[T, ...]:
    values: list[T] = []
    for (body,) in rows:
        try:
            values.append(loads(kind, body))
        except StoreError as exc:
            log.error("%s: skipped one row: %s", STATE_FILE, exc)
    return tuple(values)
