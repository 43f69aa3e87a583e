"""Starts, steers, freezes and stops one Asterisk in its folder.

Strategy: the process is chrooted, runs in the foreground and dies with the bench (``setpriv --pdeathsig``); it needs no mounts.
Every instance has a home of its own in the bench's run folder inside the root, so that instances share the programs and
nothing else, and no contact or setting survives from an earlier run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.live.ledger import Ledger


class PbxError(RuntimeError):
    """Asterisk did not start or did not obey; the message ends with its log."""


class Pbx:
    """One Asterisk instance; ``write_config(folder, home)`` fills its configuration folder."""

    def __init__(self, root: Path, name: str, ledger: Ledger, write_config: Callable[[Path, str], None]) -> None:
        self._root, self.name, self._ledger, self._write_config = root, name, ledger, write_config
        self.home = ledger.folder / name
        self._inside = f"/{self.home.relative_to(root)}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Write the configuration, start, and return when Asterisk says it is fully booted; raises PbxError."""
        shutil.rmtree(self.home, ignore_errors=True)
        for folder in ("etc", "run", "db", "spool", "log"):
            (self.home / folder).mkdir(parents=True)
        self._write_config(self.home / "etc", self._inside)
        command = ["setpriv", "--pdeathsig", "KILL", "chroot", str(self._root), "asterisk", "-f", "-C", self._config]
        with (self.home / "log/output").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._ledger.add(self._process.pid)
        await self.booted()

    async def booted(self, timeout_s: float = 60) -> None:
        """Wait until Asterisk is fully booted, for instance after ``core restart now``; raises PbxError."""
        try:
            async with asyncio.timeout(timeout_s):
                while "fully booted" not in await self.cli("core waitfullybooted"):
                    if self._process is None or self._process.returncode is not None:
                        raise PbxError(f"{self.name} ended at once:\n{self.log_tail()}")
                    await asyncio.sleep(0.2)  # its control socket is not there yet
        except TimeoutError:
            raise PbxError(f"{self.name} was not ready after {timeout_s:g} s:\n{self.log_tail()}") from None

    async def cli(self, command: str) -> str:
        """Run one CLI command in the running Asterisk and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *("chroot", self._root, "asterisk", "-C", self._config, "-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), timeout=30)
        except TimeoutError:
            process.kill()
            await process.wait()
            return ""
        return output.decode(errors="replace")

    async def version(self) -> str:
        """Asterisk's own version number, such as 16.28.0."""
        found = re.search(r"Asterisk (\d+\.\d+\.\d+)", await self.cli("core show version"))
        if found is None:
            raise PbxError(f"{self.name} does not tell its version")
        return found[1]

    async def reconfigure(self, write_config: Callable[[Path, str], None], module: str) -> None:
        """Write another configuration over the present one and reload one module."""
        write_config(self.home / "etc", self._inside)
        await self.cli(f"module reload {module}")

    def freeze(self) -> None:
        """Stop the process where it stands: ports stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """End the process: politely, then by force."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.thaw()
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), timeout=5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._ledger.discard(self._process.pid)
        self._process = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise PbxError(f"{self.name} is not running")
        return self._process.pid

    def log_tail(self) -> str:
        """The last lines of Asterisk's own log."""
        lines: list[str] = []
        for name in ("output", "full"):
            with contextlib.suppress(FileNotFoundError):
                lines += (self.home / "log" / name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    @property
    def _config(self) -> str:
        return f"{self._inside}/etc/asterisk.conf"
