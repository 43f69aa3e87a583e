"""The HTTP server inside the daemon's loop: a service like any other, which never ends the daemon.

Strategy: uvicorn without its signal handlers (the daemon's are ours) and on a socket that is not its own (``web.door``): where
uvicorn would end the process because a port is taken, we say so once and try again.  Its end is bounded: streams are told to
go, what is being answered has a moment to finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

import uvicorn
from starlette.types import ASGIApp

from qualitywatch.web.door import Door

log = logging.getLogger(__name__)

RETRY_S: Final = 10.0
GRACE_S: Final = 2.0
LAST_WORDS_S: Final = 0.05  # for those who have just come in to say what they want
MAX_CONNECTIONS: Final = 256


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # newcomers wait at the door for whoever serves next
        await asyncio.sleep(LAST_WORDS_S)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """``app.services.Service`` that serves an application until it is cancelled; ``farewell`` ends streams that have no end.

    ``welcome`` is called before each time it serves: it may have broken before, and said farewell then.
    """

    def __init__(
        self,
        application: ASGIApp,
        door: Door,
        *,
        welcome: Callable[[], None],
        farewell: Callable[[], None],
        retry_s: float = RETRY_S,
    ) -> None:
        self._application = application
        self._door = door
        self._welcome, self._farewell = welcome, farewell
        self._retry_s = retry_s
        self._failing = False
        self.ready = asyncio.Event()
        self.port = door.port  # the real one, once ``ready``

    async def run(self) -> NoReturn:
        """Serve until cancelled, whatever happens."""
        while True:
            try:
                with self._door.opened() as listener:
                    await self._serve(listener)
            except OSError as exc:
                if not self._failing:
                    log.error('web.cannot_listen on=%s:%d error="%s"', self._door.host, self._door.port, exc.strerror or exc)
                self._failing = True
            except Exception:
                log.exception("web.failed this_is_a_bug=yes")
            self.ready.clear()
            await asyncio.sleep(self._retry_s)

    async def close(self) -> None:
        """Nothing: the end of ``run`` gives back everything."""

    async def _serve(self, listener: socket.socket) -> None:
        def begun() -> None:
            self.port = listener.getsockname()[1]
            self._failing = False
            self.ready.set()
            log.info("web.listens on=%s:%d", self._door.host, self.port)

        server = _Server(
            uvicorn.Config(
                self._application,
                lifespan="off",
                ws="none",
                http="h11",
                access_log=False,  # addresses may hold a token
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=1,
            ),
            begun,
        )
        self._welcome()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]), name="uvicorn")
            try:
                await asyncio.wait({serving})
            finally:
                self._farewell()
                server.should_exit = True
                if not serving.done():
                    await asyncio.wait({serving}, timeout=GRACE_S)
                serving.cancel()
