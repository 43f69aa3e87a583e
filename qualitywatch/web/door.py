"""The address at which the page is served: a socket that stays when whoever serves behind it changes.

While nobody serves, as during a reload, connections wait in the kernel's queue instead of being refused.
"""

from __future__ import annotations

import socket


class Door:
    """Opened by the first who serves, closed by ``close``; it may be opened again after that."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._socket: socket.socket | None = None

    def opened(self) -> socket.socket:
        """A descriptor of one's own for the one socket, which whoever serves may close; raises OSError while it is taken."""
        if self._socket is None:
            self._socket = self._bound()
        return self._socket.dup()

    def close(self) -> None:
        """Refuse connections from now on, also those that wait."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((self.host, self.port))
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
        return listener
