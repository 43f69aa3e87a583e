"""The fake server is judged too: a test double that accepts what the real one refuses proves nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes import telegram_messages
from tests.fakes.fake_telegram import TOKEN, FakeTelegram, Told
from tests.fakes.telegram_html import visible_text
from tests.fakes.telegram_messages import ApiError, Upload
from tests.notify.told import PNG


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain > \"quoted\" 'text'", "plain > \"quoted\" 'text'"),
        ("<b>a <i>b</i></b> &lt;&amp;&gt;&quot;", 'a b <&>"'),
        ("&nbsp; &#65; &#x41; &amp;amp; & &;", "&nbsp; A A &amp; & &;"),
        ('<a href="http://h/?a=1&amp;b">x</a>', "x"),
    ],
)
def test_good_html_is_shown_without_its_markup(text: str, shown: str) -> None:
    assert visible_text(text) == shown


@pytest.mark.parametrize(
    "text", ["<", "a < b", "<sip:100@10.0.0.1>", "<b>", "</b>", "<b><i></b></i>", "<script>x</script>", "<b", "<!-- -->"]
)
def test_bad_html_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        visible_text(text)


def keyboard(*rows: object) -> str:
    return json.dumps({"inline_keyboard": rows})


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"chat_id": "x"}, "chat not found"),
    ({"text": " "}, "message text is empty"),
    ({"text": "😀" * 2049}, "message is too long"),
    ({"text": "<x>", "parse_mode": "HTML"}, "can't parse entities: Unsupported start tag"),
    ({"message_thread_id": "8"}, "message thread not found"),
    ({"reply_parameters": '{"message_id": 99}'}, "message to be replied not found"),
    ({"reply_markup": keyboard([{"text": "a", "callback_data": "я" * 33}])}, "BUTTON_DATA_INVALID"),
    ({"reply_markup": keyboard([{"text": "a", "callback_data": ""}])}, "BUTTON_DATA_INVALID"),
    ({"reply_markup": keyboard([{"text": "a"}])}, "can't parse inline keyboard button: Text buttons are unallowed"),
    ({"reply_markup": keyboard([{"text": " ", "callback_data": "x"}])}, "can't parse inline keyboard button: Text must be"),
    ({"reply_markup": keyboard([{"text": "a", "callback_data": "x"}] * 9)}, "reply markup is too long"),
    ({"reply_markup": "{"}, "can't parse reply_markup JSON object"),
]


@asynccontextmanager
async def asking(server: FakeTelegram) -> AsyncIterator[Callable[..., Coroutine[Any, Any, Any]]]:
    """Call methods by name; the description of an error, or the result."""
    async with aiohttp.ClientSession() as client:

        async def ask(method: str, **params: object) -> Any:
            form = aiohttp.FormData()
            for name, value in params.items():
                is_file = isinstance(value, bytes)
                form.add_field(name, value if is_file else str(value), filename="f.bin" if is_file else None)
            body = await (await client.post(f"{server.url}/bot{TOKEN}/{method}", data=form)).json()
            return body["result"] if body["ok"] else body["description"].removeprefix("Bad Request: ")

        yield ask


@pytest.mark.parametrize(("params", "description"), REFUSED)
async def test_the_server_refuses_what_the_real_one_refuses(params: dict[str, str], description: str) -> None:
    async with FakeTelegram() as server, asking(server) as ask:
        assert (await ask("sendMessage", **{"chat_id": 5, "text": "a", **params})).startswith(description)
        assert not server.sent
        assert not server.living(5)
        message_id = (await ask("sendMessage", chat_id=5, text="a"))["message_id"]
        if not {"message_thread_id", "reply_parameters", "chat_id"} & params.keys():  # what an edit does not have
            told = await ask("editMessageText", **{"chat_id": 5, "text": "b", "message_id": message_id, **params})
            assert told.startswith(description)
        assert [it.text for it in server.living(5)] == ["a"]


async def test_strangers_and_unknown_methods_are_turned_away() -> None:
    async with FakeTelegram() as server, aiohttp.ClientSession() as client:
        assert (await client.get(f"{server.url}/bot1:wrong/getMe")).status == 401
        assert (await client.get(f"{server.url}/bot{TOKEN}/noSuchMethod")).status == 404
        assert (await (await client.get(f"{server.url}/bot{TOKEN}/getMe")).json())["result"]["is_bot"] is True


async def test_edits_are_as_strict_as_the_real_ones_and_leave_a_history() -> None:
    async with FakeTelegram() as server, asking(server) as ask:
        edit = partial(ask, "editMessageText", chat_id=5)
        message_id = (await ask("sendMessage", chat_id=5, text="<b>a</b>", parse_mode="HTML"))["message_id"]
        assert (await edit(message_id=message_id, text="<b>a</b>", parse_mode="HTML")).startswith("message is not modified")
        assert (await edit(message_id=message_id, text="b", reply_markup=keyboard([{"text": "x", "callback_data": "1"}])))[
            "text"
        ]
        assert (await edit(message_id=message_id, text="b"))["edit_date"]
        (living,) = server.living(5)
        assert (living.text, living.buttons, living.history) == ("b", (), ("a", "b"))
        assert await edit(message_id=77, text="b") == "message to edit not found"
        assert await ask("editMessageText", chat_id=6, message_id=message_id, text="c") == "message to edit not found"
        server.too_old.add(message_id)
        assert await edit(message_id=message_id, text="c") == "message can't be edited"
        of_user = await server.user_says(5, 1, "hello")
        assert await edit(message_id=of_user, text="c") == "message can't be edited"
        server.user_deletes(message_id)
        assert await edit(message_id=message_id, text="c") == "message to edit not found"
        assert server.living(5) == []


async def test_pictures_and_files_must_be_what_they_are_called() -> None:
    async with FakeTelegram() as server, asking(server) as ask:
        assert await ask("sendPhoto", chat_id=5) == "there is no photo in the request"
        assert await ask("sendPhoto", chat_id=5, photo=b"") == "file must be non-empty"
        assert await ask("sendPhoto", chat_id=5, photo=b"text") == "IMAGE_PROCESS_FAILED"
        assert await ask("sendPhoto", chat_id=5, photo=PNG, caption="x" * 1025) == "message caption is too long"
        photo = await ask("sendPhoto", chat_id=5, photo=PNG, caption="x" * 1024)
        assert await ask("sendDocument", chat_id=5, document=b"") == "file must be non-empty"
        reply = json.dumps({"message_id": photo["message_id"]})
        assert (await ask("sendDocument", chat_id=5, document=b"all", reply_parameters=reply))["document"]["file_size"] == 3
        picture, document = server.living(5)
        assert (picture.picture, len(picture.text)) == (PNG, 1024)
        assert document.reply_to == picture.message_id
        assert (await ask("editMessageText", chat_id=5, message_id=picture.message_id, text="x")).startswith("there is no text")


def test_a_picture_must_not_be_larger_than_ten_megabytes() -> None:
    for size, accepted in ((10 << 20, True), ((10 << 20) + 1, False)):
        upload = Upload("chart.png", PNG.ljust(size, b"\0"))
        if accepted:
            assert len(telegram_messages.picture(upload)) == size
        else:
            with pytest.raises(ApiError, match="Request Entity Too Large"):
                telegram_messages.picture(upload)


async def test_limits_are_kept_when_a_test_sets_them() -> None:
    async with FakeTelegram(per_chat_per_minute=2, per_second=3) as server, asking(server) as ask:
        for chat, accepted in ((5, True), (5, True), (5, False), (6, True), (7, False)):
            answer = await ask("sendMessage", chat_id=chat, text="a")
            assert isinstance(answer, dict) == accepted, answer
            assert accepted or answer.startswith("Too Many Requests: retry after")
        assert [sent.chat_id for sent in server.sent] == [5, 5, 6]


async def test_updates_wait_until_they_are_confirmed() -> None:
    async with FakeTelegram() as server, asking(server) as ask:
        assert await ask("getUpdates") == []
        await server.user_says(5, 1, "one")
        await server.update(edited_message={})
        await server.user_says(5, 1, "two")
        allowed = json.dumps(["message", "callback_query"])
        got = await ask("getUpdates", timeout=5, allowed_updates=allowed)
        assert [it["message"]["text"] for it in got] == ["one", "two"]
        assert await ask("getUpdates", allowed_updates=allowed) == got
        assert await ask("getUpdates", offset=got[0]["update_id"] + 1) == got[1:]
        assert server.unconfirmed == 1
        assert await ask("getUpdates", offset=got[1]["update_id"] + 1) == []
        server.webhook = "https://example.com/hook"
        assert "webhook is active" in await ask("getUpdates")
        assert (await ask("getWebhookInfo"))["url"] == "https://example.com/hook"
        assert await ask("deleteWebhook", drop_pending_updates=True) is True
        assert await ask("getUpdates") == []


async def test_a_newer_poll_ends_an_older_one_and_what_is_said_ends_the_wait() -> None:
    async with FakeTelegram() as server, asking(server) as ask, asyncio.TaskGroup() as group:
        older = group.create_task(ask("getUpdates", timeout=30))
        await server.wait_calls(1)
        newer = group.create_task(ask("getUpdates", timeout=30))
        assert (await older).startswith("Conflict: terminated by other getUpdates request")
        await server.user_says(5, 1, "hello")
        assert [it["message"]["text"] for it in await newer] == ["hello"]


async def test_a_press_is_told_what_the_bot_answers() -> None:
    async with FakeTelegram() as server, asking(server) as ask, asyncio.TaskGroup() as group:
        markup = keyboard([{"text": "Mute", "callback_data": "mute:1"}])
        message_id = (await ask("sendMessage", chat_id=5, text="a", reply_markup=markup))["message_id"]
        with pytest.raises(KeyError, match="no button 'Ack'"):
            await server.user_presses(message_id, 1, "Ack")
        pressing = group.create_task(server.user_presses(message_id, 1, "Mute"))
        (update,) = await ask("getUpdates", timeout=5)
        query = update["callback_query"]
        assert (query["data"], query["from"]["id"], query["message"]["message_id"]) == ("mute:1", 1, message_id)
        assert await ask("answerCallbackQuery", callback_query_id=query["id"], text="x" * 201) == "MESSAGE_TOO_LONG"
        assert (await ask("answerCallbackQuery", callback_query_id="0")).startswith("query is too old")
        assert await ask("answerCallbackQuery", callback_query_id=query["id"], text="muted", show_alert="true") is True
        assert await pressing == Told("muted", is_alert=True)


async def test_menus_are_checked_and_kept_by_language() -> None:
    async with FakeTelegram() as server, asking(server) as ask:
        for command, description, complaint in (("Status", "x", "BOT_COMMAND_INVALID"), ("a", "", "BOT_COMMAND_DESCRIPTION_I")):
            commands = json.dumps([{"command": command, "description": description}])
            assert (await ask("setMyCommands", commands=commands)).startswith(complaint)
        commands = json.dumps([{"command": "status", "description": "как дела"}])
        assert await ask("setMyCommands", commands=commands, language_code="ru") is True
        assert server.menus == {"ru": (("status", "как дела"),)}


async def test_as_a_process_it_logs_what_it_accepted_before_it_answers(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.fake_telegram", "--log", str(log)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            url = (await process.stdout.readline()).decode().strip()
            for text in ("<b>loss</b> to Анна", "<bad"):
                params = {"chat_id": "-5", "text": text, "parse_mode": "HTML"}
                await client.post(f"{url}/bot{TOKEN}/sendMessage", data=params)
            for text in ("resolved", "resolved"):
                params = {"chat_id": "-5", "text": text, "message_id": "1"}
                await client.post(f"{url}/bot{TOKEN}/editMessageText", data=params)
            await client.get(f"{url}/bot{TOKEN}/getUpdates")
        calls = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        assert [(call["method"], call["params"]["chat_id"], call["result"]["text"]) for call in calls] == [
            ("sendMessage", "-5", "loss to Анна"),
            ("editMessageText", "-5", "resolved"),
        ]
    finally:
        process.kill()
        await process.wait()
