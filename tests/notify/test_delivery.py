"""The whole way: rows of a store, the dispatcher, python-telegram-bot, HTTP, a Bot API that misbehaves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC

import pytest

from qualitywatch.notify.channels.telegram import Options
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.registry import build_notifiers
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.targets import Store, put, running

OPS, BOSS = -100, 55


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@asynccontextmanager
async def daemon(server: FakeTelegram, store: Store, chats: Mapping[str, int], **changes: float) -> AsyncIterator[Dispatcher]:
    """What the daemon is made of from the outbox on; two of these in a row are a restart."""
    options = {
        name: replace(Options(chat, Secret(TOKEN), base_url=server.url, min_interval_s=0.0), **changes)  # type: ignore[arg-type]
        for name, chat in chats.items()
    }
    remembered = (await store.load()).meta
    notifiers = build_notifiers(options, show_pbx=False, zone=UTC, remembered=remembered)
    async with running(store, notifiers) as dispatcher:
        yield dispatcher
    for notifier in notifiers.values():
        await notifier.close()


def subjects(server: FakeTelegram, chat: int) -> list[str]:
    """The peers a chat was told about, in order."""
    return [text.splitlines()[0].removeprefix("🟡 loss to ").removesuffix(" 5.45%") for text in server.texts(chat)]


async def test_messages_of_a_chat_arrive_in_order_whatever_the_server_answers(server: FakeTelegram) -> None:
    store = Store()
    await put(store, "ops", 1, 2, 3, 4, 5, 6)
    server.fail("sendMessage", 500, "Internal Server Error", times=2)
    server.fail("sendMessage", 200, body="<html>captive portal</html>")
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no")
    server.fail("sendMessage", 502, body="<html>bad gateway</html>")
    async with daemon(server, store, {"ops": OPS}):
        await server.wait_sent(6)
    assert subjects(server, OPS) == ["SIP/1", "SIP/2", "SIP/3", "SIP/4", "SIP/5", "SIP/6"]
    assert await store.given_up() == []


async def test_a_429_is_obeyed(server: FakeTelegram) -> None:
    store = Store()
    await put(store, "ops", 1, 2)
    server.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with daemon(server, store, {"ops": OPS}):
        await server.wait_sent(2)
    first, second, _ = server.calls
    assert second.at - first.at >= 1.0
    assert subjects(server, OPS) == ["SIP/1", "SIP/2"]


async def test_a_chat_that_threw_the_bot_out_does_not_delay_another(server: FakeTelegram) -> None:
    store = Store()
    server.blocked.add(OPS)
    await put(store, "ops", 1, 2)
    await put(store, "boss", 3, 4)
    async with daemon(server, store, {"ops": OPS, "boss": BOSS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert subjects(server, BOSS) == ["SIP/3", "SIP/4"]
    assert len(await store.given_up()) == 2
    assert all("add it to the chat" in error for _, error in await store.given_up())


async def test_a_chat_that_gets_no_answer_does_not_delay_another(server: FakeTelegram) -> None:
    store = Store()
    await put(store, "ops", 1)
    server.hang_after_accepting = 1
    async with daemon(server, store, {"ops": OPS, "boss": BOSS}, read_timeout_s=30.0) as dispatcher:
        await server.wait_sent(1)
        await put(store, "boss", 2, 3)
        dispatcher.wake()
        await server.wait_sent(3)
    assert subjects(server, BOSS) == ["SIP/2", "SIP/3"]


async def test_no_answer_after_accepting_costs_a_duplicate_never_a_loss(server: FakeTelegram) -> None:
    store = Store()
    await put(store, "ops", 1, 2)
    server.hang_after_accepting = 1
    async with daemon(server, store, {"ops": OPS}, read_timeout_s=0.2):
        await server.wait_sent(3)
    assert subjects(server, OPS) == ["SIP/1", "SIP/1", "SIP/2"]


async def test_a_server_that_was_away_gets_everything_when_it_is_back(server: FakeTelegram) -> None:
    store = Store()
    await server.stop()
    await put(store, "ops", 1, 2)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await asyncio.wait_for(store.postponed.wait(), 5)
        await put(store, "ops", 3)
        dispatcher.wake()
        await server.start()
        await server.wait_sent(3)
    assert subjects(server, OPS) == ["SIP/1", "SIP/2", "SIP/3"]


async def test_undelivered_messages_survive_a_restart(server: FakeTelegram) -> None:
    store = Store()
    await put(store, "ops", 1, 2, 3)
    server.fail("sendMessage", 500, "Internal Server Error", times=1000)
    async with daemon(server, store, {"ops": OPS}):
        await server.wait_calls(2)
    server.forgive()
    async with daemon(server, store, {"ops": OPS}):
        await server.wait_sent(3)
    assert subjects(server, OPS) == ["SIP/1", "SIP/2", "SIP/3"]


async def test_a_moved_chat_is_followed_and_remembered_across_a_restart(server: FakeTelegram) -> None:
    store, new = Store(), -100_999
    server.moved[OPS] = new
    await put(store, "ops", 1, 2)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert (await store.load()).meta == {f"telegram.chat.{OPS}": str(new)}
    await put(store, "ops", 3)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert subjects(server, new) == ["SIP/1", "SIP/2", "SIP/3"]
    assert sum(call.params["chat_id"] == str(OPS) for call in server.calls) == 1


async def test_chats_that_move_in_a_circle_do_not_keep_the_dispatcher_busy(server: FakeTelegram) -> None:
    store = Store()
    server.moved.update({OPS: -200, -200: OPS})
    await put(store, "ops", 1)
    async with daemon(server, store, {"ops": OPS}):
        await asyncio.wait_for(store.postponed.wait(), 5)
    (row,) = await store.due(math.inf)
    assert row.attempts == 1


async def test_a_refused_token_keeps_every_message(server: FakeTelegram) -> None:
    store = Store()
    server.token = "1:another"
    await put(store, "ops", 1, 2)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await asyncio.wait_for(store.postponed.wait(), 5)
        assert await dispatcher.drain(5)
    assert [row.transition.alert.key.subject for row in await store.due(math.inf)] == ["SIP/1", "SIP/2"]
    assert len(server.calls) == 1
