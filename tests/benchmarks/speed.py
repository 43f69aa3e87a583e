"""``python -m tests.benchmarks.speed``: events per CPU second of the whole path, beside clients that merely receive.

The whole path is parsing, samples, verdicts, the default rules, alerts and rollups: as ``replay`` of a file, and as ``run``,
the daemon as a process with its stores.  Everybody else gets the same stream over loopback TCP.  CPU is user and system time of
the process from the login to the last event.  Other programs are installed into a folder that is thrown away, left out with a
line where they cannot be had.

Where there is a C compiler the whole path is measured a second time with its native modules (DESIGN.md, "Compiled").

``--events N`` (200,000), ``--peers FOLDER`` keeps what was installed there for the next time, ``--no-compiled``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from qualitywatch.doctor.unitfile import read_unit
from tests.benchmarks.compiled import build
from tests.benchmarks.served_process import ROOT, Used, served
from tests.benchmarks.stream import write_stream
from tests.e2e.processes import Site
from tests.fakes.fake_telegram import FakeTelegram

EVENTS: Final = 200_000
AT_ONCE: Final = 40_000  # as many as the daemon holds before reports give way: what is thrown away would not be work done
PACED: Final = 2_000
PACED_S: Final = 10
PATIENCE_S: Final = 120.0
CLIENTS: Final = Path(__file__).parent / "clients"
PYTHON_PEERS: Final = {
    "panoramisk": "panoramisk_client.py",
    "asterisk-ami": "asterisk_ami_client.py",
    "basicami": "basicami_client.py",
}
LEAST: Final = 100_000
TIMES: Final = 2.5
MOST_SHARE: Final = 6.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    name: str
    events: int
    cpu_s: float
    peak_mb: float
    lag_s: float | None = None

    @property
    def rate(self) -> float:
        """Events per CPU second."""
        return self.events / self.cpu_s if self.cpu_s > 0 else 0.0

    def told(self) -> str:
        """The line."""
        lag = "" if self.lag_s is None else f"{self.lag_s:8.2f} s"
        return f"{self.name:42}{self.rate:10,.0f}{1e6 / max(self.rate, 1e-9):10.1f}{self.peak_mb:9.0f}{lag}"


async def client(name: str, command: Sequence[str], stream: Path, events: int, **environment: str) -> Result | None:
    """Let one client receive the stream."""
    async with served(stream) as server:
        process = await asyncio.create_subprocess_exec(
            *(*command, str(server.port), str(events)),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            print(f"{name}: received less than was sent, and waits")
            return None
    try:
        said = json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        print(f"{name}: failed: {err.decode(errors='replace').strip().splitlines()[-1:]}")
        return None
    return Result(name, said["events"], said["cpu_s"], said["peak_mb"])


@dataclass(frozen=True, slots=True)
class Program:
    """qualitywatch as it lies in a folder."""

    name: str
    place: Path

    def called(self, how: str) -> str:
        """What a line of the table is about."""
        return f"{self.name}, whole path, {how}"


def replayed(program: Program, stream: Path, events: int) -> Result:
    """The whole path as ``replay``, less what it takes to start; rollups go to a store in memory files of its own."""

    def used(path: Path) -> tuple[float, float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.replayed", str(path)],
            cwd=program.place,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024

    short = stream.with_suffix(".short")
    write_stream(short, 1)
    start_s, _ = used(short)
    cpu_s, peak_mb = used(stream)
    return Result(program.called("replay"), events, cpu_s - start_s, peak_mb)


@asynccontextmanager
async def daemon(
    folder: Path, port: int, telegram: str, more: Mapping[str, Any] | None = None, place: Path = ROOT
) -> AsyncIterator[tuple[Used, Path]]:
    """``qualitywatch run`` on a fresh store, in the environment of the service; its log is a file."""
    config = Site(folder, {"pbx": port}, telegram).write()
    if more:
        config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **more}))
    log = folder / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qualitywatch", "run", "--config", str(config)),
            cwd=place,
            # Who draws pictures is begun in another folder, and has to find this one also where nothing is installed.
            env={**os.environ, **_environment(), "PYTHONPATH": str(place)},
            stdout=file,
            stderr=file,
        )
    try:
        yield Used(process.pid), log
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _environment() -> dict[str, str]:
    settings = read_unit((ROOT / "systemd" / "qualitywatch.service").read_text()).get("Environment", ())
    return dict(setting.split("=", 1) for line in settings for setting in line.split())


async def run(program: Program, folder: Path, stream: Path, events: int) -> Result:
    """The whole path as the daemon."""
    folder.mkdir()
    async with (
        FakeTelegram() as telegram,
        served(stream) as server,
        daemon(folder, server.port, telegram.url, place=program.place) as (used, log),
    ):
        await server.when("BEGIN")
        before = used.cpu_s
        sent_at = await server.when("SENT")
        after = await used.idle()
        lag_s = max(0.0, _now() - 1.0 - sent_at)
        if "inbox_overflow" in log.read_text(errors="replace"):
            print("run: reports were dropped, so the figure is worth nothing")
        return Result(program.called("run"), events, after - before, used.peak_mb, lag_s)


async def paced(program: Program, folder: Path) -> float:
    """The share of a core at a steady rate, one event a segment, in percent."""
    folder.mkdir()
    stream = folder / "paced.ami"
    write_stream(stream, PACED * PACED_S)
    async with (
        FakeTelegram() as telegram,
        served(stream, PACED) as server,
        daemon(folder, server.port, telegram.url, place=program.place) as (used, _),
    ):
        begun = await server.when("BEGIN")
        before = used.cpu_s
        sent = await server.when("SENT")
        return 100 * (used.cpu_s - before) / (sent - begun)


def _now() -> float:
    import time  # noqa: PLC0415 - the benchmark's own clock

    return time.time()


async def peers(folder: Path, stream: Path, events: int) -> list[Result]:
    """Everybody else, as far as they can be had."""
    found: list[Result | None] = []
    python = folder / "venv/bin/python"
    for package, script in PYTHON_PEERS.items():
        if _install(package, folder, python):
            found.append(await client(package, [str(python), str(CLIENTS / script)], stream, events))
    if _install_yana(folder):
        yana = str(folder / "node_modules/yana")
        found.append(await client("yana (node)", ["node", str(CLIENTS / "yana_client.js")], stream, events, YANA=yana))
    return [result for result in found if result is not None]


def _install(package: str, folder: Path, python: Path) -> bool:
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    return _done([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", package], package)


def _install_yana(folder: Path) -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("yana: skipped, there is no node or npm")
        return False
    return (folder / "node_modules/yana").exists() or _done(
        ["npm", "install", "--silent", "--prefix", str(folder), "yana@0.3.0"], "yana"
    )


def _done(command: Sequence[str], package: str) -> bool:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"{package}: skipped, it cannot be installed")
    return ended.returncode == 0


async def main() -> int:
    options = argparse.ArgumentParser(description="Events per CPU second.")
    options.add_argument("--events", type=int, default=EVENTS)
    options.add_argument("--peers", type=Path)
    options.add_argument("--no-compiled", action="store_true", help="measure the plain program only")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stream = folder / "stream.ami"
        names = write_stream(stream, asked.events)
        reports = names["RTCPSent"] + names["RTCPReceived"]
        print(f"{asked.events:,} events of {stream.stat().st_size / asked.events:.0f} bytes, {reports:,} of them reports")
        print(f"{'':42}{'events/CPU s':>10}{'us':>8}{'peak MB':>9}{'lag':>8}")
        installed = asked.peers or folder / "peers"
        installed.mkdir(parents=True, exist_ok=True)
        others = await peers(installed, stream, asked.events)
        ours = [
            await client(
                "qualitywatch, codec alone", [sys.executable, "-m", "tests.benchmarks.clients.codec"], stream, asked.events
            )
        ]
        for result in (*others, *(each for each in ours if each is not None)):
            print(result.told())
        place = None if asked.no_compiled else build(folder / "compiled")
        programs = [Program("qualitywatch", ROOT), *([] if place is None else [Program("qualitywatch, compiled", place)])]
        fastest = max((result.rate for result in others), default=0.0)
        good = [
            await judged(program, folder / str(number), stream, asked.events, fastest)
            for number, program in enumerate(programs)
        ]
        return 0 if all(good) else 1


async def judged(program: Program, folder: Path, stream: Path, events: int, fastest: float) -> bool:
    """Measure one program and say how it stands by the limits."""
    folder.mkdir()
    short, at_once = folder / "at_once.ami", min(events, AT_ONCE)
    write_stream(short, at_once)
    whole = [replayed(program, stream, events), await run(program, folder / "run", short, at_once)]
    for result in whole:
        print(result.told())
    share = await paced(program, folder / "paced")
    print(f"{'at ' + format(PACED, ',') + ' events/s, one a segment':42}{share:8.1f} % of a core (at most {MOST_SHARE:g} %)")
    slowest = min(result.rate for result in whole)
    wanted = max(LEAST, TIMES * fastest)
    times = slowest / max(fastest, 1)
    print(f"whole path: {slowest:,.0f} events per CPU second of {wanted:,.0f} wanted, {times:.2f} x the fastest other")
    return slowest >= wanted and share <= MOST_SHARE


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
