"""The tables of figures of trunks and queues in ``rollup.db``, and the statements that fill, read and thin them.

One row for each figure, subject and minute or hour; merged by UPSERT with the arithmetic of ``KpiFigures.__add__``.  The views
``kpi_minute`` and ``kpi_hour`` are what charting programs read.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from qualitywatch.store.codec import printable
from qualitywatch.store.kpis import KpiFigures, KpiKey, KpiRow
from qualitywatch.store.rollup import HOUR_S, MINUTE_S

_TABLES: Final = {MINUTE_S: "k1m", HOUR_S: "k1h"}


def _create_rows(table: str) -> str:
    return f"""CREATE TABLE {table}(peer INTEGER NOT NULL, ts INTEGER NOT NULL, kpi TEXT NOT NULL, n REAL NOT NULL,
        total REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, PRIMARY KEY(peer, ts, kpi)) WITHOUT ROWID, STRICT"""


def _create_view(name: str, table: str) -> str:
    return f"""CREATE VIEW {name} AS SELECT k.ts, p.pbx, p.name AS peer, k.kpi, k.n, k.total / k.n AS mean, k.low, k.high
        FROM {table} k JOIN peer p ON p.id = k.peer"""  # noqa: S608 - both names are constants


MIGRATION: Final = (
    _create_rows("k1m"),
    _create_rows("k1h"),
    _create_view("kpi_minute", "k1m"),
    _create_view("kpi_hour", "k1h"),
)


def insert_kpi(connection: sqlite3.Connection, peer: int, row: KpiRow) -> None:
    """Add a row to what is there."""
    table, figures = _TABLES[row.width_s], row.figures
    connection.execute(
        f"""INSERT INTO {table}(peer, ts, kpi, n, total, low, high) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET n = n + excluded.n, total = total + excluded.total,
            low = min(low, excluded.low), high = max(high, excluded.high)""",  # noqa: S608 - a constant
        (peer, row.key.start_at, printable(row.key.kpi), figures.n, figures.total, figures.low, figures.high),
    )


def select_kpis(
    connection: sqlite3.Connection, width_s: int, pbx: str, subject: str, since: float, until: float
) -> list[KpiRow]:
    """Read the rows of one subject that reach into [since, until), by primary key."""
    found = connection.execute(
        f"""SELECT ts, kpi, n, total, low, high FROM {_TABLES[width_s]}
            WHERE peer = (SELECT id FROM peer WHERE (pbx, name) = (?, ?)) AND ts > ? AND ts < ?""",  # noqa: S608 - a constant
        (printable(pbx), printable(subject), since - width_s, until),
    )
    return [KpiRow(width_s, KpiKey(start_at, pbx, subject, kpi), KpiFigures(*figures)) for start_at, kpi, *figures in found]
