"""The same recording replayed and lived through over TCP says the same things."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from pathlib import Path

import pytest
import trustme

from qualitywatch.ami.server import CaptureServer
from tests.conftest import CAPTURES
from tests.e2e.chat import foreseen, shown
from tests.e2e.processes import Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram

SETTLE_S = 1.5  # what was read is judged a little later


async def lived_through(server: CaptureServer, telegram: FakeTelegram) -> None:
    """Wait until the recording is over and the chat has begun to show what came of it."""
    await asyncio.wait_for(server.finished.wait(), 60)
    await telegram.wait_sent(1, timeout_s=60)
    await asyncio.sleep(SETTLE_S)


def named(pbx: str, texts: Counter[str]) -> Counter[str]:
    """The same texts with the PBX's name, as a daemon of several shows them."""
    return Counter({f"{text[0]} [{pbx}]{text[1:]}": count for text, count in texts.items()})


@pytest.mark.parametrize(
    ("situation", "language"),
    [
        ("asterisk-20/sip-bridge-loss", "ru"),
        pytest.param("asterisk-20/peer-reachability-user-agent", "en", marks=pytest.mark.slow),
        pytest.param("asterisk-22/jitter", "en", marks=pytest.mark.slow),
    ],
)
async def test_over_plain_tcp(situation: str, language: str, tmp_path: Path) -> None:
    recording = CAPTURES / situation
    async with FakeTelegram() as telegram, playing(recording, speed=0) as (server, port):
        config = Site(tmp_path, {"office": port}, telegram.url, language).write()
        async with running(config) as daemon:
            await lived_through(server, telegram)
            assert await daemon.stop() == 0
        assert shown(telegram) == foreseen(recording, config)


@pytest.mark.slow
async def test_over_tls_with_an_own_ca(tmp_path: Path) -> None:
    recording = CAPTURES / "asterisk-20/trunk-outage"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with FakeTelegram() as telegram, playing(recording, speed=0, ssl_context=context) as (server, port):
        tls = {"tls": {"ca_file": str(tmp_path / "ca.pem")}}
        config = Site(tmp_path, {"office": port}, telegram.url, pbx_extra=tls).write()
        async with running(config) as daemon:
            await lived_through(server, telegram)
            assert await daemon.stop() == 0
        assert shown(telegram) == foreseen(recording, config)


@pytest.mark.slow
async def test_several_pbxes_in_one_process_are_told_apart(tmp_path: Path) -> None:
    bridge, agents = CAPTURES / "asterisk-20/sip-bridge-loss", CAPTURES / "asterisk-20/peer-reachability-user-agent"
    async with (
        FakeTelegram() as telegram,
        playing(bridge, speed=0) as (first, office),
        playing(agents, speed=0) as (second, home),
    ):
        config = Site(tmp_path, {"office": office, "home": home}, telegram.url).write()
        async with running(config) as daemon:
            await lived_through(first, telegram)
            await lived_through(second, telegram)
            assert await daemon.stop() == 0
        expected = named("office", foreseen(bridge, config)) + named("home", foreseen(agents, config))
        assert shown(telegram) == expected


@pytest.mark.slow
async def test_telegram_away_for_a_while_costs_no_alert(tmp_path: Path) -> None:
    recording = CAPTURES / "asterisk-20/sip-bridge-loss"
    async with FakeTelegram() as telegram, playing(recording, speed=0) as (server, port):
        telegram.fail("sendMessage", 502, "Bad Gateway", times=3)
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        expected = foreseen(recording, config)
        async with running(config) as daemon:
            await lived_through(server, telegram)
            await telegram.wait(lambda: shown(telegram).total() >= expected.total(), timeout_s=60)
            assert await daemon.stop() == 0
        assert shown(telegram) == expected
        assert not [line for line in daemon.log if "TEST-token" in line], "the bot's token is in the log"


@pytest.mark.slow
async def test_a_second_daemon_on_one_state_directory_is_refused(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/restart", speed=0) as (_, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        async with running(config) as first:
            await first.logged("started pbx=office")
            async with running(config) as second:
                assert await second.wait() == 1
                assert "in use" in "\n".join(second.log) or "another" in "\n".join(second.log)
            assert await first.stop() == 0


async def test_a_good_reload_takes_over_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/restart", speed=0) as (_, port):
        site = Site(tmp_path, {"office": port}, telegram.url)
        config = site.write()
        async with running(config) as daemon:
            await daemon.logged("started pbx=office")
            config.write_text("pbx: nonsense\n", encoding="utf-8")
            daemon.hang_up()
            assert "qualitywatch.yml" in await daemon.logged("reload.refused")
            site.ports = {"branch": port}
            site.write()
            daemon.hang_up()
            await daemon.logged("reload.changed pbx branch: added")
            await daemon.logged("ami.connected pbx=branch")
            assert await daemon.stop() == 0
