"""The real daemon as a process, and a recorded PBX for it to watch."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from qualitywatch.ami.server import CaptureServer
from tests.fakes.fake_telegram import TOKEN

REPOSITORY = Path(__file__).parent.parent.parent
CHAT = -1001234567890
LOGIN = "qualitywatch"
READY_S = 45.0


@dataclass(slots=True)
class Site:
    """A configuration for one daemon in a folder of its own."""

    folder: Path
    ports: dict[str, int]
    telegram_url: str
    language: str = "en"
    pbx_extra: dict[str, Any] = field(default_factory=dict)
    secret: str = LOGIN

    def write(self) -> Path:
        """Write the configuration file and return its path."""
        document = {
            "pbx": [
                {"name": name, "host": "127.0.0.1", "port": port, "username": LOGIN, "secret": self.secret, **self.pbx_extra}
                for name, port in self.ports.items()
            ],
            "telegram": {"token": TOKEN, "base_url": self.telegram_url},
            "notify": [{"name": "ops", "kind": "telegram", "chat_id": CHAT, "language": self.language, "min_severity": "info"}],
            "store": {"directory": str(self.folder / "state")},
            "timezone": "UTC",
        }
        path = self.folder / "qualitywatch.yml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        path.chmod(0o600)
        return path


class DaemonProcess:
    """``qualitywatch run`` in a process of its own; its log is collected line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.log: list[str] = []
        self._grown = asyncio.Condition()

    @classmethod
    async def start(cls, config: Path, **environment: str) -> DaemonProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "qualitywatch",
            "run",
            "--config",
            str(config),
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def collect(self) -> None:
        """Read the log until the process ends."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            async with self._grown:
                self.log.append(line.decode().rstrip("\n"))
                self._grown.notify_all()
        async with self._grown:
            self._grown.notify_all()

    async def logged(self, text: str, timeout_s: float = READY_S) -> str:
        """Wait for a log line with this text and return it."""
        try:
            async with asyncio.timeout(timeout_s), self._grown:
                await self._grown.wait_for(lambda: any(text in line for line in self.log))
        except TimeoutError as exc:
            raise TimeoutError(f"not logged within {timeout_s:g} s: {text!r}; the last lines are {self.log[-5:]}") from exc
        return next(line for line in self.log if text in line)

    async def counted(self, text: str, times: int, timeout_s: float = READY_S) -> None:
        """Wait until so many log lines have this text."""
        async with asyncio.timeout(timeout_s), self._grown:
            await self._grown.wait_for(lambda: sum(text in line for line in self.log) >= times)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.returncode is None:
            self._process.kill()

    def hang_up(self) -> None:
        """Ask it to read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    async def stop(self, timeout_s: float = READY_S) -> int:
        """Ask it to stop and return its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(timeout_s):
            return await self._process.wait()

    async def wait(self, timeout_s: float = READY_S) -> int:
        """Wait for its end and return its exit code."""
        async with asyncio.timeout(timeout_s):
            return await self._process.wait()


@asynccontextmanager
async def running(config: Path, **environment: str) -> AsyncIterator[DaemonProcess]:
    """A daemon that is gone afterwards, whatever happens."""
    daemon = await DaemonProcess.start(config, **environment)
    async with asyncio.TaskGroup() as group:
        group.create_task(daemon.collect())
        try:
            yield daemon
        finally:
            daemon.kill()
            await daemon.wait()


@asynccontextmanager
async def playing(recording: Path, **options: Any) -> AsyncIterator[tuple[CaptureServer, int]]:
    """A recorded PBX and its port."""
    server = CaptureServer((recording / "input.ami").read_bytes(), **options)
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.stop()
