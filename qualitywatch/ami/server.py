"""Plays a recorded manager session as a PBX would: banner, login, then the recorded messages in their own time.

Strategy: recorded bytes are written unchanged, one message per write, so that answers to a client's actions only ever come
between two complete messages.  Nothing is played before a client has logged in and gone quiet: until then it asks for its
snapshot, and a PBX that waits for it tells the same story on every run.  Actions beyond the session's own are answered as by
an Asterisk that has no such module.

Standard: ``main/manager.c`` of Asterisk 14 to 23.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import ssl
from contextlib import suppress
from typing import Final

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.playback import Timeline, read_script
from qualitywatch.errors import AmiConnectError, AmiProtocolError

_log = logging.getLogger(__name__)

_FAREWELL_S: Final = 5.0


class CaptureServer:
    """An AMI server with one user and one recording.

    ``username`` or ``secret`` None lets any of them in.

    ``speed`` divides the recorded pauses, 0 leaves them out.  With ``resume`` there is one timeline for all clients: it stands
    still while nobody is logged in and goes on for the next one, as a PBX that outlives its watchers; otherwise every client
    gets the recording from its start.  At the end the connection stays open unless ``stay_open`` is False.  Playing begins when
    the client has asked for nothing during ``quiet_s`` seconds.  ``finished`` is set once the last message was written to
    some client.
    """

    def __init__(
        self,
        recording: bytes,
        *,
        username: str | None = "qualitywatch",
        secret: str | None = "qualitywatch",  # noqa: S107 - a public default: recordings are no secret
        speed: float = 1.0,
        resume: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        stay_open: bool = True,
        quiet_s: float = 0.2,
    ) -> None:
        if speed < 0:
            raise ValueError("speed must not be negative")
        self.script = read_script(recording)
        self.username = username
        self.secret = secret
        self.stay_open = stay_open
        self.quiet_s = quiet_s
        self.finished = asyncio.Event()
        self._speed = speed
        self._shared = Timeline(self.script, speed) if resume else None
        self._turn = asyncio.Lock()  # the shared timeline is played to one client at a time
        self._ssl_context = ssl_context
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.WriteTransport] = set()
        self._left = asyncio.Condition()
        self._stopping = False

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port, a free one for 0; raises AmiConnectError when that is not possible."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, ssl=self._ssl_context)
        except OSError as exc:
            raise AmiConnectError(f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def stop(self) -> None:
        """Stop listening and drop all clients."""
        if self._server is None:
            return
        self._stopping = True
        self._server.close()
        for transport in self._transports:
            transport.abort()  # each conversation notices and ends; cancelling it instead would look like a failure to asyncio
        async with self._left:
            await self._left.wait_for(lambda: not self._transports)
        await self._server.wait_closed()

    async def play(self, conversation: Conversation) -> None:
        """Play to one client, up to the end."""
        if self._shared is None:
            await conversation.timeline.play(conversation.write)
        else:
            async with self._turn:
                await self._shared.play(conversation.write)
        self.finished.set()

    def timeline(self) -> Timeline:
        """The timeline a new client is played: its own, or the one of all."""
        return self._shared or Timeline(self.script, self._speed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports.add(writer.transport)
        try:
            if not self._stopping:
                await _converse(Conversation(self, reader, writer))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._transports.discard(writer.transport)
            async with self._left:
                self._left.notify_all()


async def _converse(conversation: Conversation) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            player = group.create_task(conversation.play())
            await conversation.listen()
            player.cancel()
    except* (ConnectionError, AmiProtocolError) as broken:
        _log.info("capture.client_lost reason=%s", broken.exceptions[0])


class Conversation:
    """One connected client: its actions are answered; once it is logged in and quiet it is played to."""

    def __init__(self, server: CaptureServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.timeline = server.timeline()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._challenge: str | None = None
        self._logged_in = asyncio.Event()
        self._leaving = False
        self._asked = asyncio.Event()

    async def write(self, raw: bytes) -> None:
        """Write one complete message, waiting for a slow client; raises ConnectionError when it is gone."""
        if self._writer.is_closing():
            raise ConnectionResetError("the client closed the connection")
        self._writer.write(raw)
        await self._writer.drain()

    async def listen(self) -> None:
        """Answer until either side leaves; raises AmiProtocolError for a client that does not speak AMI."""
        await self.write(self._server.script.banner)
        decoder = Decoder()
        while not self._leaving and (data := await self._reader.read(65536)):
            self._asked.set()
            for action in decoder.feed(data):
                if not self._leaving:
                    await self.write(self._answer(action))

    async def play(self) -> None:
        """Wait until the client is logged in and quiet, play, and part from it if so configured."""
        await self._logged_in.wait()
        while await self._asks_again():
            pass
        await self._server.play(self)
        if not self._server.stay_open:
            if self._writer.can_write_eof():
                self._writer.write_eof()
                await asyncio.sleep(_FAREWELL_S)  # closing at once would cut off what the client has not read yet
            self._writer.close()

    async def _asks_again(self) -> bool:
        self._asked.clear()
        try:
            async with asyncio.timeout(self._server.quiet_s):
                return await self._asked.wait()
        except TimeoutError:
            return False

    def _answer(self, action: Message) -> bytes:
        name = action.get("Action", "")
        match (name or "").casefold():
            case "login":
                return self._log_in(action)
            case "challenge" if (action.get("AuthType") or "").casefold() == "md5":
                self._challenge = str(secrets.randbelow(900_000_000) + 100_000_000)
                return _response(action, "Success", f"Challenge: {self._challenge}")
            case "challenge":
                return _response(action, "Error", "Message: Must specify AuthType")
            case "logoff":
                self._leaving = True
                return _response(action, "Goodbye", "Message: Thanks for all the fish.")
            case _ if not self._logged_in.is_set():
                return _response(action, "Error", "Message: Permission denied")
            case "ping":
                return _response(action, "Success", "Ping: Pong", f"Timestamp: {self.timeline.reached_at:.6f}")
            case "events":
                on = (action.get("EventMask") or "").casefold() != "off"
                return _response(action, "Success", f"Events: {'On' if on else 'Off'}")
            case _:
                text = f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."
                return _response(action, "Error", f"Message: {text}")

    def _log_in(self, action: Message) -> bytes:
        if not self._knows_secret(action):
            self._leaving = True
            return _response(action, "Error", "Message: Authentication failed")
        self._logged_in.set()
        return _response(action, "Success", "Message: Authentication accepted") + self._server.script.fully_booted

    def _knows_secret(self, action: Message) -> bool:
        if self._server.username is not None and action.get("Username") != self._server.username:
            return False
        if self._server.secret is None:
            return True
        secret = self._server.secret.encode("utf-8", "surrogateescape")
        if (action.get("AuthType") or "").casefold() == "md5":
            if self._challenge is None:
                return False
            expected = hashlib.md5(self._challenge.encode() + secret, usedforsecurity=False).hexdigest().encode()
            given = action.get("Key", "")
        else:
            expected, given = secret, action.get("Secret", "")
        return hmac.compare_digest((given or "").encode("utf-8", "surrogateescape"), expected)


def _response(action: Message, kind: str, *lines: str) -> bytes:
    action_id = action.action_id
    head = [f"Response: {kind}", *([] if action_id is None else [f"ActionID: {action_id}"])]
    return "\r\n".join([*head, *lines, "", ""]).encode("utf-8", "surrogateescape")
