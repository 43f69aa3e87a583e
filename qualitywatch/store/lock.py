"""One daemon per state directory, enforced by flock(2).

The kernel drops the lock with the process, kill -9 included, so a lock file left behind never blocks a start.  A SQLite
lock would do the same but also shut out an administrator's ``sqlite3`` while the daemon runs.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from qualitywatch.errors import StoreError

LOCK_FILE = "qualitywatch.lock"


class DirectoryLock:
    """Held from ``acquire`` until ``release`` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> DirectoryLock:
        """Take the lock of a directory; raises StoreError when another process has it, OSError when no file can be made."""
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreError(
                f"{directory}: in use by another qualitywatch (process {holder}): "
                "stop it first, or give this one a state directory of its own"
            ) from exc
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        return cls(descriptor)

    def release(self) -> None:
        """Give the directory free; the file stays, because removing it would race with the next daemon."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
