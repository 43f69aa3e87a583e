"""Each kind of database is down, slow, refusing and back, the sink restarted meanwhile: counts at the end equal counts sent.

First against an endpoint that fails as it is told, for all kinds; then against the real servers, which are stopped, held in
mid-work and made to refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from qualitywatch.backoff import Backoff
from qualitywatch.clock import SystemClock
from qualitywatch.model import LogRecord
from qualitywatch.ports import SeriesBatch
from qualitywatch.secrets import Secret
from qualitywatch.sinks.reading import Reading
from qualitywatch.sinks.server import Server
from qualitywatch.sinks.servers.influx1 import Influx1
from qualitywatch.sinks.servers.influx2 import Influx2
from qualitywatch.sinks.servers.victoria import Victoria
from qualitywatch.sinks.sink import Sink
from qualitywatch.sinks.spool import Spool
from tests.fakes.influx_server import InfluxServer
from tests.fakes.series_servers import RealServer, influxdb1_server, influxql, promql, victoria_server

NOW: Final = 1_700_000_000.0
TIMEOUT_S: Final = 0.3
Make = Callable[[str], Server]
MAKE: Final[dict[str, Make]] = {
    "influxdb": lambda url: Influx2(url, org="office", bucket="q", token=Secret("t"), timeout_s=TIMEOUT_S),
    "influxdb1": lambda url: Influx1(url, database="q", timeout_s=TIMEOUT_S),
    "victoriametrics": lambda url: Victoria(url, token=Secret("t"), timeout_s=TIMEOUT_S),
}


def readings(batch: SeriesBatch) -> list[Reading]:
    return [Reading("loss", each.at, (("peer", each.subject),), {"percent": each.at - NOW}) for each in batch.logs]


class Story:
    """Sinks one after the other on one spool, and what became of what they were given."""

    def __init__(self, make: Make, url: str, folder: Path) -> None:
        self._make, self._url, self._folder = make, url, folder
        self.given = self.sent = 0
        self.sink: Sink | None = None
        self.told: list[str] = []

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Sink]:
        """A sink from its start to its end, as the daemon starts and stops it."""
        spool = await Spool.open(self._folder / "spool.db", max_bytes=10_000_000, now=NOW)
        quick = {"backoff": Backoff(0.01, 0.05), "flush_s": 0.02, "fix_pause_s": 0.05}
        sink = Sink("s", self._make(self._url), spool, SystemClock(), readings=readings, **quick)  # type: ignore[arg-type]
        task = asyncio.create_task(sink.run())
        try:
            self.sink = sink
            yield sink
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await sink.close(NOW)
            self.sent += sink.counts.sent
            assert (sink.counts.refused, sink.counts.dropped) == (0, 0)

    async def give(self, count: int) -> None:
        """So many readings, each another, in bursts."""
        assert self.sink is not None
        for first in range(self.given, self.given + count, 50):
            numbers = range(first, min(first + 50, self.given + count))
            await self.sink.write(SeriesBatch(logs=tuple(LogRecord(NOW + n, "o", f"SIP/{n % 7}", "x", "x") for n in numbers)))
        self.given += count

    async def fails(self, *why: str) -> None:
        """Wait until it says one of these."""
        sink = self.sink
        assert sink is not None
        async with asyncio.timeout(20):
            while not any(text in (sink.counts.trouble or "") for text in why):
                await asyncio.sleep(0.01)
        self.told.append(str(sink.counts.trouble))

    async def is_empty(self) -> None:
        """Wait until nothing waits any more, neither in memory nor on disk."""
        sink = self.sink
        assert sink is not None
        async with asyncio.timeout(30):
            while sink.held or sink.spool.load.lines or sink.counts.trouble:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", MAKE)
async def test_down_slow_refusing_back_and_restarted(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with InfluxServer() as server:
        story = Story(MAKE[kind], server.url, tmp_path)
        async with story.working():
            await story.give(200)
            await story.is_empty()
            await server.down()
            await story.give(1500)
            await story.fails("cannot be reached")
        async with story.working():  # restarted while it is down
            await story.give(300)
            await story.fails("cannot be reached")
            await server.up()
            await story.is_empty()
            server.slow_s = 3 * TIMEOUT_S  # too slow for us, and what it was given is lost on the way
            await story.give(400)
            await story.fails("cannot be reached")
        async with story.working():  # restarted while it is slow
            server.slow_s, server.stall_s = 0.0, 3 * TIMEOUT_S  # it stores what it is given, and does not say so in time
            await story.give(100)
            await story.fails("cannot be reached")
            server.stall_s = 0.0
            await story.is_empty()
            for status, why in (
                (503, "cannot take data now"),
                (429, "cannot take data now"),
                (401, "refuses the token or password"),
                (404, "no "),
            ):
                server.answer_always(status)
                await story.give(250)
                await story.fails(why)
        async with story.working():  # restarted while it refuses
            await story.fails("no ")
            server.answer_always(204)
            await story.is_empty()
    stored = set(server.lines)
    with capsys.disabled():
        print(
            f"\n{kind}: given {story.given}, sent {story.sent}, stored {len(stored)}, twice {len(server.lines) - len(stored)}"
        )
    assert len(stored) == story.given == story.sent == 3500
    first = {line: place for place, line in reversed(list(enumerate(server.lines)))}
    arrived = sorted(stored, key=lambda line: first[line])
    assert arrived == sorted(arrived, key=lambda line: int(line.rsplit(" ", 1)[1])), "oldest first"


def stored_by(kind: str, url: str) -> int:
    """How many readings the real server holds."""
    if kind == "influxdb1":
        return int(influxql(url, "q", "SELECT count(percent) FROM loss")[0]["count"])
    return round(sum(count for _, count in promql(url, "count_over_time(loss_percent[1d])", NOW + 10_000)))


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealServer]:
    (tmp_path / "server").mkdir()
    make = {"influxdb1": influxdb1_server, "victoriametrics": victoria_server}[request.getfixturevalue("kind")]
    server = make(tmp_path / "server")
    yield server
    server.kill()


@pytest.mark.parametrize("kind", ["influxdb1", "victoriametrics"])
async def test_a_real_server_that_refuses_is_stopped_and_held(
    kind: str, real: RealServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(MAKE[kind], real.url, tmp_path)
    async with story.working():
        await story.give(200)
        await story.fails("cannot be reached")  # not there yet
        password = () if kind == "influxdb1" else ("-httpAuth.username=u", "-httpAuth.password=p")
        await asyncio.to_thread(real.start, *password)
        await story.fails('no database "q"', "refuses the token or password")
        if kind == "influxdb1":  # somebody puts it right
            admin = Influx1(real.url, database="q")
            await asyncio.to_thread(admin.setup, None)
            admin.close()
        else:
            await asyncio.to_thread(real.stop)
            await asyncio.to_thread(real.start)
        await story.is_empty()
        assert await asyncio.to_thread(stored_by, kind, real.url) == 200
        await asyncio.to_thread(real.stop)
        await story.give(1500)
        await story.fails("cannot be reached")
    async with story.working():  # restarted while it is down
        await story.give(300)
        await story.fails("cannot be reached")
        await asyncio.to_thread(real.start)
        await story.is_empty()
        real.freeze()
        await story.give(500)
        await story.fails("cannot be reached")
        real.thaw()  # it stores what it was given in vain, and is given it again
        await story.is_empty()
    stored = await asyncio.to_thread(stored_by, kind, real.url)
    with capsys.disabled():
        print(f"\nreal {kind}: given {story.given}, sent {story.sent}, stored {stored}")
    assert stored == story.given == story.sent == 2500
