"""A manager interface under a test's control: a table of answers, and events or faults on command.

Strategy: a real server on loopback.  What it answers is text with LF ends; ``{id}`` becomes the ActionID asked under.  It logs
everybody in unless the table says otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeAlias

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
FULLY_BOOTED = "Event: FullyBooted\nPrivilege: system,all\nUptime: 100\nLastReload: 100\nStatus: Fully Booted\n\n"
ACCEPTED = "Response: Success\nActionID: {id}\nMessage: Authentication accepted\n\n"
UNKNOWN = "Response: Error\nActionID: {id}\nMessage: Invalid/unknown command: {name}. Use Action: ListCommands to show.\n\n"
DENIED = "Response: Error\nActionID: {id}\nMessage: Permission denied\n\n"

Action: TypeAlias = Mapping[str, str]
"""Header names in lower case."""
Reply: TypeAlias = str | Callable[[Action], str]
"""An empty text is no answer at all."""

DEFAULTS: Mapping[str, Reply] = {
    "challenge": "Response: Success\nActionID: {id}\nChallenge: 845581724\n\n",
    "login": ACCEPTED + FULLY_BOOTED,
    "ping": "Response: Success\nActionID: {id}\nPing: Pong\n\n",
    "events": "Response: Success\nActionID: {id}\nEvents: On\n\n",
    "logoff": "Response: Goodbye\nActionID: {id}\nMessage: Thanks for all the fish.\n\n",
}


def wire(text: str) -> bytes:
    """Return a text as it goes over the wire."""
    return text.replace("\n", "\r\n").encode()


def listing(item: str, rows: Sequence[Mapping[str, str]], complete: str) -> str:
    """Return the answer to a list action."""
    head = "Response: Success\nActionID: {id}\nEventList: start\nMessage: a list will follow\n\n"
    body = "".join(
        f"Event: {item}\nActionID: {{id}}\n" + "".join(f"{name}: {value}\n" for name, value in row.items()) + "\n"
        for row in rows
    )
    return f"{head}{body}Event: {complete}\nActionID: {{id}}\nEventList: Complete\nListItems: {len(rows)}\n\n"


class ScriptedManager:
    """Counts and keeps what clients ask; ``sessions`` are the writers of those connected now."""

    def __init__(self, answers: Mapping[str, Reply] | None = None, *, banner: bytes = BANNER) -> None:
        self.answers: dict[str, Reply] = {**DEFAULTS, **(answers or {})}
        self.banner = banner
        self.actions: list[Action] = []
        self.sessions: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.port = 0
        self._news = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedManager]:
        """Serve while the block runs; everything is dropped at its end."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.drop()
            await server.wait_closed()
            await self.until(lambda: not self.sessions)

    def names(self) -> list[str]:
        """Names of the actions asked so far, in order."""
        return [action["action"] for action in self.actions]

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until a condition about this manager holds; raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(condition)

    async def asked(self, name: str, times: int = 1) -> None:
        """Wait until an action was asked that often."""
        await self.until(lambda: self.names().count(name) >= times)

    async def say(self, data: str | bytes) -> None:
        """Write to everybody connected, and wait until it is on its way."""
        for writer in self.sessions:
            writer.write(wire(data) if isinstance(data, str) else data)
            await writer.drain()

    async def drop(self) -> None:
        """Cut every connection."""
        for writer in self.sessions:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions.append(writer)
        self.connections += 1
        await self._tell()
        writer.write(self.banner)
        try:
            while True:
                frame = await reader.readuntil(b"\r\n\r\n")
                pairs = (line.partition(": ") for line in frame.decode().split("\r\n") if line)
                action = {name.lower(): value for name, _, value in pairs}
                self.actions.append(action)
                reply = self.answers.get(action["action"].lower(), UNKNOWN)
                text = reply(action) if callable(reply) else reply
                text = text.replace("{id}", action.get("actionid", "")).replace("{name}", action["action"])
                writer.write(wire(text))
                await writer.drain()
                await self._tell()
                if "Message: Authentication failed" in text:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.sessions.remove(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
