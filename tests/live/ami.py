"""The bench's own reader of AMI, independent of the product: a second opinion on what Asterisk said, and the recorder.

Strategy: every byte received is kept; messages are dictionaries of first values (enough for a bench; the product's codec keeps
repeats).  Waiting is always for a message that satisfies a condition, with a time limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

from tests.live.plan import HOST, AmiUser

Message: TypeAlias = Mapping[str, str]


class AmiReader:
    """One AMI session: all bytes in ``raw``, all messages in ``messages``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.raw = bytearray()
        self.messages: list[Message] = []
        self._news = asyncio.Condition()
        self._parsed = 0

    async def listen(self) -> None:
        """Read until Asterisk closes the connection."""
        with contextlib.suppress(ConnectionError):
            while chunk := await self._reader.read(65536):
                self.raw += chunk
                async with self._news:
                    self._parse()
                    self._news.notify_all()

    def _parse(self) -> None:
        while (end := self.raw.find(b"\r\n\r\n", self._parsed)) >= 0:
            frame = self.raw[self._parsed : end].decode("utf-8", "surrogateescape")
            self._parsed = end + 4
            message: dict[str, str] = {}
            for line in frame.split("\r\n"):
                key, colon, value = line.partition(":")
                if colon:
                    message.setdefault(key.strip(), value.strip())
            self.messages.append(message)

    async def act(self, action: str, **headers: str) -> None:
        """Send one action; its answer arrives among the messages."""
        lines = [f"Action: {action}", *(f"{key}: {value}" for key, value in headers.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode())
        await self._writer.drain()

    async def wait(self, what: str, matches: Callable[[Message], bool], *, after: int = 0, timeout_s: float = 30) -> Message:
        """Return the first message among ``messages[after:]`` that matches; raises TimeoutError naming ``what``."""

        def found() -> Message | None:
            return next((message for message in self.messages[after:] if matches(message)), None)

        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise TimeoutError(f"Asterisk did not say {what} in {timeout_s:g} s") from None
        result = found()
        assert result is not None
        return result

    async def event(self, name: str, *, after: int = 0, timeout_s: float = 30, **headers: str) -> Message:
        """Wait for an event by name and exact headers."""
        wanted = {"Event": name, **headers}
        return await self.wait(
            str(wanted),
            lambda message: all(message.get(key) == value for key, value in wanted.items()),
            after=after,
            timeout_s=timeout_s,
        )


@contextlib.asynccontextmanager
async def ami_session(
    tasks: asyncio.TaskGroup, port: int, user: AmiUser, tls: ssl.SSLContext | None = None
) -> AsyncIterator[AmiReader]:
    """Log in and yield the session; the connection is closed when the block ends."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=tls)
    session = AmiReader(reader, writer)
    tasks.create_task(session.listen())
    try:
        await session.act("Login", Username=user.name, Secret=user.secret, ActionID="login")
        answer = await session.wait("the login's answer", lambda message: message.get("ActionID") == "login")
        if answer.get("Response") != "Success":
            raise PermissionError(f"login as {user.name}: {answer.get('Message')}")
        yield session
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
