"""The tables of ``rollup.db`` and the statements that fill, read and thin them; every function works on a given connection.

Instants are Unix seconds as integers, which is what charting tools take for time.  The rows of minutes and hours have files of
their own: ``voice_tables``, ``kpi_tables``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from qualitywatch.model import CallRecord, LogRecord
from qualitywatch.store.call_tables import MIGRATION as CALL_MIGRATION
from qualitywatch.store.codec import printable
from qualitywatch.store.database import transaction
from qualitywatch.store.detail import Detail
from qualitywatch.store.journal import Journal
from qualitywatch.store.judged_tables import insert_journal
from qualitywatch.store.kpi_tables import MIGRATION, SMALL_MINUTES, insert_kpis
from qualitywatch.store.kpis import KpiRow
from qualitywatch.store.layout import Layout
from qualitywatch.store.leg_tables import MIGRATION as LEG_MIGRATION
from qualitywatch.store.leg_tables import insert_call
from qualitywatch.store.minute_tables import MIGRATION as MINUTE_MIGRATION
from qualitywatch.store.past_tables import MIGRATION as CALL_LINKS
from qualitywatch.store.places import MIGRATION as PLACES_MIGRATION
from qualitywatch.store.places import Place, update_place
from qualitywatch.store.rollup import HOUR_S, MINUTE_S, Rollup
from qualitywatch.store.voice_tables import MIGRATION as VOICE_MIGRATION
from qualitywatch.store.voice_tables import VOICE_TABLES, insert_voice

Row: TypeAlias = Rollup | KpiRow | CallRecord | LogRecord | Detail | Journal | Place

PRUNE_CHUNK: Final = 5_000  # rows a transaction: a reader, or our own next flush, slips in between

TABLES_OF: Final = {MINUTE_S: ("v1m", "q1m"), HOUR_S: ("v1h", "k1h")}
# Statements of a published migration never change: files that went through them are out there.
_FIGURES_1: Final = """n INTEGER NOT NULL, calls INTEGER NOT NULL, lost REAL, packets REAL, lost_reported REAL,
    packets_reported REAL, loss_max REAL, jitter_n INTEGER NOT NULL, jitter_sum REAL, jitter_max REAL, rtt_n INTEGER NOT NULL,
    rtt_sum REAL, rtt_max REAL, mos_n INTEGER NOT NULL, mos_sum REAL, mos_min REAL"""


def _create_rows(table: str) -> str:
    return f"""CREATE TABLE {table}(peer INTEGER NOT NULL, ts INTEGER NOT NULL, dir INTEGER NOT NULL, {_FIGURES_1},
        PRIMARY KEY(peer, ts, dir)) WITHOUT ROWID, STRICT"""


def _create_view(name: str, table: str) -> str:
    return f"""CREATE VIEW {name} AS SELECT r.ts, p.pbx, p.name AS peer,
        CASE r.dir WHEN 1 THEN 'to_peer' WHEN 2 THEN 'from_peer' END AS direction, r.n, r.calls, r.packets,
        100 * r.lost / nullif(r.packets, 0) AS loss_percent, r.loss_max AS loss_percent_max,
        100 * r.lost_reported / nullif(r.packets_reported, 0) AS loss_percent_reported,
        r.jitter_sum / r.jitter_n AS jitter_ms, r.jitter_max AS jitter_ms_max,
        r.rtt_sum / r.rtt_n AS rtt_ms, r.rtt_max AS rtt_ms_max, r.mos_sum / r.mos_n AS mos, r.mos_min
        FROM {table} r JOIN peer p ON p.id = r.peer"""  # noqa: S608 - both names are constants


LAYOUT: Final = Layout(
    application_id=0x51577275,  # "QWru"
    mode=0o640,  # a charting program in our group may read
    pragmas=("journal_mode = DELETE", "synchronous = FULL"),  # a WAL reader would have to be able to write into the directory
    check_pages=False,  # up to 2 GB
    migrations=(
        (
            "CREATE TABLE peer(id INTEGER PRIMARY KEY, pbx TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(pbx, name)) STRICT",
            _create_rows("r1m"),
            _create_rows("r1h"),
            _create_view("minute", "r1m"),
            _create_view("hour", "r1h"),
            """CREATE TABLE call(id INTEGER PRIMARY KEY, peer INTEGER NOT NULL, channel TEXT NOT NULL, uniqueid TEXT NOT NULL,
                linkedid TEXT, start INTEGER NOT NULL, answer INTEGER, stop INTEGER NOT NULL, cause INTEGER, codec TEXT,
                to_peer_lost REAL, to_peer_packets REAL, to_peer_lost_reported REAL, to_peer_packets_reported REAL,
                to_peer_jitter_max REAL, to_peer_mos_min REAL,
                from_peer_lost REAL, from_peer_packets REAL, from_peer_lost_reported REAL, from_peer_packets_reported REAL,
                from_peer_jitter_max REAL, from_peer_mos_min REAL, rtt_max REAL) STRICT""",
            "CREATE INDEX call_peer_start ON call(peer, start)",
            "CREATE INDEX call_start ON call(start)",
            """CREATE TABLE event(id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, peer INTEGER NOT NULL, kind TEXT NOT NULL,
                text TEXT NOT NULL) STRICT""",
            "CREATE INDEX event_ts ON event(ts)",
        ),
        MIGRATION,
        (
            """CREATE TABLE detail(id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, peer INTEGER NOT NULL,
                samples BLOB NOT NULL) STRICT""",
            "CREATE INDEX detail_ts ON detail(ts)",
            """CREATE TABLE judged(id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, until INTEGER NOT NULL, pbx TEXT NOT NULL,
                observed BLOB NOT NULL) STRICT""",
            "CREATE INDEX judged_ts ON judged(ts)",
        ),
        CALL_LINKS,
        PLACES_MIGRATION,
        (*VOICE_MIGRATION, *CALL_MIGRATION),
        (
            # An administrator's view of a table that is gone for the moment must not keep another from being renamed.
            "PRAGMA legacy_alter_table = ON",
            *MINUTE_MIGRATION,
            _create_view("minute", "r1m"),
            *LEG_MIGRATION,
            *SMALL_MINUTES,
            "PRAGMA legacy_alter_table = OFF",
        ),
    ),
)


def insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write all rows in one transaction, or none."""
    with transaction(connection):
        peers: dict[tuple[str, str], int] = {}

        def peer(pbx: str, name: str) -> int:
            known = peers.get((pbx, name))
            if known is None:
                known = peers[(pbx, name)] = _peer_id(connection, printable(pbx), printable(name))
            return known

        heard: list[tuple[int, Rollup]] = []
        figures: list[tuple[int, KpiRow]] = []
        for row in rows:
            match row:
                case Rollup():
                    heard.append((peer(row.key.pbx, row.key.subject), row))
                case KpiRow():
                    figures.append((peer(row.key.pbx, row.key.subject), row))
                case CallRecord():
                    insert_call(connection, peer(row.pbx, row.subject), row)
                case LogRecord():
                    event = {"ts": int(row.at), "kind": printable(row.kind), "text": printable(row.text)}
                    _insert_row(connection, "event", {"peer": peer(row.pbx, row.subject), **event})
                case Detail():
                    detail = {"ts": row.start_at, "peer": peer(row.pbx, row.subject), "samples": row.packed}
                    _insert_row(connection, "detail", detail)
                case Journal():
                    insert_journal(connection, row)
                case Place():
                    update_place(connection, peer(row.pbx, row.subject), row)
        insert_voice(connection, heard)
        insert_kpis(connection, figures)


def _peer_id(connection: sqlite3.Connection, pbx: str, name: str) -> int:
    connection.execute("INSERT INTO peer(pbx, name) VALUES (?, ?) ON CONFLICT DO NOTHING", (pbx, name))
    (peer_id,) = connection.execute("SELECT id FROM peer WHERE (pbx, name) = (?, ?)", (pbx, name)).fetchone()
    return int(peer_id)


def _insert_row(connection: sqlite3.Connection, table: str, values: Mapping[str, object]) -> None:
    names, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table}({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608 - our own names


def select_subjects(connection: sqlite3.Connection, width_s: int, pbx: str, since: float, until: float) -> set[str]:
    """Read the names of all subjects of a PBX with a row that reaches into [since, until), one look at the key for each."""
    found = connection.execute(
        f"""SELECT name FROM peer WHERE pbx = ? AND EXISTS
            (SELECT * FROM {VOICE_TABLES[width_s]} WHERE peer = peer.id AND ts > ? AND ts < ?)""",  # noqa: S608 - a constant
        (printable(pbx), since - width_s, until),
    )
    return {name for (name,) in found}


def prune_rows(connection: sqlite3.Connection, table: str, before: float, began: str = "ts") -> int:
    """Delete one chunk of a table's minutes, hours or legs that began before an instant; return how many, 0 for none left.

    Peer by peer, because the primary key leads with the peer: anything else would read the whole table for each chunk.
    """
    left = PRUNE_CHUNK
    with transaction(connection):
        for (peer,) in connection.execute("SELECT id FROM peer ORDER BY id").fetchall():
            cut = connection.execute(
                f"SELECT {began} FROM {table} WHERE peer = ? AND {began} < ? ORDER BY {began} LIMIT 1 OFFSET ?",  # noqa: S608 - constants
                (peer, before, left),
            ).fetchone()
            limit = before if cut is None else cut[0]
            older = f"DELETE FROM {table} WHERE peer = ? AND {began} < ?"  # noqa: S608 - likewise
            deleted = connection.execute(older, (peer, limit))
            left -= deleted.rowcount
            if cut is not None:
                break
    return PRUNE_CHUNK - left


def prune_calls(connection: sqlite3.Connection, before: float) -> int:
    """Delete one chunk of legs that began before an instant, or of names; return how many, 0 when none are left.

    Names go when no leg is left that they could belong to: a leg without any cannot be shown.
    """
    return prune_rows(connection, "leg", before, "start") or prune_rows(connection, "leg_text", before, "start")


def prune_events(connection: sqlite3.Connection, before: float) -> int:
    """Delete one chunk of events before an instant; return how many, 0 when none are left."""
    return _prune_listed(connection, "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE ts < ? LIMIT ?)", before)


def prune_detail(connection: sqlite3.Connection, before: float) -> int:
    """Delete one chunk of single reports before an instant; return how many, 0 when none are left."""
    return _prune_listed(connection, "DELETE FROM detail WHERE id IN (SELECT id FROM detail WHERE ts < ? LIMIT ?)", before)


def prune_judged(connection: sqlite3.Connection, before: float) -> int:
    """Delete one chunk of what was judged before an instant; return how many, 0 when none are left."""
    return _prune_listed(connection, "DELETE FROM judged WHERE id IN (SELECT id FROM judged WHERE until < ? LIMIT ?)", before)


def _prune_listed(connection: sqlite3.Connection, statement: str, before: float) -> int:
    with transaction(connection):
        return connection.execute(statement, (before, PRUNE_CHUNK)).rowcount
