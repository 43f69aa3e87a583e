"""The daemon's end of the control socket.

One request a connection.  Who may connect is a matter of the socket's mode and directory; who it was is asked of the kernel,
for the audit (SO_PEERCRED, unix(7)).  A socket that cannot be made is an error in the log: watching goes on without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from qualitywatch.control.protocol import (
    MAX_LINE,
    Answer,
    AskStatus,
    AskView,
    ControlError,
    ExpireSilence,
    Heard,
    ListSilences,
    PbxStatus,
    Reload,
    Reloaded,
    Request,
    Silences,
    Status,
    View,
    decode_request,
    encode_answer,
    encode_error,
)
from qualitywatch.errors import QualitywatchError
from qualitywatch.model import AlertState
from qualitywatch.ports import Feeding, Supervised, Telling
from qualitywatch.room import PbxView, Room, SilenceRequest
from qualitywatch.why import Explains, WhyRequest

log = logging.getLogger(__name__)

MODE: Final = 0o660
PATIENCE_S: Final = 10.0  # for the request, and again for the answer to be read
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
_HIDDEN_UID: Final = 65_534  # what the kernel shows for users outside our user namespace (systemd's PrivateUsers=)


class ControlServer:
    """Answers on a Unix socket between ``start`` and ``close``."""

    def __init__(
        self,
        room: Room,
        path: Path,
        patience_s: float = PATIENCE_S,
        *,
        heard: Callable[[PbxView], Mapping[str, Heard]] = lambda view: {},
        reload: Callable[[], Awaitable[Reloaded]] | None = None,
    ) -> None:
        """``heard`` tells how the peers of a PBX sounded in the last minute, ``reload`` reads the configuration again."""
        self.room = room
        self._reload = reload
        # Held while something is decided, and while the room is changed for another: what the old one was told last, the new
        # one has to know of.
        self.deciding = asyncio.Lock()
        self._heard = heard
        self._path = path
        self._patience_s = patience_s
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen; a socket file that a dead daemon left is replaced. Trouble is logged, never raised."""
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _clear(self._path)
            listener = _bound(self._path)
        except OSError as exc:  # a path of more than 107 bytes among them
            log.error('control.unavailable path=%s error="%s" missing=qualitywatch_silence', self._path, exc.strerror or exc)
            return
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE)

    async def close(self) -> None:
        """Stop listening, drop who is connected, remove the socket; a second call does nothing."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._path.unlink(missing_ok=True)
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            answer = await self._answer(reader, writer)
            writer.write(answer)
            writer.close()
            async with asyncio.timeout(self._patience_s):
                await writer.wait_closed()
        except (TimeoutError, OSError) as exc:
            log.debug("control.connection_lost error=%r", exc)
        except asyncio.CancelledError:
            return  # by ``close``; nobody waits for this task, and asyncio would log an error of a cancelled one
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        try:
            async with asyncio.timeout(self._patience_s):
                line = await reader.readline()
        except ValueError:
            return encode_error(f"the request is longer than {MAX_LINE} bytes")
        if not line:
            raise ConnectionResetError("closed without a request")
        try:
            request = decode_request(line)
            # A look into the user database may ask a directory server.
            by = await asyncio.to_thread(caller, writer.get_extra_info("socket"))
            answer = await self._do(request, by)
            return await asyncio.to_thread(encode_answer, answer)  # of a thousand peers it takes a while
        except (QualitywatchError, ValueError) as exc:
            return encode_error(str(exc))

    async def _do(self, request: Request, by: str) -> Answer:
        if isinstance(request, SilenceRequest | ExpireSilence):
            async with self.deciding:
                return await self._decide(self.room, request, by)
        room = self.room
        match request:
            case ListSilences():
                return Silences(room.now(), tuple(room.silences()))
            case AskStatus():
                return _status(room)
            case WhyRequest():
                if not isinstance(room, Explains):
                    raise ControlError("this daemon cannot say why")
                return room.why(request)
            case Reload():
                if self._reload is None:
                    raise ControlError("this daemon cannot read its configuration again")
                return await self._reload()
            case AskView():
                pbxes = tuple(room.pbxes())
                heard = tuple(each for view in pbxes for each in self._heard(view).values())
                untold = room.untold() if isinstance(room, Telling) else ()
                troubles = (*room.troubles(), *untold, *_of_parts(room), *_of_databases(room))
                return View(room.now(), pbxes, heard, len(room.incidents()), troubles)

    @staticmethod
    async def _decide(room: Room, request: SilenceRequest | ExpireSilence, by: str) -> Silences:
        if isinstance(request, SilenceRequest):
            return Silences(room.now(), (await room.silence(request, by),))
        silence = await room.expire_silence(request.id, by)
        if silence is None:
            raise ControlError(f'no silence {request.id} is in force or to come: see "qualitywatch silence list"')
        return Silences(room.now(), (silence,))


def caller(connection: socket.socket) -> str:
    """Return who is at the other end of a Unix socket, for the audit."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    if uid == _HIDDEN_UID:
        return "somebody on the command line"
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"user {uid}"
    return f"{name} on the command line"


def _status(room: Room) -> Status:
    pbxes = tuple(
        PbxStatus(
            name=pbx.name,
            is_seen=pbx.is_seen,
            since_at=pbx.since_at,
            peers=len(pbx.peers),
            trunks=len(pbx.trunks),
            calls=pbx.calls,
            alerts=sum(alert.state is AlertState.FIRING for alert in pbx.alerts),
        )
        for pbx in room.pbxes()
    )
    return Status(room.now(), pbxes, incidents=len(room.incidents()), silences=len(room.silences()))


def _of_parts(room: Room) -> Iterator[str]:
    for part in room.failing_parts() if isinstance(room, Supervised) else ():
        yield f"part {part.name} stumbles over a mistake of this program and is begun again ({part.times} so far): {part.what}"


def _of_databases(room: Room) -> Iterator[str]:
    for database in room.databases() if isinstance(room, Feeding) else ():
        if database.trouble is not None:
            yield f"{database.name}: {database.waiting} readings wait on disk: {database.trouble}"
        if database.lost:
            yield f"{database.name}: {database.lost} readings lost since the start: no room on disk, or it damaged them"
        if database.refused:
            yield f"{database.name}: {database.refused} readings refused for good since the start: see the log"


def _clear(path: Path) -> None:
    """Remove the socket of a daemon that is no more; raises OSError when it lives, or the file is something else."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(None, "a file that is not a socket is in the way: move it away")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(path))
            except ConnectionRefusedError:
                path.unlink()
                return
        raise FileExistsError(None, "another daemon answers there: stop it, or give this one a store.directory of its own")


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), MODE)  # before it is bound: at no moment may others connect
        listener.bind(os.fspath(path))
        path.chmod(MODE)  # whatever the umask
    except BaseException:
        listener.close()
        raise
    return listener
