"""The bot's ears, over real HTTP: what is said in chats reaches whoever answers, whatever the line does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from qualitywatch.backoff import Backoff
from qualitywatch.errors import StoreError
from qualitywatch.model import Attachment
from qualitywatch.notify.botapi import BotApi
from qualitywatch.notify.inbound import Answer, Command, Press, PressAnswer
from qualitywatch.notify.pacing import Pacer
from qualitywatch.notify.poller import APOLOGY, Poller
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import BOT_NAME, TOKEN, FakeTelegram
from tests.notify.told import BUTTONS, PNG

CHAT, ANNA = -100, 5
MENUS = {"en": [("status", "How things are")], "ru": [("status", "Как дела")]}


class Clock:
    """The system's clock, which breaks when told to."""

    def __init__(self) -> None:
        self.breaks = 0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        if self.breaks > 0:
            self.breaks -= 1
            raise ZeroDivisionError("the clock fell off the wall")
        return time.monotonic()


class Desk:
    """Answers with what it was told, or as a test wants."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.presses: list[Press] = []
        self.answer: Callable[[Command], Awaitable[Answer]] | None = None
        self.press_answer: Callable[[Press], Awaitable[PressAnswer]] | None = None
        self.remembered: list[int] = []

    async def on_command(self, command: Command) -> Answer:
        self.commands.append(command)
        if self.answer is not None:
            return await self.answer(command)
        return Answer(f"<b>heard</b> {command.text}", f"heard {command.text}")

    async def on_press(self, press: Press) -> PressAnswer:
        self.presses.append(press)
        return PressAnswer(f"pressed {press.data}") if self.press_answer is None else await self.press_answer(press)

    async def remember(self, offset: int) -> None:
        self.remembered.append(offset)


def bot(server: FakeTelegram, *, read_timeout_s: float = 5.0, **changes: Any) -> BotApi:
    given: dict[str, Any] = {"base_url": server.url, "proxy": None, "pacer": Pacer(chat_interval_s=0.0), **changes}
    return BotApi(Secret(TOKEN), "/etc/qualitywatch/token", read_timeout_s=read_timeout_s, **given)


@asynccontextmanager
async def listening(
    server: FakeTelegram, desk: Desk, *, api: BotApi | None = None, poll_s: float = 5.0, **changes: Any
) -> AsyncIterator[Poller]:
    """A poller at work during the block."""
    api = api if api is not None else bot(server)
    given: dict[str, Any] = {"clock": Clock(), "remember": desk.remember, **changes}
    quick = Backoff(first_s=0.01, limit_s=0.05)
    poller = Poller(
        api, desk.on_command, desk.on_press, bot_commands=MENUS, poll_s=poll_s, backoff=quick, chance=Random(1), **given
    )
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(poller.run())
            try:
                yield poller
            finally:
                task.cancel()
    finally:
        await poller.close()
        await api.close()


async def listens(server: FakeTelegram) -> None:
    """Return when it has asked for what waited, and listens."""
    await server.wait_calls(2, method="getUpdates")


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def desk() -> Desk:
    return Desk()


def always(answer: Answer) -> Callable[[Command], Awaitable[Answer]]:
    async def give(_: Command) -> Answer:
        return answer

    return give


# --- what is heard, and how it is answered


async def test_a_command_is_answered_below_it_in_its_topic(server: FakeTelegram, desk: Desk) -> None:
    async with listening(server, desk) as poller:
        assert poller.polled_at is None
        message_id = await server.user_says(CHAT, ANNA, "/status office", thread_id=7)
        (reply,) = await server.wait_replies(message_id)
        assert poller.polled_at is not None
    assert (reply.text, reply.thread_id, reply.chat_id) == ("heard /status office", 7, CHAT)
    assert desk.commands == [Command(CHAT, ANNA, "User5", "/status office", 7)]
    assert poller.stats.commands == 1


async def test_a_command_for_this_bot_is_taken_without_its_name_and_one_for_another_is_not(
    server: FakeTelegram, desk: Desk
) -> None:
    async with listening(server, desk):
        await server.user_says(CHAT, ANNA, "/status@other_bot")
        await server.user_asks(CHAT, ANNA, f"/peer@{BOT_NAME.upper()} 6117 @home")
    assert [command.text for command in desk.commands] == ["/peer 6117 @home"]


@pytest.mark.parametrize(
    "extra",
    [
        {"text": "good morning"},
        {"text": " /status"},
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
        {"text": None, "caption": "/status", "photo": []},
    ],
)
async def test_anything_else_is_not_for_us(server: FakeTelegram, desk: Desk, extra: dict[str, object]) -> None:
    async with listening(server, desk) as poller:
        await server.user_says(CHAT, ANNA, "/status", extra=extra)
        await server.update(edited_message={"text": "/status"})
        await server.user_asks(CHAT, ANNA, "/help")
    assert [command.text for command in desk.commands] == ["/help"]
    assert poller.stats.ignored == 1
    assert len(server.living(CHAT)) == 1


async def test_who_writes_in_the_name_of_the_group_is_known_by_the_group(server: FakeTelegram, desk: Desk) -> None:
    async with listening(server, desk):
        group = {"id": CHAT, "type": "supergroup", "title": "On\ncall"}
        await server.wait_replies(await server.user_says(CHAT, ANNA, "/status", extra={"sender_chat": group}))
    assert [(command.user_id, command.user_name) for command in desk.commands] == [(CHAT, "On call")]


async def test_a_reply_to_a_message_is_no_topic(server: FakeTelegram, desk: Desk) -> None:
    async with listening(server, desk):
        message_id = await server.user_says(CHAT, ANNA, "/status", extra={"message_thread_id": 99})
        (reply,) = await server.wait_replies(message_id)
    assert (reply.thread_id, desk.commands[0].thread_id) == (None, None)


async def test_markup_that_telegram_refuses_is_answered_plain(server: FakeTelegram, desk: Desk) -> None:
    desk.answer = always(Answer("<sip:100@10.0.0.1>", "<sip:100@10.0.0.1>"))
    async with listening(server, desk):
        assert (await server.user_asks(CHAT, ANNA, "/peer 100")).text == "<sip:100@10.0.0.1>"


@pytest.mark.parametrize(
    ("answer", "texts", "pictures", "files"),
    [
        (Answer(plain="a < b"), ["a < b"], 0, 0),
        (Answer("<b>a</b>", "a", picture=PNG), ["a"], 1, 0),
        (Answer("<b>a</b>" + "x" * 1024, "a" + "x" * 1024, picture=PNG), ["", "a" + "x" * 1024], 1, 0),
        (Answer(picture=PNG), [""], 1, 0),
        (Answer("<b>a</b>", "a", attachment=Attachment("all.csv", b"all")), ["a", ""], 0, 1),
        (Answer("a", "a", picture=PNG, attachment=Attachment("all.csv", b"all")), ["a", ""], 1, 1),
        (Answer("a", "a", picture=b"not a picture"), ["a"], 0, 0),
    ],
)
async def test_answers_with_pictures_and_files(
    server: FakeTelegram, desk: Desk, answer: Answer, texts: list[str], pictures: int, files: int
) -> None:
    desk.answer = always(answer)
    async with listening(server, desk):
        message_id = await server.user_says(CHAT, ANNA, "/peer 6117", thread_id=7)
        replies = await server.wait_replies(message_id, len(texts))
    assert [it.text for it in replies] == texts
    assert sum(it.picture is not None for it in replies) == pictures
    assert sum(it.document is not None for it in replies) == files
    assert {it.thread_id for it in replies} == {7}


async def test_an_empty_answer_says_nothing(server: FakeTelegram, desk: Desk) -> None:
    desk.answer = always(Answer())
    async with listening(server, desk) as poller:
        await server.user_says(CHAT, ANNA, "/status")
        await server.wait(lambda: server.unconfirmed == 0 and bool(desk.remembered))
    assert server.living(CHAT) == []
    assert poller.stats.failed == 0


async def test_a_thumb_is_told_at_once_and_the_chat_what_else_there_is(server: FakeTelegram, desk: Desk) -> None:
    async def answer(press: Press) -> PressAnswer:
        return PressAnswer("x" * 300, is_refusal=press.user_id != ANNA, answer=Answer("<i>chart</i>", "chart"))

    desk.press_answer = answer
    async with listening(server, desk) as poller:
        await listens(server)
        message_id = await poller_message(server, thread_id=7)
        told = await server.user_presses(message_id, ANNA, "Mute 1 h")
        assert (told.is_alert, len(told.text), told.text[-1]) == (False, 200, "…")
        (reply,) = await server.wait_replies(message_id)
        assert (reply.text, reply.thread_id) == ("chart", 7)
        assert (await server.user_presses(message_id, 6, "ack:1")).is_alert
    assert desk.presses == [
        Press(CHAT, ANNA, "User5", "mute1h:1", message_id, 7),
        Press(CHAT, 6, "User6", "ack:1", message_id, 7),
    ]
    assert poller.stats.presses == 2


async def test_a_thumb_that_cannot_be_told_does_not_cost_the_chart(server: FakeTelegram, desk: Desk) -> None:
    async def answer(_: Press) -> PressAnswer:
        return PressAnswer("", answer=Answer("<i>chart</i>", "chart"))

    desk.press_answer = answer
    server.fail("answerCallbackQuery", 500, "Internal Server Error")
    async with listening(server, desk), asyncio.TaskGroup() as group:
        await listens(server)
        message_id = await poller_message(server)
        pressing = group.create_task(server.user_presses(message_id, ANNA, "Chart"))
        (reply,) = await server.wait_replies(message_id)
        pressing.cancel()
    assert reply.text == "chart"


async def poller_message(server: FakeTelegram, thread_id: int | None = None) -> int:
    """A message with buttons in the chat."""
    api = bot(server)
    message_id = await api.send(CHAT, "alert", "alert", buttons=BUTTONS, thread_id=thread_id)
    await api.close()
    return message_id


async def test_presses_below_old_or_foreign_messages_end_the_wait_of_the_thumb(server: FakeTelegram, desk: Desk) -> None:
    user = {"id": ANNA, "is_bot": False, "first_name": "Anna"}
    old = {"message_id": 17, "date": 0, "chat": {"id": CHAT, "type": "supergroup", "title": "x"}}
    async with listening(server, desk) as poller:
        await listens(server)
        await server.update(callback_query={"id": "1", "from": user, "chat_instance": "1", "data": "ack:1"})
        await server.update(callback_query={"id": "2", "from": user, "chat_instance": "1", "data": "ack:1", "message": old})
        await server.wait_calls(2, method="answerCallbackQuery")
        await server.user_asks(CHAT, ANNA, "/status")
    assert desk.presses == [Press(CHAT, ANNA, "Anna", "ack:1", 17)]
    assert poller.stats.failed == 0


# --- the menu, the name, the web hook


async def test_the_menu_is_registered_in_both_languages_before_the_first_answer(server: FakeTelegram, desk: Desk) -> None:
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
    assert server.menus == {"": (("status", "How things are"),), "ru": (("status", "Как дела"),)}


@pytest.mark.parametrize("code", [400, 404, 500])
async def test_a_menu_that_telegram_refuses_does_not_stop_listening(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    server.fail("setMyCommands", code, "Bad Request: BOT_COMMAND_INVALID")
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
    assert "the menu of commands stays as it was" in caplog.text


async def test_a_web_hook_is_removed_and_said_so(server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    server.webhook = "https://example.com/secret-path"
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
        server.webhook = "https://example.com/secret-path"
        await server.user_asks(CHAT, ANNA, "/status")
        await server.user_asks(CHAT, ANNA, "/status")
    assert caplog.text.count("the hook was removed") == 2
    assert "secret-path" not in caplog.text


# --- answers that fail


async def test_a_bug_or_a_long_wait_costs_one_answer_and_the_user_is_told(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(command: Command) -> Answer:
        if command.text == "/bug":
            raise ValueError("the token is hidden-secret")
        if command.text == "/slow":
            await asyncio.Event().wait()
        return Answer("fine", "fine")

    async def press_answer(press: Press) -> PressAnswer:
        raise KeyError(press.data)

    desk.answer, desk.press_answer = answer, press_answer
    async with listening(server, desk, handling_limit_s=0.2) as poller:
        await listens(server)
        message_id = await poller_message(server)
        told = await server.user_presses(message_id, ANNA, "Chart")
        assert (told.text, told.is_alert) == (APOLOGY, True)
        asked = [await server.user_says(CHAT, ANNA, text) for text in ("/bug", "/slow", "/status")]
        replies = [(await server.wait_replies(it))[0].text for it in asked]
    assert replies == [APOLOGY, APOLOGY, "fine"]
    assert poller.stats.failed == 3
    for name in ("ValueError", "TimeoutError", "KeyError"):
        assert f"{name} while answering at " in caplog.text
    assert "hidden-secret" not in caplog.text


@pytest.mark.usefixtures("hurried")
async def test_an_answer_is_tried_again_when_that_can_help(server: FakeTelegram, desk: Desk) -> None:
    server.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with listening(server, desk):
        assert (await server.user_asks(CHAT, ANNA, "/status")).text == "heard /status"
    assert len(server.living(CHAT)) == 1


async def test_an_answer_that_cannot_be_given_does_not_stop_the_next(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("sendMessage", 403, "Forbidden: bot was kicked")
    async with listening(server, desk) as poller:
        await server.user_says(CHAT, ANNA, "/status")
        assert (await server.user_asks(CHAT, ANNA, "/help")).text == "heard /help"
    assert "an answer did not arrive: Telegram does not let the bot write" in caplog.text
    assert poller.stats.failed == 0


async def test_an_answer_follows_a_chat_that_moved(server: FakeTelegram, desk: Desk) -> None:
    server.moved[CHAT] = -200
    async with listening(server, desk):
        await server.user_says(CHAT, ANNA, "/status")
        await server.wait_sent(1)
    assert server.texts(-200) == ["heard /status"]


# --- restarts


async def test_old_commands_found_at_the_start_are_dropped_and_counted_a_thumb_that_waits_is_not(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    message_id = await poller_message(server)
    await server.user_says(CHAT, ANNA, "/silence SIP/6117 1h", ago_s=3600)
    await server.user_says(CHAT, ANNA, "/status", ago_s=700)
    fresh = await server.user_says(CHAT, ANNA, "/help", ago_s=300)
    async with asyncio.TaskGroup() as group:
        told = group.create_task(server.user_presses(message_id, ANNA, "Acknowledge"))
        await server.wait(lambda: server.unconfirmed == 4)
        async with listening(server, desk) as poller:
            await server.wait_replies(fresh)
            assert (await told).text == ""
            late = await server.user_says(CHAT, ANNA, "/late", ago_s=700)  # our clock may be wrong
            await server.wait_replies(late)
    assert [command.text for command in desk.commands] == ["/help", "/late"]
    assert [press.data for press in desk.presses] == ["ack:1"]
    assert poller.stats.too_old == 2
    assert "2 commands from before 10 min or more are not answered" in caplog.text


async def test_no_command_of_last_night_is_carried_out_however_much_was_said_since(server: FakeTelegram, desk: Desk) -> None:
    for number in range(250):
        await server.user_says(CHAT, ANNA, f"/silence {number} 2h" if number % 50 == 49 else "good morning", ago_s=36_000)
    fresh = await server.user_says(CHAT, ANNA, "/help")
    async with listening(server, desk) as poller:
        await server.wait_replies(fresh)
    assert [command.text for command in desk.commands] == ["/help"]
    assert poller.stats.too_old == 5


async def test_a_button_pressed_last_night_mutes_nothing_this_morning(server: FakeTelegram, desk: Desk) -> None:
    message_id = await poller_message(server)
    await server.user_pressed(message_id, ANNA, "Mute 1 h")
    async with listening(server, desk) as poller:
        await server.user_asks(CHAT, ANNA, "/help")
        assert not desk.presses
        assert (poller.stats.presses, poller.stats.too_old) == (0, 1)
        assert (await server.user_presses(message_id, ANNA, "Mute 1 h")).text == "pressed mute1h:1"


async def test_what_a_kill_interrupts_comes_again_and_what_was_answered_does_not(server: FakeTelegram, desk: Desk) -> None:
    async def hang(_: Command) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with listening(server, desk):
        first = await server.user_says(CHAT, ANNA, "/one")
        await server.wait_replies(first)
        await server.wait(lambda: server.unconfirmed == 0)
    offset = desk.remembered[-1]
    # Handled and remembered, but never confirmed to the server: then the power goes.
    second, third = await server.user_says(CHAT, ANNA, "/two"), await server.user_says(CHAT, ANNA, "/three")
    other = Desk()
    other.answer = lambda command: hang(command) if command.text == "/three" else always(Answer("ok", "ok"))(command)
    async with listening(server, other, offset=offset):
        await server.wait_replies(second)
        while len(other.commands) < 2:
            await asyncio.sleep(0.01)
    assert server.unconfirmed == 2
    last = Desk()
    async with listening(server, last, offset=other.remembered[-1]):
        await server.wait_replies(third)
    assert [command.text for command in last.commands] == ["/three"]


async def test_numbers_that_begin_anew_after_a_quiet_week_are_heard(server: FakeTelegram, desk: Desk) -> None:
    async with listening(server, desk, offset=900_000_000):
        await server.user_asks(CHAT, ANNA, "/status")


async def test_a_store_that_fails_does_not_stop_listening(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(_: int) -> None:
        raise StoreError("state.db cannot be written: the disk is full")

    async with listening(server, desk, remember=full):
        await server.user_asks(CHAT, ANNA, "/one")
        await server.user_asks(CHAT, ANNA, "/two")
    assert "the disk is full; after a restart a command may be answered twice" in caplog.text


# --- troubles of the line


@pytest.mark.parametrize("method", ["getMe", "getWebhookInfo", "getUpdates"])
@pytest.mark.parametrize(
    ("code", "body"),
    [(500, None), (502, "<html>bad gateway</html>"), (200, "<html>hotel</html>"), (200, '{"welcome": "portal"}'), (400, None)],
)
@pytest.mark.usefixtures("hurried")
async def test_trouble_on_the_line_is_said_once_and_so_is_its_end(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture, method: str, code: int, body: str | None
) -> None:
    caplog.set_level(logging.INFO, logger="qualitywatch")
    server.fail(method, code, "Internal Server Error", times=3, body=body)
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
    assert len(server.calls) >= 4
    assert caplog.text.count("commands and buttons are not heard until it works again") == 1
    assert caplog.text.count("is heard again") == 1


async def test_a_server_that_is_away_is_asked_until_it_is_back(server: FakeTelegram, desk: Desk) -> None:
    await server.stop()
    async with listening(server, desk) as poller:
        await asyncio.sleep(0.1)
        assert poller.polled_at is None
        await server.start()
        await server.user_asks(CHAT, ANNA, "/one")
        await server.stop()
        await server.start()
        await server.user_asks(CHAT, ANNA, "/two")
    assert poller.stats.restarts == 0


@pytest.mark.usefixtures("hurried")
async def test_a_pause_that_telegram_asks_for_is_kept(server: FakeTelegram, desk: Desk) -> None:
    server.fail("getUpdates", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
    first, second, *_ = [call.at for call in server.calls if call.method == "getUpdates"]
    assert second - first >= 1.0


async def test_a_second_poller_is_reported_in_one_clear_line(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    other = bot(server)
    async with listening(server, desk) as poller:
        await server.wait_calls(1, method="getUpdates")
        for _ in range(3):
            polls = len([call for call in server.calls if call.method == "getUpdates"])
            async with asyncio.TaskGroup() as group:
                stolen = group.create_task(other.get_updates(None, 0.05))
                await server.wait_calls(polls + 2, method="getUpdates")
                stolen.cancel()
        await server.user_asks(CHAT, ANNA, "/status")
    await other.close()
    line = "another program polls with this bot token: stop it or give qualitywatch a bot of its own"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [line]
    assert poller.stats.restarts == 0


@pytest.mark.parametrize(("code", "description"), [(401, "Unauthorized"), (404, "Not Found")])
@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
@pytest.mark.usefixtures("hurried")
async def test_a_refused_token_is_said_loudly_once_and_waited_for(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture, method: str, code: int, description: str
) -> None:
    server.fail(method, code, description)
    async with listening(server, desk, poll_s=0.05) as poller:
        await server.wait_calls(1, method=method)
        await asyncio.sleep(0.3)  # the guard must take the pause of five minutes for what it is
        assert poller.stats.restarts == 0
    assert len([call for call in server.calls if call.method == method]) == 1
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "put a valid token from @BotFather into /etc/qualitywatch/token" in line.getMessage()


async def test_updates_that_cannot_be_read_are_dropped_at_last(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await server.update(message={"something": "entirely new"})
    async with listening(server, desk):
        await server.wait_calls(1, method="deleteWebhook", timeout_s=10)
        await server.user_asks(CHAT, ANNA, "/status")
    assert "what was said meanwhile is dropped" in caplog.text
    assert "entirely new" not in caplog.text


# --- the guard


async def test_a_poll_that_never_ends_is_noticed_and_begun_again(
    server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    server.deaf_polls = 1
    async with listening(server, desk, poll_s=0.1) as poller:
        await server.user_asks(CHAT, ANNA, "/status")
        assert poller.stats.restarts == 1
    assert caplog.text.count("listening to Telegram gave no sign for 0 s; it begins again") == 1


async def test_a_loop_that_ended_is_begun_again(server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    async with listening(server, desk, clock=clock) as poller:
        await server.user_asks(CHAT, ANNA, "/one")
        clock.breaks = 1
        await server.user_asks(CHAT, ANNA, "/two")
        await server.user_asks(CHAT, ANNA, "/three")
        assert poller.stats.restarts == 1
    assert "ZeroDivisionError in the poller at " in caplog.text
    assert caplog.text.count("listening to Telegram ended; it begins again") == 1
    assert [command.text for command in desk.commands].count("/three") == 1


@pytest.mark.usefixtures("hurried")
async def test_a_long_answer_is_no_silence(server: FakeTelegram, desk: Desk) -> None:
    async def slow(_: Command) -> Answer:
        await asyncio.sleep(0.5)
        return Answer("done", "done")

    desk.answer = slow
    async with listening(server, desk, poll_s=0.1) as poller:
        assert (await server.user_asks(CHAT, ANNA, "/peer 6117")).text == "done"
        assert poller.stats.restarts == 0


# --- secrets and proxies


async def test_the_token_is_nowhere_in_the_log(server: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for code in (500, 409, 400, 403):
        server.fail("getUpdates", code, f"error about bot{TOKEN}")
    server.fail("getUpdates", 200, body=f"<html>/bot{TOKEN}/getUpdates was not found</html>")
    async with listening(server, desk):
        await server.user_asks(CHAT, ANNA, "/status")
        server.fail("getUpdates", 401, f"Unauthorized bot{TOKEN}")
        await server.user_says(CHAT, ANNA, "/status")
        await server.wait(lambda: not server._faults["getUpdates"])
    secret = TOKEN.partition(":")[2]
    assert caplog.records
    for record in caplog.records:
        assert secret not in record.getMessage() + str(record.__dict__)


async def test_polls_go_through_the_proxy_too(server: FakeTelegram, desk: Desk) -> None:
    """The proxy here is no proxy at all, so that its answer shows who was asked."""
    api = bot(server, base_url="http://api.example.invalid", proxy=Secret(server.url))
    async with listening(server, desk, api=api):
        await server.user_asks(CHAT, ANNA, "/status")
