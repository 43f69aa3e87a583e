"""A Telegram chat as a target, over real HTTP: every answer the server can give, and the token nowhere to be seen."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.notify.channels.telegram import Options, TelegramNotifier
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.build import notification

CHAT = -1001234


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@asynccontextmanager
async def chats(server: FakeTelegram, *options: Options, **remembered: str) -> AsyncIterator[list[TelegramNotifier]]:
    """Build notifiers for these options, pointed at the fake and without pauses; close them afterwards."""
    targets = {
        str(index): replace(given, base_url=server.url, min_interval_s=0.0) if given.min_interval_s == 1.0 else given
        for index, given in enumerate(options)
    }
    memory = {f"telegram.chat.{name.replace('_', '-')}": moved_to for name, moved_to in remembered.items()}
    built = TelegramNotifier.from_options(targets, show_pbx=False, zone=UTC, remembered=memory)
    try:
        yield list(built.values())
    finally:
        for notifier in built.values():
            await notifier.close()


def options(**changes: object) -> Options:
    return replace(Options(CHAT, Secret(TOKEN), token_from="/etc/qualitywatch/token"), **changes)  # type: ignore[arg-type]


async def failure(server: FakeTelegram, given: Options | None = None) -> NotifyError:
    """Deliver one message and return the error it must end with."""
    async with chats(server, given or options()) as (chat,):
        with pytest.raises(NotifyError) as caught:
            await chat.deliver(notification("ops", 1))
        return caught.value


async def test_a_message_arrives_as_html_without_a_link_preview(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        await chat.deliver(notification("ops", 6117))
    (sent,) = server.sent
    assert sent.text.startswith("🟡 loss to SIP/6117 5.45%\n")
    assert sent.raw.startswith("🟡 <b>loss to SIP/6117 5.45%</b>\n")
    assert (sent.chat_id, sent.thread_id, sent.parse_mode) == (CHAT, None, "HTML")
    assert "is_disabled" in server.calls[0].params["link_preview_options"]


async def test_the_chats_language_and_topic_are_used(server: FakeTelegram) -> None:
    async with chats(server, options(language="ru", thread_id=7)) as (chat,):
        await chat.deliver(notification("ops", 6117))
    assert server.sent[0].text.startswith("🟡 Потери до SIP/6117 5.45%\n")
    assert server.sent[0].thread_id == 7


async def test_a_name_with_markup_characters_arrives_as_written(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        await chat.deliver(notification("ops", 1, subject="<sip:100@10.0.0.1> & </b>"))
    assert server.sent[0].text.startswith("🟡 loss to <sip:100@10.0.0.1> & </b> 5.45%\n")


async def test_a_pause_that_telegram_asks_for_is_passed_on(server: FakeTelegram) -> None:
    server.fail("sendMessage", 429, "Too Many Requests: retry after 17", retry_after=17)
    error = await failure(server)
    assert (error.permanent, error.retry_after_s) == (False, 17.0)
    assert str(error) == "Telegram asks for a pause of 17 s"


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_a_pause_given_as_a_bare_number_is_understood_too(server: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "false")
    server.fail("sendMessage", 429, "Too Many Requests: retry after 17", retry_after=17)
    assert (await failure(server)).retry_after_s == 17.0


async def test_a_bot_that_was_thrown_out_is_a_permanent_failure(server: FakeTelegram) -> None:
    server.blocked.add(CHAT)
    error = await failure(server)
    assert error.permanent
    assert str(error) == (
        f"Telegram does not let the bot write to the chat {CHAT} (Forbidden: bot was kicked from the supergroup chat): "
        "add it to the chat or unblock it"
    )


async def test_a_moved_chat_tells_its_new_id(server: FakeTelegram) -> None:
    server.moved[CHAT] = -100999
    error = await failure(server)
    assert (error.permanent, error.retry_after_s, error.new_chat_id) == (False, None, -100999)


async def test_a_notifier_told_of_a_move_writes_to_the_new_chat_and_says_what_to_remember(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        assert chat.moved(-100999) == {f"telegram.chat.{CHAT}": "-100999"}
        await chat.deliver(notification("ops", 1))
    assert server.sent[0].chat_id == -100999


async def test_remembered_moves_are_followed_at_the_start(server: FakeTelegram) -> None:
    async with chats(server, options(), **{"_1001234": "-5", "_5": "-6", "_6": "-5"}) as (chat,):
        await chat.deliver(notification("ops", 1))
    assert server.sent[0].chat_id == -6


async def test_markup_that_telegram_cannot_parse_is_sent_as_plain_text(
    server: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("sendMessage", 400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 3')
    async with chats(server, options()) as (chat,):
        await chat.deliver(notification("ops", 6117))
    (sent,) = server.sent
    assert (sent.parse_mode, sent.text.splitlines()[0]) == (None, "🟡 loss to SIP/6117 5.45%")
    assert "sent as plain text" in caplog.text


async def test_plain_text_is_tried_only_once(server: FakeTelegram) -> None:
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no", times=2)
    assert (await failure(server)).permanent
    assert len(server.calls) == 2


async def test_a_lost_topic_costs_the_topic_not_the_message(server: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    async with chats(server, options(thread_id=99)) as (chat,):
        await chat.deliver(notification("ops", 1))
        await chat.deliver(notification("ops", 2))
    assert [sent.thread_id for sent in server.sent] == [None, None]
    assert caplog.text.count("messages for topic 99 go to the chat itself") == 1


async def test_a_lost_topic_and_bad_markup_at_once_still_deliver(server: FakeTelegram) -> None:
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no")
    async with chats(server, options(thread_id=99)) as (chat,):
        await chat.deliver(notification("ops", 1))
    assert [(sent.thread_id, sent.parse_mode) for sent in server.sent] == [(None, None)]
    assert len(server.calls) == 3


@pytest.mark.parametrize("description", ["Bad Request: chat not found", "Bad Request: not enough rights to send text messages"])
async def test_any_other_bad_request_is_permanent(server: FakeTelegram, description: str) -> None:
    server.fail("sendMessage", 400, description)
    error = await failure(server)
    assert error.permanent
    assert description.removeprefix("Bad Request: ").capitalize() in str(error)
    assert "check the chat id" in str(error)


@pytest.mark.parametrize(("code", "description"), [(401, "Unauthorized"), (404, "Not Found")])
async def test_a_refused_token_keeps_the_message_and_says_what_to_do_loudly_once(
    server: FakeTelegram, caplog: pytest.LogCaptureFixture, code: int, description: str
) -> None:
    server.fail("sendMessage", code, description, times=2)
    async with chats(server, options()) as (chat,):
        for _ in range(2):
            with pytest.raises(
                NotifyError, match="Telegram refuses the bot token: put a valid token from @BotFather into"
            ) as caught:
                await chat.deliver(notification("ops", 1))
            assert (caught.value.permanent, caught.value.retry_after_s) == (False, 300.0)
        await chat.deliver(notification("ops", 1))
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "put a valid token from @BotFather into /etc/qualitywatch/token" in line.getMessage()
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (500, None),
        (502, "<html>bad gateway</html>"),
        (200, "<html>please log in to the hotel's network</html>"),
        (200, '{"welcome": "portal"}'),
        (409, None),
    ],
)
async def test_trouble_on_the_way_is_temporary(server: FakeTelegram, code: int, body: str | None) -> None:
    server.fail("sendMessage", code, "Internal Server Error", body=body)
    error = await failure(server)
    assert (error.permanent, error.retry_after_s, error.new_chat_id) == (False, None, None)
    assert str(error).startswith("Telegram could not be asked (")
    assert "html" not in str(error)


async def test_no_answer_in_time_is_temporary_although_the_message_was_accepted(server: FakeTelegram) -> None:
    server.hang_after_accepting = 1
    error = await failure(server, options(read_timeout_s=0.2))
    assert not error.permanent
    assert "the message may have arrived" in str(error)
    assert len(server.sent) == 1


async def test_a_refused_connection_is_temporary_and_over_when_the_server_is_back(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        await server.stop()
        with pytest.raises(NotifyError, match="check the network, the proxy and the address") as caught:
            await chat.deliver(notification("ops", 1))
        assert not caught.value.permanent
        await server.start()
        await chat.deliver(notification("ops", 1))
    assert len(server.sent) == 1


async def test_an_unknown_host_is_temporary() -> None:
    given = options(base_url="http://no-such-host.invalid", min_interval_s=0.0)
    notifiers = TelegramNotifier.from_options({"ops": given}, show_pbx=False, zone=UTC, remembered={})
    with pytest.raises(NotifyError, match="could not be asked") as caught:
        await notifiers["ops"].deliver(notification("ops", 1))
    assert not caught.value.permanent
    await notifiers["ops"].close()


async def test_messages_to_one_chat_keep_their_distance_and_other_chats_do_not_wait(server: FakeTelegram) -> None:
    slow = options(base_url=server.url, min_interval_s=0.3)
    async with chats(server, slow, replace(slow, thread_id=7), replace(slow, chat_id=55)) as (first, same_chat, other):
        await asyncio.gather(*(chat.deliver(notification("ops", 1)) for chat in (first, same_chat, other)))
    one, two = (sent.at for sent in server.sent if sent.chat_id == CHAT)
    (elsewhere,) = (sent.at for sent in server.sent if sent.chat_id == 55)
    assert two - one >= 0.2
    assert elsewhere < two


async def test_chats_of_one_bot_share_its_connections_until_the_last_is_closed(server: FakeTelegram) -> None:
    given = options(base_url=server.url, min_interval_s=0.0)
    built = TelegramNotifier.from_options({"a": given, "b": replace(given, chat_id=5)}, show_pbx=False, zone=UTC, remembered={})
    await built["a"].close()
    await built["b"].deliver(notification("b", 1))
    await built["b"].close()
    assert server.texts(5)


FAULTS: list[tuple[int, dict[str, Any]]] = [(429, {"retry_after": 3}), *((code, {}) for code in (403, 400, 401, 404, 500, 502))]


async def test_the_token_is_nowhere_in_logs_and_errors(caplog: pytest.LogCaptureFixture, server: FakeTelegram) -> None:
    caplog.set_level(logging.DEBUG)
    secret = TOKEN.partition(":")[2]
    said: list[str] = [repr(options()), str(options())]
    async with chats(server, options(read_timeout_s=0.2)) as (chat,):
        said.append(repr(chat))
        await chat.deliver(notification("ops", 1))
        for code, parameters in FAULTS:
            server.fail("sendMessage", code, f"error about bot{TOKEN}", **parameters)
        server.fail("sendMessage", 200, body=f"<html>the page /bot{TOKEN}/sendMessage was not found</html>")
        server.fail("sendMessage", 400, f"Bad Request: can't parse entities: {TOKEN}")
        for _ in range(len(FAULTS) + 1):
            said += await _what_is_said(chat)
        await chat.deliver(notification("ops", 1))
        server.hang_after_accepting = 1
        said += await _what_is_said(chat)
        await server.stop()
        said += await _what_is_said(chat)
    assert len(said) >= 3 + 2 * (len(FAULTS) + 3)
    for text in [*said, caplog.text, *(str(record.__dict__) for record in caplog.records)]:
        assert secret not in text


async def _what_is_said(chat: TelegramNotifier) -> list[str]:
    with pytest.raises(NotifyError) as caught:
        await chat.deliver(notification("ops", 1))
    error: BaseException | None = caught.value
    said = ["".join(traceback.format_exception(caught.value, chain=True))]
    while error is not None:
        said += [str(error), repr(error), repr(error.args)]
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"token": Secret("")}, "/etc/qualitywatch/token holds no bot token"),
        ({"token": Secret("abc:def")}, "holds no bot token"),
        ({"token": Secret("123:ABC\n")}, "holds no bot token"),
        ({"token": Secret("123:AB/C")}, "holds no bot token"),
        ({"language": "de"}, "unknown language 'de'; known are en, ru"),
        ({"base_url": "api.telegram.org"}, "base_url must be an address such as https://api.telegram.org"),
        ({"proxy": Secret("gopher://u:hidden@h")}, "proxy must be an address such as socks5://host:1080"),
        ({"proxy": Secret("http://u:hidden@h:99999")}, "proxy must be an address"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_sent(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TelegramNotifier.from_options({"ops": options(**changes)}, show_pbx=False, zone=UTC, remembered={})
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("ops: ")
    assert complaint in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_an_http_proxy_is_used(server: FakeTelegram) -> None:
    """The proxy here is no proxy at all, so that its answer shows who was asked."""
    given = options(base_url="http://api.example.invalid", proxy=Secret(server.url), min_interval_s=0.0)
    notifiers = TelegramNotifier.from_options({"ops": given}, show_pbx=False, zone=UTC, remembered={})
    await notifiers["ops"].deliver(notification("ops", 1))
    await notifiers["ops"].close()
    assert len(server.sent) == 1


def test_the_library_is_not_imported_until_a_chat_is_configured() -> None:
    program = (
        "import sys, qualitywatch.notify.registry as r, datetime\n"
        "r.build_notifiers({'out': r.console.Options()}, show_pbx=False, zone=datetime.UTC, remembered={})\n"
        "print(sorted({'telegram', 'httpx', 'rich'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"
