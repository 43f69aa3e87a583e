"""A manager interface that logs anybody in and then sends a file of events; runs as a process of its own.

``python -m tests.benchmarks.served FILE [EVENTS_PER_S]`` prints its port.  At full speed it sends 256 KiB at a time, as fast as
the client reads; with a rate, one event a segment.  After the last byte it prints when that was and waits for the client to go.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

CHUNK: Final = 256 * 1024
BANNER: Final = b"Asterisk Call Manager/9.0.0\r\n"
BOOTED: Final = (
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1000\r\nLastReload: 1000\r\nStatus: Fully Booted\r\n\r\n"
)
_NAME: Final = re.compile(rb"^Action: *([A-Za-z]+)", re.MULTILINE | re.IGNORECASE)
_ID: Final = re.compile(rb"^ActionID: *([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
SETTLE_S: Final = 2.0  # what a client asks after its login is over by then


async def serve(path: Path, rate: float | None) -> None:
    """Serve one client."""
    data = path.read_bytes()
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(BANNER)
        ready = asyncio.Event()
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(answer_actions(reader, writer, ready))
                await ready.wait()
                await asyncio.sleep(SETTLE_S)
                print(f"BEGIN {time.time():.6f}", flush=True)
                with suppress(ConnectionError):
                    await (_hurry(writer, data) if rate is None else _pace(writer, data, rate))
                    print(f"SENT {time.time():.6f}", flush=True)
                await answering
            writer.close()
        done.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"PORT {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await done.wait()


async def answer_actions(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ready: asyncio.Event) -> None:
    while True:
        try:
            action = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        name, of = _NAME.search(action), _ID.search(action)
        tail = b"" if of is None else b"ActionID: " + of[1] + b"\r\n"
        known = b"" if name is None else name[1].lower()
        if known == b"login":
            writer.write(b"Response: Success\r\n" + tail + b"Message: Authentication accepted\r\n\r\n" + BOOTED)
            ready.set()
        elif known == b"challenge":
            writer.write(b"Response: Success\r\n" + tail + b"Challenge: 144211241\r\n\r\n")
        elif known == b"ping":
            writer.write(b"Response: Success\r\n" + tail + b"Ping: Pong\r\n\r\n")
        else:
            writer.write(b"Response: Error\r\n" + tail + b"Message: Permission denied\r\n\r\n")


async def _hurry(writer: asyncio.StreamWriter, data: bytes) -> None:
    start = 0
    while start < len(data):
        end = data.find(b"\r\n\r\n", start + CHUNK)
        end = len(data) if end < 0 else end + 4  # an answer may come between two events only
        writer.write(data[start:end])
        await writer.drain()
        start = end


async def _pace(writer: asyncio.StreamWriter, data: bytes, rate: float) -> None:
    begun = time.monotonic()
    for number, frame in enumerate(data.split(b"\r\n\r\n")[:-1]):
        late_s = time.monotonic() - begun - number / rate
        if late_s < -0.001:
            await asyncio.sleep(-late_s)
        writer.write(frame + b"\r\n\r\n")
        await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None))
