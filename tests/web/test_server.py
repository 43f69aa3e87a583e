"""The server as a part of the daemon: it never ends it, whatever happens to it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from qualitywatch.web.door import Door
from qualitywatch.web.news import News
from qualitywatch.web.server import WebServer, _Server
from tests.e2e.processes import REPOSITORY, running
from tests.fakes.ports import free_port
from tests.web.house import BEARER, configured, house


async def hello(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[operator]


async def test_a_taken_port_is_tried_again_until_it_is_free(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        door = Door("127.0.0.1", port)
        server = WebServer(hello, door, welcome=lambda: None, farewell=lambda: None, retry_s=0.05)
        async with asyncio.TaskGroup() as group, asyncio.timeout(10):
            serving = group.create_task(server.run())
            while "web.cannot_listen" not in caplog.text:
                await asyncio.sleep(0.01)
            assert not server.ready.is_set()
            assert not serving.done()
            other.close()
            await server.ready.wait()
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"http://127.0.0.1:{server.port}/")).text == "hello"
            serving.cancel()
        door.close()
    assert caplog.text.count("web.cannot_listen") == 1


async def test_a_server_that_broke_is_tried_again_and_its_streams_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    starts = _Server.startup
    left = [RuntimeError("broken")]

    async def breaks_once(server: _Server, sockets: list[socket.socket] | None = None) -> None:
        if left:
            raise left.pop()
        await starts(server, sockets)

    monkeypatch.setattr(_Server, "startup", breaks_once)
    news = News()
    door = Door("127.0.0.1", 0)
    server = WebServer(hello, door, welcome=news.open, farewell=news.close, retry_s=0.05)
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        serving = group.create_task(server.run())
        await server.ready.wait()
        assert "web.failed" in caplog.text
        assert not news.closed
        serving.cancel()
    door.close()
    assert news.closed


WITHOUT_LIBRARIES = """
import sys
import qualitywatch.app.daemon
assert not {"fastapi", "uvicorn", "prometheus_client"} & sys.modules.keys(), "who serves nothing pays nothing"
for name in ("fastapi", "uvicorn"):
    sys.modules[name] = None
from qualitywatch.app.web import Web
from qualitywatch.config.settings import WebConfig
from qualitywatch.web.door import Door
from qualitywatch.secrets import Secret
class Config:
    language, timezone = "en", None
print(Web(Config(), WebConfig("127.0.0.1", 1, Secret("t" * 16)), Door("127.0.0.1", 1)).services(None, None, (), None, None))
"""


def test_without_its_libraries_nothing_is_served_and_the_daemon_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
    assert "web.not_served" in done.stderr


async def test_a_bug_of_a_page_is_one_answer_and_nothing_more(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here:
        here.daemon.room.limits = None  # type: ignore[method-assign, assignment]
        broken = await here.client.get("/api/v1/series", params={"pbx": "office", "subject": "SIP/1"})
        assert (broken.status_code, broken.json()["error"]["code"]) == (500, "bug")
        assert "limits" not in broken.text
        assert (await here.client.get("/api/v1/pbxes")).status_code == 200


async def test_signals_stay_the_daemons_own(tmp_path: Path) -> None:
    port = free_port()
    web = {"listen": f"127.0.0.1:{port}", "token": BEARER["Authorization"].partition(" ")[2]}
    async with running(configured(tmp_path, {"office": free_port()}, web)) as daemon:
        await daemon.logged("web.listens")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=BEARER) as client:
            assert (await client.get("/readyz")).status_code in {200, 503}
            daemon.hang_up()
            await daemon.logged("reloaded")
            assert (await client.get("/healthz")).status_code == 200
        assert await daemon.stop() == 0
        assert [line for line in daemon.log if "stopped" in line]


@pytest.mark.slow
async def test_nobody_is_turned_away_during_a_reload(tmp_path: Path) -> None:
    port = free_port()
    web = {"listen": f"127.0.0.1:{port}", "token": BEARER["Authorization"].partition(" ")[2]}
    path = configured(tmp_path, {"office": free_port()}, web)
    plain = path.read_text(encoding="utf-8")
    answers: list[int] = []
    async with running(path) as daemon:
        await daemon.logged("web.listens")

        async def ask_all_the_time() -> None:
            while True:
                async with httpx.AsyncClient(timeout=20) as client:  # a connection of its own each time
                    answers.append((await client.get(f"http://127.0.0.1:{port}/healthz")).status_code)

        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(ask_all_the_time()) for _ in range(2)]
            for number in range(1, 6):
                path.write_text(f"{plain}lamps: {{SIP/nobody@nowhere: lamp{number}}}\n", encoding="utf-8")
                daemon.hang_up()
                await daemon.counted("web.listens", number + 1)
                before = len(answers)
                async with asyncio.timeout(20):
                    while len(answers) < before + 3:
                        await asyncio.sleep(0.01)
            for task in asking:
                task.cancel()
        assert set(answers) == {200}
        with socket.create_connection(("127.0.0.1", port)):
            assert await daemon.stop() == 0
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/healthz")
