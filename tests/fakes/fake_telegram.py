"""A Telegram Bot API server for tests: real HTTP on loopback, strict about what the real server is strict about.

In a test::

    async with FakeTelegram() as server:
        server.fail("sendMessage", 429, "Too Many Requests: retry after 3", retry_after=3)
        ...                                  # talk to server.url
        assert server.texts(chat_id) == ["..."]

As a process, for tests that start a real daemon::

    python -m tests.fakes.fake_telegram --port 8081 --log calls.jsonl

It prints its URL, and writes one JSON line for every API call that succeeded, before answering it: whatever a client was told
"ok" about is in the log, even when that client is killed the next moment.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from aiohttp import web

from tests.fakes.telegram_html import visible_text

TOKEN: Final = "123456:TEST-token_of_the_fake"
TEXT_LIMIT_UTF16: Final = 4096
_BOT: Final = {"id": 123456, "is_bot": True, "first_name": "Fake", "username": "fake_bot"}
_BOT_RIGHTS: Final = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}


class ApiError(Exception):
    """An answer with ``ok: false``."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came, whatever became of it; ``at`` is the event loop's time."""

    at: float
    method: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was accepted; ``text`` is what its readers see."""

    at: float
    message_id: int
    chat_id: int
    thread_id: int | None
    text: str
    raw: str
    parse_mode: str | None


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
    """The server; ``calls`` holds every request, ``sent`` every accepted message, in order."""

    token: str = TOKEN
    threads: frozenset[int] = frozenset({7})
    log: TextIO | None = None
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    hang_after_accepting: int = 0
    _faults: dict[str, list[_Fault]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1))
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
        application = web.Application()
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
        """Return what the readers of a chat see, oldest first."""
        return [message.text for message in self.sent if message.chat_id == chat_id]

    async def wait_sent(self, count: int, timeout_s: float = 5.0) -> list[Sent]:
        """Return the messages as soon as there are at least ``count``; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.sent) >= count)
        return list(self.sent)

    async def wait_calls(self, count: int, timeout_s: float = 5.0) -> list[Call]:
        """Return the requests as soon as there are at least ``count``, accepted or not; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.calls) >= count)
        return list(self.calls)

    # --- the server

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        params = await _params(request)
        async with self._changed:
            self.calls.append(Call(asyncio.get_running_loop().time(), method, params))
            self._changed.notify_all()
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            fault = self._take_fault(method, params)
            if fault is not None:
                if fault.body is not None:
                    return web.Response(status=fault.code, text=fault.body, content_type="text/html")
                raise ApiError(fault.code, fault.description, fault.parameters)
            result = await self._call(method, params)
        except ApiError as error:
            answer: dict[str, object] = {"ok": False, "error_code": error.code, "description": error.description}
            if error.parameters:
                answer["parameters"] = dict(error.parameters)
            return web.json_response(answer, status=error.code)
        self._write_log(method, params, result)
        if self.hang_after_accepting > 0:
            self.hang_after_accepting -= 1
            await asyncio.Event().wait()
        return web.json_response({"ok": True, "result": result})

    def _take_fault(self, method: str, params: Mapping[str, str]) -> _Fault | None:
        faults = self._faults.get(method, [])
        for index, fault in enumerate(faults):
            if fault.chat_id is None or str(fault.chat_id) == params.get("chat_id"):
                return faults.pop(index)
        return None

    async def _call(self, method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "getMe":
            return {**_BOT, **_BOT_RIGHTS}
        if method == "sendMessage":
            message = self._accept(params)
            async with self._changed:
                self.sent.append(message)
                self._changed.notify_all()
            return _as_json(message)
        raise ApiError(404, "Not Found: method not found")

    def _accept(self, params: Mapping[str, str]) -> Sent:
        chat_id = _integer(params.get("chat_id"), "chat not found")
        if chat_id in self.moved:
            new = self.moved[chat_id]
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": new})
        if chat_id in self.blocked:
            raise ApiError(403, "Forbidden: bot was kicked from the supergroup chat")
        raw, mode = params.get("text", ""), params.get("parse_mode")
        try:
            text = visible_text(raw) if mode == "HTML" else raw
        except ValueError as error:
            raise ApiError(400, f"Bad Request: can't parse entities: {error}") from error
        if not text.strip():
            raise ApiError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > TEXT_LIMIT_UTF16:
            raise ApiError(400, "Bad Request: message is too long")
        thread = params.get("message_thread_id")
        thread_id = None if thread is None else _integer(thread, "message thread not found")
        if thread_id is not None and thread_id not in self.threads:
            raise ApiError(400, "Bad Request: message thread not found")
        at = asyncio.get_running_loop().time()
        return Sent(at, next(self._ids), chat_id, thread_id, text, raw, mode)

    def _write_log(self, method: str, params: Mapping[str, str], result: Mapping[str, object]) -> None:
        if self.log is not None:
            line = {"at": time.time(), "method": method, "params": dict(params), "result": dict(result)}
            self.log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.log.flush()


async def _params(request: web.Request) -> dict[str, str]:
    params = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            params.update({key: str(value) for key, value in (await request.json()).items()})
        else:
            try:
                form = await request.post()
            except UnicodeDecodeError as error:
                raise web.HTTPBadRequest(text="Bad Request: strings must be encoded in UTF-8") from error
            params.update({key: value for key, value in form.items() if isinstance(value, str)})
    return params


def _integer(text: str | None, complaint: str) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise ApiError(400, f"Bad Request: {complaint}") from None


def _as_json(message: Sent) -> dict[str, object]:
    chat: dict[str, object] = (
        {"id": message.chat_id, "type": "private", "first_name": "Reader"}
        if message.chat_id > 0
        else {"id": message.chat_id, "type": "supergroup", "title": "Readers", "is_forum": True}
    )
    result: dict[str, object] = {
        "message_id": message.message_id,
        "date": int(time.time()),
        "chat": chat,
        "from": _BOT,
        "text": message.text,
    }
    if message.thread_id is not None:
        result |= {"message_thread_id": message.thread_id, "is_topic_message": True}
    return result


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
