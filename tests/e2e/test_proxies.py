"""Telegram behind a proxy: names are resolved there, passwords are used, and none of them is seen in the log."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests.e2e.processes import CHAT, running
from tests.e2e.test_alert_desk import ANNA, BOTH_DOWN_AT, OUTAGE, cut, serving, site, the_message
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.proxies import PASSWORD, USER, proxy_to


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("socks5", "socks5"),
        pytest.param("socks5", "socks5h", marks=pytest.mark.slow),
        pytest.param("http", "http", marks=pytest.mark.slow),
    ],
)
async def test_alerts_and_answers_go_through_the_proxy(kind: str, scheme: str, tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram, serving(begins) as port, proxy_to(telegram.port, kind) as proxy:
        config = site(tmp_path, port, telegram)
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["telegram"]["base_url"] = "http://telegram.invalid"
        document["telegram"]["proxy"] = f"{scheme}://{USER}:{quote(PASSWORD)}@127.0.0.1:{proxy.port}"
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            told = await the_message(telegram, "not registered")
            assert not (await telegram.user_presses(told.message_id, ANNA, "Acknowledge", timeout_s=20)).is_alert
            assert "office" in (await telegram.user_asks(CHAT, ANNA, "/status", timeout_s=20)).text
            assert await daemon.stop() == 0
    assert set(proxy.asked) == {"telegram.invalid"}
    assert proxy.refused == 0
    assert not [line for line in daemon.log if PASSWORD in line or quote(PASSWORD) in line]


@pytest.mark.slow
async def test_a_wrong_proxy_password_is_told_without_the_password(tmp_path: Path) -> None:
    begins, _ = cut(OUTAGE, BOTH_DOWN_AT)
    async with FakeTelegram() as telegram, serving(begins) as port, proxy_to(telegram.port, "http") as proxy:
        config = site(tmp_path, port, telegram)
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["telegram"] |= {
            "base_url": "http://telegram.invalid",
            "proxy": f"http://{USER}:secret123@127.0.0.1:{proxy.port}",
        }
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            await daemon.logged("proxy")
            await daemon.logged("next attempt")
            assert await daemon.stop() == 0
    assert proxy.refused > 0
    assert not [line for line in daemon.log if "secret123" in line]
    assert telegram.living(CHAT) == []
