"""The daemon and its time series database: an outage, a restart in the middle of it, and everything is there in the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from tests.conftest import CAPTURES
from tests.e2e.processes import Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.influx_server import InfluxServer

TOKEN = "token-nobody-may-see"


@pytest.mark.slow
async def test_what_was_measured_while_the_database_was_away_is_there_after_a_restart(tmp_path: Path) -> None:
    async with (
        FakeTelegram() as telegram,
        InfluxServer() as influx,
        playing(CAPTURES / "asterisk-20/sip-bridge-loss", speed=0) as (_, port),
    ):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["influx"] = [{"url": influx.url, "org": "office", "token": TOKEN, "keep": "30d"}]
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        await influx.down()
        async with running(config) as daemon:
            await daemon.logged("sink.trouble name=influxdb")
            assert await daemon.stop() == 0
        assert not [line for line in daemon.log if TOKEN in line]
        await influx.up()
        async with running(config) as daemon:
            async with asyncio.timeout(20):
                while not any(line.startswith("loss,") and "SIP/6118" in line for line in influx.lines):
                    await asyncio.sleep(0.05)
            assert await daemon.stop() == 0
    told = [line for line in influx.lines if line.startswith("loss,")]
    assert len(told) == len(set(told)), "nothing was sent twice"
    assert any("direction=to_peer" in line and "pbx=office" in line and "percent=" in line for line in told)
