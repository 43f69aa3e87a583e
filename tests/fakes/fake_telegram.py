"""A Telegram Bot API server for tests: real HTTP on loopback, strict about what the real server is strict about.

In a test::

    async with FakeTelegram() as server:
        server.fail("sendMessage", 429, "Too Many Requests: retry after 3", retry_after=3)
        ...                                  # talk to server.url
        assert [it.text for it in server.living(chat_id)] == ["..."]
        told = await server.user_presses(message_id, user_id, "Acknowledge")
        answer = await server.user_asks(chat_id, user_id, "/status")

As a process, for tests that start a real daemon::

    python -m tests.fakes.fake_telegram --port 8081 --log calls.jsonl

It prints its URL, and writes one JSON line for every API call that succeeded (polls excepted), before answering it: whatever a
client was told "ok" about is in the log, even when that client is killed the next moment.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from aiohttp import web

from tests.fakes import telegram_messages as accept
from tests.fakes.telegram_messages import ANSWER_LIMIT_UTF16, ApiError, Living, Message, Upload, bad

TOKEN: Final = "123456:TEST-token_of_the_fake"
BOT_NAME: Final = "fake_bot"
_BOT: Final = {"id": 123456, "is_bot": True, "first_name": "Fake", "username": BOT_NAME}
_BOT_RIGHTS: Final = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content and "
    "reply markup of the message"
)
_OTHER_POLL: Final = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK: Final = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came, whatever became of it; ``at`` is the event loop's time."""

    at: float
    method: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """One text message as it was accepted; ``text`` is what its readers saw at first."""

    at: float
    message_id: int
    chat_id: int
    thread_id: int | None
    text: str
    raw: str
    parse_mode: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody who pressed a button is told at once."""

    text: str
    is_alert: bool


@dataclass(slots=True)
class _Fault:
    """An answer prepared by a test; ``chat_id`` None matches every chat."""

    code: int
    description: str
    parameters: Mapping[str, int]
    body: str | None
    chat_id: int | None


@dataclass(slots=True)
class FakeTelegram:
    """The server; ``calls`` holds every request, ``sent`` every accepted text message, in order.

    A test may set: ``moved`` (old to new chat), ``blocked`` chats, ``chats`` (more of what getChat says, by id; None: there is
    no such chat), ``members`` (what getChatMember says of the bot, by chat), messages that are ``too_old`` to be edited, a
    ``webhook``, limits (``per_chat_per_minute``, ``per_second``), and how many requests get no answer: of those that send or
    edit ``hang_after_accepting``, of getUpdates ``deaf_polls``, of methods that are ``stuck`` all.  ``is_newer``: answers to
    those that send or edit hold what the library cannot read.
    """

    token: str = TOKEN
    threads: frozenset[int] = frozenset({7})
    log: TextIO | None = None
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    too_old: set[int] = field(default_factory=set)
    chats: dict[int, Mapping[str, object] | None] = field(default_factory=dict)
    members: dict[int, Mapping[str, object]] = field(default_factory=dict)
    webhook: str = ""
    per_chat_per_minute: int | None = None
    per_second: int | None = None
    hang_after_accepting: int = 0
    deaf_polls: int = 0
    stuck: set[str] = field(default_factory=set)
    is_newer: bool = False
    menus: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # by language code, "" for all others
    _messages: dict[int, Message] = field(default_factory=dict)
    _updates: list[dict[str, object]] = field(default_factory=list)
    _presses: dict[str, Told | None] = field(default_factory=dict)
    _polls: int = 0
    _spent: dict[int | None, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _faults: dict[str, list[_Fault]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    _update_ids: Any = field(default_factory=lambda: itertools.count(1000))
    _runner: web.AppRunner | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; a second start after ``stop`` uses the same port."""
        application = web.Application(client_max_size=60 << 20)
        application.router.add_route("*", "/bot{token}/{method}", self._answer)
        # Handlers of aborted requests must end with them, or a hanging one would outlive its test.
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- what a test may do and see

    def fail(
        self,
        method: str,
        code: int,
        description: str = "",
        *,
        times: int = 1,
        body: str | None = None,
        chat_id: int | None = None,
        **parameters: int,
    ) -> None:
        """Answer the next ``times`` calls of ``method`` with this; ``body`` replaces the JSON altogether."""
        self._faults.setdefault(method, []).extend(_Fault(code, description, parameters, body, chat_id) for _ in range(times))

    def forgive(self) -> None:
        """Drop all prepared answers that were not given yet."""
        self._faults.clear()

    def texts(self, chat_id: int) -> list[str]:
        """Return the text messages of a chat as they were sent, oldest first; ``living`` shows what became of them."""
        return [message.text for message in self.sent if message.chat_id == chat_id]

    def living(self, chat_id: int) -> list[Living]:
        """Return what a reader of the chat finally sees of the bot, oldest first: texts, buttons, pictures, files."""
        return [it.living() for it in self._messages.values() if it.chat_id == chat_id and it.is_of_bot]

    def user_deletes(self, message_id: int) -> None:
        """Somebody deletes a message."""
        del self._messages[message_id]

    async def becomes_supergroup(self, chat_id: int, new_chat_id: int) -> None:
        """The one group there is becomes a supergroup, which counts its messages from 1 again; older ones stay as they are."""
        self.moved[chat_id] = new_chat_id
        self._messages = {-message_id: message for message_id, message in self._messages.items()}
        group = {"id": chat_id, "type": "group", "title": "Ops"}
        await self.update(message={"message_id": 1000, "date": 0, "chat": group, "migrate_to_chat_id": new_chat_id})
        self._ids = itertools.count(1)

    async def user_says(
        self,
        chat_id: int,
        user_id: int,
        text: str,
        *,
        thread_id: int | None = None,
        ago_s: float = 0.0,
        extra: Mapping[str, object] | None = None,
    ) -> int:
        """Somebody writes into a chat; return the id of the message.  ``extra`` are more fields of it."""
        user = _user(user_id)
        said = Message(next(self._ids), chat_id, thread_id, user, int(time.time() - ago_s), text)
        self._messages[said.message_id] = said
        await self.update(message={**said.as_json(), **(extra or {})})
        return said.message_id

    async def user_asks(
        self, chat_id: int, user_id: int, text: str, *, thread_id: int | None = None, timeout_s: float = 5.0
    ) -> Living:
        """Somebody writes, and waits for the bot to reply; raises TimeoutError when it does not."""
        message_id = await self.user_says(chat_id, user_id, text, thread_id=thread_id)
        return (await self.wait_replies(message_id, timeout_s=timeout_s))[0]

    async def user_presses(self, message_id: int, user_id: int, button: str, *, timeout_s: float = 5.0) -> Told:
        """Somebody presses a button, by its label or data, and waits for what the thumb is told.

        Raises KeyError when the message has no such button, TimeoutError when nothing is told.
        """
        press_id = await self._press(message_id, user_id, button)
        await self.wait(lambda: self._presses[press_id] is not None, timeout_s)
        told = self._presses[press_id]
        assert told is not None
        return told

    async def user_pressed(self, message_id: int, user_id: int, button: str) -> None:
        """Somebody pressed a button so long ago that no answer is taken any more."""
        del self._presses[await self._press(message_id, user_id, button)]

    async def _press(self, message_id: int, user_id: int, button: str) -> str:
        message = self._messages[message_id]
        data = next((data for row in message.keyboard for label, data in row if button in (label, data)), None)
        if data is None:
            raise KeyError(f"no button {button!r} below {message.text!r}: {message.keyboard}")
        press_id = f"press{next(self._ids)}"
        self._presses[press_id] = None
        query = {"id": press_id, "from": _user(user_id), "chat_instance": "1", "message": message.as_json(), "data": data}
        await self.update(callback_query=query)
        return press_id

    async def update(self, **content: object) -> int:
        """Something happened that the bot should hear of; return the id of the update."""
        update_id: int = next(self._update_ids)
        async with self._changed:
            self._updates.append({"update_id": update_id, **content})
            self._changed.notify_all()
        return update_id

    @property
    def unconfirmed(self) -> int:
        """How many updates the bot has not confirmed."""
        return len(self._updates)

    async def wait(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Return as soon as the condition holds after some request; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def wait_sent(self, count: int, timeout_s: float = 5.0) -> list[Sent]:
        """Return the text messages as soon as there are at least ``count``; raises TimeoutError otherwise."""
        await self.wait(lambda: len(self.sent) >= count, timeout_s)
        return list(self.sent)

    async def wait_calls(self, count: int, timeout_s: float = 5.0, method: str | None = None) -> list[Call]:
        """Return the requests (of a method) as soon as there are at least ``count``, accepted or not; or TimeoutError."""

        def found() -> list[Call]:
            return [call for call in self.calls if method in (None, call.method)]

        await self.wait(lambda: len(found()) >= count, timeout_s)
        return found()

    async def wait_replies(self, message_id: int, count: int = 1, timeout_s: float = 5.0) -> list[Living]:
        """Return the bot's replies to a message as soon as there are at least ``count``; raises TimeoutError otherwise."""

        def found() -> list[Living]:
            return [it.living() for key, it in self._messages.items() if key > 0 and it.reply_to == message_id]

        await self.wait(lambda: len(found()) >= count, timeout_s)
        return found()

    # --- the server

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        is_stuck = method in self.stuck  # its files are left where they are
        params, files = ({}, {}) if is_stuck else await _params(request)
        async with self._changed:
            self.calls.append(Call(asyncio.get_running_loop().time(), method, params))
            self._changed.notify_all()
        if is_stuck:
            await asyncio.Event().wait()
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            fault = self._take_fault(method, params)
            if fault is not None:
                if fault.body is not None:
                    return web.Response(status=fault.code, text=fault.body, content_type="text/html")
                raise ApiError(fault.code, fault.description, fault.parameters)
            result = await self._call(method, params, files)
        except ApiError as error:
            answer: dict[str, object] = {"ok": False, "error_code": error.code, "description": error.description}
            if error.parameters:
                answer["parameters"] = dict(error.parameters)
            return web.json_response(answer, status=error.code)
        if self.is_newer and isinstance(result, dict) and method in _TO_CHATS:
            result = {**result, "entities": [{"type": "of the future"}]}
        self._write_log(method, params, result)
        async with self._changed:
            self._changed.notify_all()
        if self.hang_after_accepting > 0 and method in _TO_CHATS:
            self.hang_after_accepting -= 1
            await asyncio.Event().wait()
        return web.json_response({"ok": True, "result": result})

    def _take_fault(self, method: str, params: Mapping[str, str]) -> _Fault | None:
        faults = self._faults.get(method, [])
        for index, fault in enumerate(faults):
            if fault.chat_id is None or str(fault.chat_id) == params.get("chat_id"):
                return faults.pop(index)
        return None

    async def _call(self, method: str, params: Mapping[str, str], files: Mapping[str, Upload]) -> object:
        if method in _TO_CHATS:
            return _TO_CHATS[method](self, params, files, self._chat(params)).as_json()
        match method:
            case "getMe":
                return {**_BOT, **_BOT_RIGHTS}
            case "getUpdates":
                return await self._poll(params)
            case "answerCallbackQuery":
                return self._answer_press(params)
            case "getChat":
                return self._describe(self._chat(params))
            case "getChatMember":
                return {"user": _BOT, "status": "member", **self.members.get(self._chat(params), {})}
            case "sendChatAction":
                self._chat(params)
                thread = params.get("message_thread_id")
                if thread is not None and accept.integer(thread, "message thread not found") not in self.threads:
                    raise bad("message thread not found")
                return True
            case "setMyCommands":
                self.menus[params.get("language_code", "")] = accept.menu(params)
                return True
            case "getWebhookInfo":
                return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self._updates)}
            case "deleteWebhook":
                self.webhook = ""
                if params.get("drop_pending_updates") in ("true", "True"):
                    self._updates.clear()
                return True
            case _:
                raise ApiError(404, "Not Found: method not found")

    async def _poll(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """Long polling: confirm what is before the offset; a newer poll ends an older one."""
        if self.webhook:
            raise ApiError(409, _WEBHOOK)
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        allowed = {"update_id", *json.loads(params.get("allowed_updates", "[]"))}
        async with self._changed:
            self._polls += 1
            me = self._polls
            kept = self._updates[offset:] if offset < 0 else [it for it in self._updates if int(str(it["update_id"])) >= offset]
            self._updates[:] = [it for it in kept if len(allowed) == 1 or set(it) <= allowed]
            self._changed.notify_all()
            if self.deaf_polls > 0:
                self.deaf_polls -= 1
                await self._changed.wait_for(lambda: False)
            try:
                async with asyncio.timeout(float(params.get("timeout", 0))):
                    await self._changed.wait_for(lambda: self._updates or self._polls != me)
            except TimeoutError:
                pass
            if self._polls != me:
                raise ApiError(409, _OTHER_POLL)
            return self._updates[:limit]

    def _answer_press(self, params: Mapping[str, str]) -> bool:
        press_id, text = params.get("callback_query_id", ""), params.get("text", "")
        if press_id not in self._presses:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if accept.units(text) > ANSWER_LIMIT_UTF16:
            raise bad("MESSAGE_TOO_LONG")
        self._presses[press_id] = Told(text, params.get("show_alert") in ("true", "True"))
        return True

    def _describe(self, chat_id: int) -> dict[str, object]:
        """ChatFullInfo, with the fields that no chat lacks."""
        base = {"id": chat_id, "accent_color_id": 0, "max_reaction_count": 11}
        gifts = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), True
        )
        kind = {"type": "private", "first_name": "Anna"} if chat_id > 0 else {"type": "supergroup", "title": "Ops"}
        return {**base, "accepted_gift_types": gifts, **kind, **(self.chats.get(chat_id) or {})}

    def _chat(self, params: Mapping[str, str]) -> int:
        chat_id = accept.integer(params.get("chat_id"), "chat not found")
        if self.chats.get(chat_id, {}) is None:
            raise bad("chat not found")
        if chat_id in self.moved:
            new = self.moved[chat_id]
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": new})
        if chat_id in self.blocked:
            raise ApiError(403, "Forbidden: bot was kicked from the supergroup chat")
        return chat_id

    def _send_text(self, params: Mapping[str, str], files: Mapping[str, Upload], chat_id: int) -> Message:
        del files
        text, raw, mode = accept.shown_text(params), params.get("text", ""), params.get("parse_mode")
        message = self._new(params, chat_id, text=text, raw=raw)
        at = asyncio.get_running_loop().time()
        self.sent.append(Sent(at, message.message_id, chat_id, message.thread_id, text, raw, mode))
        return message

    def _send_photo(self, params: Mapping[str, str], files: Mapping[str, Upload], chat_id: int) -> Message:
        picture = accept.picture(files.get("photo"))
        return self._new(params, chat_id, text=accept.shown_text(params, "caption"), picture=picture)

    def _send_document(self, params: Mapping[str, str], files: Mapping[str, Upload], chat_id: int) -> Message:
        document = accept.document(files.get("document"))
        return self._new(params, chat_id, text=accept.shown_text(params, "caption"), document=document)

    def _new(
        self,
        params: Mapping[str, str],
        chat_id: int,
        *,
        text: str,
        raw: str = "",
        picture: bytes | None = None,
        document: Upload | None = None,
    ) -> Message:
        thread = params.get("message_thread_id")
        thread_id = None if thread is None else accept.integer(thread, "message thread not found")
        if thread_id is not None and thread_id not in self.threads:
            raise bad("message thread not found")
        answered = accept.wanted_reply(params)
        in_chat = answered in self._messages and self._messages[answered].chat_id == chat_id
        reply_to = accept.replied_to(params, in_chat)
        keyboard = accept.keyboard(params)
        self._spend(chat_id)
        message = Message(
            next(self._ids),
            chat_id,
            thread_id,
            _BOT,
            int(time.time()),
            text,
            raw=raw,
            keyboard=keyboard,
            picture=picture,
            document=document,
            reply_to=reply_to,
            is_silent=params.get("disable_notification") in ("true", "True"),
        )
        self._messages[message.message_id] = message
        return message

    def _edit_text(self, params: Mapping[str, str], files: Mapping[str, Upload], chat_id: int) -> Message:
        del files
        message = self._editable(params, chat_id)
        if message.picture is not None or message.document is not None:
            raise bad("there is no text in the message to edit")
        text, raw, keyboard = accept.shown_text(params), params.get("text", ""), accept.keyboard(params)
        if (message.text, message.raw, message.keyboard) == (text, raw, keyboard):
            raise bad(_NOT_MODIFIED)
        self._spend(chat_id)
        message.history.append(message.text)
        message.text, message.raw, message.keyboard = text, raw, keyboard
        return message

    def _edit_media(self, params: Mapping[str, str], files: Mapping[str, Upload], chat_id: int) -> Message:
        message = self._editable(params, chat_id)
        if message.document is None:
            raise bad("there is no media in the message to edit")
        document = accept.document(accept.media(params, files))
        if message.document == document:
            raise bad(_NOT_MODIFIED)
        self._spend(chat_id)
        message.document = document
        return message

    def _editable(self, params: Mapping[str, str], chat_id: int) -> Message:
        message = self._messages.get(accept.integer(params.get("message_id"), "MESSAGE_ID_INVALID"))
        if message is None or message.chat_id != chat_id:
            raise bad("message to edit not found")
        if not message.is_of_bot or message.message_id in self.too_old:
            raise bad("message can't be edited")
        return message

    def _spend(self, chat_id: int) -> None:
        """Keep the limits that a test has set; an edit counts as a message."""
        now = asyncio.get_running_loop().time()
        for key, limit, seconds in ((chat_id, self.per_chat_per_minute, 60.0), (None, self.per_second, 1.0)):
            spent = self._spent[key]
            while spent and now - spent[0] >= seconds:
                spent.popleft()
            if limit is not None and len(spent) >= limit:
                wait_s = int(seconds - (now - spent[0])) + 1
                raise ApiError(429, f"Too Many Requests: retry after {wait_s}", {"retry_after": wait_s})
            spent.append(now)

    def _write_log(self, method: str, params: Mapping[str, str], result: object) -> None:
        if self.log is not None and method != "getUpdates":
            line = {"at": time.time(), "method": method, "params": dict(params), "result": result}
            self.log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.log.flush()


_TO_CHATS: Final[Mapping[str, Callable[[FakeTelegram, Mapping[str, str], Mapping[str, Upload], int], Message]]] = {
    "sendMessage": FakeTelegram._send_text,
    "sendPhoto": FakeTelegram._send_photo,
    "sendDocument": FakeTelegram._send_document,
    "editMessageText": FakeTelegram._edit_text,
    "editMessageMedia": FakeTelegram._edit_media,
}


def _user(user_id: int) -> dict[str, object]:
    return {"id": user_id, "is_bot": False, "first_name": f"User{user_id}"}


async def _params(request: web.Request) -> tuple[dict[str, str], dict[str, Upload]]:
    params, files = dict(request.query), dict[str, Upload]()
    if request.method == "POST":
        if request.content_type == "application/json":
            params.update({key: str(value) for key, value in (await request.json()).items()})
        else:
            try:
                form = await request.post()
            except UnicodeDecodeError as error:
                raise web.HTTPBadRequest(text="Bad Request: strings must be encoded in UTF-8") from error
            for key, value in form.items():
                if isinstance(value, web.FileField):
                    files[key] = Upload(value.filename, value.file.read())
                elif isinstance(value, str):
                    params[key] = value
    return params, files


@asynccontextmanager
async def _logging_to(path: Path | None) -> AsyncIterator[TextIO | None]:
    if path is None:
        yield None
        return
    with path.open("a", encoding="utf-8") as log:
        yield log


async def _serve(port: int, log: Path | None, token: str) -> None:
    async with _logging_to(log) as stream, FakeTelegram(token=token, log=stream, port=port) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A Telegram Bot API server for tests.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the URL is printed")
    parser.add_argument("--log", type=Path, help="one JSON line per successful call is appended here")
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.log, options.token))


if __name__ == "__main__":
    main()
