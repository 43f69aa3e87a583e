"""systemd's end of sd_notify(3): a real datagram socket, as a file or in the abstract namespace."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


class NotifySocket:
    """Receives what a service tells systemd; give the service ``environment``."""

    def __init__(self, directory: Path | None = None, *, watchdog_s: float | None = None) -> None:
        """Bind a socket file in ``directory``, or an abstract address when it is None."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self.address = f"@qualitywatch-{secrets.token_hex(8)}" if directory is None else str(directory / "notify")
        self._socket.bind(self.address.replace("@", "\0", 1) if directory is None else self.address)
        self._watchdog_s = watchdog_s

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables systemd would set (WATCHDOG_PID is left out: the pid is not known before the start)."""
        watched = {} if self._watchdog_s is None else {"WATCHDOG_USEC": str(int(self._watchdog_s * 1e6))}
        return {"NOTIFY_SOCKET": self.address, **watched}

    async def receive(self, timeout_s: float = 5.0) -> tuple[int, list[str]]:
        """Wait for one datagram; return the sender's process id and its lines; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        loop.add_reader(self._socket, arrived.set)
        try:
            async with asyncio.timeout(timeout_s):
                await arrived.wait()
        finally:
            loop.remove_reader(self._socket)
        data, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
        return pid, data.decode("utf-8").split("\n")

    async def wait_for(self, line: str, timeout_s: float = 5.0) -> list[str]:
        """Receive until a line is exactly ``line``; return all lines up to it; raises TimeoutError."""
        lines: list[str] = []
        async with asyncio.timeout(timeout_s):
            while line not in lines:
                lines += (await self.receive(timeout_s))[1]
        return lines

    def close(self) -> None:
        """Close the socket and remove its file."""
        self._socket.close()
        if self.address.startswith("/"):
            Path(self.address).unlink(missing_ok=True)

    def __enter__(self) -> NotifySocket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
