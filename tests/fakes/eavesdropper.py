"""Stands between a client and a manager, and keeps what the client sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from qualitywatch.ami.codec import Decoder, Message


class Eavesdropper:
    """``sent`` are the bytes of each client, in the order they came to us."""

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self.sent: list[bytearray] = []
        self._upstream_port = upstream_port

    @property
    def actions(self) -> list[Message]:
        """Every action of every client."""
        found: list[Message] = []
        for each in self.sent:
            found += Decoder().feed(bytes(each))
        return found

    @property
    def names(self) -> set[str]:
        """The names of all actions."""
        return {action.get("Action") or "" for action in self.actions}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Eavesdropper]:
        """Stand between while the block runs."""
        server = await asyncio.start_server(self._between, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = bytearray()
        self.sent.append(kept)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, up_writer, kept))
            group.create_task(_copy(up_reader, writer, None))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            if kept is not None:
                kept += data
            writer.write(data)
            await writer.drain()
    writer.close()
