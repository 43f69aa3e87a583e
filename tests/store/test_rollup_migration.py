"""A file of an earlier layout is brought to the present one with everything in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import Direction, DirectionTotals
from qualitywatch.ports import CallQuery
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.codec import printable
from qualitywatch.store.layout import connect
from qualitywatch.store.leg_tables import FAR, NUMBER_OF_LINK
from qualitywatch.store.past_tables import select_legs
from qualitywatch.store.rollup import Figures, Rollup, RollupKey
from qualitywatch.store.rollup_tables import LAYOUT, insert
from qualitywatch.store.voice_tables import select_voice
from tests.store.model_values import NOW, a_call

BEFORE_SMALL_ROWS = 5
MINUTE = int(NOW) - 20
HOUR = MINUTE - 780

_SCORES = st.none() | st.floats(1, 4.5)
_HEARD = st.tuples(st.integers(1, 90), st.floats(0, 500), st.floats(0.5, 9000), st.floats(0, 100), st.floats(0, 900), _SCORES)

# After the start: dir, n, calls, lost, packets, both reported, loss_max, jitter, round trip, MOS.
OLD_ROWS = (
    (0, 0, 0, 2, None, None, None, None, None, 0, None, None, 3, 123.45, 60.5, 0, None, None),
    (0, 1, 12, 2, 7.25, 2990.75, 9, 3000, 5.125, 12, 96.5, 11.25, 0, None, None, 12, 51.6, 4.2),
    (0, 2, 12, 1, None, None, None, None, None, 2, 20, 12, 0, None, None, 0, None, None),
    (3600, 0, 0, 1, None, None, None, None, None, 0, None, None, 1, 50, 50, 0, None, None),
)

OLD_LEGS = (
    ("SIP/6118-0000002a", (f"{MINUTE}.7", f"{MINUTE}.7")),
    ("Local/6118@queue-1;2", (f"{MINUTE + 1}.8", f"{MINUTE}.7")),
    ("SIP/6118-0000002b", ("pbx1-9.1", "pbx1-9.1")),
    ("SIP/6118-0000002c", (f"{MINUTE}.9", "9.01")),  # no number of Asterisk begins with 0
    ("SIP/6118-0000002d", ("8.1", None)),
)


def old_file(directory: Path) -> sqlite3.Connection:
    """An empty file as it was before rows were stored small."""
    made = connect(directory / ROLLUP_FILE, replace(LAYOUT, migrations=LAYOUT.migrations[:BEFORE_SMALL_ROWS]), NOW)
    made.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/6118')")
    return made


async def test_minutes_hours_and_calls_of_an_old_file_are_all_there(tmp_path: Path) -> None:
    with closing(old_file(tmp_path)) as old:
        for table, start_at in (("r1m", MINUTE), ("r1h", HOUR)):
            for row in OLD_ROWS:
                old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * 19)})", (1, start_at + row[0], *row[1:]))
        for channel, ids in OLD_LEGS:
            old.execute(
                """INSERT INTO call(peer, channel, uniqueid, linkedid, start, answer, stop, cause, codec, to_peer_lost,
                to_peer_packets, to_peer_packets_reported, to_peer_jitter_max, to_peer_mos_min, rtt_max)
                VALUES (1, ?, ?, ?, ?, ?, ?, 16, 'alaw', 1.5, 2999.5, 3000, 11.25, 3.21, 60.5)""",
                (channel, *ids, MINUTE, MINUTE + 5, MINUTE + 30),
            )
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    try:
        for since, until, start_at in ((MINUTE, MINUTE + 60, MINUTE), (HOUR - 90 * 86_400, MINUTE + 60, HOUR)):
            round_trip, from_peer, to_peer = await store.history("office", "SIP/6118", since, until)
            assert {round_trip.at, from_peer.at, to_peer.at} == {start_at}
            assert (round_trip.direction, round_trip.calls, round_trip.rtt_ms, round_trip.rtt_ms_max) == (None, 2, 41.15, 60.5)
            assert (to_peer.direction, to_peer.calls, to_peer.packets) == (Direction.TO_PEER, 2, 2990.75)
            assert to_peer.loss_percent == 100 * 7.25 / 2990.75
            assert (to_peer.loss_percent_reported, to_peer.mos, to_peer.mos_min) == (0.3, 4.3, 4.2)
            assert to_peer.loss_percent_max == pytest.approx(5.125, abs=0.006)
            assert (from_peer.direction, from_peer.loss_percent) == (Direction.FROM_PEER, None)
            assert (from_peer.jitter_ms, from_peer.jitter_ms_max) == (10.0, 12.0)
        (alone,) = await store.history("office", "SIP/6118", MINUTE + 3600, MINUTE + 3660)
        assert (alone.direction, alone.calls, alone.rtt_ms) == (None, 1, 50.0)
        calls = await store.calls(CallQuery(0, NOW + 60))
        legs = [leg for call in calls for leg in call.legs]
        assert sorted((leg.channel, (leg.uniqueid, leg.linkedid)) for leg in legs) == sorted(OLD_LEGS)
        assert {call.linkedid: len(call.legs) for call in calls} == {f"{MINUTE}.7": 2, "pbx1-9.1": 1, "9.01": 1, "8.1": 1}
        for leg in legs:
            assert [call for call in calls if leg in call.legs] == await store.calls(
                CallQuery(0, NOW + 60, linkedid=leg.linkedid or leg.uniqueid)
            )
            assert (leg.started_at, leg.answered_at, leg.ended_at) == (MINUTE, MINUTE + 5, MINUTE + 30)
            assert (leg.cause, leg.codec, leg.to_peer.expected_reported) == (16, "alaw", 3000)
            assert (leg.to_peer.lost, leg.to_peer.expected, leg.to_peer.jitter_max_ms) == (1.5, 2999.5, 11.25)
            assert (leg.to_peer.mos_min, leg.rtt_max_ms, leg.from_peer.mos_min) == (3.21, 60.5, None)
    finally:
        await store.close(NOW)
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as new:
        assert new.execute("SELECT dir, rtt_max FROM r1m ORDER BY ts, dir").fetchall() == [(1, 60.5), (2, None), (1, 50.0)]
        percents = new.execute("SELECT loss_percent FROM hour WHERE direction = 'to_peer' AND n > 0").fetchall()
        assert percents == [(100 * 7.25 / 2990.75,)]
        assert new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_pages_of_calls_and_minutes_are_read_by_index(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    await store.close(NOW)
    asked = {
        "SELECT loss_max FROM r1m WHERE peer = 1 AND ts >= 5 AND ts < 9": "SEARCH v1m USING PRIMARY KEY",
        "SELECT rtt_max FROM call WHERE peer = 1 AND start >= 5 ORDER BY start DESC": "SEARCH leg USING PRIMARY KEY",
        "SELECT rtt_max FROM call WHERE start >= 5 AND start < 9": "SEARCH leg USING PRIMARY KEY (ANY(peer) AND start>?",
        "SELECT peer, count(*) FROM call WHERE start >= 5 GROUP BY peer": "PRIMARY KEY (ANY(peer) AND start>?",
        f"SELECT peer FROM leg WHERE {FAR} AND {NUMBER_OF_LINK} IN (5, 6)": "SEARCH leg USING INDEX leg_far",
    }
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        for statement, expected in asked.items():
            plan = " | ".join(row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}"))
            assert expected in plan, plan
            assert "TEMP B-TREE" not in plan


_IDS = st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True) | st.text(max_size=6) | st.just("9" * 19 + ".1")
_COUNTS = st.tuples(st.integers(0, 900), st.integers(0, 90_000), st.integers(0, 100), st.integers(0, 100))


@settings(max_examples=150, deadline=None)
@given(_IDS, st.none() | _IDS, st.sampled_from(["-0000002a", "-0000002A", "-2a", "", "-0000002a;1"]), _COUNTS, st.booleans())
def test_a_leg_is_read_as_it_was_written(
    uniqueid: str, linkedid: str | None, suffix: str, counts: tuple[int, int, int, int], is_answered: bool
) -> None:
    file = sqlite3.connect(":memory:", isolation_level=None)
    for statements in LAYOUT.migrations:
        for statement in statements:
            file.execute(statement)
    lost, packets, lost_less, packets_less = counts
    totals = DirectionTotals(lost - lost_less / 100, lost, packets - packets_less / 100, packets, 12.34, 4.2)
    if totals.expected <= 0:
        totals = replace(totals, lost=0.0, expected=0.0)
    if packets == 0:
        totals = replace(totals, lost_reported=0.0)
    call = replace(
        a_call(), channel=f"{a_call().subject}{suffix}", uniqueid=uniqueid, linkedid=linkedid, from_peer=totals,
        started_at=7.0, answered_at=9.0 if is_answered else None, ended_at=42.0, codec="opus", rtt_max_ms=60.5,
        to_peer=DirectionTotals(),
    )  # fmt: skip
    insert(file, [call, call])
    wanted = (printable(call.uniqueid), None if linkedid is None else printable(linkedid))
    (found, again) = select_legs(file, [(call.pbx, wanted[1] or wanted[0])])
    assert found == again
    assert (found.uniqueid, found.linkedid or found.uniqueid) == (wanted[0], wanted[1] or wanted[0])
    assert found.from_peer.lost == pytest.approx(totals.lost)
    assert found.from_peer.expected == pytest.approx(totals.expected)
    same = replace(found, uniqueid=uniqueid, linkedid=linkedid, from_peer=totals)
    assert same == call
    assert found.from_peer == replace(totals, lost=found.from_peer.lost, expected=found.from_peer.expected)
    file.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(_HEARD, min_size=1, max_size=8))
def test_what_is_merged_row_by_row_is_within_rounding_of_the_sums(parts: list[tuple[Any, ...]]) -> None:
    file = sqlite3.connect(":memory:", isolation_level=None)
    for statements in LAYOUT.migrations:
        for statement in statements:
            file.execute(statement)
    key = RollupKey(MINUTE, "office", "SIP/6118", Direction.TO_PEER)
    whole = Figures()
    for n, lost, packets, worst, jitter, score in parts:
        heard = (n, 1, lost, packets, None, None, worst, n, jitter, jitter)
        figures = Figures(*heard, mos_n=int(score is not None), mos_sum=score, mos_min=score)
        whole += figures
        insert(file, [Rollup(60, key, figures)])
    ((_, _, stored),) = select_voice(file, 60, "office", "SIP/6118", MINUTE, MINUTE + 60)
    found = Figures(*stored)
    assert (found.n, found.calls, found.jitter_n, found.mos_n) == (whole.n, whole.calls, whole.jitter_n, whole.mos_n)
    assert found.lost == pytest.approx(whole.lost, abs=0.006 * len(parts))
    assert found.packets == pytest.approx(whole.packets, abs=0.006 * len(parts))
    assert found.loss_max == pytest.approx(whole.loss_max, abs=0.006)
    assert whole.jitter_max is not None and whole.jitter_sum is not None and found.jitter_sum is not None
    share = 0.006 + whole.jitter_max / 8190
    assert found.jitter_sum / found.jitter_n == pytest.approx(whole.jitter_sum / whole.jitter_n, abs=share * len(parts))
    assert (found.mos_sum is None) == (whole.mos_sum is None)
    assert found.mos_min == (None if whole.mos_min is None else pytest.approx(whole.mos_min, abs=0.006))
    file.close()
