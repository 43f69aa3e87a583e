"""rollup.db as a charting program or an administrator sees it: exact sums, restarts, locked files, kills, retention."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.errors import StoreError
from qualitywatch.model import Direction, DirectionTotals, Metric, StatusObservation, TrunkState
from qualitywatch.model.observations import Observed
from qualitywatch.ports import SeriesBatch
from qualitywatch.sinks.spool import LAYOUT as SPOOL
from qualitywatch.store.backends import rollup as backend
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.database import Database
from qualitywatch.store.layout import connect
from qualitywatch.store.rollup import FIGURES
from qualitywatch.store.rollup_tables import PRUNE_CHUNK
from tests.store.model_values import NOW, a_call, a_log, a_sample

MINUTE = int(NOW) - 20
HOUR = MINUTE - 780
DAY_S = 86_400


async def opened(directory: Path) -> RollupStore:
    return await RollupStore.open(directory, RollupOptions(), now=NOW)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RollupStore]:
    made = await opened(tmp_path)
    yield made
    await made.close(NOW)


def query(directory: Path, statement: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(f"file:{directory / ROLLUP_FILE}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(statement)]
    connection.close()
    return rows


async def test_a_minute_and_its_hour_are_written_once_complete(store: RollupStore, tmp_path: Path) -> None:
    samples = (a_sample(10.0, weight=100), a_sample(0.0, weight=300, uniqueid="2"), a_sample(41.0, metric=Metric.RTT_MS))
    await store.write(SeriesBatch(samples))
    await store.flush(NOW)
    assert query(tmp_path, "SELECT * FROM r1m") == []
    await store.flush(NOW + 60)
    unknown = dict.fromkeys(FIGURES) | {"n": 0, "calls": 0, "jitter_n": 0, "rtt_n": 0, "mos_n": 0}
    heard = {"n": 2, "calls": 2, "lost": 10.0, "packets": 400.0, "loss_max": 10.0}
    assert query(tmp_path, "SELECT * FROM r1m ORDER BY dir") == [
        {"peer": 1, "ts": MINUTE, "dir": 1, **unknown, **heard, "rtt_n": 1, "rtt_sum": 41.0, "rtt_max": 41.0},
    ]
    assert query(tmp_path, "SELECT ts, dir, packets FROM r1h") == [{"ts": HOUR, "dir": 1, "packets": 400.0}]
    assert query(tmp_path, "SELECT * FROM peer") == [{"id": 1, "pbx": "office", "name": "SIP/6117"}]


async def test_the_views_speak_of_percent_and_milliseconds(store: RollupStore, tmp_path: Path) -> None:
    jitter, mos = a_sample(12.0, metric=Metric.JITTER_MS), a_sample(4.0, metric=Metric.MOS)
    samples = (a_sample(10.0, weight=100), a_sample(0.0, weight=300), jitter, replace(jitter, value=8.0), mos)
    other = replace(jitter, direction=Direction.FROM_PEER)
    await store.write(SeriesBatch((*samples, other)))
    await store.flush(NOW + 60)
    for view in ("minute", "hour"):
        to_peer, from_peer = query(tmp_path, f"SELECT * FROM {view} ORDER BY direction DESC")
        assert (to_peer["pbx"], to_peer["peer"], to_peer["direction"]) == ("office", "SIP/6117", "to_peer")
        assert (to_peer["loss_percent"], to_peer["loss_percent_max"], to_peer["loss_percent_reported"]) == (2.5, 10.0, None)
        assert (to_peer["jitter_ms"], to_peer["jitter_ms_max"], to_peer["mos"], to_peer["rtt_ms"]) == (10.0, 12.0, 4.0, None)
        assert (from_peer["direction"], from_peer["loss_percent"], from_peer["jitter_ms"]) == ("from_peer", None, 12.0)


async def test_a_restart_in_mid_minute_adds(tmp_path: Path) -> None:
    parts: list[tuple[float, float | None]] = [(4.0, 100.0), (9.0, 20.0)]
    for value, jitter in parts:
        store = await opened(tmp_path)
        samples = [
            a_sample(value),
            a_sample(jitter or 0.0, metric=Metric.JITTER_MS),
            a_sample(5 - value / 4, metric=Metric.MOS),
        ]
        if value == 9.0:
            samples.append(a_sample(50.0, metric=Metric.LOSS_PERCENT_REPORTED, weight=10))  # not known of before the restart
        await store.write(SeriesBatch(tuple(samples)))
        await store.close(NOW)
    for table in ("r1m", "r1h"):
        (row,) = query(tmp_path, f"SELECT * FROM {table}")
        assert (row["n"], row["lost"], row["packets"], row["loss_max"]) == (2, 32.5, 500.0, 9.0)
        assert (row["lost_reported"], row["packets_reported"]) == (5.0, 10.0)
        assert (row["jitter_n"], row["jitter_sum"], row["jitter_max"]) == (2, 120.0, 100.0)
        assert (row["mos_n"], row["mos_sum"], row["mos_min"]) == (2, 6.75, 2.75)
        assert (row["rtt_n"], row["rtt_sum"], row["rtt_max"]) == (0, None, None)


async def test_a_call_is_one_row_with_both_directions(store: RollupStore, tmp_path: Path) -> None:
    await store.write(SeriesBatch(calls=(a_call(),)))
    await store.flush(NOW)
    (row,) = query(tmp_path, "SELECT call.*, name FROM call JOIN peer ON peer.id = call.peer")
    assert (row["name"], row["channel"], row["uniqueid"]) == ("SIP/6117", "SIP/6117-00000002", "1700000000.1")
    assert (row["start"], row["answer"], row["stop"]) == (int(NOW) - 46, int(NOW) - 40, int(NOW))
    assert (row["cause"], row["codec"], row["rtt_max"]) == (16, "alaw", 41.2)
    assert (row["to_peer_lost"], row["to_peer_packets"], row["to_peer_lost_reported"], row["to_peer_packets_reported"]) == (
        90.0,
        1000.0,
        150.0,
        1060.0,
    )
    assert (row["to_peer_mos_min"], row["to_peer_jitter_max"]) == (3.2, None)
    assert [row[f"from_peer_{name}"] for name in ("lost", "packets", "lost_reported", "packets_reported")] == [None] * 4


async def test_a_call_that_was_never_answered_has_no_answer_time(store: RollupStore, tmp_path: Path) -> None:
    call = replace(
        a_call(), answered_at=None, cause=None, codec=None, linkedid=None, to_peer=DirectionTotals(), rtt_max_ms=None
    )
    await store.write(SeriesBatch(calls=(call,)))
    await store.flush(NOW)
    assert query(tmp_path, "SELECT answer, cause, codec, linkedid, to_peer_lost, rtt_max FROM call") == [
        dict.fromkeys(("answer", "cause", "codec", "linkedid", "to_peer_lost", "rtt_max"))
    ]


async def test_events_are_written(store: RollupStore, tmp_path: Path) -> None:
    await store.write(SeriesBatch(logs=(a_log(), a_log("back again", at=NOW + 30))))
    await store.flush(NOW)
    assert query(tmp_path, "SELECT ts, pbx, name, kind, text FROM event JOIN peer ON peer.id = event.peer ORDER BY ts") == [
        {"ts": int(NOW), "pbx": "office", "name": "SIP/provider", "kind": "trunk_state", "text": "trunk SIP/provider is down"},
        {"ts": int(NOW) + 30, "pbx": "office", "name": "SIP/provider", "kind": "trunk_state", "text": "back again"},
    ]


async def test_the_file_suits_a_reader_in_our_group(store: RollupStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / ROLLUP_FILE).stat().st_mode) == 0o640
    assert query(tmp_path, "PRAGMA journal_mode") == [{"journal_mode": "delete"}]
    assert [path.name for path in tmp_path.iterdir()] == [ROLLUP_FILE]  # no WAL a reader would need write permission for


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the sqlite3 command is not installed")
async def test_the_sqlite3_command_reads_while_we_write(store: RollupStore, tmp_path: Path) -> None:
    await store.write(SeriesBatch((a_sample(),)))
    await store.flush(NOW + 60)
    command = ["sqlite3", "-readonly", str(tmp_path / ROLLUP_FILE), "SELECT peer, loss_percent FROM minute"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert output == b"SIP/6117|4.0\n"


async def test_rows_wait_while_the_file_is_locked(store: RollupStore, tmp_path: Path) -> None:
    await store._database.run(lambda connection: connection.execute("PRAGMA busy_timeout = 10").fetchall())
    await store.write(SeriesBatch((a_sample(),), (a_call(),), (a_log(),)))
    reader = sqlite3.connect(tmp_path / ROLLUP_FILE, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM r1m").fetchall()  # holds a shared lock
    for _ in range(2):
        with pytest.raises(StoreError, match=r"rollup\.db: locked by another process for too long"):
            await store.flush(NOW + 60)
    await store.write(SeriesBatch((a_sample(at=NOW + 60),)))
    reader.close()
    await store.flush(NOW + 120)
    assert query(tmp_path, "SELECT ts, n FROM r1m") == [{"ts": MINUTE, "n": 1}, {"ts": MINUTE + 60, "n": 1}]
    assert query(tmp_path, "SELECT n, calls FROM r1h") == [{"n": 2, "calls": 1}]
    assert query(tmp_path, "SELECT (SELECT count(*) FROM call) AS calls, (SELECT count(*) FROM event) AS events") == [
        {"calls": 1, "events": 1}
    ]


async def test_what_waits_is_bounded(
    store: RollupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backend, "MAX_WAITING", 3)
    await store.write(SeriesBatch(logs=tuple(a_log(str(number)) for number in range(5))))
    await store.flush(NOW)
    assert [row["text"] for row in query(tmp_path, "SELECT text FROM event ORDER BY id")] == ["2", "3", "4"]
    assert caplog.messages == ["rollup.db could not be written for long: dropped the oldest 2 rows"]


async def test_a_cancelled_flush_is_neither_lost_nor_repeated(store: RollupStore, tmp_path: Path) -> None:
    await store.write(SeriesBatch((a_sample(),), (a_call(),)))
    async with asyncio.TaskGroup() as tasks:
        flushing = tasks.create_task(store.flush(NOW + 60))
        await asyncio.sleep(0)  # it has begun
        flushing.cancel()
    assert flushing.cancelled()
    await store.close(NOW + 60)
    assert query(tmp_path, "SELECT n, calls FROM r1m") == [{"n": 1, "calls": 1}]
    assert query(tmp_path, "SELECT count(*) AS n FROM call") == [{"n": 1}]


async def test_each_table_is_pruned_by_its_own_age(store: RollupStore, tmp_path: Path) -> None:
    for age_days in (0, 31, 91, 366, 731):
        at = NOW - age_days * DAY_S
        samples = (a_sample(at=at), a_sample(at=at, subject="SIP/6118"))
        await store.write(SeriesBatch(samples, (a_call(ended_at=at),), (a_log(str(age_days), at=at),)))
    await store.flush(NOW + 60)
    await store.prune(NOW)
    counts = {table: query(tmp_path, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in ("r1m", "r1h", "call", "event")}
    assert counts == {"r1m": 2 * 1, "r1h": 2 * 4, "call": 2, "event": 3}
    assert query(tmp_path, "SELECT min(ts) AS oldest FROM r1m") == [{"oldest": MINUTE}]


async def test_pruning_in_chunks_deletes_all_of_it(store: RollupStore, tmp_path: Path) -> None:
    many = PRUNE_CHUNK + 10
    old = int(NOW) - 40 * DAY_S
    numbers = f"WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {many - 1})"

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        for peer in (1, 2, 3):
            connection.execute("INSERT INTO peer VALUES (?, 'office', ?)", (peer, f"SIP/{peer}"))
            connection.execute(
                f"INSERT INTO v1m(peer, ts, calls, to_counts) {numbers} SELECT {peer}, {old} - i * 60, 0, 1 FROM n"
            )
        connection.execute(f"INSERT INTO event(ts, peer, kind, text) {numbers} SELECT {old} - 86400 * 400, 1, 'x', 'x' FROM n")
        connection.execute("COMMIT")

    await store._database.run(fill)
    await store.write(SeriesBatch((a_sample(subject="SIP/2"),)))
    await store.flush(NOW + 60)
    await store.prune(NOW)
    assert query(tmp_path, "SELECT peer, ts FROM r1m") == [{"peer": 2, "ts": MINUTE}]
    assert query(tmp_path, "SELECT count(*) AS n FROM event") == [{"n": 0}]


async def test_kill_minus_9_loses_at_most_what_was_not_flushed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from qualitywatch.ports import SeriesBatch\n"
        "from qualitywatch.store.backends.rollup import RollupOptions, RollupStore\n"
        "from tests.store.model_values import NOW, a_call, a_sample\n"
        "async def main():\n"
        "    store = await RollupStore.open(pathlib.Path(sys.argv[1]), RollupOptions(), now=NOW)\n"
        "    for minute in range(10**6):\n"
        "        at = NOW + 60 * minute\n"
        "        await store.write(SeriesBatch(tuple(a_sample(at=at, subject=f'SIP/{n}') for n in range(50)), (a_call(),)))\n"
        "        await store.flush(at + 60)\n"
        "        print(minute, flush=True)\n"
        "asyncio.run(main())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    for _ in range(15):
        process.stdout.readline()
    process.kill()
    flushed = 15 + len(process.stdout.read().splitlines())
    process.stdout.close()
    process.wait()
    store = await opened(tmp_path)  # rolls back what was half-written
    await store.close(NOW)
    assert query(tmp_path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    (row,) = query(tmp_path, "SELECT count(*) AS n, count(DISTINCT ts) AS minutes FROM r1m")
    assert row["minutes"] in (flushed, flushed + 1)
    assert row["n"] == 50 * row["minutes"]  # a minute is there as a whole
    assert query(tmp_path, "SELECT sum(n) AS n FROM r1h") == [{"n": row["n"]}]
    assert query(tmp_path, "SELECT count(*) AS n FROM call") == [{"n": row["minutes"]}]


async def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ROLLUP_FILE).write_bytes(b"not a database, but long enough to look like one" * 100)
    store = await opened(tmp_path)
    await store.write(SeriesBatch((a_sample(),)))
    await store.close(NOW)
    assert len(query(tmp_path, "SELECT * FROM minute")) == 1
    assert len(caplog.records) == 1
    assert (tmp_path / f"{ROLLUP_FILE}.corrupt-{int(NOW)}").exists()


async def test_damage_that_is_met_in_use_is_set_aside_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await opened(tmp_path)
    await store.write(SeriesBatch((a_sample(),), logs=(a_log(),)))
    await store.close(NOW)
    (root,) = query(tmp_path, "SELECT rootpage FROM sqlite_master WHERE name = 'event'")
    with (tmp_path / ROLLUP_FILE).open("r+b") as file:
        file.seek((root["rootpage"] - 1) * 4096)
        file.write(b"\xa5" * 4096)
    store = await opened(tmp_path)  # it would go well for ever, and no event be stored
    assert (tmp_path / f"{ROLLUP_FILE}.corrupt-{int(NOW)}").exists()
    await store.close(NOW)
    async with closing_database(tmp_path / "spool.db") as database:
        with pytest.raises(StoreError, match="damaged: restart qualitywatch"):
            await database.run(lambda connection: _raise(sqlite3.SQLITE_CORRUPT))
    connect(tmp_path / "spool.db", SPOOL, NOW).close()
    assert (tmp_path / f"spool.db.corrupt-{int(NOW)}").exists()
    assert not (tmp_path / "spool.db.damaged").exists()
    assert [("set aside" in record.message) for record in caplog.records] == [True, True]


@asynccontextmanager
async def closing_database(path: Path) -> AsyncIterator[Database]:
    """A file of some use, open."""
    database = await Database.open(path, lambda: connect(path, SPOOL, NOW))
    try:
        yield database
    finally:
        await database.close()


def _raise(code: int) -> None:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = code
    raise error


async def test_tables_have_a_column_for_every_figure(store: RollupStore, tmp_path: Path) -> None:
    for table in ("r1m", "r1h"):
        columns = [row["name"] for row in query(tmp_path, f"SELECT name FROM pragma_table_info('{table}')")]
        assert columns == ["peer", "ts", "dir", *FIGURES]


async def test_the_busiest_minute_is_found_by_key(store: RollupStore, tmp_path: Path) -> None:
    plan = query(tmp_path, "EXPLAIN QUERY PLAN SELECT * FROM r1m WHERE peer = 1 AND ts > 5 AND ts < 9")
    assert [row["detail"] for row in plan] == ["SEARCH v1m USING PRIMARY KEY (peer=? AND ts>? AND ts<?)", "SCAN side"]


async def test_rows_that_cannot_be_written_are_history_all_the_same(store: RollupStore, tmp_path: Path) -> None:
    await store._database.run(lambda connection: connection.execute("PRAGMA busy_timeout = 10").fetchall())
    await store.write(SeriesBatch((a_sample(4.0),)))
    await store.flush(NOW + 60)
    await store.write(SeriesBatch((a_sample(8.0), a_sample(2.0, at=NOW + 60), a_sample(subject="SIP/6118"))))
    reader = sqlite3.connect(tmp_path / ROLLUP_FILE, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM r1m").fetchall()  # holds a shared lock
    with pytest.raises(StoreError, match="locked"):
        await store.flush(NOW + 70)  # one minute now waits, one is still open
    found = await store.history("office", "SIP/6117", NOW - 60, NOW + 120)
    assert [(point.at, point.loss_percent, point.packets) for point in found] == [
        (MINUTE, 6.0, 500.0),
        (MINUTE + 60, 2.0, 250.0),
    ]
    assert await store.subjects("office", NOW, NOW + 1) == ["SIP/6117", "SIP/6118"]
    reader.close()


@pytest.mark.parametrize("reads_first", [True, False])
async def test_a_row_on_its_way_to_the_disk_is_read_once(store: RollupStore, reads_first: bool) -> None:
    await store.write(SeriesBatch((a_sample(),)))
    await store._database.run(lambda connection: None)
    async with asyncio.TaskGroup() as tasks:
        before = tasks.create_task(store.history("office", "SIP/6117", NOW - 60, NOW + 60)) if reads_first else None
        tasks.create_task(store.flush(NOW + 60))
        after = tasks.create_task(store.history("office", "SIP/6117", NOW - 60, NOW + 60))
    for reading in filter(None, (before, after)):
        assert [(point.packets, point.calls) for point in reading.result()] == [(250.0, 1)]


async def test_a_long_time_is_read_in_hours(store: RollupStore) -> None:
    await store.write(SeriesBatch((a_sample(10.0, at=NOW - 7000, weight=100), a_sample(0.0, at=NOW - 7060, weight=100))))
    await store.flush(NOW)
    await store.write(SeriesBatch((a_sample(2.0), a_sample(8.0, at=NOW + 60), a_sample(subject="SIP/6118", at=NOW - DAY_S))))
    found = await store.history("office", "SIP/6117", NOW - 4 * DAY_S, NOW + 120)
    assert [(point.at, point.seconds) for point in found] == [(HOUR - 7200, 3600.0), (HOUR, 3600.0)]
    assert [(point.loss_percent, point.loss_percent_max) for point in found] == [(5.0, 10.0), (5.0, 8.0)]
    assert [point.calls for point in found] == [1, 1]  # a call of several minutes is one call of the hour
    assert await store.subjects("office", NOW - 4 * DAY_S, NOW + 120) == ["SIP/6117", "SIP/6118"]


async def test_where_minutes_are_deleted_hours_are_read(store: RollupStore) -> None:
    at = NOW - 31 * DAY_S
    await store.write(SeriesBatch((a_sample(at=at),)))
    await store.flush(NOW)
    await store.prune(NOW)
    (point,) = await store.history("office", "SIP/6117", at - 600, at + 600)
    assert (point.seconds, point.loss_percent) == (3600.0, 4.0)
    assert await store.subjects("office", at - 600, at + 600) == ["SIP/6117"]


async def test_a_quiet_time_is_not_filled_from_its_hour(store: RollupStore) -> None:
    await store.write(SeriesBatch((a_sample(at=NOW - 600),)))
    await store.flush(NOW)
    assert await store.history("office", "SIP/6117", NOW - 300, NOW) == []
    assert await store.subjects("office", NOW - 300, NOW) == []


async def test_half_an_hour_of_one_peer_is_read_at_once_from_a_full_file(store: RollupStore) -> None:
    peers, minutes = 40, 7_200

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        for peer in range(1, peers + 1):
            connection.execute("INSERT INTO peer VALUES (?, 'office', ?)", (peer, f"SIP/{peer}"))
        connection.execute(
            f"""WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {minutes - 1})
                INSERT INTO v1m(peer, ts, calls, to_counts) SELECT peer.id, {MINUTE} - i * 60, 0, 1 FROM peer, n"""
        )
        connection.execute("COMMIT")

    await store._database.run(fill)
    begun = time.perf_counter()
    for _ in range(10):
        assert len(await store.history("office", "SIP/7", MINUTE - 1740, MINUTE + 60)) == 30
        assert len(await store.subjects("office", MINUTE - 1740, MINUTE + 60)) == peers
    assert (time.perf_counter() - begun) / 10 < 0.05  # reading the whole table takes longer


async def test_names_are_found_as_they_were_given(store: RollupStore) -> None:
    await store.write(SeriesBatch((a_sample(subject="SIP/\udc80"),)))
    for _ in range(2):  # not yet written, and written
        assert len(await store.history("office", "SIP/\udc80", NOW - 60, NOW + 60)) == 1
        assert await store.subjects("office", NOW - 60, NOW + 60) == ["SIP/\\udc80"]
        await store.flush(NOW + 60)


async def test_charts_can_group_peers_by_trunk_and_site(tmp_path: Path) -> None:
    known: dict[str, str] = {}
    store = await RollupStore.open(tmp_path, RollupOptions(labels=lambda pbx, subject: known), now=NOW)
    places = "SELECT p.name, l.trunk, l.site FROM peer p LEFT JOIN place l ON l.peer = p.id"
    for step, labels in enumerate(({}, {"site": "Home"}, {"site": "Riga", "trunk": "SIP/1@provider"}, {})):
        known = dict(labels)
        await store.write(SeriesBatch((a_sample(1.0, at=NOW + 60 * step),)))
        await store.flush(NOW + 60 * step + 120)
    await store.close(NOW)
    assert query(tmp_path, places)[0] == {"name": "SIP/6117", "trunk": "SIP/1@provider", "site": "Riga"}, (
        "what was known last stays"
    )


async def test_whether_a_trunk_is_up_is_a_figure_unless_nobody_knows(store: RollupStore, tmp_path: Path) -> None:
    for step, status in enumerate((TrunkState.REGISTERED, TrunkState.RETRYING, TrunkState.REJECTED)):
        at = NOW + 60 * step
        seen = StatusObservation(at, "trunk", "office", "SIP/1@provider", status, at)
        await store.write(SeriesBatch(observed=(Observed(at, seen),)))
    await store.flush(NOW + 600)
    assert [row["mean"] for row in query(tmp_path, "SELECT mean FROM kpi_minute WHERE kpi = 'up' ORDER BY ts")] == [1.0, 0.0]
