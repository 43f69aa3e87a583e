"""The command line's end and the daemon's end of a real socket."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qualitywatch.control.client import NoDaemonError, ask
from qualitywatch.control.protocol import (
    MAX_LINE,
    AskStatus,
    ControlError,
    ExpireSilence,
    ListSilences,
    PbxStatus,
    Request,
    Silences,
    Status,
)
from qualitywatch.control.server import ControlServer
from qualitywatch.model import PeerState
from qualitywatch.room import PbxView, PeerView, SilenceRequest
from tests.control.memory_room import NOW, MemoryRoom

AN_HOUR = SilenceRequest(NOW + 3600, subjects=("SIP/61*",), comment="new switch")


@pytest.fixture
def room() -> MemoryRoom:
    phone = PeerView("SIP/6117", "Anna", PeerState.REACHABLE, NOW - 60)
    return MemoryRoom([PbxView("office", NOW, is_seen=True, since_at=NOW - 900, peers=(phone,), calls=3)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "control.sock"


@pytest.fixture
async def server(room: MemoryRoom, path: Path) -> AsyncIterator[ControlServer]:
    running = ControlServer(room, path)
    await running.start()
    yield running
    await running.close()


async def asked(path: Path, request: Request) -> Silences:
    return await asyncio.to_thread(ask, path, request, Silences)


@pytest.mark.usefixtures("server")
async def test_a_silence_is_made_listed_and_ended(path: Path) -> None:
    (made,) = (await asked(path, AN_HOUR)).silences
    assert (made.id, made.ends_at, made.subjects, made.comment) == (1, NOW + 3600, ("SIP/61*",), "new switch")
    assert await asked(path, ListSilences()) == Silences(NOW, (made,))
    (ended,) = (await asked(path, ExpireSilence(1))).silences
    assert ended.expired_at == NOW
    assert await asked(path, ListSilences()) == Silences(NOW, ())


async def test_a_silence_made_during_a_reload_is_one_of_what_comes_after_it(server: ControlServer, path: Path) -> None:
    after = MemoryRoom()
    async with server.deciding, asyncio.TaskGroup() as group:  # as a reload does while it changes rooms
        making = group.create_task(asked(path, AN_HOUR))
        assert (await asked(path, ListSilences())).silences == (), "who only asks is answered meanwhile"
        server.room = after
        server.deciding.release()
        await making
        await server.deciding.acquire()
    assert [silence.subjects for silence in after.silences()] == [("SIP/61*",)]


@pytest.mark.usefixtures("server")
async def test_who_asked_is_known_from_the_kernel(path: Path) -> None:
    (made,) = (await asked(path, AN_HOUR)).silences
    assert made.by == f"{getpass.getuser()} on the command line"


@pytest.mark.usefixtures("server")
async def test_the_status_is_told_in_a_few_figures(path: Path) -> None:
    await asked(path, AN_HOUR)
    status = await asyncio.to_thread(ask, path, AskStatus(), Status)
    office = PbxStatus("office", is_seen=True, since_at=NOW - 900, peers=1, trunks=0, calls=3, alerts=0)
    assert status == Status(NOW, (office,), incidents=0, silences=1)


@pytest.mark.usefixtures("server")
async def test_a_refusal_says_why(room: MemoryRoom, path: Path) -> None:
    with pytest.raises(ControlError, match="would be over already: its end is in the past"):
        await asked(path, SilenceRequest(NOW - 1, rules=("*",)))
    with pytest.raises(ControlError, match='subject "/\\(/" is not a regular expression'):
        await asked(path, SilenceRequest(NOW + 1, subjects=("/(/",)))
    with pytest.raises(ControlError, match='no silence 7 is in force or to come: see "qualitywatch silence list"'):
        await asked(path, ExpireSilence(7))
    room.disk_is_full = True
    with pytest.raises(ControlError, match="the disk is full"):
        await asked(path, AN_HOUR)


@pytest.mark.usefixtures("server")
async def test_many_at_once_are_all_served(path: Path) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(20) as people:
        answers = await asyncio.gather(*(loop.run_in_executor(people, ask, path, AN_HOUR, Silences) for _ in range(20)))
    assert sorted(answer.silences[0].id for answer in answers) == list(range(1, 21))


@pytest.mark.usefixtures("server")
async def test_the_socket_is_for_our_group_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


def exchanged(path: Path, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(sent)
        return connection.makefile("rb").read()


@pytest.mark.usefixtures("server")
async def test_garbage_is_answered_and_harms_nobody(path: Path) -> None:
    assert await asyncio.to_thread(exchanged, path, b"GET / HTTP/1.1\r\n") == (
        b'{"ok":false,"error":"the request is not one line of JSON"}\n'
    )
    too_long = await asyncio.to_thread(exchanged, path, b"x" * (MAX_LINE + 1))
    assert too_long == b'{"ok":false,"error":"the request is longer than 65536 bytes"}\n'
    assert await asked(path, ListSilences()) == Silences(NOW, ())


async def test_who_says_nothing_is_dropped(room: MemoryRoom, path: Path) -> None:
    server = ControlServer(room, path, patience_s=0.05)
    await server.start()
    assert await asyncio.to_thread(exchanged, path, b'{"do": ') == b""
    await server.close()


async def test_closing_drops_who_is_connected_and_removes_the_socket(
    server: ControlServer, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    await asked(path, ListSilences())  # by now the first one is being served, too
    async with asyncio.timeout(5):
        await server.close()
        assert await reader.read() == b""
    await server.close()  # a second call does nothing
    writer.close()
    assert not path.exists()
    assert caplog.messages == []


async def test_the_socket_of_a_dead_daemon_is_replaced(room: MemoryRoom, path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    server = ControlServer(room, path)
    await server.start()
    assert await asked(path, ListSilences()) == Silences(NOW, ())
    await server.close()


@pytest.mark.usefixtures("server")
async def test_a_living_daemon_keeps_its_socket(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await asked(path, AN_HOUR)
    second = ControlServer(MemoryRoom(), path)
    await second.start()
    await second.close()
    assert len((await asked(path, ListSilences())).silences) == 1
    assert "another daemon answers there: stop it, or give this one a store.directory of its own" in caplog.text


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda path: path.write_text("mine"), "a file that is not a socket is in the way: move it away"),
        (lambda path: path.mkdir(), "a file that is not a socket is in the way: move it away"),
    ],
)
async def test_trouble_with_the_socket_is_logged_and_nothing_else(
    prepare: Callable[[Path], object], why: str, room: MemoryRoom, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "control.sock"
    prepare(path)
    server = ControlServer(room, path)
    await server.start()
    await server.close()
    assert path.exists()
    assert caplog.messages == [f'control.unavailable path={path} error="{why}" missing=qualitywatch_silence']


async def test_a_path_too_long_for_a_socket_is_logged(
    room: MemoryRoom, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ("x" * 120) / "control.sock"
    server = ControlServer(room, path)
    await server.start()
    await server.close()
    assert 'error="AF_UNIX path too long"' in caplog.text
    with pytest.raises(ControlError, match="AF_UNIX path too long"):
        ask(path, ListSilences(), Silences)


def test_no_daemon_is_said_so(path: Path) -> None:
    wanted = f"no running daemon found at {path}: is qualitywatch running with this configuration\\?"
    with pytest.raises(NoDaemonError, match=wanted):
        ask(path, ListSilences(), Silences)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with pytest.raises(NoDaemonError, match=wanted):
        ask(path, ListSilences(), Silences)


def test_a_socket_out_of_reach_says_who_may(path: Path) -> None:
    path.parent.mkdir(mode=0)
    user = os.geteuid()
    if user == 0:  # root is let in everywhere: be nobody for a moment
        os.seteuid(65_534)
    try:
        with pytest.raises(ControlError, match="permission denied: run this as root or as a user of the group qualitywatch"):
            ask(path, ListSilences(), Silences)
    finally:
        os.seteuid(user)
        path.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [(b"", "hung up without an answer: look into its log"), (b'{"ok": tr', "hung up without an answer: look into its log")],
)
def test_a_daemon_that_dies_meanwhile_is_said_so(answer: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def die() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=die)
        thread.start()
        with pytest.raises(ControlError, match=complaint):
            ask(path, ListSilences(), Silences)
        thread.join()


def test_a_daemon_that_hangs_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(ControlError, match=r"did not answer within 0\.05 s: look into its log"):
            ask(path, ListSilences(), Silences, patience_s=0.05)
