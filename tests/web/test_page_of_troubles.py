"""What ails the daemon itself is said on the page, as long as it lasts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_full_disk import fill, small_disk
from tests.fakes.influx_server import InfluxServer
from tests.fakes.webhook_server import WebhookServer
from tests.web.browser import needs_browser, visit
from tests.web.house import house

__all__ = ["small_disk"]


@needs_browser
@pytest.mark.slow
async def test_a_full_disk_is_said_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    async with house(tmp_path, speed=4) as home, visit(home.url, is_quiet=False) as here:
        await here.see("overview")
        assert (await home.get("pbxes"))["troubles"] == []
        filler = fill(small_disk)
        await here.page.locator("#troubles").get_by_text("Nothing can be stored: ").first.wait_for()
        assert "the disk is full" in await here.text("#troubles")
        assert "Alerts are told all the same" in await here.text("#troubles")
        told = (await home.get("pbxes"))["troubles"]
        assert told and all("the disk is full" in each[language] for each in told for language in ("en", "ru"))
        filler.unlink()
        await here.page.locator("#troubles").wait_for(state="detached")
        await here.page.locator("#link.live").wait_for()


def section(server: InfluxServer) -> dict[str, Any]:
    return {"influx": [{"name": "archive", "url": server.url, "org": "office", "token": "word-nobody-may-see"}]}


async def test_a_database_that_takes_nothing_is_told_in_both_languages_until_it_does(tmp_path: Path) -> None:
    async with InfluxServer() as server:
        server.answer_always(503, '{"code": "unavailable", "message": "compacting"}')
        async with house(tmp_path, more=section(server)) as home:
            body = await home.until("pbxes", lambda body: body["troubles"])
            (told,) = body["troubles"]
            reason = f"InfluxDB at {server.url} cannot take data now (503: compacting)"
            assert re.fullmatch(
                rf"archive: nothing can be written there, readings waiting on disk: [1-9]\d*\. {re.escape(reason)}", told["en"]
            )
            assert re.fullmatch(
                rf"archive: туда нельзя писать, измерений ждёт на диске: [1-9]\d*\. {re.escape(reason)}", told["ru"]
            )
            server.answer_always(204)
            await home.until("pbxes", lambda body: not body["troubles"])


@pytest.mark.slow
async def test_what_a_database_refused_for_good_is_told(tmp_path: Path) -> None:
    async with InfluxServer() as server:
        server.answer_always(400, '{"code": "invalid", "message": "field type conflict"}')
        async with house(tmp_path, more=section(server)) as home:
            body = await home.until("pbxes", lambda body: body["troubles"])
            english, russian = ("\n".join(each[language] for each in body["troubles"]) for language in ("en", "ru"))
            assert "archive: readings it refused for good since the start: " in english
            assert "archive: измерений, которые база не приняла, с запуска: " in russian


@needs_browser
@pytest.mark.slow
async def test_a_database_that_is_away_is_said_on_every_view_in_the_language_of_the_reader(tmp_path: Path) -> None:
    async with InfluxServer() as server:
        await server.down()
        async with house(tmp_path, speed=4, more=section(server)) as home, visit(home.url) as here:
            banner = here.page.locator("#troubles")
            for view in ("overview", "peers", "alerts"):
                await here.see(view)
                await banner.get_by_text("archive: nothing can be written there").wait_for()
            assert f"InfluxDB at {server.url} cannot be reached" in await here.text("#troubles")
            await here.page.locator("#language").click()
            await banner.get_by_text("archive: туда нельзя писать, измерений ждёт на диске: ").wait_for()
            assert "Неполадки у самого qualitywatch" in await here.text("#troubles")
            assert "word-nobody-may-see" not in await here.text("body")
            await server.up()
            await banner.wait_for(state="detached")


def hook(server: WebhookServer) -> dict[str, Any]:
    """Two targets, one of which is refused; its address is a secret, as with most receivers."""
    secret = {"name": "duty", "kind": "webhook", "url": f"{server.url}/T0/word-nobody-may-see"}
    return {"notify": [{"name": "terminal", "kind": "console"}, secret]}


async def test_a_target_that_refuses_messages_is_named_with_what_to_do(tmp_path: Path) -> None:
    async with WebhookServer() as server:
        for _ in range(50):
            server.answer(403)
        async with house(tmp_path, more=hook(server)) as home:
            body = await home.until("pbxes", lambda body: body["troubles"])
            (told,) = body["troubles"]
            fix = "check the secret and what the address holds of a password"
            reason = f'target "duty": http://127.0.0.1 answers 403 (Forbidden): {fix}'
            assert told["en"] == (
                f"Messages do not arrive; they are kept and tried again. {reason}. Where its settings are wrong, correct "
                "them under notify: in the configuration, then run: qualitywatch reload"
            )
            assert told["ru"] == (
                f"Сообщения не доходят; они хранятся и отправляются снова. {reason}. Если неверны её настройки, исправьте "
                "их в разделе notify: конфигурации и выполните: qualitywatch reload"
            )


@needs_browser
@pytest.mark.slow
async def test_the_banner_names_who_is_not_told_until_a_message_arrives(tmp_path: Path) -> None:
    async with WebhookServer() as server:
        for _ in range(3):
            server.answer(503, {"Retry-After": "2"})
        async with house(tmp_path, speed=4, more=hook(server)) as home, visit(home.url, is_quiet=False) as here:
            await here.see("overview")
            banner = here.page.locator("#troubles")
            await banner.get_by_text('target "duty": ').first.wait_for()
            said = await here.text("body")
            assert "told all the same" not in said
            assert "word-nobody-may-see" not in said
            await banner.wait_for(state="detached")
