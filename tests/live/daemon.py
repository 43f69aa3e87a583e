"""The daemon under test: the real process, the default rules, the least AMI rights, its own state directory and log."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.live.ledger import Ledger
from tests.live.plan import HOST, LEAST, AmiUser

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One row of the call table, one direction; percentages are None where the daemon says it does not know."""

    peer: str
    direction: str
    start: int
    packets: float | None
    loss_percent: float | None
    loss_percent_reported: float | None
    jitter_max_ms: float | None
    codec: str | None


class Daemon:
    """A running ``qualitywatch run``; made by ``daemon()``."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.folder, self._process = folder, process

    @property
    def log(self) -> str:
        """Everything it wrote to standard error so far."""
        return (self.folder / "log").read_text(errors="replace")

    async def logged(self, text: str, timeout_s: float = 20) -> None:
        """Wait until the log holds a text; raises TimeoutError with the end of the log."""
        try:
            async with asyncio.timeout(timeout_s):
                while text not in self.log:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise TimeoutError(f"the daemon did not log {text!r} in {timeout_s:g} s:\n{self.log[-2000:]}") from None

    def calls(self) -> list[StoredCall]:
        """All stored calls, each direction by itself."""
        with contextlib.closing(sqlite3.connect(self.folder / "state/rollup.db")) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT peer.name, call.* FROM call JOIN peer ON peer.id = call.peer").fetchall()
        return [_direction(row, direction) for row in rows for direction in ("to_peer", "from_peer")]

    def audit(self) -> list[tuple[str, str]]:
        """Who did what, oldest first: (who, action)."""
        with contextlib.closing(sqlite3.connect(self.folder / "state/state.db")) as database:
            return list(database.execute("SELECT who, action FROM audit ORDER BY id"))

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run ``qualitywatch`` with this daemon's configuration, as an administrator would; return exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "qualitywatch", *arguments),
            *("--config", str(self.folder / "config.yml")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace")

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._process.wait()

    async def start_again(self, ledger: Ledger) -> None:
        """Start it on what it left."""
        self._process = await _spawn(self.folder)
        ledger.add(self._process.pid)

    async def stop(self) -> int:
        """End it as systemd would and return its exit code; what it holds is stored then."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), timeout=20)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.returncode


def _direction(row: sqlite3.Row, direction: str) -> StoredCall:
    def percent(lost: str, packets: str) -> float | None:
        return 100 * row[lost] / row[packets] if row[packets] else None

    return StoredCall(
        row["name"],
        direction,
        row["start"],
        row[f"{direction}_packets"],
        percent(f"{direction}_lost", f"{direction}_packets"),
        percent(f"{direction}_lost_reported", f"{direction}_packets_reported"),
        row[f"{direction}_jitter_max"],
        row["codec"],
    )


@contextlib.asynccontextmanager
async def daemon(
    folder: Path,
    ledger: Ledger,
    ami_port: int,
    telegram_url: str,
    token: str,
    *,
    user: AmiUser = LEAST,
    chat_id: int = 1,
    users: Mapping[int, str] | None = None,
    pbx: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> AsyncIterator[Daemon]:
    """Run the daemon in a folder of its own; ``pbx`` adds to (or overrides) the PBX section, ``extra`` whole sections.

    ``users`` may press buttons and write commands.  It is stopped at the end.
    """
    folder.mkdir(parents=True)
    section = {"name": "lab", "host": HOST, "port": ami_port, "username": user.name, "secret": user.secret, **(pbx or {})}
    config = {
        "pbx": [section],
        "telegram": {
            "token": token,
            "base_url": telegram_url,
            "users": {str(key): name for key, name in (users or {}).items()},
        },
        "notify": [{"kind": "telegram", "chat_id": chat_id}],
        "store": {"directory": str(folder / "state")},
        **(extra or {}),
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    (folder / "config.yml").chmod(0o600)
    process = await _spawn(folder)
    ledger.add(process.pid)
    running = Daemon(folder, process)
    try:
        yield running
    finally:
        await running.stop()
        ledger.discard(process.pid)


async def _spawn(folder: Path) -> asyncio.subprocess.Process:
    """Start it; its log goes on where an earlier one ended."""
    with (folder / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "qualitywatch", "run"),
            *("--config", str(folder / "config.yml")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
