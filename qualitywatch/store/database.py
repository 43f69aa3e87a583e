"""One SQLite connection in one thread of its own.

A commit waits for the disk (fsync) and a large delete takes half a second: neither may stop the event loop, or Asterisk
cuts the AMI session off.  So every statement runs in a single dedicated thread, in the order asked for, and errors leave it
as StoreError with the file's name and what to do about it.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from qualitywatch.errors import StoreError

T = TypeVar("T")

_FULL: Final = "the disk is full: free some space; what was stored before is safe"
_DENIED: Final = (
    "cannot be written: it and its directory must belong to the user qualitywatch runs as (and the disk be writable)"
)
_LOCKED: Final = "locked by another process for too long: end the program (sqlite3, a backup) that holds it"
_FAILED: Final = "the disk refused to read or write it: look into the kernel's log (dmesg) and check the file system"
_DAMAGED: Final = "the file is damaged: restart qualitywatch, which sets it aside and starts a new one"
_NO_DIRECTORY: Final = "part of this path is a file: name a directory"

DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_SQLITE_ADVICE: Final = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_CANTOPEN: _DENIED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_IOERR: _FAILED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_SYSTEM_ADVICE: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
    errno.EIO: _FAILED,
    errno.EEXIST: _NO_DIRECTORY,
    errno.ENOTDIR: _NO_DIRECTORY,
}


def sqlite_code(error: sqlite3.Error) -> int:
    """Return the primary result code of SQLite, 0 when the error came from Python's own checks."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def explain(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """Return the error an administrator should see instead: which file, what happened, what to do."""
    if isinstance(error, OSError):
        advice = _SYSTEM_ADVICE.get(error.errno or 0, error.strerror or str(error))
    else:
        full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE
        advice = _FULL if full else _SQLITE_ADVICE.get(sqlite_code(error), str(error))
    return StoreError(f"{path}: {advice}")


def damage_mark(path: Path) -> Path:
    """The file that says to the next start that this one was found damaged while it was in use."""
    return path.with_name(f"{path.name}.damaged")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the body in one write transaction: all of it is stored, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk rolls back by itself
            connection.execute("ROLLBACK")
        raise


class Database:
    """A SQLite file at work; made by ``open``."""

    def __init__(self, path: Path, executor: ThreadPoolExecutor, connection: sqlite3.Connection) -> None:
        self._path = path
        self._executor = executor
        self._connection = connection
        self._closed = False

    @classmethod
    async def open(cls, path: Path, connect: Callable[[], sqlite3.Connection]) -> Database:
        """Call ``connect`` in a new thread, which keeps the connection; raises StoreError."""
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.name}")

        def connect_explained() -> sqlite3.Connection:
            try:
                return connect()
            except (sqlite3.Error, OSError) as exc:
                raise explain(path, exc) from exc

        try:
            connection = await asyncio.get_running_loop().run_in_executor(executor, connect_explained)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(path, executor, connection)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in the thread and return its result; raises StoreError.

        Once asked for, work is done even when the asking task is cancelled: what a caller believes on its way stays so.
        """
        if self._closed:
            raise StoreError(f"{self._path}: already closed")
        return await self._submit(work)

    async def close(self) -> None:
        """Finish what is queued, close the file, end the thread; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._submit(lambda connection: connection.close())
        finally:
            self._executor.shutdown(wait=False)

    async def _submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def work_explained() -> T:
            try:
                return work(self._connection)
            except (sqlite3.Error, OSError) as exc:
                if isinstance(exc, sqlite3.Error) and sqlite_code(exc) in DAMAGE:
                    with suppress(OSError):
                        damage_mark(self._path).touch(mode=0o600)
                raise explain(self._path, exc) from exc

        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._executor, work_explained))
