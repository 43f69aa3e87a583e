"""Asterisk's HTTP server with the manager interface, as recorded: sessions by cookie or digest, text or XML, ``WaitEvent``.

Real HTTP on loopback.  What it answers has the headers and the form of the recordings in ``captures/asterisk-20/ajam``; what a
session is, when events are queued for it, and how nonces are renewed is that of ``main/manager.c``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from tests.fakes.scripted_manager import DEFAULTS, UNKNOWN, Action, Reply

SERVER = "Asterisk/20.20.1"
DENIED = "Response: Error\nMessage: Permission denied\n\n"
_DIGEST = re.compile(r'(\w+)="?([^",]+)"?')


@dataclass
class Session:
    """One HTTP session and what is queued for it."""

    id: str
    logged_in: bool = False
    events: list[str] = field(default_factory=list)
    count: int = 0  # the last request of a digest session
    stale: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class AjamServer:
    """``answers`` as of ``ScriptedManager``; ``actions`` is what was asked, headers in lower case."""

    username: str = "qualitywatch"
    secret: str = "qualitywatch"
    answers: dict[str, Reply] = field(default_factory=dict)
    port: int = 0
    actions: list[Action] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    logins: int = 0
    cut_next_events: bool = False  # the next answer with events breaks off in the middle
    started: int = 0
    transports: set[asyncio.Transport] = field(default_factory=set)
    _ids: int = 0x90E086B9

    @property
    def live(self) -> list[Session]:
        """Sessions that have logged in."""
        return [session for session in self.sessions.values() if session.logged_in]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[AjamServer]:
        application = web.Application()
        for path in ("rawman", "mxml", "arawman", "amxml"):
            application.router.add_route("*", f"/{path}", self._serve)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    def say(self, events: str) -> None:
        """Queue events for everybody who is logged in, as LF text or as a recording has them."""
        for session in self.live:
            session.events.append(events.replace("\r\n", "\n"))
            session.more.set()

    def restart(self) -> None:
        """Be restarted: sessions and connections are gone."""
        self.started += 1
        for session in self.sessions.values():
            session.more.set()
        self.sessions.clear()
        for transport in self.transports:
            transport.close()
        self.transports.clear()

    async def asked(self, name: str, times: int = 1, timeout_s: float = 10.0) -> None:
        """Wait until an action was asked that often."""
        async with asyncio.timeout(timeout_s):
            while [action["action"].lower() for action in self.actions].count(name.lower()) < times:
                await asyncio.sleep(0.01)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.transports.add(request.transport)
        pairs = parse_qsl(await request.text() or request.query_string, keep_blank_values=True, errors="surrogateescape")
        action = {name.lower(): value for name, value in pairs}
        headers = {"Server": SERVER, "Cache-Control": "no-cache, no-store"}
        if request.path.startswith("/a"):
            found = self._digest_session(request)
            if isinstance(found, str):
                challenge = f'Digest algorithm=MD5, realm="asterisk", nonce="{found}", qop="auth", opaque="{found}"'
                stale = ", stale=true" if found in self.sessions else ""
                return web.Response(
                    status=401, headers={**headers, "WWW-authenticate": challenge + stale}, text="<html></html>"
                )
            session = found
        else:
            cookie = (request.headers.get("Cookie") or "").partition("=")[2].strip('"')
            session = self.sessions.get(cookie) or self._new_session()
            headers |= {"Set-Cookie": f'mansession_id="{session.id}"; Version=1; Max-Age=60', "Pragma": "SuppressEvents"}
        self.actions.append(action)
        text = await self._answer(action, session)
        is_xml = request.path.endswith("mxml")
        body = (as_xml(text) if is_xml else text.replace("\n", "\r\n")).encode("utf-8", "surrogateescape")
        response = web.Response(body=body, headers={**headers, "Content-type": f"text/{'xml' if is_xml else 'plain'}"})
        if self.cut_next_events and "Timestamp:" in text and action["action"] == "WaitEvent":
            self.cut_next_events = False
            broken = web.StreamResponse(headers={**headers, "Content-Length": str(len(body))})
            await broken.prepare(request)
            await broken.write(body[: len(body) // 2])
            request.transport.abort()
            return broken
        return response

    async def _answer(self, action: Action, session: Session) -> str:
        name, action_id = action["action"].lower(), action.get("actionid", "")
        id_line = f"ActionID: {action_id}\n" if action_id else ""
        if name == "challenge":
            return f"Response: Success\n{id_line}Challenge: 564834658\n\n"
        if name == "login":
            key = hashlib.md5(f"564834658{self.secret}".encode(), usedforsecurity=False).hexdigest()
            if action.get("username") != self.username or (action.get("secret"), action.get("key")) not in {
                (self.secret, None),
                (None, key),
            }:
                return f"Response: Error\n{id_line}Message: Authentication failed\n\n"
            session.logged_in = True
            self.logins += 1
            booted = "Event: FullyBooted\nPrivilege: system,all\nUptime: 24\nLastReload: 24\nStatus: Fully Booted\n\n"
            return f"Response: Success\n{id_line}Message: Authentication accepted\n\n{booted}"
        if not session.logged_in:
            return DENIED
        if name == "corestatus":
            return f"Response: Success\n{id_line}CoreStartupDate: 2026-11-23\nCoreStartupTime: 09:17:{self.started:02}\n\n"
        if name == "logoff":
            self.sessions.pop(session.id, None)
        if name == "waitevent":
            return await self._wait(float(action["timeout"]), session)
        reply = {**DEFAULTS, **self.answers}.get(name, UNKNOWN)
        text = reply(action) if callable(reply) else reply
        return text.replace("{id}", action_id).replace("{name}", action["action"])

    async def _wait(self, timeout_s: float, session: Session) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not session.events and session.id in self.sessions:
                    session.more.clear()
                    await session.more.wait()
        if session.id not in self.sessions:
            return DENIED
        events, session.events = "".join(session.events), []
        return f"Response: Success\nMessage: Waiting for Event completed.\n\n{events}Event: WaitEventComplete\n\n\n"

    def _new_session(self) -> Session:
        self._ids += 1
        session = self.sessions[f"{self._ids:08x}"] = Session(f"{self._ids:08x}")
        return session

    def _digest_session(self, request: web.Request) -> Session | str:
        """The session of a request, or the nonce it has to be asked again with."""
        said = dict(_DIGEST.findall(request.headers.get("Authorization", "")))
        nonce = said.get("nonce", "")
        if not nonce or said.get("username") != self.username or said["response"] != self._response(request.method, said):
            self._ids += 1
            return f"{self._ids:08x}"
        session = self.sessions.get(nonce)
        if session is None:
            session = self.sessions[nonce] = Session(nonce, logged_in=True)
            self.logins += 1
        if session.stale or int(said["nc"], 16) <= session.count:
            session.stale, session.count = False, 0
            del self.sessions[nonce]
            self._ids += 1
            session.id = f"{self._ids:08x}"
            self.sessions[session.id] = session
            return session.id
        session.count = int(said["nc"], 16)
        return session

    def _response(self, method: str, said: Mapping[str, str]) -> str:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        secret = md5(f"{self.username}:asterisk:{self.secret}")
        what = md5(f"{method}:{said['uri']}")
        return md5(f"{secret}:{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}:{what}")


def as_xml(text: str) -> str:
    """Frames as ``xml_translate`` writes them."""
    lines = []
    for frame in text.split("\n\n"):
        counts: dict[str, int] = {}
        attributes = []
        for name, _, value in (line.partition(":") for line in frame.strip("\n").split("\n") if line):
            plain = name.lower()
            counts[plain] = counts.get(plain, 0) + 1
            key = plain if counts[plain] == 1 else f"{plain}-{counts[plain]}"
            quoted = escape(value.strip(), {"'": "&apos;", '"': "&quot;"})
            attributes.append(f"{key}='{quoted}'")
        if attributes:
            lines.append(f"<response type='object' id='unknown'><generic {' '.join(attributes)} /></response>")
    return "<ajax-response>\n" + "\n".join(lines) + "\n</ajax-response>\n"
