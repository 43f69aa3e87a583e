"""``qualitywatch influx setup|check`` as an administrator uses it: what is wrong is one clear line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from qualitywatch.cli import main
from tests.config.conftest import ONE_PBX, TARGETS
from tests.fakes.influx_server import InfluxServer
from tests.fakes.series_servers import influxdb1, influxql, victoria_metrics

TOKEN = "token-nobody-may-see"
VERSION = web.AppKey("version", str)


async def influx(what: str, section: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Run the command on a configuration with this section; return the exit code and what it printed."""
    config = folder / "qualitywatch.yml"
    config.write_text(f"{ONE_PBX}{TARGETS}influx: [{section}]\n")
    config.chmod(0o600)
    code = await asyncio.to_thread(main, ["influx", what, "--config", str(config)])
    said = capsys.readouterr()
    assert "nobody-may-see" not in said.out + said.err
    assert "Traceback" not in said.err
    return code, said.out.splitlines()


def two(server: InfluxServer, **more: str) -> str:
    texts = {"url": server.url, "org": "office", "bucket": "calls", "token": TOKEN, **more}
    return "{" + ", ".join(f"{key}: '{text}'" for key, text in texts.items()) + "}"


async def test_setup_makes_a_bucket_that_keeps_data_so_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with InfluxServer() as server:
        server.token, server.buckets = TOKEN, {}
        assert await influx("check", two(server), tmp_path, capsys) == (
            1,
            [f'influxdb: InfluxDB at {server.url}: no bucket "calls" or organisation "office": '
             'create it with "qualitywatch influx setup"'],
        )  # fmt: skip
        for keep, keep_s, said in (
            ("30d", 2_592_000, "created bucket calls; data is kept for 30 days"),
            ("90d", 7_776_000, "bucket calls exists; data is kept for 90 days"),
        ):
            assert await influx("setup", two(server, keep=keep), tmp_path, capsys) == (0, [f"influxdb: {said}"])
            assert server.buckets == {"calls": keep_s}
        assert (await influx("setup", two(server), tmp_path, capsys))[1] == [
            "influxdb: bucket calls exists; data is kept for 90 days"
        ], "who asks for nothing leaves it as it is"
        assert server.buckets == {"calls": 7_776_000}
        assert await influx("check", two(server), tmp_path, capsys) == (
            0,
            [f"influxdb: InfluxDB at {server.url} is version 2.7.0, and bucket calls can be written to"],
        )
        assert server.lines == [], "a check leaves nothing behind"


@pytest.mark.parametrize(("keep_s", "said"), [(None, "for ever"), (3600, "for 1 hours"), (86_400, "for 1 days")])
async def test_setup_without_a_wish_says_how_long_a_bucket_keeps_data(
    keep_s: int | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with InfluxServer() as server:
        server.buckets = {"calls": keep_s}
        assert await influx("setup", two(server), tmp_path, capsys) == (
            0,
            [f"influxdb: bucket calls exists; data is kept {said}"],
        )
        assert server.buckets == {"calls": keep_s}


async def test_a_bucket_of_that_name_in_another_organisation_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with InfluxServer() as server:
        server.buckets, server.elsewhere = {}, {"calls": 3600}
        for done in ("created bucket calls", "bucket calls exists"):
            told = [f"influxdb: {done}; data is kept for 30 days"]
            assert await influx("setup", two(server, keep="30d"), tmp_path, capsys) == (0, told)
            assert (server.buckets, server.elsewhere) == ({"calls": 2_592_000}, {"calls": 3600})


@pytest.mark.parametrize("what", ["setup", "check"])
async def test_each_slip_is_one_clear_line(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with InfluxServer() as server:
        server.token, server.buckets = TOKEN, {"calls": None}
        for slip, told in (
            ({"token": "another"}, "refuses the token or password (401: unauthorized access): check it and its right to write"),
            ({"org": "offfice"}, 'no bucket "calls" or organisation "offfice"'),
            ({"url": "http://127.0.0.1:9"}, "cannot be reached"),
        ):
            code, (line,) = await influx(what, two(server, **slip), tmp_path, capsys)
            assert code == 1
            assert line.startswith("influxdb: InfluxDB at http://127.0.0.1:") and told in line
        server.version = "1.8.10"
        code, (line,) = await influx(what, two(server), tmp_path, capsys)
        assert (code, line.partition(" is ")[2]) == (
            1,
            "version 1.8.10: write kind: influxdb1 and database: in place of bucket:",
        )


async def hello(request: web.Request) -> web.Response:
    return web.Response(
        text="<html>Log in</html>", content_type="text/html", headers={"X-Influxdb-Version": request.app[VERSION]}
    )


@pytest.mark.parametrize("what", ["setup", "check"])
@pytest.mark.parametrize(("kind", "version"), [("influxdb", "2.7.0"), ("influxdb1", "1.8.0")])
async def test_a_page_for_people_is_no_database(
    what: str, kind: str, version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = web.Application()
    app[VERSION] = version
    app.router.add_route("*", "/{path:.*}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    code, (line,) = await influx(what, f"{{kind: {kind}, url: '{url}'}}", tmp_path, capsys)
    await runner.cleanup()
    assert code == 1
    assert line == f"{kind}: InfluxDB at {url} does not answer as a time series database does (200): look at its address"


async def test_the_real_ones_are_set_up_and_checked_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1").mkdir()
    with influxdb1(tmp_path / "1") as url, victoria_metrics(tmp_path) as other:
        section = (
            f"{{kind: influxdb1, url: '{url}', database: rtp, keep: 30d}}, {{kind: victoriametrics, url: '{other}', keep: 30d}}"
        )
        code, (first, second) = await influx("check", section, tmp_path, capsys)
        assert (code, first) == (
            1,
            f'influxdb1: InfluxDB at {url}: no database "rtp": create it with "qualitywatch influx setup"',
        )
        assert second == f"victoriametrics: VictoriaMetrics at {other} takes data"
        code, (first, second) = await influx("setup", section, tmp_path, capsys)
        assert (code, first) == (0, "influxdb1: created database rtp; data is kept for 30 days")
        assert "-retentionPeriod=30d" in second
        (policy,) = influxql(url, "rtp", "SHOW RETENTION POLICIES")
        assert policy["duration"] == "720h0m0s"
        _, (first, _) = await influx("setup", section.replace(", keep: 30d", ""), tmp_path, capsys)
        assert first == "influxdb1: database rtp exists; data is kept for 30 days", "who asks for nothing leaves it as it is"
        code, (first, _) = await influx("check", section, tmp_path, capsys)
        assert code == 0
        assert "is version 1.6" in first and first.endswith("and database rtp can be written to")


async def test_without_a_section_it_says_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = await influx("check", "", tmp_path, capsys)
    assert code == 2
    assert "has no influx section: systemd/qualitywatch.example.yml shows one" in line
