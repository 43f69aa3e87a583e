"""A receiver of web hooks for tests: real HTTP on loopback, remembers what came, answers as it was told.

In a test::

    async with WebhookServer() as server:
        server.answer(503, {"Retry-After": "30"})   # the next request; 200 when nothing is prepared
        ...                                         # post to server.url
        (request,) = server.requests
        assert request.signed_with("key")
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    def signed_with(self, key: str) -> bool:
        """Check the signature as a receiver does it."""
        signed = self.headers["X-Qualitywatch-Timestamp"].encode() + b"." + self.body
        expected = "sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, self.headers.get("X-Qualitywatch-Signature", ""))


@dataclass(slots=True)
class WebhookServer:
    """The receiver; ``requests`` holds every request, in order."""

    requests: list[Received] = field(default_factory=list)
    hangs: bool = False
    port: int = 0
    _answers: deque[tuple[int, Mapping[str, str], str]] = field(default_factory=deque)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        """Prepare the answer to one request; several are given in turn."""
        self._answers.append((status, headers or {}, body))

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(Received(request.method, request.path_qs, dict(request.headers), body))
        if self.hangs:
            await asyncio.Event().wait()
        status, headers, text = self._answers.popleft() if self._answers else (200, {}, "")
        return web.Response(status=status, headers=headers, text=text)
