"""``qualitywatch demo --web`` as a process, and the link it prints."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.e2e.processes import REPOSITORY

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)(/\?token=\S+)")
PATIENCE_S = 30.0


@dataclass(slots=True)
class Demo:
    """A demo at work."""

    url: str
    link: str  # without the address
    process: asyncio.subprocess.Process

    async def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and the rest of what it prints."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            text = (await self.process.stdout.read()).decode()
            return await self.process.wait(), text


@asynccontextmanager
async def demo(*options: str) -> AsyncIterator[Demo]:
    """Start it and wait for its link."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY"}  # a desktop's browser would use up what is meant for ours
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "qualitywatch", "demo", "--web", *options),
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield await _linked(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _linked(process: asyncio.subprocess.Process) -> Demo:
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(PATIENCE_S):
        while line := (await process.stdout.readline()).decode():
            said += line
            if found := LINK.search(line):
                return Demo(found[1], found[2], process)
    raise AssertionError(f"no link in {said}")
