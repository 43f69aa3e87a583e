"""The daemon and its time series database: an outage, a restart in the middle of it, and everything is there in the end."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
import yaml

from qualitywatch.cli import main
from tests.conftest import CAPTURES
from tests.e2e.processes import CHAT, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.influx_server import InfluxServer
from tests.fakes.series_servers import influxdb1_server, influxql, promql, victoria_server

TOKEN = "token-nobody-may-see"
ANNA = 700
NAMES = ("influxdb", "influxdb1", "victoriametrics")


@pytest.mark.slow
async def test_what_waited_on_disk_is_there_after_a_kill(tmp_path: Path) -> None:
    async with (
        FakeTelegram() as telegram,
        InfluxServer() as influx,
        playing(CAPTURES / "asterisk-20/sip-bridge-loss", speed=0) as (pbx, port),
    ):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["influx"] = [{"url": influx.url, "org": "office", "token": TOKEN, "keep": "30d"}]
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        await influx.down()
        async with running(config) as daemon:
            await daemon.logged("sink.trouble name=influxdb")
            daemon.kill()
            await daemon.wait()
        assert not [line for line in daemon.log if TOKEN in line]
        await pbx.stop()  # it would tell the same once more
        await influx.up()
        async with running(config) as daemon:
            async with asyncio.timeout(20):
                while not any(line.startswith("call,") and "SIP/6118" in line for line in influx.lines):
                    await asyncio.sleep(0.05)
            assert await daemon.stop() == 0
    told = [line for line in influx.lines if line.startswith("loss,")]
    assert len(told) == len(set(told)), "nothing was sent twice"
    assert any("direction=to_peer" in line and "pbx=office" in line and "percent=" in line for line in told)


@pytest.mark.slow
async def test_an_outage_and_a_restart_cost_no_database_a_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All three kinds at once: away, refusing, back; what each holds in the end is what each was given."""
    one, vm = (tmp_path / "1"), (tmp_path / "vm")
    one.mkdir()
    vm.mkdir()
    real, victoria = influxdb1_server(one), victoria_server(vm)
    async with (
        FakeTelegram() as telegram,
        InfluxServer() as influx,
        playing(CAPTURES / "asterisk-20/sip-bridge-loss", speed=0) as (pbx, port),
    ):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["telegram"]["users"] = {ANNA: "Anna"}
        document["influx"] = [
            {"url": influx.url, "org": "office", "token": TOKEN},
            {"kind": "influxdb1", "url": real.url},
            {"kind": "victoriametrics", "url": victoria.url},
        ]
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        await influx.down()
        try:
            await asyncio.to_thread(real.start)
            await asyncio.to_thread(main, ["influx", "setup", "--config", str(config)])
            await asyncio.to_thread(real.stop)
            async with running(config) as daemon:
                for name in NAMES:
                    await daemon.logged(f"sink.trouble name={name} ")
                status = await telegram.user_asks(CHAT, ANNA, "/status", timeout_s=20)
                for name in NAMES:
                    assert f"🔴 {name}: nothing can be written there at present, readings waiting on disk: " in status.text
                assert await asyncio.to_thread(main, ["top", "--once", "--config", str(config)]) == 0
                shown = capsys.readouterr().out
                assert all(re.search(rf"! {name}: \d+ readings wait on disk", shown) for name in NAMES), shown
                assert await daemon.stop() == 0
            await pbx.stop()  # it would tell the same once more
            before = accounts(daemon.log)
            assert all(each["waiting"] == each["taken_in"] > 0 == each["sent"] for each in before.values()), before
            influx.answer(503, {"Retry-After": "1"}, times=2)
            await influx.up()
            async with running(config) as daemon:
                for name in NAMES:
                    await daemon.logged(f"sink.trouble name={name} ")
                await asyncio.to_thread(victoria.start)
                await asyncio.to_thread(real.start)
                for name in NAMES:
                    await daemon.logged(f"sink.back name={name} ", timeout_s=60)
                assert await daemon.stop() == 0
            after = accounts(daemon.log)
            given = {name: before[name]["taken_in"] + after[name]["taken_in"] for name in NAMES}
            assert len(set(given.values())) == 1, given
            for name in NAMES:
                assert after[name]["sent"] == given[name]
                assert (after[name]["waiting"], after[name]["lost"], after[name]["refused"]) == (0, 0, 0)
            assert len(influx.lines) == len(set(influx.lines)) == given["influxdb"]
            values = sum(len(fields_of(line)) for line in influx.lines)
            rows = influxql(real.url, "qualitywatch", "SELECT count(*) FROM /.*/")
            stored = sum(count or 0 for row in rows for name, count in row.items() if name.startswith("count_"))
            query = 'sum(count_over_time({__name__!="", pbx=~".*"}[30d]))'
            ((_, found),) = promql(victoria.url, query, time.time() + 3600)
            with capsys.disabled():
                print(f"\ngiven {given}\nsent { ({name: after[name]['sent'] for name in NAMES}) }")
                print(f"field values: influxdb {values}, influxdb1 {stored}, victoriametrics {found:g}")
            assert stored == found == values
        finally:
            real.kill()
            victoria.kill()


def accounts(log: list[str]) -> dict[str, dict[str, int]]:
    """What became of readings, by sink, as it is told when the daemon stops."""
    told = [line for line in log if "sink.stopped" in line]
    found = [dict(re.findall(r"(\w+)=(\S+)", line.partition("sink.stopped")[2])) for line in told]
    return {each.pop("name"): {key: int(text) for key, text in each.items()} for each in found}


def fields_of(line: str) -> list[str]:
    """The names of the fields of a line; texts may hold anything."""
    plain = re.sub(r"\\.", "_", re.sub(r'"(?:\\.|[^"\\])*"', "0", line))
    return plain.rsplit(" ", 2)[1].split(",")
