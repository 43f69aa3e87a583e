"""The minutes of what was heard, in ``rollup.db``: one row of ``v1m`` for a peer's minute, with both directions in it.

Strategy: half of the file is these rows, and half of a row would be SQLite's note of what its columns hold; so figures that
belong together share a column (``packing``), what usually follows from another is kept as the difference, and is mostly 0,
and a mean is kept as its share of the highest.  Rounded is what nobody is shown: extremes and means of jitter to 0.01 ms,
round trips to 0.05 ms, MOS to 0.01 and its mean to 0.005, the share to 1/4095 (which says more of means below highs of 41 ms,
or round trips of 205 ms), packets of reports to whole ones, which they are, lost and net ones to 0.01.

``CALLS``: of the direction to the peer, or else of what there is, less 1; its reports less those of round trips; its calls
less those with round trips; and how many more calls there are in the other direction.  Exact up to 8,192 calls of one peer in
a minute, at a report every 5 s, however few of these tell round trips; of more calls, so many are shown.
``COUNTS``: of each direction reports of loss, and how many fewer there are of jitter and of MOS; of the direction from the
peer kept as the difference from the other's, where there is one.
``packets`` are those of reports beyond 250 each (RTCP comes every 5 s, voice every 20 ms), ``LOST`` and ``NET`` what got lost
of them, at most in one report and in all, and how many fewer packets were lost and expected net of what was passed on.
NULL is "not measured": ``counts`` of a direction without figures, ``packets`` without reported loss, ``net`` without net loss.

The view ``r1m`` shows a row for each direction, with the figures in their units, and all reading by others goes through it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from qualitywatch.model import Direction, HistoryPoint
from qualitywatch.store.codec import printable
from qualitywatch.store.packing import Packed, scaled, scaled_in_sql
from qualitywatch.store.rollup import FIGURES, MINUTE_S, Figures

Heard: TypeAlias = Mapping[Direction | None, Figures]
"""The figures of one minute of a peer; of None those of round trips."""

CALLS: Final = Packed(14, 18, 15, 16)
COUNTS: Final = Packed(21, 21, 21)
LOST: Final = Packed(15, 48)
NET: Final = Packed(31, 32)
SHARE: Final = Packed(12, 51)
MOS: Final = Packed(10, 53)

USUAL_PACKETS: Final = 250
HUNDREDTHS: Final = 100
_RTT_PARTS: Final = 20  # of a millisecond
_MEAN_MOS_PARTS: Final = 200
_WHOLE: Final = 4095  # what a share is counted in
_MIDDLE_SHARE: Final = 2048  # a share is kept as what it is above this, so that it fits its bits
_MIDDLE_MOS: Final = 512
_BEST_MOS: Final = 5

_SIDES: Final = {Direction.TO_PEER: "to", Direction.FROM_PEER: "from"}
_OF_SIDE: Final = ("counts", "packets", "lost", "net", "jitter", "mos")
_COLUMNS: Final = ("calls", "rtt", *(f"{side}_{column}" for side in _SIDES.values() for column in _OF_SIDE))
_NOTHING: Final = Figures()


def packed(heard: Heard) -> dict[str, int | None]:
    """A minute as its row's columns."""
    found: dict[str, int | None] = dict.fromkeys(_COLUMNS)
    to_peer, from_peer, trips = (heard.get(side) for side in (Direction.TO_PEER, Direction.FROM_PEER, None))
    first = next(each for each in (to_peer, from_peer, trips) if each is not None)
    fewer_trips, fewer_with_trips = 0, 0
    if trips is not None and trips.rtt_max is not None and trips.rtt_sum is not None:
        found["rtt"] = _share(trips.rtt_sum / trips.rtt_n, trips.rtt_max, _RTT_PARTS)
        fewer_trips, fewer_with_trips = (to_peer.n if to_peer else 0) - trips.rtt_n, first.calls - trips.calls
    more_calls = from_peer.calls - to_peer.calls if to_peer and from_peer else 0
    found["calls"] = CALLS.pack(first.calls - 1, fewer_trips, fewer_with_trips, more_calls)
    for side, figures in ((_SIDES[Direction.TO_PEER], to_peer), (_SIDES[Direction.FROM_PEER], from_peer)):
        if figures is not None:
            found |= {f"{side}_{column}": value for column, value in _side(figures).items()}
    if (counts := found["from_counts"]) is not None:
        found["from_counts"] = counts - (found["to_counts"] or 0)
    return found


def _side(figures: Figures) -> dict[str, int | None]:
    has_jitter, has_mos = figures.jitter_max is not None, figures.mos_min is not None
    fewer = figures.n - figures.jitter_n if has_jitter else 0, figures.n - figures.mos_n if has_mos else 0
    found: dict[str, int | None] = {"counts": COUNTS.pack(figures.n, *fewer)}
    lost, packets = scaled(figures.lost_reported, HUNDREDTHS) or 0, 0
    if figures.packets_reported is not None:
        packets = round(figures.packets_reported)
        found["packets"] = packets - USUAL_PACKETS * figures.n
    found["lost"] = LOST.pack(scaled(figures.loss_max, HUNDREDTHS) or 0, lost)
    if figures.lost is not None and figures.packets is not None:
        net_lost, net_packets = round(figures.lost * HUNDREDTHS), round(figures.packets * HUNDREDTHS)
        found["net"] = NET.pack(packets * HUNDREDTHS - net_packets, lost - net_lost)
    if figures.jitter_sum is not None and figures.jitter_max is not None:
        found["jitter"] = _share(figures.jitter_sum / figures.jitter_n, figures.jitter_max, HUNDREDTHS)
    if figures.mos_sum is not None and figures.mos_min is not None:
        worst = round((_BEST_MOS - figures.mos_min) * HUNDREDTHS)
        lacking = round((_BEST_MOS - figures.mos_sum / figures.mos_n) * _MEAN_MOS_PARTS)
        mean = min(lacking, worst * _MEAN_MOS_PARTS // HUNDREDTHS)  # each is rounded: no mean is below the lowest
        found["mos"] = MOS.pack(mean - _MIDDLE_MOS, worst)
    return found


def _share(mean: float, highest: float, parts: int) -> int:
    of_all = round(highest * parts)
    share = min(_WHOLE, round(round(mean * parts) * _WHOLE / of_all)) if of_all else 0
    return SHARE.pack(share - _MIDDLE_SHARE, of_all)


def unpacked(row: Mapping[str, int | None]) -> dict[Direction | None, Figures]:
    """The figures of a row's columns."""
    found: dict[Direction | None, Figures] = {}
    calls, fewer_trips, fewer_with_trips, more_calls = CALLS.unpack(row["calls"] or 0)
    for direction, side in _SIDES.items():
        if (counts := row[f"{side}_counts"]) is not None:
            more = more_calls if direction is Direction.FROM_PEER else 0
            counts += (row["to_counts"] or 0) if direction is Direction.FROM_PEER else 0
            found[direction] = _unpacked_side(counts, *(row[f"{side}_{column}"] for column in _OF_SIDE[1:]))
            found[direction] = replace(found[direction], calls=calls + 1 + more)
    if (trips := row["rtt"]) is not None:
        mean, highest = _of_share(trips, _RTT_PARTS)
        count = found.get(Direction.TO_PEER, _NOTHING).n - fewer_trips
        found[None] = Figures(calls=calls + 1 - fewer_with_trips, rtt_n=count, rtt_sum=mean * count, rtt_max=highest)
    return found


def _unpacked_side(
    counts: int, packets: int | None, lost: int | None, net: int | None, jitter: int | None, mos: int | None
) -> Figures:
    n, fewer_jitters, fewer_scores = COUNTS.unpack(counts)
    loss_max, lost_reported = LOST.unpack(lost or 0)
    told: dict[str, Any] = {"n": n}
    reported = 0
    if packets is not None:
        reported = packets + USUAL_PACKETS * n
        told |= {"packets_reported": float(reported), "lost_reported": lost_reported / HUNDREDTHS}
    if net is not None:
        packets_less, lost_less = NET.unpack(net)
        net_packets = reported * HUNDREDTHS - packets_less
        told |= {"packets": net_packets / HUNDREDTHS, "lost": (lost_reported - lost_less) / HUNDREDTHS}
        told["loss_max"] = loss_max / HUNDREDTHS
    if jitter is not None:
        mean, highest = _of_share(jitter, HUNDREDTHS)
        told |= {"jitter_n": n - fewer_jitters, "jitter_sum": mean * (n - fewer_jitters), "jitter_max": highest}
    if mos is not None:
        mean_code, worst = MOS.unpack(mos)
        mean = (_BEST_MOS * _MEAN_MOS_PARTS - (mean_code + _MIDDLE_MOS)) / _MEAN_MOS_PARTS
        told |= {
            "mos_n": n - fewer_scores,
            "mos_sum": mean * (n - fewer_scores),
            "mos_min": (_BEST_MOS * HUNDREDTHS - worst) / HUNDREDTHS,
        }
    return Figures(**told)


def _of_share(packed_share: int, parts: int) -> tuple[float, float]:
    share, highest = SHARE.unpack(packed_share)
    return (highest * (share + _MIDDLE_SHARE) + _MIDDLE_SHARE - 1) // _WHOLE / parts, highest / parts


def _apart() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The same as ``unpacked``, as expressions: of round trips, and of the sides; means instead of sums."""
    calls, fewer_trips, fewer_with_trips, more_calls = CALLS.apart_in_sql("v1m.calls")
    sides = {side: _side_apart(side) for side in _SIDES.values()}
    sides["to"]["calls"], sides["from"]["calls"] = f"{calls} + 1", f"{calls} + 1 + {more_calls}"
    mean, highest = _share_apart("v1m.rtt", _RTT_PARTS)
    return {
        "rtt_calls": f"{calls} + 1 - {fewer_with_trips}",
        "rtt_n": f"coalesce({sides['to']['n']}, 0) - {fewer_trips}",
        "rtt_mean": mean,
        "rtt_max": highest,
    }, sides


def _side_apart(side: str) -> dict[str, str]:
    counts = "v1m.to_counts" if side == "to" else "v1m.from_counts + coalesce(v1m.to_counts, 0)"
    n, fewer_jitters, fewer_scores = COUNTS.apart_in_sql(counts, never_negative=1)
    loss_max, lost = LOST.apart_in_sql(f"v1m.{side}_lost", never_negative=2)
    packets_less, lost_less = NET.apart_in_sql(f"v1m.{side}_net")
    reported = f"{n} * {USUAL_PACKETS} + v1m.{side}_packets"
    jitter, jitter_max = _share_apart(f"v1m.{side}_jitter", HUNDREDTHS)
    mean, worst = MOS.apart_in_sql(f"v1m.{side}_mos + {_MIDDLE_MOS}", never_negative=1)
    is_known = f"CASE WHEN v1m.{side}_{{}} IS NOT NULL THEN {{}} END"
    return {
        "n": n,
        "lost": f"({lost} - {lost_less}) / {HUNDREDTHS}.0",
        "packets": f"(coalesce({reported}, 0) * {HUNDREDTHS} - {packets_less}) / {HUNDREDTHS}.0",
        "lost_reported": is_known.format("packets", f"{lost} / {HUNDREDTHS}.0"),
        "packets_reported": f"({reported}) * 1.0",
        "loss_max": is_known.format("net", f"{loss_max} / {HUNDREDTHS}.0"),
        "jitter_n": is_known.format("jitter", f"{n} - {fewer_jitters}"),
        "jitter_mean": jitter,
        "jitter_max": jitter_max,
        "mos_n": is_known.format("mos", f"{n} - {fewer_scores}"),
        "mos_mean": f"({_BEST_MOS * _MEAN_MOS_PARTS} - ({mean})) / {_MEAN_MOS_PARTS}.0",
        "mos_min": f"({_BEST_MOS * HUNDREDTHS} - ({worst})) / {HUNDREDTHS}.0",
    }


def _share_apart(column: str, parts: int) -> tuple[str, str]:
    above = f"{column} + {_MIDDLE_SHARE}"
    share, highest = SHARE.apart_in_sql(above, never_negative=1)
    return f"({highest} * {share} + {_MIDDLE_SHARE - 1}) / {_WHOLE} / {parts}.0", f"{highest} / {parts}.0"


_TRIPS_APART, _SIDES_APART = _apart()
_COUNTED: Final = ("n", "calls", "jitter_n", "rtt_n", "mos_n")


def _figures_of(side: str) -> dict[str, str]:
    """All ``FIGURES`` of a side."""
    known = _SIDES_APART[side]
    told = {**known, **(_TRIPS_APART if side == "to" else {})}
    if side == "to":
        told["rtt_n"] = f"CASE WHEN v1m.rtt IS NOT NULL THEN {told['rtt_n']} END"
    for name in ("jitter", "mos", "rtt"):
        if f"{name}_mean" in told:
            told[f"{name}_sum"] = f"({told[f'{name}_mean']}) * ({told[f'{name}_n']})"
    told["calls"] = f"CASE WHEN v1m.{side}_counts IS NOT NULL THEN {told['calls']} END"
    return {figure: told.get(figure, "NULL") for figure in FIGURES}


def _create_view() -> str:
    sides = {side: _figures_of(side) for side in _SIDES.values()}
    figures = []
    for figure in FIGURES:
        either = f"CASE side.dir WHEN 1 THEN {sides['to'][figure]} ELSE {sides['from'][figure]} END"
        figures.append(f"{f'coalesce({either}, 0)' if figure in _COUNTED else either} AS {figure}")
    return f"""CREATE VIEW r1m AS SELECT v1m.peer, v1m.ts, side.dir, {", ".join(figures)} FROM v1m CROSS JOIN side
        WHERE CASE side.dir WHEN 1 THEN coalesce(v1m.to_counts, v1m.rtt) ELSE v1m.from_counts END
        IS NOT NULL"""  # noqa: S608 - constants


def _create_rows() -> str:
    columns = ", ".join(f"{column} INTEGER" for column in _COLUMNS)
    return (
        f"CREATE TABLE v1m(peer INTEGER NOT NULL, ts INTEGER NOT NULL, {columns}, PRIMARY KEY(peer, ts)) WITHOUT ROWID, STRICT"
    )


def _moved() -> str:
    """A statement that brings the rows of the layout before over, which had one for each direction, in hundredths."""
    names = (*FIGURES, "rtt_calls")
    gathered = ", ".join(
        f"max(CASE dir WHEN {number} THEN {name} END) AS {side}_{name}"
        for number, side in ((1, "to"), (2, "from"))
        for name in names
    )
    values = ", ".join(_moved_row().values())
    return f"""INSERT INTO v1m SELECT peer, ts, {values}
        FROM (SELECT peer, ts, {gathered} FROM v1m_apart GROUP BY peer, ts)"""  # noqa: S608 - constants


def _moved_row() -> dict[str, str]:
    has = {side: f"({side}_n OR {side}_calls OR {side}_jitter_n OR {side}_mos_n)" for side in _SIDES.values()}
    first = f"CASE WHEN {has['to']} THEN to_calls WHEN {has['from']} THEN from_calls ELSE to_rtt_calls END"
    trips = "to_rtt_max IS NOT NULL"
    told = {
        "calls": CALLS.together_in_sql(
            f"{first} - 1",
            f"CASE WHEN {trips} THEN to_n - to_rtt_n ELSE 0 END",
            f"CASE WHEN {trips} THEN {first} - to_rtt_calls ELSE 0 END",
            f"CASE WHEN {has['to']} AND {has['from']} THEN from_calls - to_calls ELSE 0 END",
        ),
        "rtt": _moved_share("to_rtt", _RTT_PARTS),
    }
    for side in _SIDES.values():
        for column, value in _moved_side(side).items():
            told[f"{side}_{column}"] = f"CASE WHEN {has[side]} THEN {value} END"
    told["from_counts"] += f" - coalesce({told['to_counts']}, 0)"
    return told


def _moved_side(side: str) -> dict[str, str]:
    fewer = [f"CASE WHEN {side}_{name} THEN {side}_n - {side}_{name} ELSE 0 END" for name in ("jitter_n", "mos_n")]
    lost = f"coalesce({scaled_in_sql(f'{side}_lost_reported', HUNDREDTHS)}, 0)"
    packets = f"CAST(round({side}_packets_reported) AS INTEGER)"
    packets_less = f"coalesce({packets}, 0) * {HUNDREDTHS} - {scaled_in_sql(f'{side}_packets', HUNDREDTHS)}"
    worst = f"{_BEST_MOS * HUNDREDTHS} - {side}_mos_min"
    parts = _MEAN_MOS_PARTS // HUNDREDTHS
    lacking = f"{_BEST_MOS * _MEAN_MOS_PARTS} - CAST(round({side}_mos_sum * {parts}.0 / {side}_mos_n) AS INTEGER)"
    mean = f"min({lacking}, ({worst}) * {parts}) - {_MIDDLE_MOS}"
    return {
        "counts": COUNTS.together_in_sql(f"{side}_n", *fewer),
        "packets": f"{packets} - {USUAL_PACKETS} * {side}_n",
        "lost": LOST.together_in_sql(f"coalesce({side}_loss_max, 0)", lost),
        "net": NET.together_in_sql(packets_less, f"{lost} - {scaled_in_sql(f'{side}_lost', HUNDREDTHS)}"),
        "jitter": _moved_share(f"{side}_jitter", HUNDREDTHS),
        "mos": MOS.together_in_sql(mean, worst),
    }


def _moved_share(name: str, parts: int) -> str:
    highest = f"CAST(round({name}_max * {parts / HUNDREDTHS}) AS INTEGER)"
    mean = f"round({name}_sum * {parts / HUNDREDTHS} / {name}_n)"
    share = f"CAST(round({mean} * {_WHOLE} / {highest}) AS INTEGER)"
    return SHARE.together_in_sql(f"coalesce(min({_WHOLE}, {share}), 0) - {_MIDDLE_SHARE}", highest)


MIGRATION: Final = (
    "DROP VIEW minute",
    "DROP VIEW r1m",
    "ALTER TABLE v1m RENAME TO v1m_apart",
    _create_rows(),
    _moved(),
    "DROP TABLE v1m_apart",
    "CREATE TABLE side(dir INTEGER PRIMARY KEY) STRICT",
    "INSERT INTO side VALUES (1), (2)",
    _create_view(),
)

_KEPT: Final = ", ".join(_COLUMNS)
_INSERT: Final = f"""INSERT INTO v1m(peer, ts, {_KEPT}) VALUES (?, ?, {", ".join("?" * len(_COLUMNS))})
    ON CONFLICT DO NOTHING"""  # noqa: S608 - constants
_REPLACE: Final = _INSERT.replace("INSERT INTO", "REPLACE INTO").replace("ON CONFLICT DO NOTHING", "")
_SELECT_ONE: Final = f"SELECT {_KEPT} FROM v1m WHERE (peer, ts) = (?, ?)"  # noqa: S608 - constants


def insert_minute(connection: sqlite3.Connection, peer: int, start_at: int, heard: Heard) -> None:
    """Add a minute to what is there, which is seldom anything: after a restart, or of reports that came late."""
    inserted = connection.execute(_INSERT, (peer, start_at, *packed(heard).values()))
    if not inserted.rowcount:
        known = unpacked(dict(zip(_COLUMNS, connection.execute(_SELECT_ONE, (peer, start_at)).fetchone(), strict=True)))
        for side, figures in heard.items():
            known[side] = known[side] + figures if side in known else figures
        connection.execute(_REPLACE, (peer, start_at, *packed(known).values()))


_OF_PEER: Final = "FROM v1m WHERE peer = (SELECT id FROM peer WHERE (pbx, name) = (?, ?)) AND ts > ? AND ts < ?"


def select_minutes(
    connection: sqlite3.Connection, pbx: str, subject: str, since: float, until: float
) -> Iterator[tuple[int, dict[Direction | None, Figures]]]:
    """Read the minutes of one subject that reach into (since, until), by primary key."""
    asked = printable(pbx), printable(subject), since - MINUTE_S, until
    for start_at, *row in connection.execute(f"SELECT ts, {_KEPT} {_OF_PEER}", asked):
        yield start_at, unpacked(dict(zip(_COLUMNS, row, strict=True)))


def _point_of(side: str) -> str:
    of = _SIDES_APART[side]
    losses = f"100.0 * ({of['lost']}) / nullif({of['packets']}, 0), {of['loss_max']}"
    reported = f"100.0 * ({of['lost_reported']}) / nullif({of['packets_reported']}, 0)"
    heard = f"{of['jitter_mean']}, {of['jitter_max']}, NULL, NULL, {of['mos_mean']}, {of['mos_min']}"
    return f"v1m.{side}_counts, {of['calls']}, {of['packets']}, {losses}, {reported}, {heard}"


_TRIPS: Final = ", ".join(["v1m.rtt", *(_TRIPS_APART[name] for name in ("rtt_calls", "rtt_mean", "rtt_max"))])
_POINTS: Final = f"SELECT ts * 1.0, {_TRIPS}, {_point_of('to')}, {_point_of('from')} {_OF_PEER}"
_NOTHING_HEARD: Final = (None, None, None, None, None, None)  # packets, loss and jitter beside a round trip
_OF_A_POINT: Final = 12


def select_minute_points(
    connection: sqlite3.Connection, pbx: str, subject: str, since: float, until: float
) -> list[HistoryPoint]:
    """As ``select_minutes``, as points to be drawn, in order; SQLite divides quicker than we, and a day has 4,000 points."""
    width, points = float(MINUTE_S), []
    for at, trips, trip_calls, trip, trip_max, *sides in connection.execute(
        _POINTS, (printable(pbx), printable(subject), since - MINUTE_S, until)
    ):
        if trips is not None:
            points.append(HistoryPoint(at, width, None, trip_calls, *_NOTHING_HEARD, trip, trip_max, None, None))
        if sides[_OF_A_POINT] is not None:
            points.append(HistoryPoint(at, width, Direction.FROM_PEER, *sides[_OF_A_POINT + 1 :]))
        if sides[0] is not None:
            points.append(HistoryPoint(at, width, Direction.TO_PEER, *sides[1:_OF_A_POINT]))
    return points
