"""Rows stored small say what was written, and what an earlier layout said, to within what is shown of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.errors import StoreError
from qualitywatch.model import Direction
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.kpi_tables import insert_kpis, select_kpis
from qualitywatch.store.kpis import KpiFigures, KpiKey, KpiRow
from qualitywatch.store.layout import Layout, connect
from qualitywatch.store.packing import Packed
from qualitywatch.store.past_tables import select_legs
from qualitywatch.store.rollup import FIGURES, MINUTE_S, Figures, Rollup, RollupKey
from qualitywatch.store.rollup_tables import LAYOUT, insert
from qualitywatch.store.voice_tables import select_points, select_voice
from tests.store.model_values import NOW

BEFORE_SMALL = 6
MINUTE = int(NOW) - 20
SIDES = (None, Direction.TO_PEER, Direction.FROM_PEER)


@given(st.lists(st.tuples(st.integers(2, 20), st.integers(-(2**25), 2**25)), min_size=1, max_size=3))
def test_numbers_that_share_a_column_are_told_apart_in_sql_too(parts: list[tuple[int, int]]) -> None:
    numbers = [max(-(1 << bits - 1), min((1 << bits - 1) - 1, number)) for bits, number in parts]
    together = Packed(*(bits for bits, _ in parts))
    packed = together.pack(*(number for _, number in parts))
    with closing(sqlite3.connect(":memory:")) as file:
        assert file.execute(f"SELECT {', '.join(together.apart_in_sql('(SELECT ?1)'))}", (packed,)).fetchone() == tuple(numbers)
        natural = [abs(number) for number in numbers]
        if together.fits(*natural):
            apart = ", ".join(together.apart_in_sql("(SELECT ?1)", never_negative=len(parts)))
            assert file.execute(f"SELECT {apart}", (together.pack(*natural),)).fetchone() == tuple(natural)
        assert file.execute(f"SELECT {together.together_in_sql(*map(str, numbers))}").fetchone() == (packed,)
    assert together.unpack(packed) == tuple(numbers)
    assert together.fits(*numbers)
    assert not together.fits(*numbers[:-1], 1 << 30)


def hundredths(most: float, least: float = 0.0) -> st.SearchStrategy[float]:
    return st.integers(round(least * 100), round(most * 100)).map(lambda number: number / 100)


@st.composite
def heard(draw: st.DrawFn) -> Figures:
    """What may be heard in one direction: of a phone, or of a trunk of a thousand calls; some of it not known."""
    n = draw(st.sampled_from([1, 2, 12, 12, 12_000]))
    told: dict[str, Any] = {"n": n, "calls": draw(st.sampled_from([1, 1, 2, 1_000]))}
    reported = float(n * 250 + draw(st.integers(-n, n))) if draw(st.booleans()) else None
    if reported is not None:
        told |= {"packets_reported": reported, "lost_reported": draw(hundredths(reported))}
    if reported is None or draw(st.booleans()):
        packets = (reported or n * 250.0) - draw(hundredths(n))
        told |= {"packets": packets, "lost": draw(hundredths(packets)), "loss_max": draw(hundredths(100))}
    for name, highest, least in (("jitter", 900.0, 0.0), ("mos", 4.5, 1.0)):
        if draw(st.booleans()):
            count, extreme = n + draw(st.sampled_from([0, 0, 1 - n, 3])), draw(hundredths(highest, least))
            mean = draw(st.floats(0, extreme) if name == "jitter" else st.floats(extreme, highest))
            told |= {f"{name}_n": count, f"{name}_sum": mean * count, f"{name}_{'max' if name == 'jitter' else 'min'}": extreme}
    return Figures(**told)


@st.composite
def trips(draw: st.DrawFn) -> Figures:
    count, highest = draw(st.integers(1, 12_000)), draw(hundredths(900))
    return Figures(calls=draw(st.integers(1, 9)), rtt_n=count, rtt_sum=draw(st.floats(0, highest)) * count, rtt_max=highest)


@cache
def made(versions: int) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        migrate(file, 0, versions)
        return file.serialize()


def migrate(file: sqlite3.Connection, since: int, until: int) -> None:
    for statements in LAYOUT.migrations[since:until]:
        for statement in statements:
            file.execute(statement)


@contextmanager
def empty(versions: int = len(LAYOUT.migrations)) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        file.deserialize(made(versions))
        yield file


def alike(found: Figures, wanted: Figures) -> None:
    """What counts is the same; what is drawn is right to the last digit that is shown."""
    assert (found.n, found.calls, found.jitter_n, found.rtt_n, found.mos_n) == (
        *(wanted.n, wanted.calls, wanted.jitter_n, wanted.rtt_n, wanted.mos_n),
    )
    for name, within in (("lost", 0.006), ("packets", 0.006), ("lost_reported", 0.006), ("packets_reported", 0.0)):
        assert getattr(found, name) == near(getattr(wanted, name), within)
    for name, within in (("loss_max", 0.006), ("jitter_max", 0.006), ("rtt_max", 0.026), ("mos_min", 0.006)):
        assert getattr(found, name) == near(getattr(wanted, name), within)
    for name, within in (("jitter", 0.011), ("rtt", 0.051), ("mos", 0.006)):
        count, total = getattr(wanted, f"{name}_n"), getattr(wanted, f"{name}_sum")
        highest = getattr(wanted, f"{name}_max", 0.0) or 0.0
        mean = getattr(found, f"{name}_sum") / count if count else getattr(found, f"{name}_sum")
        assert mean == near(total / count if count else None, within + highest / 8_000)
    if wanted.packets and wanted.lost is not None and found.lost is not None and found.packets:
        assert 100 * found.lost / found.packets == pytest.approx(100 * wanted.lost / wanted.packets, abs=0.01)


def near(wanted: float | None, within: float) -> object:
    return None if wanted is None else pytest.approx(wanted, abs=within + 1e-9, rel=1e-12)


def in_view(minute: dict[Direction | None, Figures]) -> list[tuple[float | None, ...]]:
    """As ``r1m`` shows it: round trips stand in the row of the direction to the peer."""
    to_peer, from_peer, trips = (minute.get(side) for side in (Direction.TO_PEER, Direction.FROM_PEER, None))
    rows: list[tuple[float | None, ...]] = []
    if to_peer or trips:
        one, of = to_peer or Figures(), trips or Figures()
        rows.append((1, *astuple(replace(one, rtt_n=of.rtt_n, rtt_sum=of.rtt_sum, rtt_max=of.rtt_max))))
    return rows if from_peer is None else [*rows, (2, *astuple(from_peer))]


_MINUTE = st.tuples(st.none() | trips(), st.none() | heard(), st.none() | heard()).filter(any)


@settings(max_examples=150, deadline=None)
@given(_MINUTE)
def test_a_minute_is_read_as_it_was_heard(minute: tuple[Figures | None, ...]) -> None:
    wanted = {side: figures for side, figures in zip(SIDES, minute, strict=True) if figures is not None}
    with empty() as file:
        insert(file, [Rollup(60, RollupKey(MINUTE, "office", "SIP/6118", side), figures) for side, figures in wanted.items()])
        found = {side: Figures(*of) for _, side, of in select_voice(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 60)}
        assert found.keys() == wanted.keys()
        for side, figures in wanted.items():
            alike(found[side], figures)
        shown = file.execute(f"SELECT dir, {', '.join(FIGURES)} FROM r1m ORDER BY dir").fetchall()
        assert shown == [tuple(near(value, 0) for value in row) for row in in_view(found)]
        points = select_points(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 60)
        assert {point.direction for point in points} == wanted.keys()
        for point in points:
            of = found[point.direction]
            assert (point.calls, point.packets, point.mos_min) == (of.calls, of.packets, of.mos_min)
            assert (point.jitter_ms_max, point.rtt_ms_max, point.loss_percent_max) == (of.jitter_max, of.rtt_max, of.loss_max)
            assert point.jitter_ms == near(of.jitter_sum / of.jitter_n if of.jitter_sum is not None else None, 0)
            assert point.rtt_ms == near(of.rtt_sum / of.rtt_n if of.rtt_sum is not None else None, 0)
            assert point.mos == near(of.mos_sum / of.mos_n if of.mos_sum is not None else None, 0)
            if of.lost is not None and of.packets:
                assert point.loss_percent == near(100 * of.lost / of.packets, 0)


_KPIS = st.builds(
    KpiFigures,
    n=st.sampled_from([1.0, 2.0, 60.017, 3.5]),
    total=st.sampled_from([0.0, 1.0, 2.0, 3.0]) | st.floats(0, 1e6),
    low=st.just(0.0) | st.floats(0, 1e3),
    high=st.just(1.0) | st.floats(0, 1e6),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_KPIS, min_size=1, max_size=3))
def test_figures_of_trunks_are_read_as_they_were_counted(parts: list[KpiFigures]) -> None:
    with empty() as file:
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/provider')")
        whole = parts[0]
        for part in parts[1:]:
            whole += part
        key = KpiKey(MINUTE, "office", "SIP/provider", "call_duration_s")
        for part in parts:
            insert_kpis(file, [(1, KpiRow(MINUTE_S, key, part))])
        (row,) = select_kpis(file, MINUTE_S, "office", "SIP/provider", MINUTE, MINUTE + 60)
        assert astuple(row.figures) == pytest.approx(astuple(whole), abs=0.0002, rel=0)
        assert row.key == key
        (mean,) = file.execute("SELECT mean FROM kpi_minute WHERE kpi = 'call_duration_s'").fetchone()
        assert mean == pytest.approx(whole.total / whole.n, abs=0.001)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(100, 450).map(lambda score: score / 100) | st.floats(1, 4.5), min_size=1, max_size=4))
def test_no_mean_score_is_below_the_lowest(scores: list[float]) -> None:
    told = Figures(n=len(scores), calls=1, mos_n=len(scores), mos_sum=sum(scores), mos_min=min(scores))
    same = Figures(n=3, calls=1, mos_n=3, mos_sum=3 * scores[0], mos_min=scores[0])
    minutes = [(None, told, None), (None, None, told), (None, same, told)]
    with empty() as file, empty(BEFORE_SMALL) as old:
        for place, minute in enumerate(minutes):
            sides = [(side, figures) for side, figures in zip(SIDES, minute, strict=True) if figures]
            start_at = MINUTE + 60 * place
            insert(file, [Rollup(60, RollupKey(start_at, "office", "SIP/6118", side), each) for side, each in sides])
            put_minute(old, start_at, minute)
        old.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118')")
        migrate(old, BEFORE_SMALL, len(LAYOUT.migrations))
        for each in (file, old):
            points = select_points(each, 60, "office", "SIP/6118", MINUTE, MINUTE + 600)
            assert len(points) == 4
            for point in points:
                assert point.mos is not None and point.mos_min is not None
                assert point.mos >= point.mos_min
            for mean, lowest in each.execute("SELECT mos, mos_min FROM minute").fetchall():
                assert mean >= lowest - 1e-9
            for _, _, of in select_voice(each, 60, "office", "SIP/6118", MINUTE, MINUTE + 600):
                found = Figures(*of)
                assert found.mos_sum is not None and found.mos_min is not None
                assert found.mos_sum / found.mos_n >= found.mos_min - 1e-9


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 10**7), st.none() | st.integers(1, 10**5))
def test_no_more_packets_are_lost_than_were_sent(hundredths: int, reported: int | None) -> None:
    lost = hundredths / 100
    told = Figures(n=12, calls=1, lost=lost, packets=lost, loss_max=100.0)
    if reported is not None:
        told = replace(told, lost_reported=float(reported), packets_reported=float(reported))
    with empty() as file:
        for side in SIDES[1:]:
            insert(file, [Rollup(60, RollupKey(MINUTE, "office", "SIP/6118", side), told)])
        for _, _, of in select_voice(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 60):
            found = Figures(*of)
            assert (found.lost, found.packets) == (lost, lost)
        assert file.execute("SELECT lost, packets FROM r1m").fetchall() == [(lost, lost)] * 2
        points = select_points(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 60)
        assert [point.loss_percent for point in points] == [near(100.0, 0)] * 2


@pytest.mark.parametrize("calls", [2_800, 5_000, 8_192])
def test_many_calls_with_few_round_trips_are_counted(calls: int) -> None:
    one = Figures(
        n=12 * calls, calls=calls, lost=0.0, packets=3e3 * calls, lost_reported=0.0, packets_reported=3e3 * calls, loss_max=0
    )
    heard = {
        None: Figures(calls=1, rtt_n=2, rtt_sum=90.0, rtt_max=50.0),
        Direction.TO_PEER: one,
        Direction.FROM_PEER: replace(one, calls=1),
    }
    with empty() as file:
        insert(file, [Rollup(60, RollupKey(MINUTE, "office", "SIP/trunk", side), each) for side, each in heard.items()])
        for _, side, of in select_voice(file, 60, "office", "SIP/trunk", MINUTE, MINUTE + 60):
            alike(Figures(*of), heard[side])
        assert file.execute("SELECT rtt_n, calls FROM r1m ORDER BY dir").fetchall() == [(2, calls), (0, 1)]


def test_figures_of_trunks_beyond_measure_are_cut_down_to_what_there_is_room_for() -> None:
    most = 2.0**48
    wild = [(1, 1e300, -1e300, 1e300), (1e18, 1e18 + 0.5, 0.25, float("inf")), (2, 7.5, 3.25, 4.25)]
    with empty(BEFORE_SMALL) as file:
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/provider')")
        for place, (n, total, low, high) in enumerate(wild):
            row = {"n": n, "total": total, "low": low, "high": high}
            put(file, "k1m", {"peer": 1, "ts": MINUTE + 60 * place, "kpi": "call_duration_s", **row})
        migrate(file, BEFORE_SMALL, len(LAYOUT.migrations))
        moved = file.execute("SELECT n, total, low, high FROM k1m ORDER BY ts").fetchall()
        key = KpiKey(MINUTE + 3600, "office", "SIP/provider", "call_duration_s")
        for place, figures in enumerate(wild):
            insert_kpis(file, [(1, KpiRow(MINUTE_S, replace(key, start_at=key.start_at + 60 * place), KpiFigures(*figures)))])
        written = file.execute("SELECT n, total, low, high FROM k1m WHERE ts >= ? ORDER BY ts", (key.start_at,)).fetchall()
    assert moved == written
    assert moved[0] == (1, most, -most, most)
    assert moved[1] == (most, most, 0.25, most)
    assert moved[2] == wild[2]


async def test_views_of_an_administrator_keep_no_file_from_a_new_layout(tmp_path: Path) -> None:
    path = tmp_path / ROLLUP_FILE
    views = {
        "busiest": "SELECT peer, max(n) FROM r1m GROUP BY peer",
        "bad_minutes": "SELECT * FROM minute WHERE loss_percent > 5",
        "answered": "SELECT * FROM kpi_minute WHERE kpi = 'answered'",
        "calls_of_today": "SELECT channel, stop FROM call",
        "sums": "SELECT peer, sum(total) FROM k1m",
        "trips": "SELECT rtt_calls FROM v1m",  # of our own columns: those are gone
        "links": "SELECT link_number FROM leg",  # likewise
        "forgotten": "SELECT * FROM no_longer_there",
    }
    with closing(connect(path, old_layout(), NOW)) as file:
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118')")
        put_minute(file, MINUTE, (None, Figures(n=7, calls=1, jitter_n=7, jitter_sum=7.0, jitter_max=1.0), None))
        put(file, "leg", {"peer": 1, "start": MINUTE, "stop": 30, **LEGS[4]})
        put(file, "k1m", {"peer": 1, "ts": MINUTE, "kpi": "answered", "n": 1, "total": 1, "low": 1, "high": 1})
        for name, statement in views.items():
            file.execute(f"CREATE VIEW {name} AS {statement}")
        file.execute("CREATE TABLE noted(peer)")
        file.execute("CREATE TRIGGER noting AFTER INSERT ON noted BEGIN DELETE FROM no_longer_there; END")
    with closing(connect(path, LAYOUT, NOW)) as file:
        assert file.execute("SELECT * FROM busiest").fetchall() == [(1, 7)]
        assert file.execute("SELECT * FROM bad_minutes").fetchall() == []
        assert file.execute("SELECT peer, n FROM answered").fetchall() == [("SIP/6118", 1)]
        assert file.execute("SELECT * FROM calls_of_today").fetchall() == [(LEGS[4]["channel"], MINUTE + 30)]
        assert file.execute("SELECT * FROM sums").fetchall() == [(1, 1)]
        assert file.execute("PRAGMA legacy_alter_table").fetchone() == (0,)
        assert file.execute("PRAGMA user_version").fetchone() == (len(LAYOUT.migrations),)


def old_layout() -> Layout:
    return Layout(LAYOUT.application_id, LAYOUT.migrations[:BEFORE_SMALL], LAYOUT.pragmas, LAYOUT.mode, LAYOUT.check_pages)


def put(file: sqlite3.Connection, table: str, values: dict[str, object]) -> None:
    file.execute(f"INSERT INTO {table}({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))


def put_minute(file: sqlite3.Connection, start_at: int, minute: Sequence[Figures | None]) -> None:
    """As the layout before kept it: a row for each direction, most figures in hundredths, round trips beside one of them."""
    round_trip, *sides = minute
    for number, figures in enumerate(sides, 1):
        if figures is None and (number == 2 or round_trip is None):
            continue
        row = dict(zip(FIGURES, astuple(figures or Figures()), strict=True))
        row |= {"rtt_calls": 0}
        if number == 1 and round_trip is not None:
            row |= {"rtt_calls": round_trip.calls}
            row |= {name: getattr(round_trip, name) for name in ("rtt_n", "rtt_sum", "rtt_max")}
        for name in ("loss_max", "jitter_sum", "jitter_max", "rtt_sum", "rtt_max", "mos_sum", "mos_min"):
            row[name] = None if row[name] is None else round(row[name] * 100)
        put(file, "v1m", {"peer": 1, "ts": start_at, "dir": number, **row})


@settings(max_examples=60, deadline=None)
@given(st.lists(_MINUTE, min_size=1, max_size=4))
def test_minutes_of_the_layout_before_are_the_same(minutes: list[tuple[Figures | None, ...]]) -> None:
    with empty(BEFORE_SMALL) as file:
        for place, minute in enumerate(minutes):
            put_minute(file, MINUTE + 60 * place, minute)
        read = f"SELECT ts, dir, {', '.join(FIGURES)} FROM r1m ORDER BY ts, dir"
        before = file.execute(read).fetchall()
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118')")
        migrate(file, BEFORE_SMALL, len(LAYOUT.migrations))
        after = file.execute(read).fetchall()
        assert [row[:2] for row in after] == [row[:2] for row in before]
        for (_, _, *found), (_, _, *wanted) in zip(after, before, strict=True):
            alike(Figures(*found), Figures(*wanted))
        trip_calls = [
            figures.calls for minute in minutes for side, figures in zip(SIDES, minute, strict=True) if side is None and figures
        ]
        stored = select_voice(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 600)
        assert [Figures(*of).calls for _, side, of in stored if side is None] == trip_calls


LEGS: tuple[dict[str, object], ...] = (
    {"made": 0, "number": 42, "link_made": 0, "link_number": 0, "channel_number": 42, "answer": 8, "cause": 16, "codec": 1},
    {"made": -1, "number": 43, "link_made": -30, "link_number": -1, "channel_number": 7, "answer": 8, "rtt_max": 6050},
    {"made": 0, "number": 90, "link_made": -5000, "link_number": -40, "channel_number": 7},  # much later than its call
    {"made": -500, "number": 91, "link_made": 0, "link_number": 0, "channel_number": 7},  # of a PBX whose clock is wrong
    {"made": 0, "number": 92, "link_made": 0, "link_number": 0, "channel": "Local/6118@queue-1;2"},
    {"made": 0, "number": 93, "linkedid": None, "channel_number": 7},
    {"made": 0, "number": 2**62 + 5, "link_made": 0, "link_number": 0, "channel_number": 7},
    {"uniqueid": "pbx1-9.1", "linkedid": "", "channel": "SIP/6118-0000002b"},
    {"uniqueid": "pbx1-9.1", "link_made": 5, "link_number": 6, "linkedid": "9.01", "channel": "SIP/6118-0000002b"},
)
SOUNDS: tuple[dict[str, object], ...] = (
    {},
    {"packets_reported": 3000, "lost_reported": 0, "packets_less": 0, "lost_less": 0, "jitter_max": 1125, "mos_min": 437},
    {"packets_reported": 3000, "lost_reported": 12.5, "packets_less": 75, "lost_less": 125, "mos_min": 321},
    {"packets_less": -300025, "lost_less": -150, "jitter_max": 0},  # nothing reported
    {"packets_reported": 3000, "lost_reported": 3},
)


async def test_legs_and_figures_of_trunks_of_the_layout_before_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / ROLLUP_FILE
    order = "start, name, channel, uniqueid, linkedid, to_peer_lost"
    calls = f"SELECT name, call.* FROM call JOIN peer ON peer.id = call.peer ORDER BY {order}"
    kpis = "SELECT * FROM kpi_minute ORDER BY ts, peer, kpi"
    with closing(connect(path, old_layout(), NOW)) as file:
        file.row_factory = sqlite3.Row
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118'), (2, 'office', 'SIP/provider')")
        file.execute("INSERT INTO codec VALUES (1, 'alaw')")
        for place, leg in enumerate(LEGS):
            for peer in (1, 2):
                for to_peer, from_peer in zip(SOUNDS, (*SOUNDS[1:], SOUNDS[0]), strict=True):
                    sounds = {f"to_peer_{name}": value for name, value in to_peer.items()}
                    sounds |= {f"from_peer_{name}": value for name, value in from_peer.items()}
                    put(file, "leg", {"peer": peer, "start": MINUTE + place // 2, "stop": 30, **leg, **sounds})
        for place, figures in enumerate(
            ((1, 1, 1, 1), (4, 3, 0, 1), (2, 7.25, 3.25, 4), (60.017, 12, 0.2, 0.2), (2, 5, 2.5, 2.5))
        ):
            for kpi in ("answered", "call_duration_s"):
                names = ("n", "total", "low", "high")
                put(file, "k1m", {"peer": 2, "ts": place, "kpi": kpi, **dict(zip(names, figures, strict=True))})
        before = [dict(row) for row in file.execute(calls)], file.execute(kpis).fetchall()
    with closing(connect(path, LAYOUT, NOW)) as file:
        file.row_factory = sqlite3.Row
        after = [dict(row) for row in file.execute(calls)], file.execute(kpis).fetchall()
        assert len({row["id"] for row in after[0]}) == len(after[0]) == len(LEGS) * 2 * len(SOUNDS)
        for found, wanted in zip(after[0], before[0], strict=True):
            assert found.keys() == wanted.keys()
            assert {**found, "id": 0} == {**wanted, "id": 0}
        assert [tuple(row) for row in after[1]] == [tuple(row) for row in before[1]]
        assert file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert file.execute("SELECT count(*) FROM leg_text").fetchone()[0] == 6 * 2 * len(SOUNDS)
        for row in after[0]:
            assert row["uniqueid"] in {
                leg.uniqueid for leg in select_legs(file, [("office", row["linkedid"] or row["uniqueid"])])
            }


async def test_where_there_is_no_room_for_a_new_layout_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / ROLLUP_FILE
    with closing(connect(path, old_layout(), NOW)) as file:
        file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118')")
        numbers = "WITH RECURSIVE i(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM i WHERE i < 20000)"
        file.execute(f"INSERT INTO v1m SELECT 1, i * 60, 1, {', '.join(['1'] * 17)} FROM ({numbers} SELECT i FROM i)")
        wanted = file.execute("SELECT count(*), sum(packets), sum(mos_sum) FROM r1m").fetchone()
        (pages,) = file.execute("PRAGMA page_count").fetchone()
    before = path.read_bytes()
    full = Layout(
        LAYOUT.application_id, LAYOUT.migrations, (*LAYOUT.pragmas, f"max_page_count = {pages + 20}"), LAYOUT.mode, False
    )
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connect(path, full, NOW)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [ROLLUP_FILE]
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    await store.close(NOW)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*), sum(packets), sum(mos_sum) FROM r1m").fetchone() == pytest.approx(wanted)
    with pytest.raises(StoreError, match="newer"):
        connect(path, old_layout(), NOW)
