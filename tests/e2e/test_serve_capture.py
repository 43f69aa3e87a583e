"""``serve-capture`` as a command: it says where it listens, lets a client in and plays the recording."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from qualitywatch.cli import main
from tests.conftest import CAPTURES
from tests.e2e.processes import REPOSITORY

RECORDING = CAPTURES / "asterisk-20/restart/input.ami"


async def conversation(*arguments: str, secret: str = "whatever") -> bytes:
    """Start the command, log in, and return all that was heard up to the recording's last event or a refusal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "qualitywatch", "serve-capture", str(RECORDING), "--listen", "127.0.0.1:0", "--speed", "0", *arguments),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        port = int((await asyncio.wait_for(process.stdout.readline(), 20)).rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"Action: Login\r\nUsername: monitor\r\nSecret: {secret}\r\n\r\n".encode())
        heard = b""
        async with asyncio.timeout(20):
            while b"Event: Shutdown" not in heard and b"Authentication failed" not in heard:
                heard += await reader.read(65536)
        writer.close()
        return heard
    finally:
        process.terminate()
        await process.wait()


async def test_any_login_is_let_in_and_hears_the_recording() -> None:
    heard = await conversation()
    assert heard.startswith(b"Asterisk Call Manager/9.0.0\r\n")
    assert b"Authentication accepted" in heard
    assert heard.count(b"Event: RTCPReceived") == RECORDING.read_bytes().count(b"Event: RTCPReceived")


async def test_a_login_can_be_demanded() -> None:
    assert b"Authentication failed" in await conversation("--username", "monitor", "--secret", "right", secret="wrong")


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:port", "127.0.0.1:70000"])
def test_a_wrong_address_is_one_clear_line(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve-capture", str(RECORDING), "--listen", listen]) == 2
    assert capsys.readouterr().err == f"--listen {listen}: write HOST:PORT, such as 127.0.0.1:5038\n"


def test_a_port_that_is_taken_is_one_clear_line(capsys: pytest.CaptureFixture[str], unused_tcp_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused_tcp_port))
        taken.listen()
        assert main(["serve-capture", str(RECORDING), "--listen", f"127.0.0.1:{unused_tcp_port}"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"127.0.0.1:{unused_tcp_port}" in told
