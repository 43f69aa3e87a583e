"""Proxies on loopback for tests: SOCKS5 with a password (RFC 1928, RFC 1929) and plain HTTP with Basic (RFC 9110).

Both lead every connection to one place, whatever name they are asked for: who reaches it left the name to the proxy.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

USER, PASSWORD = "office", "p@ss word"


@dataclass(slots=True)
class Proxy:
    """``asked`` are the host names clients asked for, ``refused`` how many knew no password."""

    upstream_port: int
    port: int = 0
    asked: list[str] = field(default_factory=list)
    refused: int = 0

    async def socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client of a SOCKS5 proxy."""
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = (user.decode(), password.decode()) == (USER, PASSWORD)
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        if not right:
            self.refused += 1
            writer.close()
            return
        _, _, _, kind = await reader.readexactly(4)
        host = await reader.readexactly((await reader.readexactly(1))[0] if kind == 3 else 4)
        self.asked.append(host.decode() if kind == 3 else ".".join(map(str, host)))
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await self._join(reader, writer, b"")

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client of an HTTP proxy: requests in absolute form, as for plain http addresses."""
        head = await reader.readuntil(b"\r\n\r\n")
        request, _, headers = head.partition(b"\r\n")
        method, target, version = request.split(b" ")
        expected = b"basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode())
        if expected.lower() not in headers.lower():
            self.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, path = target.removeprefix(b"http://").partition(b"/")
        self.asked.append(host.decode().partition(":")[0])
        await self._join(reader, writer, b" ".join((method, b"/" + path, version)) + b"\r\n" + headers)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        up_writer.write(begun)
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, up_writer))
            group.create_task(_copy(up_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy_to(upstream_port: int, kind: str) -> AsyncIterator[Proxy]:
    """A proxy ("socks5" or "http") on a free port of loopback."""
    proxy = Proxy(upstream_port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await (proxy.socks5 if kind == "socks5" else proxy.http)(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
