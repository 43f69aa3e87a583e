"""Those who are told go away: Telegram gone, Telegram busy, the database gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.e2e.processes import running
from tests.fakes.series_servers import influxdb1_server, influxql, started
from tests.faults.pbx import FaultyPbx
from tests.faults.stage import BRIDGE, OUTAGE, Outcome, Sample, samples_of, stage

AWAY_S = 15.0
BUSY_S = 25.0
RETRY_AFTER_S = 4


async def telegram_down(folder: Path) -> Outcome:
    """Refuse Telegram's connections from the first alert until long after the last."""
    async with stage(folder) as it:
        async with running(it.config) as daemon:
            await daemon.logged("ami.resynced")
            await it.telegram.stop()
            await asyncio.wait_for(it.pbx.finished.wait(), 60)
            await asyncio.sleep(AWAY_S)
            await it.telegram.start()
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        complaints = sum("next attempt in" in line for line in daemon.log)
        it.demand(complaints <= 3, f"{complaints} lines in the log for one outage")
        return it.outcome(daemon.log, remark=f"{AWAY_S:.0f} s after the last event")


async def telegram_busy(folder: Path) -> Outcome:
    """Answer 429 to everything for long, each time with a pause to keep."""
    async with stage(folder) as it:
        async with running(it.config) as daemon:
            await daemon.logged("ami.resynced")
            busy = {"code": 429, "description": f"Too Many Requests: retry after {RETRY_AFTER_S}", "retry_after": RETRY_AFTER_S}
            for method in ("sendMessage", "editMessageText"):
                it.telegram.fail(method, times=10_000, **busy)  # type: ignore[arg-type]
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(BUSY_S)
            it.telegram.forgive()
            tries = [call for call in it.telegram.calls if call.method in {"sendMessage", "editMessageText"}]
            asked = len([call for call in tries if call.at >= begun])
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        it.demand(asked <= BUSY_S / RETRY_AFTER_S + 2, f"{asked} requests in {BUSY_S:.0f} s although told to wait")
        return it.outcome(daemon.log, remark=f"{asked} requests in {BUSY_S:.0f} s, each told to wait {RETRY_AFTER_S} s")


async def influx_down(folder: Path) -> Outcome:
    """Stop a real InfluxDB 1.6 while it is being fed, start it again after the daemon was restarted too."""
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=10.0)
    async with stage(folder, pbx) as it:
        with started(influxdb1_server(folder)) as server:
            httpx.post(f"{server.url}/query", params={"q": "CREATE DATABASE qualitywatch"}).raise_for_status()
            it.configure(influx=[{"kind": "influxdb1", "url": server.url, "database": "qualitywatch"}])
            async with running(it.config) as daemon:
                await daemon.logged("ami.resynced")
                await _until_some_are_stored(server.url)
                await asyncio.to_thread(server.stop)
                await daemon.logged("sink.trouble", timeout_s=60)
                await it.over()
                it.demand(await daemon.stop() == 0, "the first daemon did not stop in order")
            await asyncio.to_thread(server.start)
            async with running(it.config) as again:
                await again.logged("started pbx=")
                wanted, have = samples_of(pbx), set[Sample]()
                async with asyncio.timeout(60):
                    while len(have := _stored(server.url)) < len(wanted):
                        await asyncio.sleep(0.5)
                it.demand(await again.stop() == 0, "the second daemon did not stop in order")
        have = {sample for sample in wanted if (*sample[:2], sample[2] // 1000 * 1000) in have}
        return it.outcome((*daemon.log, *again.log), stored=have, remark="real InfluxDB 1.6, and a restart of the daemon")


def _stored(url: str) -> set[Sample]:
    rows = influxql(url, "qualitywatch", "SELECT percent, percent_reported, peer, direction FROM loss")
    return {(row["peer"], row["direction"], int(row["time"]) * 1000) for row in rows}  # told in milliseconds


async def _until_some_are_stored(url: str) -> None:
    async with asyncio.timeout(60):
        while not _stored(url):
            await asyncio.sleep(0.2)
