"""The hours of what was heard, in ``rollup.db``: a row for each peer, direction and hour; and the way to the minutes.

Strategy: SQLite writes a whole number in as few bytes as it takes and any other in eight
(https://www.sqlite.org/fileformat.html section 2.1), so times, percentages and scores are kept in hundredths, rounded, in
``v1h``; packets are mostly whole, and exact: loss is the quotient of two sums of them.  Round trips, which have no direction,
stand in the row of the direction their reports speak of.  The view ``r1h`` shows the figures in their units, and all reading
by others goes through it.  Minutes were kept so too; there are sixty times as many, and ``minute_tables`` is what became of
them.

Rows are merged by UPSERT with the arithmetic of ``Figures.__add__``: counts and sums add, extremes stay extreme, NULL is "not
measured" and gives way to any figure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import Any, Final, TypeAlias

from qualitywatch.model import Direction, HistoryPoint
from qualitywatch.store.codec import printable
from qualitywatch.store.minute_tables import insert_minute, select_minute_points, select_minutes
from qualitywatch.store.rollup import FIGURES, HOUR_S, MINUTE_S, Figures, Rollup

VOICE_TABLES: Final = {MINUTE_S: "v1m", HOUR_S: "v1h"}
PER_UNIT: Final = 100  # of a percent, a millisecond, a score

Stored: TypeAlias = tuple[int, Direction | None, tuple[Any, ...]]
"""When a stretch begins, the direction, and the arguments of its ``Figures``."""

_TO_PEER, _FROM_PEER = 1, 2
DIRECTIONS: Final = {_TO_PEER: Direction.TO_PEER, _FROM_PEER: Direction.FROM_PEER}
_NUMBERS: Final = {None: _TO_PEER, Direction.TO_PEER: _TO_PEER, Direction.FROM_PEER: _FROM_PEER}
_SCALED: Final = frozenset(
    {"loss_max", "jitter_sum", "jitter_max", "rtt_sum", "rtt_max", "mos_sum", "mos_min"},
)
_SCALED_AT: Final = tuple(place for place, figure in enumerate(FIGURES) if figure in _SCALED)
_CALLS_AT: Final = FIGURES.index("calls")
_ROUND_TRIP: Final = slice(FIGURES.index("rtt_n"), FIGURES.index("rtt_max") + 1)
_NO_FIGURES: Final = astuple(Figures())
_NOTHING_HEARD: Final = (None, None, None, None, None, None)  # packets, loss and jitter beside a round trip
_COLUMNS: Final = ("peer", "ts", "dir", *FIGURES, "rtt_calls")


def _create_rows(table: str) -> str:
    return f"""CREATE TABLE {table}(peer INTEGER NOT NULL, ts INTEGER NOT NULL, dir INTEGER NOT NULL, n INTEGER NOT NULL,
        calls INTEGER NOT NULL, lost REAL, packets REAL, lost_reported REAL, packets_reported REAL, loss_max INTEGER,
        jitter_n INTEGER NOT NULL, jitter_sum INTEGER, jitter_max INTEGER, rtt_n INTEGER NOT NULL, rtt_sum INTEGER,
        rtt_max INTEGER, mos_n INTEGER NOT NULL, mos_sum INTEGER, mos_min INTEGER, rtt_calls INTEGER NOT NULL,
        PRIMARY KEY(peer, ts, dir)) WITHOUT ROWID, STRICT"""


def _moved(old: str, table: str) -> tuple[str, ...]:
    """Statements that bring the rows of the first layout over, round trips into the row of their direction."""
    figures = ", ".join(f"CAST(round({figure} * 100) AS INTEGER)" if figure in _SCALED else figure for figure in FIGURES)
    merged = "rtt_n = excluded.rtt_n, rtt_sum = excluded.rtt_sum, rtt_max = excluded.rtt_max, rtt_calls = excluded.rtt_calls"
    return (
        f"INSERT INTO {table} SELECT peer, ts, dir, {figures}, 0 FROM {old} WHERE dir > 0",  # noqa: S608 - constants
        f"""INSERT INTO {table}(peer, ts, dir, n, calls, jitter_n, mos_n, rtt_n, rtt_sum, rtt_max, rtt_calls)
            SELECT peer, ts, 1, 0, 0, 0, 0, rtt_n, CAST(round(rtt_sum * 100) AS INTEGER),
            CAST(round(rtt_max * 100) AS INTEGER), calls FROM {old} WHERE dir = 0
            ON CONFLICT DO UPDATE SET {merged}""",  # noqa: S608 - constants
        f"DROP TABLE {old}",
    )


def _create_view(name: str, table: str) -> str:
    figures = ", ".join(f"{figure} / 100.0 AS {figure}" if figure in _SCALED else figure for figure in FIGURES)
    return f"CREATE VIEW {name} AS SELECT peer, ts, dir, {figures} FROM {table}"  # noqa: S608 - constants


MIGRATION: Final = (
    _create_rows("v1m"),
    _create_rows("v1h"),
    *_moved("r1m", "v1m"),
    *_moved("r1h", "v1h"),
    _create_view("r1m", "v1m"),
    _create_view("r1h", "v1h"),
)


def _upsert(table: str) -> str:
    def merged(figure: str) -> str:
        pair = f"{table}.{figure}, excluded.{figure}"
        extreme = {"max": "max", "min": "min"}.get(figure.rpartition("_")[2])
        both = f"{extreme}({pair})" if extreme else f"{table}.{figure} + excluded.{figure}"  # NULL when either is
        return f"{figure} = coalesce({both}, {pair})"

    places = ", ".join("?" * len(_COLUMNS))
    merges = ", ".join(map(merged, _COLUMNS[3:]))
    return f"INSERT INTO {table}({', '.join(_COLUMNS)}) VALUES ({places}) ON CONFLICT DO UPDATE SET {merges}"  # noqa: S608


_UPSERT: Final = _upsert("v1h")


def insert_voice(connection: sqlite3.Connection, rows: Iterable[tuple[int, Rollup]]) -> None:
    """Add rows, each with its peer's number, to what is there."""
    minutes: dict[tuple[int, int], dict[Direction | None, Figures]] = {}
    for peer, row in rows:
        if row.width_s == MINUTE_S:
            heard, side = minutes.setdefault((peer, row.key.start_at), {}), row.key.direction
            heard[side] = heard[side] + row.figures if side in heard else row.figures
        else:
            _insert_hour(connection, peer, row)
    for place, heard in minutes.items():
        insert_minute(connection, *place, heard)


def _insert_hour(connection: sqlite3.Connection, peer: int, row: Rollup) -> None:
    figures = list(astuple(row.figures))
    for place in _SCALED_AT:
        if figures[place] is not None:
            figures[place] = round(figures[place] * PER_UNIT)
    rtt_calls = 0
    if row.key.direction is None:
        rtt_calls, figures[_CALLS_AT] = figures[_CALLS_AT], 0
    connection.execute(_UPSERT, (peer, row.key.start_at, _NUMBERS[row.key.direction], *figures, rtt_calls))


def select_voice(
    connection: sqlite3.Connection, width_s: int, pbx: str, subject: str, since: float, until: float
) -> Iterator[Stored]:
    """Read the rows of one subject that reach into [since, until), by primary key."""
    if width_s == HOUR_S:
        yield from _select_hours(connection, pbx, subject, since, until)
        return
    for start_at, heard in select_minutes(connection, pbx, subject, since, until):
        for direction, figures in heard.items():
            yield start_at, direction, astuple(figures)


def _select_hours(connection: sqlite3.Connection, pbx: str, subject: str, since: float, until: float) -> Iterator[Stored]:
    figures = ", ".join(f"{figure} / 100.0" if figure in _SCALED else figure for figure in FIGURES)
    found = connection.execute(
        f"""SELECT ts, dir, rtt_calls, {figures} FROM v1h
            WHERE peer = (SELECT id FROM peer WHERE (pbx, name) = (?, ?)) AND ts > ? AND ts < ?""",  # noqa: S608 - constants
        (printable(pbx), printable(subject), since - HOUR_S, until),
    )
    before, after = _NO_FIGURES[: _ROUND_TRIP.start], _NO_FIGURES[_ROUND_TRIP.stop :]
    nothing = _NO_FIGURES[_ROUND_TRIP]
    for start_at, number, rtt_calls, *figures_of in found:
        heard = tuple(figures_of)
        if number == _FROM_PEER:
            yield start_at, Direction.FROM_PEER, heard
            continue
        round_trip = heard[_ROUND_TRIP]
        if round_trip[0]:
            yield start_at, None, (before[0], rtt_calls, *before[2:], *round_trip, *after)
        without = (*heard[: _ROUND_TRIP.start], *nothing, *heard[_ROUND_TRIP.stop :])
        if without != _NO_FIGURES:
            yield start_at, Direction.TO_PEER, without


_POINTS: Final = """SELECT ts * 1.0, dir, n OR calls OR jitter_n OR mos_n, rtt_n, rtt_calls, rtt_sum / 100.0 / rtt_n,
    rtt_max / 100.0, calls, packets, 100.0 * lost / nullif(packets, 0), loss_max / 100.0,
    100.0 * lost_reported / nullif(packets_reported, 0), jitter_sum / 100.0 / jitter_n, jitter_max / 100.0,
    NULL, NULL, mos_sum / 100.0 / mos_n, mos_min / 100.0"""


def select_points(
    connection: sqlite3.Connection, width_s: int, pbx: str, subject: str, since: float, until: float
) -> list[HistoryPoint]:
    """As ``select_voice``, as points to be drawn, in order of time and of the direction's name."""
    if width_s == MINUTE_S:
        return select_minute_points(connection, pbx, subject, since, until)
    found = connection.execute(
        f"""{_POINTS} FROM v1h
            WHERE peer = (SELECT id FROM peer WHERE (pbx, name) = (?, ?)) AND ts > ? AND ts < ?""",  # noqa: S608 - constants
        (printable(pbx), printable(subject), since - HOUR_S, until),
    )
    width, points = float(width_s), []
    for at, number, is_heard, rtts, rtt_calls, rtt, rtt_max, calls, *heard in found:
        if rtts:
            points.append(HistoryPoint(at, width, None, rtt_calls, *_NOTHING_HEARD, rtt, rtt_max, None, None))
        if is_heard:
            points.append(HistoryPoint(at, width, DIRECTIONS[number], calls, *heard))
    points.sort(key=lambda point: (point.at, point.direction or ""))
    return points
