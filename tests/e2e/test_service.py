"""The daemon as systemd sees it: readiness, watchdog, credentials, an orderly stop."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import CAPTURES
from tests.e2e.processes import LOGIN, Site, playing, running
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.notify_socket import NotifySocket


async def heard(socket: NotifySocket, line: str) -> None:
    """Wait for one notification."""
    await socket.wait_for(line, timeout_s=20)


async def test_ready_watchdog_and_stop(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/restart") as (_, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        with NotifySocket(tmp_path, watchdog_s=1.0) as socket:
            async with running(config, **socket.environment) as daemon:
                await heard(socket, "READY=1")
                await heard(socket, "WATCHDOG=1")
                await heard(socket, "WATCHDOG=1")
                assert await daemon.stop() == 0
            await heard(socket, "STOPPING=1")


@pytest.mark.slow
async def test_ready_although_neither_pbx_nor_telegram_is_there(tmp_path: Path) -> None:
    config = Site(tmp_path, {"office": 1}, "http://127.0.0.1:1").write()
    with NotifySocket(tmp_path, watchdog_s=1.0) as socket:
        async with running(config, **socket.environment) as daemon:
            await heard(socket, "READY=1")
            await heard(socket, "WATCHDOG=1")
            assert await daemon.stop() == 0


async def test_secrets_come_as_credentials(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ami_secret").write_text(f"{LOGIN}\n", encoding="utf-8")
    (credentials / "telegram_token").write_text(f"{TOKEN}\n", encoding="utf-8")
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/restart") as (_, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        del document["pbx"][0]["secret"], document["telegram"]["token"]
        document["pbx"][0]["credential"] = "ami_secret"
        document["telegram"]["credential"] = "telegram_token"
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config, CREDENTIALS_DIRECTORY=str(credentials)) as daemon:
            await daemon.logged("ami.connected")
            assert await daemon.stop() == 0
        assert not [line for line in daemon.log if TOKEN in line]
