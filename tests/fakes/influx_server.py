"""An InfluxDB that takes writes as it is told: real HTTP on loopback, versions 1 and 2, for faults no real one has on demand.

In a test::

    async with InfluxServer() as server:
        server.answer(503, {"Retry-After": "1"})   # the next write; 204 when nothing is prepared
        server.slow_s = 0.5                         # before it stores
        server.stall_s = 0.5                        # after it has stored, before it says so
        server.token = "t"                          # no other is let in
        server.buckets["q"] = None                  # by name: seconds that data is kept; writes to others are 404
        server.elsewhere["q"] = 3600                # those of another organisation, which the token sees too
        await server.down()                         # connections are refused
        await server.up()                           # on the same port, with what was stored before
        assert len(server.lines) == 100
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

_OWN = "0" * 16
_OTHER = "f" * 16


class InfluxServer:
    """The server; ``lines`` holds every line of every write that was answered with success, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.writes: list[Mapping[str, str]] = []  # the headers of each
        self.queries: list[str] = []
        self.slow_s = 0.0
        self.stall_s = 0.0
        self.port = 0
        self.token: str | None = None
        self.org = "office"
        self.version = "2.7.0"
        self.buckets: dict[str, int | None] | None = None  # None: there is every one
        self.elsewhere: dict[str, int | None] = {}
        self._answers: deque[tuple[int, Mapping[str, str], str]] = deque()
        self._always: tuple[int, Mapping[str, str], str] | None = None
        self._runner: web.AppRunner | None = None
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: str = "", *, times: int = 1) -> None:
        """Answer the next writes so."""
        self._answers.extend([(status, headers or {}, body)] * times)

    def answer_always(self, status: int, body: str = "") -> None:
        """Answer every write so, until 204 is asked for."""
        self._always = None if status == 204 else (status, {}, body)

    async def wait_lines(self, count: int, timeout_s: float = 20.0) -> None:
        """Wait until so many different lines were taken."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while len(set(self.lines)) < count:
                    self._came.clear()
                    await self._came.wait()
        assert len(set(self.lines)) >= count, f"{len(set(self.lines))} of {count} lines came"

    async def up(self) -> None:
        """Listen, on the port of before."""
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/ping", self._ping)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_get("/api/v2/orgs", self._orgs)
        app.router.add_get("/api/v2/buckets", self._list_buckets)
        app.router.add_post("/api/v2/buckets", self._keep_bucket)
        app.router.add_patch("/api/v2/buckets/{id}", self._keep_bucket)
        app.router.add_post("/write", self._write)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        if not self.port:
            self.port = int(self._runner.addresses[0][1])

    async def down(self) -> None:
        """Refuse connections; what is under way is cut off."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        await self.down()

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(status=204, headers={"X-Influxdb-Version": self.version, "X-Influxdb-Build": "OSS"})

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.token is not None and request.headers.get("Authorization") != f"Token {self.token}":
            return web.json_response({"code": "unauthorized", "message": "unauthorized access"}, status=401)
        if (request.query.get("org") or self.org) != self.org:
            told = {"code": "not found", "message": f'organization name "{request.query["org"]}" not found'}
            return web.json_response(told, status=404)
        return None

    async def _orgs(self, request: web.Request) -> web.Response:
        return self._refused(request) or web.json_response({"orgs": [{"id": _OWN, "name": self.org}]})

    async def _list_buckets(self, request: web.Request) -> web.Response:
        wanted = request.query.get("name")
        everywhere = {**({} if "org" in request.query else {_OTHER: self.elsewhere}), _OWN: self.buckets or {}}
        found = [self._bucket(name, org) for org, names in everywhere.items() for name in names if wanted in {None, name}]
        return self._refused(request) or web.json_response({"buckets": found})

    async def _keep_bucket(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        asked = await request.json()
        assert self.buckets is not None
        org = _OTHER if request.match_info.get("id", "").startswith(_OTHER[0]) else _OWN
        buckets = self.elsewhere if org == _OTHER else self.buckets
        rules = asked["retentionRules"]
        buckets.setdefault(asked["name"], None)
        if rules:  # an empty list leaves them as they are
            buckets[asked["name"]] = rules[0]["everySeconds"]
        return web.json_response(self._bucket(asked["name"], org), status=201 if request.method == "POST" else 200)

    def _bucket(self, name: str, org: str) -> dict[str, object]:
        keep_s = ((self.buckets or {}) if org == _OWN else self.elsewhere).get(name)
        rules = [{"type": "expire", "everySeconds": keep_s}] if keep_s is not None else []
        return {"id": f"{org[0]}{len(name):015}", "orgID": org, "name": name, "retentionRules": rules}

    async def _write(self, request: web.Request) -> web.Response:
        body = await request.read()  # the library has undone gzip
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        await asyncio.sleep(self.slow_s)
        self.writes.append(dict(request.headers))
        self.queries.append(request.query_string)
        if self._answers or self._always:  # what a test wants comes first
            status, headers, text = self._answers.popleft() if self._answers else self._always or (204, {}, "")
            if status != 204:
                self._came.set()
                kind = "text/html" if text.startswith("<") else "application/json"
                return web.Response(status=status, headers=headers, text=text, content_type=kind)
        if refused := self._refused(request):
            return refused
        if self.buckets is not None and (bucket := request.query.get("bucket", "")) not in self.buckets:
            return web.json_response({"code": "not found", "message": f'bucket "{bucket}" not found'}, status=404)
        self.lines += [line for line in body.decode().splitlines() if line and not line.startswith("#")]
        self._came.set()
        await asyncio.sleep(self.stall_s)
        return web.Response(status=204)
