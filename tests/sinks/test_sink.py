"""A database that is down, slow, busy, refusing or wrongly named, and back: what was measured is there at last, or counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.backoff import Backoff
from qualitywatch.clock import SystemClock
from qualitywatch.errors import StoreError
from qualitywatch.model import LogRecord
from qualitywatch.ports import SeriesBatch
from qualitywatch.secrets import Secret
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.reading import Reading
from qualitywatch.sinks.server import Refusal, Server, SinkError
from qualitywatch.sinks.servers.influx1 import Influx1
from qualitywatch.sinks.servers.influx2 import Influx2
from qualitywatch.sinks.servers.victoria import Victoria
from qualitywatch.sinks.sink import MAX_HELD, Sink
from qualitywatch.sinks.spool import Batch, Spool
from tests.fakes.influx_server import InfluxServer

pytestmark = pytest.mark.usefixtures("hurried")

NOW = 1_700_000_000.0
TOKEN = "made-up-token"


def batch(first: int, count: int) -> SeriesBatch:
    """So many readings, each another."""
    return SeriesBatch(logs=tuple(LogRecord(NOW + n, "office", f"SIP/{n}", "test", "x") for n in range(first, first + count)))


def readings(batch: SeriesBatch) -> list[Reading]:
    return [Reading("loss", each.at, (("peer", each.subject),), {"percent": each.at - NOW}) for each in batch.logs]


def influx2(server: InfluxServer) -> Server:
    return Influx2(server.url, org="office", bucket="qualitywatch", token=Secret(TOKEN))


def influx1(server: InfluxServer) -> Server:
    return Influx1(server.url, database="qualitywatch", username="u", password=Secret(TOKEN))


def victoria(server: InfluxServer) -> Server:
    return Victoria(server.url, token=Secret(TOKEN))


@asynccontextmanager
async def running(
    server: InfluxServer, folder: Path, make: Callable[[InfluxServer], Server] = influx2, max_bytes: int = 10_000_000
) -> AsyncIterator[Sink]:
    """A sink at work, closed as the daemon closes it."""
    spool = await Spool.open(folder / "spool.db", max_bytes=max_bytes, now=NOW)
    quick = {"backoff": Backoff(0.01, 0.05), "flush_s": 0.02, "fix_pause_s": 0.05}
    sink = Sink("influx", make(server), spool, SystemClock(), readings=readings, **quick)  # type: ignore[arg-type]
    task = asyncio.create_task(sink.run())
    try:
        yield sink
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await sink.close(NOW)


@pytest.mark.parametrize("make", [influx1, influx2])
async def test_everything_measured_arrives_once_and_compressed(make: Callable[[InfluxServer], Server], tmp_path: Path) -> None:
    async with InfluxServer() as server, running(server, tmp_path, make) as sink:
        for first in range(0, 5000, 100):
            await sink.write(batch(first, 100))
        await server.wait_lines(5000)
    assert len(server.lines) == 5000
    assert server.lines[17] == "loss,peer=SIP/17 percent=17 1700000017000000"
    assert all(headers["Content-Encoding"] == "gzip" for headers in server.writes)
    assert sink.counts.taken_in == sink.counts.sent == 5000
    assert sink.counts.trouble is None


@pytest.mark.parametrize("make", [influx1, influx2])
async def test_an_outage_costs_nothing_but_time(
    make: Callable[[InfluxServer], Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with InfluxServer() as server, running(server, tmp_path, make) as sink:
        await sink.write(batch(0, 50))
        await server.wait_lines(50)
        await server.down()
        for first in range(50, 3050, 500):
            await sink.write(batch(first, 500))
        async with asyncio.timeout(20):
            while sink.spool.load.lines < 3000 or sink.counts.trouble is None:
                await asyncio.sleep(0.01)
        assert "cannot be reached" in sink.counts.trouble
        await server.up()
        await server.wait_lines(3050)
    assert sorted(server.lines, key=lambda line: int(line.rsplit(" ", 1)[1])) == server.lines, "oldest first"
    assert sink.counts.sent == 3050
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1, "one line says it, not one per attempt"
    assert TOKEN not in caplog.text


async def test_a_restart_in_mid_outage_loses_nothing(tmp_path: Path) -> None:
    async with InfluxServer() as server:
        await server.down()
        async with running(server, tmp_path) as sink:
            await sink.write(batch(0, 1500))
        async with running(server, tmp_path) as sink:
            await sink.write(batch(1500, 10))
            assert sink.spool.load.lines >= 1500
        await server.up()
        async with running(server, tmp_path):
            await server.wait_lines(1510)
    assert len(set(server.lines)) == 1510


async def test_a_busy_server_is_left_alone_as_long_as_it_asks_for(tmp_path: Path) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        server.answer(503, {"Retry-After": "1"})
        asked_at = asyncio.get_running_loop().time()
        await sink.write(batch(0, 10))
        await server.wait_lines(10)
        assert asyncio.get_running_loop().time() - asked_at >= 1
    assert len(server.writes) == 2


async def test_a_slow_server_delays_nobody(tmp_path: Path) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        server.slow_s = 0.3
        began = asyncio.get_running_loop().time()
        for first in range(0, 300, 100):
            await sink.write(batch(first, 100))
        assert asyncio.get_running_loop().time() - began < 0.2
        await server.wait_lines(300)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "refuses the token or password"),
        (404, '{"code":"not found","message":"bucket not found"}', 'no bucket "qualitywatch" or organisation "office"'),
    ],
)
async def test_a_wrong_token_or_bucket_is_told_and_nothing_is_lost_meanwhile(
    status: int, body: str, told: str, tmp_path: Path
) -> None:
    async with InfluxServer() as server:
        server.answer_always(status, body)
        async with running(server, tmp_path) as sink:
            await sink.write(batch(0, 20))
            async with asyncio.timeout(10):
                while sink.counts.trouble is None:
                    await asyncio.sleep(0.01)
            assert told in sink.counts.trouble
            assert TOKEN not in sink.counts.trouble
            server.answer_always(204)  # somebody put it right
            await server.wait_lines(20)


@pytest.mark.parametrize("make", [influx1, influx2, victoria])
@pytest.mark.parametrize("status", [200, 301, 405, 407, 408, 413, 500, 502, 507, 511])
async def test_no_answer_of_a_proxy_costs_a_line(make: Callable[[InfluxServer], Server], status: int, tmp_path: Path) -> None:
    async with InfluxServer() as server, running(server, tmp_path, make) as sink:
        server.answer(status, body="<html>Log in to the guest network</html>")
        await sink.write(batch(0, 10))
        await server.wait_lines(10)
        assert len(server.writes) >= 2, "it was written again"
    assert (sink.counts.sent, sink.counts.refused, sink.counts.dropped) == (10, 0, 0)


@pytest.mark.parametrize("make", [influx1, influx2, victoria])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, "Client sent an HTTP request to an HTTPS server.\n"),  # Go, with TLS
        (400, "<html><h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port</html>"),  # nginx
        (422, ""),
    ],
)
async def test_a_refusal_that_no_database_wrote_costs_no_line(
    make: Callable[[InfluxServer], Server], status: int, body: str, tmp_path: Path
) -> None:
    async with InfluxServer() as server, running(server, tmp_path, make) as sink:
        server.answer(status, body=body)
        await sink.write(batch(0, 10))
        await server.wait_lines(10)
        assert len(server.writes) == 2
    assert (sink.counts.sent, sink.counts.refused) == (10, 0)


class Writable:
    """What is written to it is all that matters of a server."""

    def setup(self, keep_s: float | None) -> str:
        return ""

    def check(self) -> str:
        return ""

    def close(self) -> None:
        pass


class Broken(Writable):
    """A library that raises what nobody foresaw, with a secret in it."""

    def write(self, text: bytes) -> None:
        raise ValueError(f"Invalid header value {TOKEN}")


async def test_a_library_that_raises_what_nobody_foresaw_costs_nothing_and_tells_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with InfluxServer() as server:
        async with running(server, tmp_path, lambda server: Broken()) as sink:
            await sink.write(batch(0, 10))
            async with asyncio.timeout(10):
                while sink.counts.trouble is None:
                    await asyncio.sleep(0.01)
            assert "a mistake of this program: ValueError in " in sink.counts.trouble
        assert TOKEN not in caplog.text
        async with running(server, tmp_path):
            await server.wait_lines(10)


async def test_lines_that_are_refused_for_good_are_counted_and_hold_up_nothing(tmp_path: Path) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        server.answer(400, body='{"code":"invalid","message":"partial write: field type conflict"}')
        await sink.write(batch(0, 7))
        async with asyncio.timeout(10):
            while sink.counts.refused < 7:
                await asyncio.sleep(0.01)
        assert sink.counts.trouble is not None
        assert "field type conflict" in sink.counts.trouble
        await sink.write(batch(7, 5))
        await server.wait_lines(5)
    assert (sink.counts.taken_in, sink.counts.sent, sink.counts.refused) == (12, 5, 7)


async def test_beyond_the_cap_the_oldest_go_and_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with InfluxServer() as server:
        await server.down()
        async with running(server, tmp_path, max_bytes=20_000) as sink:
            for first in range(0, 20_000, 1000):
                await sink.write(batch(first, 1000))
            async with asyncio.timeout(20):
                while sink.spool.load.lines + sink.counts.dropped < 20_000:
                    await asyncio.sleep(0.01)
            assert sink.counts.dropped > 0
            assert sink.spool.load.size <= 20_000
            await server.up()
            await server.wait_lines(20_000 - sink.counts.dropped)
    assert sink.counts.sent + sink.counts.dropped == 20_000
    assert f"SIP/{19_999}" in "".join(server.lines[-5:]), "the newest survive"
    lost = [int(found) for found in re.findall(r"sink.lost name=influx lines=(\d+)", caplog.text)]
    assert sum(lost) == sink.counts.dropped, "every line that was lost was told, the last ones at the end"
    assert "the spool is full" in caplog.text


class Held(Writable):
    """A server that answers when it is told what."""

    def __init__(self, error: SinkError | None = None) -> None:
        self.error = error  # of the first write
        self.came, self.go_on = threading.Event(), threading.Event()
        self.writes: list[bytes] = []

    def write(self, text: bytes) -> None:
        self.writes.append(text)
        self.came.set()
        assert self.go_on.wait(10)
        if len(self.writes) == 1 and self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "became"),
    [
        (None, (1100, 0, 0)),
        (SinkError("busy", Refusal.LATER), (1000, 0, 100)),
        (SinkError("unreadable", Refusal.NEVER), (1000, 100, 0)),
    ],
)
async def test_a_batch_that_makes_room_while_it_is_sent_is_counted_as_one_thing_only(
    error: SinkError | None, became: tuple[int, int, int], tmp_path: Path
) -> None:
    held = Held(error)
    async with running(InfluxServer(), tmp_path, lambda server: held, max_bytes=1) as sink:
        await sink.write(batch(0, 100))
        assert await asyncio.to_thread(held.came.wait, 10)
        await sink.write(batch(100, 1000))
        async with asyncio.timeout(10):
            while sink.spool.load.lines != 1000:
                await asyncio.sleep(0.01)
        assert sink.counts.dropped == 0, "nobody knows yet"
        held.go_on.set()
        async with asyncio.timeout(10):
            while sink.spool.load.lines:
                await asyncio.sleep(0.01)
    assert (sink.counts.sent, sink.counts.refused, sink.counts.dropped) == became


@pytest.mark.parametrize(
    ("error", "became"), [(None, (110, 0)), (SinkError("unreadable", Refusal.NEVER), (10, 100))], ids=["taken", "refused"]
)
async def test_a_disk_that_lets_nothing_go_has_nothing_sent_twice(
    error: SinkError | None, became: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(error)
    held.go_on.set()
    full, removed = [True] * 5, Spool.remove

    async def remove(spool: Spool, batch: Batch) -> None:
        if full:
            full.pop()
            raise StoreError("the disk is full")
        await removed(spool, batch)

    monkeypatch.setattr(Spool, "remove", remove)
    async with running(InfluxServer(), tmp_path, lambda server: held) as sink:
        await sink.write(batch(0, 100))
        async with asyncio.timeout(10):
            while sink.spool.load.lines or full:
                await asyncio.sleep(0.01)
        await sink.write(batch(100, 10))
        async with asyncio.timeout(10):
            while len(held.writes) < 2 or sink.spool.load.lines:
                await asyncio.sleep(0.01)
        assert sink.counts.trouble is None
    assert [len(text.splitlines()) for text in held.writes] == [100, 10]
    assert (sink.counts.sent, sink.counts.refused, sink.counts.dropped) == (*became, 0)


class Impatient(Writable):
    """A server that is busy and asks for no pause at all."""

    writes = 0

    def write(self, text: bytes) -> None:
        self.writes += 1
        raise SinkError("busy", Refusal.LATER, retry_after_s=0.0)


async def test_a_busy_server_that_asks_for_no_pause_is_given_one(tmp_path: Path) -> None:
    server = Impatient()
    async with running(InfluxServer(), tmp_path, lambda _: server) as sink:
        await sink.write(batch(0, 10))
        async with asyncio.timeout(10):
            while not server.writes:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert server.writes < 60, "our own pauses are 10 to 50 ms"


async def test_a_disk_that_takes_nothing_keeps_readings_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        await sink.spool.close()  # what comes now cannot be written
        await sink.write(batch(0, 30))
        async with asyncio.timeout(10):
            while "cannot be kept on disk" not in caplog.text:
                await asyncio.sleep(0.01)
        assert sink.held == 30


async def test_what_the_disk_takes_at_a_later_attempt_keeps_its_instants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        appends, failures = sink.spool.append, 3

        async def fails_first(text: bytes, lines: int) -> Mapping[int, int]:
            nonlocal failures
            if failures:
                failures -= 1
                raise StoreError("the disk is full")
            return await appends(text, lines)

        monkeypatch.setattr(sink.spool, "append", fails_first)
        given = batch(0, 30)
        await sink.write(given)
        await server.wait_lines(30)
        assert b"\n".join(line.encode() for line in server.lines) == encode(readings(given))


async def test_what_memory_cannot_hold_while_the_disk_takes_nothing_is_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        await sink.spool.close()
        for first in range(0, MAX_HELD + 3000, 1000):
            await sink.write(batch(first, 1000))
        assert sink.held <= MAX_HELD
    assert sink.counts.dropped == 3000
    assert "they could not be written to disk" in caplog.text
    assert sum(map(int, re.findall(r"sink.lost name=influx lines=(\d+)", caplog.text))) == 3000


async def test_the_file_stays_about_as_small_as_the_cap(tmp_path: Path) -> None:
    cap = 1 << 20
    spool = await Spool.open(tmp_path / "spool.db", max_bytes=cap, now=NOW)
    lost = 0
    for number in range(200):
        lost += sum((await spool.append(Random(number).randbytes(30_000), 1000)).values())
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) < cap + 6_000_000, "a journal of SQLite comes on top"
    assert spool.load.lines + lost == 200_000
    await spool.close()


async def test_a_spool_that_was_damaged_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database" * 1000)
    async with InfluxServer() as server, running(server, tmp_path) as sink:
        await sink.write(batch(0, 10))
        await server.wait_lines(10)
    assert list(tmp_path.glob("spool.db.corrupt-*")), "it may be looked at"


@given(damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
async def test_a_batch_that_was_damaged_on_disk_is_counted_and_holds_up_nothing(damage: list[tuple[int, int]]) -> None:
    """Bytes of a batch that waits are other ones at the next start: what comes behind it arrives all the same."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        async with InfluxServer() as server:
            await server.down()
            async with running(server, folder) as sink:
                await sink.write(batch(0, 40))
                await until(lambda: sink.spool.load.lines == 40)
                await sink.write(batch(40, 2))
                await until(lambda: sink.spool.load.lines == 42)
            damage_oldest(folder / "spool.db", damage)
            await server.up()
            async with running(server, folder) as sink:
                await until(lambda: sink.spool.load.lines == 0)
                assert sink.counts.trouble is None
                assert sink.counts.sent + sink.counts.dropped == 42
                assert sink.counts.dropped in {0, 40}, "bytes that mean nothing (a time in gzip's head) lose nothing"
                assert len(server.lines) == sink.counts.sent


@pytest.mark.parametrize("body", [b"", b"\x1f\x8b", b"no gzip at all", "text", None, 7.5])
async def test_whatever_stands_in_the_place_of_a_batch_is_lost_and_said(
    body: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with InfluxServer() as server:
        await server.down()
        async with running(server, tmp_path) as sink:
            await sink.write(batch(0, 3))
            await until(lambda: sink.spool.load.lines == 3)
        with contextlib.closing(sqlite3.connect(tmp_path / "spool.db")) as connection:
            if body is None:  # no NOT NULL keeps a disk from anything
                connection.execute("PRAGMA writable_schema = ON")
                connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'body BLOB NOT NULL', 'body BLOB')")
                connection.commit()
        with contextlib.closing(sqlite3.connect(tmp_path / "spool.db")) as connection:
            connection.execute("UPDATE batch SET body = ?", (body,))
            connection.commit()
        await server.up()
        async with running(server, tmp_path) as sink:
            await sink.write(batch(3, 2))
            await server.wait_lines(2)
            await until(lambda: sink.counts.sent == 2)
            assert sink.counts.dropped == 3
    assert 'sink.lost name=influx lines=3 since_start=3 error="they were damaged on disk"' in caplog.text


def damage_oldest(path: Path, damage: list[tuple[int, int]]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((id, body),) = connection.execute("SELECT id, body FROM batch ORDER BY id LIMIT 1")
        damaged = bytearray(body)
        for place, change in damage:
            damaged[place % len(damaged)] ^= change
        connection.execute("UPDATE batch SET body = ? WHERE id = ?", (bytes(damaged), id))
        connection.commit()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)
