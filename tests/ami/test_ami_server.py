from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator
from itertools import repeat
from pathlib import Path

import pytest
import trustme

from qualitywatch.ami.client import AmiClient, AmiEndpoint, TlsOptions
from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.inbox import InboxItem
from qualitywatch.ami.playback import read_script
from qualitywatch.ami.server import CaptureServer
from qualitywatch.clock import SystemClock
from qualitywatch.errors import AmiConnectError, AmiProtocolError
from qualitywatch.model import Disconnected, Resynced

CAPTURES = Path(__file__).parent.parent / "captures"
OUTAGE = (CAPTURES / "asterisk-20/trunk-outage/input.ami").read_bytes()
RECORDINGS = sorted(CAPTURES.glob("*/*/*.ami"))

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
LOGIN = b"Action: Login\r\nActionID: 1\r\nUsername: qualitywatch\r\nSecret: qualitywatch\r\n\r\n"


def peer_status(number: int, at: float) -> bytes:
    return f"Event: PeerStatus\r\nTimestamp: {at:.6f}\r\nPeer: SIP/{number}\r\n\r\n".encode()


def recording(*stamps: float) -> bytes:
    return BANNER + b"".join(peer_status(number, at) for number, at in enumerate(stamps))


class Caller:
    """A client by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 5)

    async def frame(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 5)

    async def ask(self, *lines: str) -> bytes:
        """Send an action and return the next frame."""
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        return await self.frame()

    async def log_in(self) -> None:
        assert await self.line() == BANNER
        self.writer.write(LOGIN)
        assert b"Message: Authentication accepted\r\n" in await self.frame()
        assert (await self.frame()).startswith(b"Event: FullyBooted\r\n")


@contextlib.asynccontextmanager
async def serving(server: CaptureServer) -> AsyncIterator[int]:
    port = await server.start()
    try:
        yield port
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class TestLogin:
    async def test_md5_is_really_checked(self) -> None:
        async with serving(CaptureServer(OUTAGE)) as port:
            async with calling(port) as caller:
                await caller.line()
                answer = await caller.ask("Action: Challenge", "AuthType: MD5", "ActionID: 7")
                challenge = Decoder().feed(answer)[0].get("Challenge")
                key = hashlib.md5(f"{challenge}qualitywatch".encode()).hexdigest()
                login = ("Action: Login", "AuthType: MD5", "Username: qualitywatch", "ActionID: 8")
                accepted = await caller.ask(*login, f"Key: {key}")
            assert accepted == b"Response: Success\r\nActionID: 8\r\nMessage: Authentication accepted\r\n\r\n"
            async with calling(port) as caller:
                await caller.line()
                refused = await caller.ask(*login, f"Key: {key}")  # of another connection's challenge
                assert await caller.rest() == b""
        assert refused == b"Response: Error\r\nActionID: 8\r\nMessage: Authentication failed\r\n\r\n"

    @pytest.mark.parametrize(
        "credentials",
        [
            ("Username: qualitywatch", "Secret: wrong"),
            ("Username: somebody", "Secret: qualitywatch"),
            ("Username: qualitywatch",),
            ("Username: qualitywatch", "AuthType: MD5", "Key: 00"),
        ],
    )
    async def test_wrong_credentials_are_refused_and_the_connection_closed(self, credentials: tuple[str, ...]) -> None:
        async with serving(CaptureServer(OUTAGE)) as port, calling(port) as caller:
            await caller.line()
            assert b"Message: Authentication failed" in await caller.ask("Action: Login", *credentials)
            assert await caller.rest() == b""

    async def test_nothing_is_told_before_the_login(self) -> None:
        async with serving(CaptureServer(OUTAGE, speed=0, quiet_s=0.0)) as port, calling(port) as caller:
            await caller.line()
            assert b"Message: Permission denied" in await caller.ask("Action: SIPpeers")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(caller.reader.read(1), 0.05)

    async def test_garbage_from_a_client_ends_its_connection_only(self) -> None:
        async with serving(CaptureServer(OUTAGE)) as port:
            async with calling(port) as caller:
                await caller.line()
                caller.writer.write(b"\x00\x01\x02\r\n\r\n")
                assert await caller.rest() == b""
            async with calling(port) as caller:
                await caller.log_in()


class TestAnswers:
    async def test_session_actions(self) -> None:
        server = CaptureServer(recording(100.0), speed=1, quiet_s=60)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            pong = b"Response: Success\r\nActionID: a\r\nPing: Pong\r\nTimestamp: 100.000000\r\n\r\n"
            assert await caller.ask("Action: Ping", "ActionID: a") == pong
            assert b"Events: On\r\n" in await caller.ask("Action: Events", "EventMask: system,call")
            assert b"Events: Off\r\n" in await caller.ask("Action: Events", "EventMask: off")
            unknown = await caller.ask("Action: SIPpeers", "ActionID: b")
            assert b"ActionID: b\r\nMessage: Invalid/unknown command: SIPpeers. Use Action: ListCommands" in unknown
            assert b"Response: Goodbye\r\n" in await caller.ask("Action: Logoff")
            assert await caller.rest() == b""

    async def test_answers_only_come_between_two_recorded_messages(self) -> None:
        server = CaptureServer(OUTAGE, speed=0, quiet_s=0.0)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            for number in range(50):
                caller.writer.write(f"Action: Ping\r\nActionID: mine-{number}\r\n\r\n".encode())
                await asyncio.sleep(0)
            caller.writer.write(b"Action: Logoff\r\nActionID: mine-bye\r\n\r\n")
            decoder = Decoder()
            frames = decoder.feed(await caller.rest())
            decoder.close()
        mine = [frame for frame in frames if (frame.action_id or "").startswith("mine-")]
        assert len(mine) == 51
        played = [frame for frame in frames if frame not in mine]
        assert played == [timed.message for timed in server.script.messages][: len(played)]


class TestPlaying:
    @pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: "-".join(path.parts[-3:-1]) + "-" + path.stem)
    def test_only_the_opening_is_left_out(self, path: Path) -> None:
        raw = path.read_bytes()
        script = read_script(raw)
        assert script.banner.startswith(b"Asterisk Call Manager/")
        left_out = [message for message in Decoder().feed(raw) if message not in {t.message for t in script.messages}]
        assert [message.kind for message in left_out] == ["banner", "response", "event"]
        assert left_out[1].get("Message") == "Authentication accepted"
        assert left_out[2].raw == script.fully_booted

    def test_a_recording_that_is_cut_off_is_played_up_to_there(self) -> None:
        script = read_script(recording(100.0, 101.0) + b"Event: PeerStatus\r\nPeer: SI")
        assert [timed.message.get("Peer") for timed in script.messages] == ["SIP/0", "SIP/1"]

    @pytest.mark.parametrize("nonsense", [b"", b"\x00\x01", b"SSH-2.0-x\r\n", BANNER])
    def test_what_is_no_recording_cannot_be_played(self, nonsense: bytes) -> None:
        with pytest.raises(AmiProtocolError):
            CaptureServer(nonsense)

    def test_time_does_not_run_backwards(self) -> None:
        with pytest.raises(ValueError, match="speed"):
            CaptureServer(OUTAGE, speed=-1)

    async def test_the_recorded_spacing_is_divided_by_the_speed(self) -> None:
        # 4 recorded seconds at twenty times the speed are 0.2 s.
        server = CaptureServer(recording(100.0, 102.0, 104.0), speed=20, quiet_s=0.0)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            await caller.frame()
            begun = asyncio.get_running_loop().time()
            await caller.frame()
            await caller.frame()
            took_s = asyncio.get_running_loop().time() - begun
        assert 0.18 < took_s < 2.0

    async def test_it_waits_until_the_client_has_asked_its_questions(self) -> None:
        server = CaptureServer(recording(100.0), speed=0, quiet_s=0.05)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            for _ in range(10):
                assert b"Response: " in await caller.ask("Action: SIPpeers")
            assert not server.finished.is_set()
            assert await caller.frame() == peer_status(0, 100.0)

    async def test_every_client_gets_all_of_it(self) -> None:
        server = CaptureServer(recording(100.0, 101.0), speed=0, quiet_s=0.0)
        async with serving(server) as port, calling(port) as one, calling(port) as two:
            for caller in (one, two):
                await caller.log_in()
                assert [await caller.frame(), await caller.frame()] == [peer_status(0, 100.0), peer_status(1, 101.0)]

    async def test_at_the_end_the_connection_stays_and_answers(self) -> None:
        server = CaptureServer(recording(100.0), speed=0, quiet_s=0.0)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            await caller.frame()
            await asyncio.wait_for(server.finished.wait(), 5)
            assert b"Ping: Pong" in await caller.ask("Action: Ping")

    async def test_or_closes_when_all_is_read(self) -> None:
        server = CaptureServer(OUTAGE, speed=0, quiet_s=0.0, stay_open=False)
        async with serving(server) as port, calling(port) as caller:
            await caller.log_in()
            assert await caller.rest() == b"".join(timed.message.raw for timed in server.script.messages)

    async def test_stopping_drops_the_clients_and_frees_the_port(self) -> None:
        server = CaptureServer(OUTAGE)
        port = await server.start()
        async with calling(port) as caller:
            await caller.log_in()
            await server.stop()
            with contextlib.suppress(ConnectionError):
                await caller.rest()
            assert caller.reader.at_eof() or caller.reader.exception() is not None
        again = CaptureServer(OUTAGE)
        assert await again.start(port=port) == port
        with pytest.raises(AmiConnectError, match=f"cannot listen on 127.0.0.1:{port}"):
            await CaptureServer(OUTAGE).start(port=port)
        await again.stop()


class TestResume:
    async def test_the_next_client_goes_on_where_the_last_one_was_lost(self) -> None:
        server = CaptureServer(recording(*(100.0 + n for n in range(6))), speed=20, resume=True, quiet_s=0.0)
        seen = []
        async with serving(server) as port:
            for _ in range(3):
                async with calling(port) as caller:
                    await caller.log_in()
                    seen += [await caller.frame(), await caller.frame()]
            await asyncio.wait_for(server.finished.wait(), 5)
        assert seen == [peer_status(n, 100.0 + n) for n in range(6)]

    async def test_time_stands_still_while_nobody_watches(self) -> None:
        server = CaptureServer(recording(100.0, 110.0), speed=20, resume=True, quiet_s=0.0)
        async with serving(server) as port:
            async with calling(port) as caller:
                await caller.log_in()
                await caller.frame()
            async with calling(port) as caller:
                await caller.log_in()
                begun = asyncio.get_running_loop().time()
                assert await caller.frame() == peer_status(1, 110.0)
                took_s = asyncio.get_running_loop().time() - begun
        assert 0.1 < took_s < 2.0  # most of the 10 recorded seconds, half a second here, were still to come

    async def test_a_second_client_waits_for_its_turn(self) -> None:
        server = CaptureServer(recording(100.0, 101.0, 102.0), speed=20, resume=True, quiet_s=0.0)
        async with serving(server) as port, calling(port) as second:
            async with calling(port) as first:
                await first.log_in()
                assert await first.frame() == peer_status(0, 100.0)
                await second.log_in()
            assert await second.frame() == peer_status(1, 101.0)
            assert await second.frame() == peer_status(2, 102.0)


async def watch(port: int, server: CaptureServer, tls: TlsOptions | None = None) -> list[InboxItem]:
    """Let the real client see a whole recording; return its inbox."""
    where = AmiEndpoint("main", "127.0.0.1", port, "qualitywatch", "qualitywatch", tls=tls)
    client = AmiClient(where, SystemClock(), wanted=None, new_delays=lambda: repeat(0.01))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        await asyncio.wait_for(server.finished.wait(), 20)
        await client.request("Ping")  # answered behind the last message
        running.cancel()
    return client.inbox.take_now(1_000_000)


def recorded(items: list[InboxItem]) -> list[Message]:
    """Return the messages that are not answers to the client's own questions."""
    own = [item[1] for item in items if isinstance(item, tuple) and (item[1].action_id or "").startswith("qw-")]
    return [item[1] for item in items if isinstance(item, tuple) and item[1] not in own]


class TestWithTheRealClient:
    @pytest.mark.parametrize(
        "capture", ["asterisk-20/trunk-outage", "asterisk-20/action-responses", "asterisk-13/sip-bridge-loss"]
    )
    async def test_the_inbox_gets_exactly_the_recorded_messages(self, capture: str) -> None:
        server = CaptureServer((CAPTURES / capture / "input.ami").read_bytes(), speed=0)
        async with serving(server) as port:
            items = await watch(port, server)
        booted, *played = recorded(items)
        assert booted.name == "FullyBooted"
        # Passwords are the one thing that never gets through.
        assert played == [timed.message for timed in server.script.messages if timed.message.name != "AuthDetail"]
        assert not any(isinstance(item, Disconnected) for item in items)
        first_played = next(n for n, item in enumerate(items) if isinstance(item, tuple) and item[1] == played[0])
        assert any(isinstance(item, Resynced) for item in items[:first_played])

    async def test_over_tls_it_is_the_same(self, tmp_path: Path) -> None:
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        ca_file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        server = CaptureServer(OUTAGE, speed=0, ssl_context=context)
        async with serving(server) as port:
            items = await watch(port, server, TlsOptions(ca_file=ca_file))
        assert recorded(items)[1:] == [timed.message for timed in server.script.messages]
