"""A recorded PBX that fails on command: cut in the middle of a message, silent though open, restarted, its clock set.

Strategy: the server of recordings (``ami.server``) with a hand on what it plays.  Its timeline stands still while nobody
listens, so a fault costs what was on the wire at that moment and nothing else.  A real PBX tells lost states again when it is
asked for its lists, and this one knows no lists: so a message that was cut off is played again from its start, unless it is
an RTCP report, which is lost as in life.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import timestamp
from qualitywatch.ami.playback import Script, Timeline, read_script
from qualitywatch.ami.recording import TimedMessage
from qualitywatch.ami.server import CaptureServer, Conversation
from tests.e2e.processes import LOGIN

_STAMP = re.compile(rb"(?m)^(Timestamp|SentNTP): (\d+)(\.\d+)\r$")
_RTCP = b"Event: RTCP"
_STATE = re.compile(rb"Event: (Registry|PeerStatus|ContactStatus)\r")
_OF_WHOM = re.compile(rb"(?m)^(?:Event|ChannelType|Peer|Username|Domain|AOR|URI|EndpointName): .*$")
_SHUTDOWN = b"Event: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True\r\n\r\n"


class FaultyPbx(CaptureServer):
    """``lost`` are the messages that did not arrive whole."""

    def __init__(self, *recordings: Path, speed: float) -> None:
        super().__init__((recordings[0] / "input.ami").read_bytes(), speed=speed, resume=True)
        self.written = 0  # messages handed over whole
        self.written_at: list[tuple[float, float]] = []  # when they happened, and when they were handed over (loop time)
        self.lost: list[bytes] = []
        self.port = 0
        self.reached = asyncio.Event()  # ``pause_at`` messages were written
        self.pause_at: int | None = None
        self.resumed = asyncio.Event()
        self._speed_of_all = speed
        self._cuts: set[int] = set()
        self._again: list[bytes] = []
        self._said: deque[tuple[bytes, float]] = deque(maxlen=1000)
        self._conversation: Conversation | None = None
        for more in recordings[1:]:
            self._append((more / "input.ami").read_bytes())

    def cut_at(self, chance: random.Random, times: int) -> list[int]:
        """Choose messages to be cut off in the middle."""
        self._cuts = set(chance.sample(range(len(self.script.messages)), times))
        return sorted(self._cuts)

    def tell_again(self, since: float) -> None:
        """Let the next who logs in hear what was said since an instant of the event loop, but for reports, and every state.

        It lay unread in a socket, or was read and not yet stored, when somebody was killed; a real PBX tells it in its lists.
        Of what is older than that, each trunk and phone has its last word told, and no story twice: a busy machine reads late.
        """
        last = {tuple(_OF_WHOM.findall(raw)): place for place, (raw, _) in enumerate(self._said) if _STATE.search(raw)}
        states = set(last.values())
        self._again += [
            raw
            for place, (raw, written) in enumerate(self._said)
            if place in states or (written >= since and not is_report(raw))
        ]

    def until(self, loop_time: float) -> float:
        """How far the story had come at an instant of the event loop."""
        return max((at for at, written in self.written_at if written <= loop_time), default=self.script.messages[0].at)

    def step_clock(self, by_s: float, after: int) -> None:
        """Let this machine's clock be set by so many seconds once so many messages were written; call it before ``start``."""
        kept, later = self.script.messages[:after], self.script.messages[after:]
        self.play_instead((*kept, *(TimedMessage(timed.at, shifted(timed.message, by_s)) for timed in later)))

    def move(self, by_s: float) -> None:
        """Let all of it happen so many seconds later; call it before ``start``."""
        self.play_instead(tuple(TimedMessage(timed.at + by_s, shifted(timed.message, by_s)) for timed in self.script.messages))

    def play_instead(self, messages: tuple[TimedMessage, ...]) -> None:
        """Put other messages in the place of the recorded ones."""
        self.script = Script(self.script.banner, self.script.fully_booted, messages)
        self._shared = Timeline(self.script, self._speed_of_all)

    def _append(self, recording: bytes) -> None:
        more, last = read_script(recording).messages, self.script.messages[-1].at
        by_s = float(round(last - more[0].at) + 5)
        self.play_instead((*self.script.messages, *(TimedMessage(it.at + by_s, shifted(it.message, by_s)) for it in more)))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        self._stopping = False
        self.port = await super().start(host, port or self.port)
        return self.port

    async def restart(self, away_s: float) -> None:
        """Say goodbye as Asterisk does, be gone for a while, come back on the same port and go on."""
        if self._conversation is not None:
            await self._conversation.write(_SHUTDOWN)
        await asyncio.sleep(0.2)  # it is read before the connection goes
        await self.stop()
        await asyncio.sleep(away_s)
        await self.start()

    async def play(self, conversation: Conversation) -> None:
        self._conversation = conversation
        assert self._shared is not None

        async def write(raw: bytes) -> None:
            try:
                if self.written == self.pause_at and not self.resumed.is_set():
                    self.reached.set()
                    await self.resumed.wait()
                if self.written in self._cuts:
                    self._cuts.discard(self.written)
                    await self._cut(conversation, raw)
                await conversation.write(raw)
            except (ConnectionError, asyncio.CancelledError):
                self._lose(raw)
                raise
            self.written += 1
            self._note(raw)

        async with self._turn:
            while self._again:
                await write(self._again.pop(0))
            await self._shared.play(write)
        self.finished.set()

    async def _cut(self, conversation: Conversation, raw: bytes) -> None:
        await conversation.write(raw[: len(raw) // 2])
        await asyncio.sleep(0.05)  # the half of it is read, in a segment of its own
        conversation._writer.transport.abort()
        raise ConnectionResetError("cut on command")

    def _note(self, raw: bytes) -> None:
        self._said.append((raw, asyncio.get_running_loop().time()))
        stamp = timestamp(Message(raw))
        if stamp is not None:
            self.written_at.append((stamp, asyncio.get_running_loop().time()))

    def _lose(self, raw: bytes) -> None:
        self.lost.append(raw)
        if is_report(raw):
            self.written += 1
        else:
            self._again.append(raw)


def is_report(raw: bytes) -> bool:
    """Whether a message tells what a real PBX will not tell again in its lists."""
    return raw.startswith(_RTCP)


def shifted(message: Message, by_s: float) -> Message:
    def later(found: re.Match[bytes]) -> bytes:
        return b"%s: %d%s\r" % (found[1], int(found[2]) + int(by_s), found[3])

    return Message(_STAMP.sub(later, message.raw))


@asynccontextmanager
async def serving(pbx: FaultyPbx) -> AsyncIterator[FaultyPbx]:
    """The PBX at work; gone afterwards, whatever happens."""
    await pbx.start()
    try:
        yield pbx
    finally:
        pbx.resumed.set()
        await pbx.stop()


class SilentLine:
    """A wire between daemon and PBX that goes dead without anybody hanging up, as a firewall does that forgot a connection."""

    def __init__(self, behind: Callable[[], int]) -> None:
        self.port = 0
        self.connections = 0
        self._behind = behind
        self._dead: set[int] = set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def fall_silent(self) -> None:
        """Pass on nothing more over the connections there are; new ones work."""
        self._dead.update(range(self.connections))

    async def __aenter__(self) -> SilentLine:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *about: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        to_pbx, of_pbx = reader, writer
        from_pbx, into_pbx = await asyncio.open_connection("127.0.0.1", self._behind())
        self._writers |= {of_pbx, into_pbx}

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    if number not in self._dead:
                        sink.write(data)
                        await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.transport.abort()

        async with asyncio.TaskGroup() as group:
            group.create_task(pump(to_pbx, into_pbx))
            group.create_task(pump(from_pbx, of_pbx))


def login_refused(pbx: FaultyPbx, *, refused: bool) -> None:
    """Let the PBX know another password than the daemon, or the same again."""
    pbx.secret = "another" if refused else LOGIN
