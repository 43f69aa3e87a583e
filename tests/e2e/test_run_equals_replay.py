"""The same recording replayed and lived through over TCP says the same things."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from collections import Counter
from pathlib import Path

import pytest
import trustme

from qualitywatch.commands.replay import ReplayOptions, replay
from tests.conftest import CAPTURES
from tests.e2e.processes import CHAT, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram


def told_by_replay(recording: Path, language: str = "en") -> list[str]:
    """Headlines of what would have been sent."""
    out = io.StringIO()
    assert replay(ReplayOptions(files=(recording,), format="json", language=language), out) == 0
    records = [json.loads(line) for line in out.getvalue().splitlines()]
    return [record["text"] for record in records if record["state"] != "pending"]


def headlines(texts: list[str]) -> list[str]:
    """First lines without their coloured mark."""
    return [text.splitlines()[0].partition(" ")[2] for text in texts]


@pytest.mark.parametrize(
    ("situation", "language"),
    [("asterisk-20/sip-bridge-loss", "ru"), ("asterisk-20/peer-reachability-user-agent", "en"), ("asterisk-22/jitter", "en")],
)
async def test_over_plain_tcp(situation: str, language: str, tmp_path: Path) -> None:
    recording = CAPTURES / situation
    expected = told_by_replay(recording, language)
    async with FakeTelegram() as telegram, playing(recording, speed=0) as (_, port):
        site = Site(tmp_path, {"office": port}, telegram.url, language)
        async with running(site.write()) as daemon:
            await telegram.wait_sent(len(expected), timeout_s=60)
            assert await daemon.stop() == 0
        assert Counter(headlines(telegram.texts(CHAT))) == Counter(expected)


async def test_over_tls_with_an_own_ca(tmp_path: Path) -> None:
    recording = CAPTURES / "asterisk-20/trunk-outage"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    expected = told_by_replay(recording)
    async with FakeTelegram() as telegram, playing(recording, speed=0, ssl_context=context) as (_, port):
        site = Site(tmp_path, {"office": port}, telegram.url, pbx_extra={"tls": {"ca_file": str(tmp_path / "ca.pem")}})
        async with running(site.write()) as daemon:
            await telegram.wait_sent(len(expected), timeout_s=60)
            assert await daemon.stop() == 0
        assert Counter(headlines(telegram.texts(CHAT))) == Counter(expected)


async def test_several_pbxes_in_one_process_are_told_apart(tmp_path: Path) -> None:
    bridge, agents = CAPTURES / "asterisk-20/sip-bridge-loss", CAPTURES / "asterisk-20/peer-reachability-user-agent"
    expected = [f"[office] {text}" for text in told_by_replay(bridge)] + [f"[home] {text}" for text in told_by_replay(agents)]
    async with (
        FakeTelegram() as telegram,
        playing(bridge, speed=0) as (_, office),
        playing(agents, speed=0) as (_, home),
    ):
        site = Site(tmp_path, {"office": office, "home": home}, telegram.url)
        async with running(site.write()) as daemon:
            await telegram.wait_sent(len(expected), timeout_s=60)
            assert await daemon.stop() == 0
        assert Counter(headlines(telegram.texts(CHAT))) == Counter(expected)


async def test_telegram_away_for_a_while_costs_no_alert(tmp_path: Path) -> None:
    recording = CAPTURES / "asterisk-20/sip-bridge-loss"
    expected = told_by_replay(recording)
    async with FakeTelegram() as telegram, playing(recording, speed=0) as (server, port):
        telegram.fail("sendMessage", 502, "Bad Gateway", times=3)
        site = Site(tmp_path, {"office": port}, telegram.url)
        async with running(site.write()) as daemon:
            await asyncio.wait_for(server.finished.wait(), 30)
            await telegram.wait_sent(len(expected), timeout_s=60)
            assert await daemon.stop() == 0
        assert Counter(headlines(telegram.texts(CHAT))) == Counter(expected)
        assert not [line for line in daemon.log if "TEST-token" in line], "the bot's token is in the log"


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
            await daemon.logged("started pbx=branch")
            assert await daemon.stop() == 0
