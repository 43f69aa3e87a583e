"""``served`` as a process, for a benchmark to start and to listen to."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


class Served:
    """A server that sends a stream to the one who logs in."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def when(self, what: str) -> float:
        """Wait until it says that it has begun (``BEGIN``) or sent all (``SENT``); returns when that was, in Unix seconds."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, _, at = line.decode().partition(" ")
            if word == what:
                return float(at)
        raise RuntimeError(f"the server ended without a word of {what}")


@asynccontextmanager
async def served(path: Path, rate: float | None = None) -> AsyncIterator[Served]:
    """Serve a file of events on a free port."""
    command = (sys.executable, "-m", "tests.benchmarks.served", str(path), *(() if rate is None else (str(rate),)))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Served(process, int((await process.stdout.readline()).split()[1]))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Used:
    """CPU seconds and memory of a process, as the kernel counts them."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    @property
    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def waited_s(self) -> float:
        """How long all its threads together were ready to run and had no processor."""
        tasks = Path(f"/proc/{self._pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9

    @property
    def peak_mb(self) -> float:
        """The most memory it ever held."""
        return self._status("VmHWM")

    @property
    def memory_mb(self) -> float:
        """The memory it holds."""
        return self._status("VmRSS")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024

    async def idle(self, *, quiet_s: float = 1.0, share: float = 0.06) -> float:
        """Wait until it has done next to nothing for a while; returns the CPU seconds up to the beginning of that while."""
        before = self.cpu_s
        while True:
            await asyncio.sleep(quiet_s)
            now = self.cpu_s
            if now - before <= share * quiet_s:
                return before
            before = now
