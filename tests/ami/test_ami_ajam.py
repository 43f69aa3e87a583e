"""The manager interface over HTTP: the same session, every event once, and every gap said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest

from qualitywatch.ami.ajam_xml import frames_of_xml
from qualitywatch.ami.client import AmiClient, AmiEndpoint, Pace
from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.clock import SystemClock
from qualitywatch.errors import AmiProtocolError
from qualitywatch.model import Connected, Disconnected, Resynced
from tests.fakes.ajam_server import AjamServer, as_xml

pytestmark = pytest.mark.usefixtures("hurried")

RECORDED = Path(__file__).parents[1] / "captures/asterisk-20/ajam"
WAYS = ("/rawman", "/mxml", "/arawman", "/amxml")
HELLO = "Event: UserEvent\nPrivilege: user,all\nTimestamp: 1795425513.5\nUserEvent: {}\nHeader: a: <b> 'c' \"d\" & é\n\n"


class Heard:
    """What a client over HTTP puts into its inbox."""

    def __init__(self, client: AmiClient) -> None:
        self.client = client
        self.marks: list[object] = []
        self.events: list[Message] = []

    def hellos(self) -> list[str | None]:
        return [message.get("UserEvent") for message in self.events if message.name == "UserEvent"]

    async def run(self) -> None:
        while True:
            for item in await self.client.inbox.take():
                if isinstance(item, tuple):
                    self.events.append(item[1])
                else:
                    self.marks.append(item)

    async def until(self, hellos: int = 0, connects: int = 1) -> None:
        """Wait for so many events, connections and, after each, the lists."""
        async with asyncio.timeout(15):
            while len(self.hellos()) < hellos or sum(isinstance(mark, Resynced) for mark in self.marks) < connects:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def watching(server: AjamServer, path: str, secret: str = "qualitywatch") -> AsyncIterator[Heard]:
    endpoint = AmiEndpoint("office", "127.0.0.1", server.port, "qualitywatch", secret, ajam_path=path)
    pace = Pace(boot_s=0.2, refused_s=0.05)
    client = AmiClient(endpoint, SystemClock(), wanted=None, pace=pace, new_delays=lambda: repeat(0.02))
    heard = Heard(client)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.run()), group.create_task(heard.run())]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()


@pytest.mark.parametrize("path", WAYS)
async def test_every_event_once_and_in_order(path: str) -> None:
    async with AjamServer().listening() as server:
        async with watching(server, path) as heard:
            await heard.until(connects=1)
            for number in range(5):
                server.say(HELLO.format(number))
                await heard.until(number + 1)
            answer = await heard.client.request("Ping")
            assert answer.ok
            assert heard.hellos() == [str(number) for number in range(5)]
            assert heard.events[-2].get("Header") == "a: <b> 'c' \"d\" & é" or heard.events[-1].get("Header") is not None
            assert "waiteventcomplete" not in {message.name.casefold() for message in heard.events}
            assert [type(mark) for mark in heard.marks] == [Connected, Resynced]
        await server.asked("Logoff")
        assert not server.live, "no session is left behind"
        assert server.logins == 1
        if path.startswith("/a"):
            assert all(server.secret not in action.values() for action in server.actions)


@pytest.mark.parametrize("path", WAYS)
async def test_what_was_recorded_arrives_as_over_a_socket(path: str) -> None:
    recorded = (RECORDED / "waitevent4.raw").read_text(encoding="utf-8")
    events = recorded.partition("\n\n")[2].partition("Event: WaitEventComplete")[0]
    expected = Decoder().feed(events.replace("\n", "\r\n").encode())
    assert len(expected) > 5
    async with AjamServer().listening() as server, watching(server, path) as heard:
        await heard.until()
        server.say(events)
        async with asyncio.timeout(10):
            while [each.name for each in heard.events[-len(expected) :]] != [each.name for each in expected]:
                await asyncio.sleep(0.01)
        for got, wanted in zip(heard.events[-len(expected) :], expected, strict=True):
            assert [value for _, value in got.headers] == [value for _, value in wanted.headers]
            assert got.get_all("ChanVariable") == wanted.get_all("ChanVariable")
            assert got.get("Report0SourceSSRC") == wanted.get("Report0SourceSSRC")


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.2])
async def test_a_restart_is_a_gap_that_is_said(path: str, moment_s: float) -> None:
    async with AjamServer().listening() as server, watching(server, path) as heard:
        await heard.until()
        await asyncio.sleep(moment_s)  # in a request, between two of them
        server.restart()
        await heard.until(connects=2)
        server.say(HELLO.format("after"))
        await heard.until(1, connects=2)
        assert [type(mark) for mark in heard.marks] == [Connected, Resynced, Disconnected, Connected, Resynced]
        assert "not known" in heard.marks[2].reason  # type: ignore[attr-defined]
        assert heard.hellos() == ["after"]


@pytest.mark.parametrize("path", WAYS)
async def test_an_answer_that_breaks_off_is_a_gap_and_asked_for_no_second_time(path: str) -> None:
    async with AjamServer().listening() as server, watching(server, path) as heard:
        await heard.until()
        server.cut_next_events = True
        server.say(HELLO.format("lost"))
        await heard.until(connects=2)
        server.say(HELLO.format("after"))
        await heard.until(1, connects=2)
        assert [type(mark) for mark in heard.marks] == [Connected, Resynced, Disconnected, Connected, Resynced]
        assert "not known" in heard.marks[2].reason  # type: ignore[attr-defined]
        assert heard.hellos() == ["after"]


async def test_a_nonce_that_is_renewed_is_the_same_session() -> None:
    async with AjamServer().listening() as server, watching(server, "/arawman") as heard:
        await heard.until()
        for number in range(3):
            for session in server.live:
                session.stale = True
            server.say(HELLO.format(number))
            await heard.until(number + 1)
        assert heard.hellos() == ["0", "1", "2"]
        assert [type(mark) for mark in heard.marks] == [Connected, Resynced]
        assert server.logins == 1


@pytest.mark.parametrize("path", WAYS)
async def test_a_wrong_secret_is_said_and_never_shown(path: str, caplog: pytest.LogCaptureFixture) -> None:
    async with AjamServer().listening() as server, watching(server, path, "not-the-secret") as heard:
        async with asyncio.timeout(10):
            while not heard.marks:
                await asyncio.sleep(0.01)
        assert "refused" in (heard.client.trouble or "")
    assert "not-the-secret" not in caplog.text
    assert "not-the-secret" not in repr(heard.client.endpoint)


async def test_where_there_is_none_the_settings_to_look_at_are_named() -> None:
    async with AjamServer().listening() as server, watching(server, "/asterisk/rawman") as heard:
        async with asyncio.timeout(10):
            while heard.client.trouble is None:
                await asyncio.sleep(0.01)
        assert "webenabled=yes" in heard.client.trouble
    async with watching(replace(server, port=1), "/rawman") as heard:
        async with asyncio.timeout(10):
            while heard.client.trouble is None:
                await asyncio.sleep(0.01)
        assert "connection refused" in heard.client.trouble
        assert "http.conf" in heard.client.trouble


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/mxml", 'HTTP/1.1 200 OK\r\n\r\n<?xml version="1.0" encoding="foo"?><ajax-response/>'),
        ("/mxml", 'HTTP/1.1 200 OK\r\n\r\n<?xml version="1.0" encoding="shift_jis"?><ajax-response/>'),
        ("/arawman", 'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b", algorithm=FOO\r\n\r\n'),
        ("/arawman", 'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b", qop="auth-int"\r\n\r\n'),
        ("/arawman", "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest x\r\n\r\n"),
        ("/rawman", "HTTP/1.1 banana\r\n\r\n"),
    ],
)
async def test_whatever_else_answers_is_a_trouble_and_no_end(path: str, answer: str) -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = AjamServer()
    server.port = listening.sockets[0].getsockname()[1]
    async with listening, watching(server, path) as heard, asyncio.timeout(10):
        while asked < 3:  # it comes again, as after any failure
            await asyncio.sleep(0.01)
        assert heard.client.trouble


async def test_a_host_that_is_none_is_a_trouble_and_no_end() -> None:
    endpoint = AmiEndpoint("office", "\u00ad", 8088, "qualitywatch", "s", ajam_path="/rawman")
    client = AmiClient(
        endpoint, SystemClock(), wanted=None, pace=Pace(boot_s=0.2, refused_s=0.05), new_delays=lambda: repeat(0.02)
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        async with asyncio.timeout(10):
            while client.trouble is None:
                await asyncio.sleep(0.01)
        running.cancel()
    assert client.trouble


def test_recorded_xml_becomes_the_frames_it_was_made_of() -> None:
    frames = Decoder().feed(frames_of_xml((RECORDED / "waitevent1.xml").read_bytes()))
    assert (frames[0].name, frames[-1].name) == ("Success", "WaitEventComplete")
    assert frames[1].kind == "event"
    repeated = "Event: X\nChanVariable: A=1\nChanVariable: B=2\nHash-2: kept\n\n"
    (frame,) = Decoder().feed(frames_of_xml(as_xml(repeated).encode()))
    assert frame.get_all("ChanVariable") == ("A=1", "B=2")
    assert frame.get("Hash-2") == "kept"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"<html></html>", b'<!DOCTYPE a [<!ENTITY b "c">]><ajax-response>&b;</ajax-response>', b"\xff"]
)
def test_other_xml_is_refused(body: bytes) -> None:
    with pytest.raises(AmiProtocolError):
        frames_of_xml(body)
