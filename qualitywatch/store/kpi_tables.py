"""The tables of figures of trunks and queues in ``rollup.db``, and the statements that fill, read and thin them.

One row for each figure, subject and minute or hour; merged with the arithmetic of ``KpiFigures.__add__``.  There are many
minutes, so ``q1m`` holds them small: figures by number (``kpi``), values as whole numbers (``_kept``: a value that has no
fraction doubled, any other as ten-thousandths, rounded, doubled and 1), and what is usual is NULL: a total as great as the
count (all answered), extremes as great as the mean (one call).  The views ``k1m``, ``kpi_minute`` and ``kpi_hour`` are what
charting programs read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from qualitywatch.store.codec import printable
from qualitywatch.store.kpis import KpiFigures, KpiKey, KpiRow
from qualitywatch.store.rollup import HOUR_S, MINUTE_S

_PARTS: Final = 10_000
_MOST: Final = 2.0**48


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


def _shown(column: str) -> str:
    return f"CASE WHEN {column} & 1 THEN ({column} >> 1) / {_PARTS}.0 ELSE ({column} >> 1) * 1.0 END"


def _moved(value: str) -> str:
    value = f"max({-_MOST}, min({_MOST}, {value}))"
    parts = f"CAST(round({value} * {_PARTS}) AS INTEGER)"
    return f"CASE WHEN {value} = round({value}) THEN CAST({value} AS INTEGER) * 2 ELSE {parts} * 2 + 1 END"


_COUNT: Final = _shown("q1m.n")
_TOTAL: Final = f"coalesce({_shown('q1m.total')}, {_COUNT})"
_FIGURES: Final = (
    f"{_COUNT} AS n, {_TOTAL} AS total, coalesce({_shown('q1m.low')}, {_TOTAL} / {_COUNT}) AS low, "
    f"coalesce({_shown('q1m.high')}, {_TOTAL} / {_COUNT}) AS high"
)

SMALL_MINUTES: Final = (
    "DROP VIEW kpi_minute",
    "CREATE TABLE kpi(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE q1m(peer INTEGER NOT NULL, ts INTEGER NOT NULL, kpi INTEGER NOT NULL, n INTEGER NOT NULL, total INTEGER,
        low INTEGER, high INTEGER, PRIMARY KEY(peer, ts, kpi)) WITHOUT ROWID, STRICT""",
    "INSERT INTO kpi(name) SELECT DISTINCT kpi FROM k1m",
    f"""INSERT INTO q1m SELECT k.peer, k.ts, kpi.id, {_moved("k.n")}, nullif({_moved("k.total")}, {_moved("k.n")}),
        CASE WHEN k.low <> k.total / k.n THEN {_moved("k.low")} END,
        CASE WHEN k.high <> k.total / k.n THEN {_moved("k.high")} END
        FROM k1m k CROSS JOIN kpi ON kpi.name = k.kpi""",  # noqa: S608 - constants
    "DROP TABLE k1m",
    f"""CREATE VIEW k1m AS SELECT q1m.peer, q1m.ts, (SELECT name FROM kpi WHERE id = q1m.kpi) AS kpi, {_FIGURES}
        FROM q1m""",  # noqa: S608 - constants
    _create_view("kpi_minute", "k1m"),
)

_INSERT: Final = "INSERT INTO q1m(peer, ts, kpi, n, total, low, high) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_REPLACE: Final = "REPLACE INTO q1m(peer, ts, kpi, n, total, low, high) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT_ONE: Final = f"SELECT {_FIGURES} FROM q1m WHERE (peer, ts, kpi) = (?, ?, ?)"  # noqa: S608 - constants


def insert_kpis(connection: sqlite3.Connection, rows: Iterable[tuple[int, KpiRow]]) -> None:
    """Add rows, each with its subject's number, to what is there."""
    numbers: dict[str, int] = {}
    for peer, row in rows:
        if row.width_s == HOUR_S:
            _insert_hour(connection, peer, row)
            continue
        number = numbers.get(row.key.kpi)
        if number is None:
            number = numbers[row.key.kpi] = _number(connection, printable(row.key.kpi))
        key = peer, row.key.start_at, number
        if not connection.execute(_INSERT, (*key, *_packed(row.figures))).rowcount:
            known = KpiFigures(*connection.execute(_SELECT_ONE, key).fetchone())
            connection.execute(_REPLACE, (*key, *_packed(known + row.figures)))


def _number(connection: sqlite3.Connection, kpi: str) -> int:
    connection.execute("INSERT INTO kpi(name) VALUES (?) ON CONFLICT DO NOTHING", (kpi,))
    (number,) = connection.execute("SELECT id FROM kpi WHERE name = ?", (kpi,)).fetchone()
    return int(number)


def _packed(figures: KpiFigures) -> tuple[int | None, ...]:
    count, total, mean = _kept(figures.n), _kept(figures.total), figures.total / figures.n
    extremes = (None if extreme == mean else _kept(extreme) for extreme in (figures.low, figures.high))
    return count, None if total == count else total, *extremes


def _kept(value: float) -> int:
    value = max(-_MOST, min(_MOST, value))
    return int(value) * 2 if value == int(value) else round(value * _PARTS) * 2 + 1


def _insert_hour(connection: sqlite3.Connection, peer: int, row: KpiRow) -> None:
    figures = row.figures
    connection.execute(
        """INSERT INTO k1h(peer, ts, kpi, n, total, low, high) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET n = n + excluded.n, total = total + excluded.total,
            low = min(low, excluded.low), high = max(high, excluded.high)""",
        (peer, row.key.start_at, printable(row.key.kpi), figures.n, figures.total, figures.low, figures.high),
    )


def select_kpis(
    connection: sqlite3.Connection, width_s: int, pbx: str, subject: str, since: float, until: float
) -> list[KpiRow]:
    """Read the rows of one subject that reach into [since, until), by primary key."""
    found = connection.execute(
        f"""SELECT ts, kpi, n, total, low, high FROM {"k1m" if width_s == MINUTE_S else "k1h"}
            WHERE peer = (SELECT id FROM peer WHERE (pbx, name) = (?, ?)) AND ts > ? AND ts < ?""",  # noqa: S608 - a constant
        (printable(pbx), printable(subject), since - width_s, until),
    )
    return [KpiRow(width_s, KpiKey(start_at, pbx, subject, kpi), KpiFigures(*figures)) for start_at, kpi, *figures in found]
