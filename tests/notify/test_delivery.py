"""The whole way: incidents, the dispatcher, python-telegram-bot, HTTP, a Bot API that misbehaves; judged by what chats show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC

import pytest

from qualitywatch.backoff import Backoff
from qualitywatch.model import Incident, Severity
from qualitywatch.notify.channels.telegram import Options
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.registry import build_notifiers
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.targets import (
    QUICK,
    Chat,
    Clock,
    Store,
    acknowledged,
    changed,
    closed,
    incident,
    line_of,
    running,
    tell,
    worse,
)

OPS, BOSS = -100, 55


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@asynccontextmanager
async def daemon(
    server: FakeTelegram,
    store: Store,
    chats: Mapping[str, int],
    *,
    backoff: Backoff = QUICK,
    clock: Clock | None = None,
    **changes: float,
) -> AsyncIterator[Dispatcher]:
    """What the daemon is made of from the incidents on; two of these in a row are a restart."""
    usual = {"min_interval_s": 0.0, "group_per_minute": 10_000, **changes}
    options = {
        name: replace(Options(chat, Secret(TOKEN), base_url=server.url), **usual)  # type: ignore[arg-type]
        for name, chat in chats.items()
    }
    remembered = (await store.load()).meta
    notifiers = build_notifiers(options, show_pbx=False, zone=UTC, remembered=remembered)
    async with running(store, notifiers, clock=clock, backoff=backoff) as dispatcher:
        yield dispatcher
    for notifier in notifiers.values():
        await notifier.close()


def subjects(server: FakeTelegram, chat: int) -> list[str]:
    """The first line of every message of a chat as it finally stands, oldest first."""
    return [it.text.splitlines()[0] for it in server.living(chat)]


def open_and_over(server: FakeTelegram, chat: int, item: Incident) -> tuple[int, int]:
    """How many messages of a chat name an incident's subject, and how many of them still have buttons."""
    found = [it for it in server.living(chat) if item.members[0].alert.key.subject in it.text]
    return len(found), sum(bool(it.buttons) for it in found)


async def test_an_incident_is_one_message_in_the_chat_until_it_is_over(server: FakeTelegram) -> None:
    store, item = Store(), incident(6117)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, item)
        await store.until(lambda posts: posts)
        assert open_and_over(server, OPS, item) == (1, 1)
        first = subjects(server, OPS)
        item = acknowledged(item)
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        item = closed(changed(item, 12))
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
    assert open_and_over(server, OPS, item) == (1, 0)
    assert subjects(server, OPS) != first
    assert len(server.sent) == 1


async def test_what_gets_worse_is_a_new_message_and_only_it_has_buttons(server: FakeTelegram) -> None:
    store, item = Store(), incident(6117)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, item)
        await store.until(lambda posts: posts)
        await tell(store, dispatcher, worse(item))
        await store.until(lambda posts: posts[0].message_id == 2 and not posts[0].superseded)
    old, new = server.living(OPS)
    assert (bool(old.buttons), bool(new.buttons)) == (False, True)
    assert new.reply_to == old.message_id


@pytest.mark.parametrize("how", ["deleted", "too old"])
async def test_a_message_that_cannot_be_changed_is_replaced(server: FakeTelegram, how: str) -> None:
    store, item = Store(), incident(6117)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, item)
        await store.until(lambda posts: posts)
        if how == "deleted":
            server.user_deletes(1)
        else:
            server.too_old.add(1)
        await tell(store, dispatcher, closed(item))
        await store.until(lambda posts: posts[0].message_id == 2)
    assert not server.living(OPS)[-1].buttons
    assert [told.closed for told in store.posts[1].told] == [True]


async def test_messages_arrive_whatever_the_server_answers(server: FakeTelegram) -> None:
    store = Store()
    items = [incident(number) for number in (1001, 1002, 1003, 1004)]
    server.fail("sendMessage", 500, "Internal Server Error", times=2)
    server.fail("sendMessage", 200, body="<html>captive portal</html>")
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no")
    server.fail("sendMessage", 502, body="<html>bad gateway</html>")
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, *items)
        await server.wait_sent(4)
    assert all(open_and_over(server, OPS, item) == (1, 1) for item in items)


async def test_a_message_whose_answer_cannot_be_read_is_sent_once_and_changed_as_any_other(server: FakeTelegram) -> None:
    store, item = Store(), incident(1001)
    server.is_newer = True
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, closed(item))
        assert await dispatcher.drain(5)
        assert dispatcher.stats.failed_attempts == 0
    assert open_and_over(server, OPS, item) == (1, 0)
    assert len(server.sent) == 1


async def test_a_429_is_obeyed(server: FakeTelegram) -> None:
    store = Store()
    server.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, incident(1001))
        await server.wait_sent(1)
    first, second = [call for call in server.calls if call.method == "sendMessage"]
    assert second.at - first.at >= 1.0


async def test_a_chat_that_threw_the_bot_out_delays_no_other_and_is_told_when_the_bot_is_back(server: FakeTelegram) -> None:
    store, clock, item = Store(), Clock(), incident(1001, Severity.CRITICAL, targets=("ops", "boss"))
    server.blocked.add(OPS)
    async with daemon(server, store, {"ops": OPS, "boss": BOSS}, clock=clock) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
        assert len(server.living(BOSS)) == 1
        assert dispatcher.waiting == 1
        (trouble,) = dispatcher.troubles
        assert trouble.startswith('target "ops": Telegram does not let the bot write to the chat -100')
        server.blocked.clear()
        clock.step_s = 301
        assert await dispatcher.drain(5)
        assert dispatcher.waiting == 0
        assert dispatcher.troubles == []
    assert open_and_over(server, OPS, item) == (1, 1)


async def test_a_restart_tells_a_chat_that_refused_what_still_goes_on(server: FakeTelegram) -> None:
    store, item = Store(), incident(1001, Severity.CRITICAL)
    server.blocked.add(OPS)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
    server.blocked.clear()
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert open_and_over(server, OPS, item) == (1, 1)


async def test_a_chat_that_gets_no_answer_does_not_delay_another(server: FakeTelegram) -> None:
    store = Store()
    server.hang_after_accepting = 1
    async with daemon(server, store, {"ops": OPS, "boss": BOSS}, read_timeout_s=30.0) as dispatcher:
        await tell(store, dispatcher, incident(1001))
        await server.wait_sent(1)
        await tell(store, dispatcher, incident(1002, targets=("boss",)))
        await server.wait_sent(2)
    assert len(server.living(BOSS)) == 1


async def test_no_answer_after_accepting_costs_a_duplicate_never_a_loss(server: FakeTelegram) -> None:
    store = Store()
    server.hang_after_accepting = 1
    async with daemon(server, store, {"ops": OPS}, read_timeout_s=0.2) as dispatcher:
        await tell(store, dispatcher, incident(1001))
        await server.wait_sent(2)
        await store.until(lambda posts: posts)
    assert store.posts[1].message_id == 2


async def test_after_a_day_without_the_server_what_goes_on_comes_first_and_the_rest_is_one_digest(server: FakeTelegram) -> None:
    store = Store()
    await server.stop()
    past = [closed(incident(number, Severity.CRITICAL)) for number in range(1001, 1015)]
    present = [incident(2001), incident(2002, Severity.CRITICAL)]
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, past[0])
        while not dispatcher.stats.failed_attempts:
            await asyncio.sleep(0.005)
        await tell(store, dispatcher, *past[1:], *present)
        assert dispatcher.waiting == 16
        await server.start()
        await store.until(lambda posts: len(posts) == 3)
        assert dispatcher.waiting == 0
    shown = [it.text for it in server.living(OPS) if it.text]
    assert "SIP/2002" in shown[0]
    assert "SIP/2001" in shown[1]
    everything = "\n".join(shown) + "".join(
        it.document.content.decode() for it in server.living(OPS) if it.document is not None
    )
    assert all(f"SIP/{number}" in everything for number in range(1001, 1015))


async def test_undelivered_messages_survive_a_restart(server: FakeTelegram) -> None:
    store = Store()
    server.fail("sendMessage", 500, "Internal Server Error", times=1000)
    items = [incident(1001), incident(1002)]
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, *items)
        await server.wait_calls(2)
    server.forgive()
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert all(open_and_over(server, OPS, item) == (1, 1) for item in items)


async def test_a_moved_chat_is_followed_and_remembered_across_a_restart(server: FakeTelegram) -> None:
    store, new = Store(), -100_999
    server.moved[OPS] = new
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, incident(1001), incident(1002))
        assert await dispatcher.drain(5)
    assert (await store.load()).meta == {f"telegram.chat.{OPS}": str(new)}
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, incident(1003))
        assert await dispatcher.drain(5)
    assert len(server.living(new)) == 3
    assert sum(call.params.get("chat_id") == str(OPS) for call in server.calls) == 1


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_in_a_supergroup_no_incident_speaks_through_the_message_of_another(
    server: FakeTelegram, *, is_restarted: bool
) -> None:
    store, new, one, two = Store(), -100_999, incident(1001), incident(1002)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, one)
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, two)
        assert await dispatcher.drain(5)
        await server.becomes_supergroup(OPS, new)
        await tell(store, dispatcher, three := incident(1003))
        assert await dispatcher.drain(5)
        if not is_restarted:
            await tell(store, dispatcher, two := closed(two))
            assert await dispatcher.drain(5)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, two := closed(two))
        assert await dispatcher.drain(5)
    assert len(server.living(new)) == 3
    assert [open_and_over(server, new, item) for item in (one, two, three)] == [(1, 1), (1, 0), (1, 1)]


async def test_a_target_that_is_given_another_chat_tells_there_what_goes_on(server: FakeTelegram) -> None:
    store, one, two = Store(), incident(1001), incident(1002)
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        await tell(store, dispatcher, one, two)
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, two := closed(two))
        assert await dispatcher.drain(5)
    async with daemon(server, store, {"ops": BOSS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert open_and_over(server, BOSS, one) == (1, 1)
    assert open_and_over(server, BOSS, two) == (0, 0)


async def test_a_refused_token_keeps_every_message(server: FakeTelegram) -> None:
    store = Store()
    server.token = "1:another"
    async with daemon(server, store, {"ops": OPS}, backoff=Backoff(first_s=60)) as dispatcher:
        await tell(store, dispatcher, incident(1001), incident(1002))
        await server.wait_calls(1)
        assert await dispatcher.drain(5)
        assert dispatcher.waiting == 2
    assert len(server.calls) == 1
    server.token = TOKEN
    async with daemon(server, store, {"ops": OPS}) as dispatcher:
        assert await dispatcher.drain(5)
    assert len(server.living(OPS)) == 2


async def test_the_limits_of_a_group_are_kept_without_a_429_and_everybody_is_named(server: FakeTelegram) -> None:
    store = Store()
    server.per_second = 10
    items = [incident(number, at=1_763_848_800.0 + number) for number in range(1001, 1101)]
    async with daemon(server, store, {"ops": OPS}, min_interval_s=0.1) as dispatcher:
        for item in items:  # not all at one look, as in a real storm
            await tell(store, dispatcher, item)
        assert await dispatcher.drain(10)
        assert dispatcher.stats.failed_attempts == 0
    texts = [it for it in server.living(OPS) if it.document is None]
    assert len(texts) <= 4
    everything = "".join(
        [*(it.text for it in texts), *(it.document.content.decode() for it in server.living(OPS) if it.document)]
    )
    assert all(f"SIP/{item.id}" in everything for item in items)


async def test_another_channel_beside_it_hears_the_same() -> None:
    store, chat, console = Store(), Chat(), Chat(can_edit=False)
    item = incident(1, targets=("chat", "console"))
    async with running(store, {"chat": chat, "console": console}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, closed(item))
        assert await dispatcher.drain(5)
    assert chat.texts == ["living\n" + line_of(closed(item))]
    assert console.texts == ["living\n" + line_of(item), "living\n" + line_of(closed(item))]
