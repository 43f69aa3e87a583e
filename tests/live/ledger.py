"""What a bench has running on this machine, written down before it is used, so that any later run can clean up.

Strategy: every child is started under ``setpriv --pdeathsig KILL``, so the kernel ends it with the bench; the ledger is the
second net, for grandchildren and for a bench that was killed while starting something.  Each bench has a folder of its own,
named by its process; a folder whose process is gone is what an interrupted run left.  A process is an id together with the
kernel's start time of it: an id used again by a stranger never matches.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_FILE: Final = "processes.json"


class Ledger:
    """The processes of this bench, in a file of its own folder."""

    def __init__(self, runs: Path) -> None:
        """``runs`` is where the folders of all benches lie; this one's is made when it is needed."""
        self._runs = runs
        self.folder = runs / f"{os.getpid()}-{_started(os.getpid())}"

    def add(self, pid: int) -> None:
        """Remember a process that was just started."""
        started = _started(pid)
        if started is not None:
            _write(self.folder, [*_read(self.folder), (pid, started)])

    def discard(self, pid: int) -> None:
        """Forget a process that is known to have ended."""
        _write(self.folder, [entry for entry in _read(self.folder) if entry[0] != pid])

    def close(self) -> None:
        """End what is left of this bench and remove its folder."""
        _clear(self.folder)

    def sweep(self) -> list[int]:
        """Clear what interrupted benches left; returns the process ids that had to be killed."""
        killed = []
        for folder in self._runs.glob("*-*"):
            owner, _, started = folder.name.partition("-")
            if _started(int(owner)) != started:
                killed += _clear(folder)
        return killed


def _clear(folder: Path) -> list[int]:
    killed = []
    for pid, started in _read(folder):
        if _started(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
    shutil.rmtree(folder, ignore_errors=True)
    return killed


def _read(folder: Path) -> list[tuple[int, str]]:
    try:
        return [(int(pid), str(started)) for pid, started in json.loads((folder / _FILE).read_text())]
    except (FileNotFoundError, ValueError):
        return []


def _write(folder: Path, entries: Iterable[tuple[int, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "processes.partial"
    partial.write_text(json.dumps(list(entries)))
    partial.replace(folder / _FILE)


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot, or None when there is no such process (or only its corpse)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
