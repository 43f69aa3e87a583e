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

from qualitywatch.errors import ConfigError, MessageGoneError, NotifyError
from qualitywatch.model import Attachment, Incident
from qualitywatch.notify.channels.telegram import Options, TelegramNotifier
from qualitywatch.secrets import Secret
from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.notify.targets import Store, incident, running, tell
from tests.notify.told import BUTTONS, PNG, bulletin, notification

pytestmark = pytest.mark.usefixtures("hurried")

CHAT = -1001234
FAULTS: list[tuple[int, dict[str, Any]]] = [(429, {"retry_after": 3}), *((code, {}) for code in (403, 400, 401, 404, 500, 502))]


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake


@asynccontextmanager
async def chats(server: FakeTelegram, *options: Options, **remembered: str) -> AsyncIterator[list[TelegramNotifier]]:
    """Build notifiers for these options, pointed at the fake and without pauses; close them afterwards."""
    targets = {
        str(index): replace(given, base_url=server.url, min_interval_s=0.0, group_per_minute=1000)
        if given.min_interval_s == 1.0
        else given
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


def of_many(peers: int) -> Incident:
    """An incident with so many peers that their list is a file."""
    one = incident(1)
    alert = one.members[0].alert
    keys = [replace(alert.key, subject=f"SIP/{number}") for number in range(peers)]
    return replace(one, members=tuple(replace(one.members[0], alert=replace(alert, key=key)) for key in keys))


def files(server: FakeTelegram) -> list[bytes]:
    """What the files in the chat hold."""
    return [it.document.content for it in server.living(CHAT) if it.document is not None]


async def failure(server: FakeTelegram, given: Options | None = None) -> NotifyError:
    """Send one message and return the error it must end with."""
    async with chats(server, given or options()) as (chat,):
        with pytest.raises(NotifyError) as caught:
            await chat.send(notification())
        return caught.value


async def test_a_message_arrives_as_html_without_a_link_preview(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        await chat.send(notification())
    (sent,) = server.sent
    assert sent.text.startswith("🟡 loss to SIP/6117 5.45%\n")
    assert sent.raw.startswith("🟡 <b>loss to SIP/6117 5.45%</b>\n")
    assert (sent.chat_id, sent.thread_id, sent.parse_mode) == (CHAT, None, "HTML")
    assert "is_disabled" in server.calls[0].params["link_preview_options"]


async def test_the_chats_language_and_topic_are_used(server: FakeTelegram) -> None:
    async with chats(server, options(language="ru", thread_id=7)) as (chat,):
        assert chat.render(bulletin()).plain.startswith("🟡 Потери до SIP/6117 5.45%\n")
        await chat.send(chat.render(bulletin()))
        chat.speak("en")
        assert chat.render(bulletin()).plain.startswith("🟡 loss to SIP/6117 5.45%\n")
    (living,) = server.living(CHAT)
    assert living.text.startswith("🟡 Потери до SIP/6117 5.45%\n")
    assert living.thread_id == 7
    assert "Беру в работу" in living.labels


async def test_a_name_with_markup_characters_arrives_as_written(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        await chat.send(notification("<sip:100@10.0.0.1> & </b>"))
    assert server.sent[0].text.startswith("🟡 loss to <sip:100@10.0.0.1> & </b> 5.45%\n")


async def test_a_message_is_changed_in_place_with_its_buttons(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification(buttons=BUTTONS))
        assert server.living(CHAT)[0].labels == ["Acknowledge", "Mute 1 h", "Chart"]
        await chat.edit(message_id, notification("<Anna>", mark="🟢"))
        await chat.edit(message_id, notification("<Anna>", mark="🟢"))  # as it already is
    (living,) = server.living(CHAT)
    assert (living.message_id, living.text.splitlines()[0]) == (message_id, "🟢 loss to <Anna> 5.45%")
    assert living.buttons == ()
    assert len(living.history) == 1


async def test_an_edit_that_telegram_cannot_parse_is_made_as_plain_text(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification())
        server.fail("editMessageText", 400, "Bad Request: can't parse entities: no")
        await chat.edit(message_id, notification("SIP/2", buttons=BUTTONS))
    (living,) = server.living(CHAT)
    assert living.text.startswith("🟡 loss to SIP/2 5.45%")
    assert len(living.labels) == 3


@pytest.mark.parametrize("cause", ["deleted", "too old", "unknown", "MESSAGE_ID_INVALID"])
async def test_a_message_that_cannot_be_edited_any_more_is_gone(server: FakeTelegram, cause: str) -> None:
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification())
        match cause:
            case "deleted":
                server.user_deletes(message_id)
            case "too old":
                server.too_old.add(message_id)
            case "unknown":
                message_id = 999
            case _:
                server.fail("editMessageText", 400, "Bad Request: MESSAGE_ID_INVALID")
        with pytest.raises(MessageGoneError, match="cannot be edited any more"):
            await chat.edit(message_id, notification("SIP/2"))


@pytest.mark.parametrize(("code", "permanent"), [(500, False), (403, True), (401, False), (429, False)])
async def test_other_failures_of_an_edit_are_those_of_a_message(server: FakeTelegram, code: int, permanent: bool) -> None:
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification())
        server.fail("editMessageText", code, "Some Trouble", **dict(FAULTS).get(code, {}))
        with pytest.raises(NotifyError) as caught:
            await chat.edit(message_id, notification("SIP/2"))
    assert not isinstance(caught.value, MessageGoneError)
    assert caught.value.permanent == permanent


async def test_a_message_goes_below_the_one_it_replaces_even_when_that_is_deleted(server: FakeTelegram) -> None:
    async with chats(server, options()) as (chat,):
        first = await chat.send(notification())
        second = await chat.send(notification(), reply_to=first)
        server.user_deletes(first)
        await chat.send(notification(), reply_to=first)
    assert [it.reply_to for it in server.living(CHAT)] == [first, None]
    assert server.living(CHAT)[0].message_id == second


@pytest.mark.parametrize("complaint", ["BUTTON_DATA_INVALID", "can't parse inline keyboard button: no"])
async def test_buttons_that_telegram_refuses_cost_the_buttons_not_the_message(server: FakeTelegram, complaint: str) -> None:
    server.fail("sendMessage", 400, f"Bad Request: {complaint}")
    async with chats(server, options()) as (chat,):
        await chat.send(notification(buttons=BUTTONS))
    (living,) = server.living(CHAT)
    assert (living.labels, living.text.splitlines()[0]) == ([], "🟡 loss to SIP/6117 5.45%")


async def test_a_picture_hangs_below_its_message_without_a_sound(server: FakeTelegram) -> None:
    async with chats(server, options(thread_id=7), options(chat_id=5, pictures=False)) as (chat, without):
        message_id = await chat.send(notification())
        picture_id = await chat.send_picture(PNG, "SIP/6117 <b>" + "😀" * 600, reply_to=message_id)
        assert (chat.takes_pictures, without.takes_pictures, chat.can_edit) == (True, False, True)
    text, picture = server.living(CHAT)
    assert (picture.message_id, picture.picture, picture.reply_to, picture.thread_id) == (picture_id, PNG, message_id, 7)
    assert picture.text.startswith("SIP/6117 <b>😀")
    assert picture.text.endswith("😀…")
    assert picture.is_silent
    assert not text.is_silent


async def test_lines_in_place_of_a_picture_are_text_without_a_sound(server: FakeTelegram) -> None:
    async with chats(server, options(thread_id=7)) as (chat,):
        message_id = await chat.send(notification())
        await chat.send_picture("loss to it ▁█ max 12%\n<jitter>", "Anna SIP/6117", reply_to=message_id)
    _, lines = server.living(CHAT)
    assert lines.text == "Anna SIP/6117\nloss to it ▁█ max 12%\n<jitter>"
    assert (lines.reply_to, lines.thread_id, lines.is_silent, lines.picture) == (message_id, 7, True, None)


@pytest.mark.parametrize("png", [b"", b"GIF89a", PNG[:16] + b"\0\0\x4e\x20" + PNG[20:]])
async def test_a_picture_that_telegram_refuses_is_a_permanent_failure(server: FakeTelegram, png: bytes) -> None:
    async with chats(server, options()) as (chat,):
        with pytest.raises(NotifyError) as caught:
            await chat.send_picture(png, "", reply_to=1)
    assert caught.value.permanent


async def test_the_full_list_hangs_below_the_message_and_follows_it(server: FakeTelegram) -> None:
    def with_list(content: bytes, mark: str = "🟡") -> Any:
        return notification(content.decode(), mark=mark, attachment=Attachment("peers.txt", content))

    async with chats(server, options(thread_id=7)) as (chat,):
        message_id = await chat.send(with_list(b"14 peers"))
        await server.wait(lambda: len(server.living(CHAT)) == 2)
        await chat.edit(message_id, with_list(b"15 peers"))  # too soon for another file
        (_, document) = server.living(CHAT)
        assert document.document is not None
        assert (document.document.name, document.document.content) == ("peers.txt", b"14 peers")
        assert (document.reply_to, document.thread_id, document.is_silent) == (message_id, 7, True)
        await chat.edit(message_id, with_list(b"16 peers", "🟢"))
        await server.wait(lambda: files(server) == [b"16 peers"])
        text, document = server.living(CHAT)
        assert text.text.startswith("🟢 loss to 16 peers")
        server.user_deletes(document.message_id)
        await chat.edit(message_id, with_list(b"17 peers", "🟢"))
        await server.wait(lambda: files(server) == [b"17 peers"])


async def test_a_message_is_told_while_its_list_is_on_the_way_and_no_stop_tells_it_again(server: FakeTelegram) -> None:
    store = Store()
    await tell(store, None, of_many(60))
    server.stuck.add("sendDocument")
    for _ in range(3):  # a stop and a start, in good order
        async with chats(server, options()) as (chat,), running(store, {"ops": chat}) as dispatcher:
            await server.wait_calls(1, method="sendDocument")
            assert await dispatcher.drain(5)
            assert (dispatcher.waiting, len(server.texts(CHAT))) == (0, 1)
    assert "full list attached" in server.texts(CHAT)[0]


async def test_other_messages_do_not_wait_for_a_list(server: FakeTelegram) -> None:
    server.stuck.add("sendDocument")
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification(attachment=Attachment("peers.txt", b"14 peers")))
        await server.wait_calls(1, method="sendDocument")
        await chat.edit(message_id, notification("SIP/1", attachment=Attachment("peers.txt", b"15 peers")))
        await chat.send(notification("SIP/2", attachment=Attachment("peers.txt", b"16 peers")))
    assert [it.text.splitlines()[0] for it in server.living(CHAT)] == ["🟡 loss to SIP/1 5.45%", "🟡 loss to SIP/2 5.45%"]


async def test_a_list_that_cannot_be_sent_does_not_cost_the_message(
    server: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("sendDocument", 500, "Internal Server Error")
    async with chats(server, options()) as (chat,):
        message_id = await chat.send(notification(attachment=Attachment("peers.txt", b"14 peers")))
        await server.wait_calls(1, method="sendDocument")
        await chat.edit(message_id, notification("SIP/2", attachment=Attachment("peers.txt", b"14 peers")))
        await server.wait(lambda: files(server) == [b"14 peers"])
    assert server.living(CHAT)[0].message_id == message_id
    assert "stays without the newest peers.txt" in caplog.text


async def test_a_pause_that_telegram_asks_for_holds_the_chat_and_no_other(server: FakeTelegram) -> None:
    server.fail("sendMessage", 429, "Too Many Requests: retry after 17", retry_after=17)
    async with chats(server, options(), options(thread_id=7), options(chat_id=5)) as (chat, same, other):
        with pytest.raises(NotifyError):
            await chat.send(notification())
        assert 15 < same.pause_s() <= 17
        assert other.pause_s() == 0
        with pytest.raises(NotifyError, match="wait 17 s") as caught:
            await same.send(notification())
        assert not caught.value.permanent
        assert 15 < (caught.value.retry_after_s or 0) <= 17
        await other.send(notification())
    assert len(server.calls) == 2


async def test_a_group_gets_no_more_than_its_share_of_a_minute(server: FakeTelegram) -> None:
    server.per_chat_per_minute = 3
    given = options(base_url=server.url, min_interval_s=0.0, group_per_minute=3)
    async with chats(server, given) as (chat,):
        message_id = await chat.send(notification())
        await chat.edit(message_id, notification("SIP/2"))
        await chat.edit(message_id, notification("SIP/3"))
        assert 55 < chat.pause_s() <= 60
        with pytest.raises(NotifyError, match="Telegram's limits make the chat"):
            await chat.edit(message_id, notification("SIP/4"))
    assert len(server.calls) == 3


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
        await chat.send(notification())
    assert server.sent[0].chat_id == -100999


async def test_remembered_moves_are_followed_at_the_start(server: FakeTelegram) -> None:
    async with chats(server, options(), **{"_1001234": "-5", "_5": "-6", "_6": "-5"}) as (chat,):
        await chat.send(notification())
    assert server.sent[0].chat_id == -6


async def test_markup_that_telegram_cannot_parse_is_sent_as_plain_text(
    server: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("sendMessage", 400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 3')
    async with chats(server, options()) as (chat,):
        await chat.send(notification())
    (sent,) = server.sent
    assert (sent.parse_mode, sent.text.splitlines()[0]) == (None, "🟡 loss to SIP/6117 5.45%")
    assert "sent as plain text" in caplog.text


async def test_plain_text_is_tried_only_once(server: FakeTelegram) -> None:
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no", times=2)
    assert (await failure(server)).permanent
    assert len(server.calls) == 2


async def test_a_lost_topic_costs_the_topic_not_the_message(server: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    async with chats(server, options(thread_id=99)) as (chat,):
        await chat.send(notification())
        await chat.send(notification())
    assert [sent.thread_id for sent in server.sent] == [None, None]
    assert caplog.text.count("messages for topic 99 go to the chat itself") == 1


async def test_a_lost_topic_and_bad_markup_at_once_still_deliver(server: FakeTelegram) -> None:
    server.fail("sendMessage", 400, "Bad Request: can't parse entities: no")
    async with chats(server, options(thread_id=99)) as (chat,):
        await chat.send(notification())
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
                await chat.send(notification())
            assert (caught.value.permanent, caught.value.retry_after_s) == (False, 300.0)
        await chat.send(notification())
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
            await chat.send(notification())
        assert not caught.value.permanent
        await server.start()
        await chat.send(notification())
    assert len(server.sent) == 1


async def test_an_unknown_host_is_temporary() -> None:
    given = options(base_url="http://no-such-host.invalid", min_interval_s=0.0)
    notifiers = TelegramNotifier.from_options({"ops": given}, show_pbx=False, zone=UTC, remembered={})
    with pytest.raises(NotifyError, match="could not be asked") as caught:
        await notifiers["ops"].send(notification())
    assert not caught.value.permanent
    await notifiers["ops"].close()


async def test_a_proxy_that_is_down_is_temporary_and_its_password_stays_secret(server: FakeTelegram) -> None:
    error = await failure(server, options(proxy=Secret("http://user:hidden@127.0.0.1:1")))
    assert not error.permanent
    assert "hidden" not in "".join(traceback.format_exception(error))


async def test_messages_to_one_chat_keep_their_distance_and_other_chats_do_not_wait(server: FakeTelegram) -> None:
    slow = options(base_url=server.url, min_interval_s=0.3)
    async with chats(server, slow, replace(slow, thread_id=7), replace(slow, chat_id=55)) as (first, same_chat, other):
        await asyncio.gather(*(chat.send(notification()) for chat in (first, same_chat, other)))
    one, two = (sent.at for sent in server.sent if sent.chat_id == CHAT)
    (elsewhere,) = (sent.at for sent in server.sent if sent.chat_id == 55)
    assert two - one >= 0.2
    assert elsewhere < two


async def test_chats_of_one_bot_share_its_connections_until_the_last_is_closed(server: FakeTelegram) -> None:
    given = options(base_url=server.url, min_interval_s=0.0)
    built = TelegramNotifier.from_options({"a": given, "b": replace(given, chat_id=5)}, show_pbx=False, zone=UTC, remembered={})
    await built["a"].close()
    await built["b"].send(notification())
    await built["b"].close()
    assert server.texts(5)


async def test_the_token_is_nowhere_in_logs_and_errors(caplog: pytest.LogCaptureFixture, server: FakeTelegram) -> None:
    caplog.set_level(logging.DEBUG)
    secret = TOKEN.partition(":")[2]
    said: list[str] = [repr(options()), str(options())]
    async with chats(server, options(read_timeout_s=0.2)) as (chat,):
        said.append(repr(chat))
        await chat.send(notification())
        for code, parameters in FAULTS:
            server.fail("sendMessage", code, f"error about bot{TOKEN}", **parameters)
        server.fail("sendMessage", 200, body=f"<html>the page /bot{TOKEN}/sendMessage was not found</html>")
        server.fail("sendMessage", 400, f"Bad Request: can't parse entities: {TOKEN}")
        for _ in range(len(FAULTS) + 1):
            said += await _what_is_said(chat)
        await chat.send(notification())
        server.hang_after_accepting = 1
        said += await _what_is_said(chat)
        await server.stop()
        said += await _what_is_said(chat)
    assert len(said) >= 3 + 2 * (len(FAULTS) + 3)
    for text in [*said, caplog.text, *(str(record.__dict__) for record in caplog.records)]:
        assert secret not in text


async def _what_is_said(chat: TelegramNotifier) -> list[str]:
    with pytest.raises(NotifyError) as caught:
        await chat.send(notification())
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
    await notifiers["ops"].send(notification())
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
