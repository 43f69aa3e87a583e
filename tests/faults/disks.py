"""The disk fails: full, or what lies on it is damaged."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.e2e.processes import running
from tests.e2e.test_full_disk import fill
from tests.faults.pbx import FaultyPbx
from tests.faults.stage import BRIDGE, OUTAGE, REPORTS_S, Outcome, Stage, stage


class CannotBeTriedError(Exception):
    """This machine does not allow this fault."""


async def full(folder: Path) -> Outcome:
    """Fill the disk before anything happens, make room when all is over."""
    with _small_disk(folder / "state") as place:
        async with stage(folder) as it:
            async with running(it.config) as daemon:
                await daemon.logged("ami.resynced")
                filler = fill(place)
                await it.over()
                filler.unlink()
                await daemon.logged("state.stored_again")
                await asyncio.sleep(6.0)  # the sink tries its disk again every 5 s
                it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
            it.demand(sum("state.cannot_be_stored" in line for line in daemon.log) == 1, "the full disk is not told once")
            told = len(it.telegram.sent)
            async with running(it.config) as again:
                await again.logged("ami.resynced")
                it.demand(await again.stop() == 0, "the second daemon did not stop in order")
            it.demand(len(it.telegram.sent) == told, "what was told while the disk was full is told again after it")
            return it.outcome((*daemon.log, *again.log), remark="2 MB of tmpfs, filled to the last byte")


Damage = Callable[[Path], None]


def _garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def _half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _pages_lost(path: Path, first: int) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096 * first, len(content), 8192):
        content[start : start + 4096] = b"\xa5" * len(content[start : start + 4096])
    path.write_bytes(content)


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _rows_not_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for table in ("alert", "incident", "post", "agent", "meta"):
            for body in ("{", "[]", "null", '{"id": "x"}', "1e999"):
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                values = [body if name == "body" else len(body) * 1000 + 7 for name in columns]
                marks = ", ".join("?" * len(columns))
                database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)


DAMAGES: Mapping[str, Damage] = {
    "garbage": _garbage,
    "cut short": _cut_short,
    "half of it": _half,
    "every second page lost": partial(_pages_lost, first=2),
    "every other page lost": partial(_pages_lost, first=1),
    "rows of another kind": _rows_not_ours,
    "emptied": _emptied,
}
_UNSEEN: Final = {_rows_not_ours, _emptied}  # nothing to set aside
FILES = ("state.db", "rollup.db", "spool-influxdb.db")


async def corrupt(folder: Path) -> Outcome:
    """Damage each file of the state directory in each way between two lives of a daemon."""
    ways = enumerate(DAMAGES.items())
    found = await asyncio.gather(*(_damaged(folder / str(number), name, damage) for number, (name, damage) in ways))
    return sum(found[1:], found[0])


async def _damaged(folder: Path, name: str, damage: Damage) -> Outcome:
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    pbx.pause_at = 300
    async with stage(folder, pbx) as it:
        it.forgets = True
        async with running(it.config) as first:
            await asyncio.wait_for(pbx.reached.wait(), 60)
            await it.telegram.wait_sent(1, timeout_s=30)
            it.demand(await first.stop() == 0, "the first daemon did not stop in order")
        told = len(it.telegram.sent)
        at = pbx.script.messages[300].at
        _damage_all(it, damage)
        async with running(it.config) as second:
            await second.logged("started pbx=")
            pbx.resumed.set()
            await it.over()
            it.demand(await second.stop() == 0, "the second daemon did not stop in order")
        said = "\n".join(second.log)
        if damage not in _UNSEEN:
            for file in FILES:
                it.demand(f"{file} is damaged" in said, f"{name}: nothing was said of {file}")
                it.demand(bool(list((folder / "state").glob(f"{file}.corrupt-*"))), f"{name}: {file} was not set aside")
        # What was on the disk alone is gone with it, so what is still firing is told anew; a restart alone is like a kill.
        return it.outcome(
            (*first.log, *second.log),
            allowed_twice=1,
            forgotten=0 if damage is _rows_not_ours else told,
            explains=lambda sample: at - 30.0 <= sample[2] / 1e6 <= at + REPORTS_S,
            remark=f"{len(DAMAGES)} ways, {len(FILES)} files each",
        )


async def corrupt_in_use(folder: Path) -> Outcome:
    """Overwrite the files of a running daemon, each in place; then let it be restarted."""
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    pbx.pause_at = 300
    async with stage(folder, pbx) as it:
        it.forgets = True
        async with running(it.config) as first:
            await asyncio.wait_for(pbx.reached.wait(), 60)
            for file in FILES:
                for suffix in ("", "-wal"):
                    path = folder / "state" / f"{file}{suffix}"
                    if path.exists():
                        with path.open("r+b") as damaged:
                            damaged.write(b"\xa5" * path.stat().st_size)
            pbx.resumed.set()
            await it.over()
            it.demand(await first.stop() == 0, "the first daemon did not stop in order")
        it.demand("damaged" in "\n".join(first.log), "nothing was said of the damage")
        told = len(it.telegram.sent)
        async with running(it.config) as second:
            await second.logged("ami.resynced")
            it.demand(await second.stop() == 0, "the second daemon did not stop in order")
        aside = list((folder / "state").glob("*.corrupt-*"))
        names = {path.name.partition(".corrupt-")[0] for path in aside}
        it.demand({"state.db", "rollup.db"} <= names, f"only {names} were set aside")  # the spool may be rewritten whole
        return it.outcome(
            (*first.log, *second.log),
            allowed_twice=1,
            forgotten=told,
            remark="set aside at the next start",
        )


def _damage_all(it: Stage, damage: Damage) -> None:
    for file in FILES:
        path = it.folder / "state" / file
        it.demand(path.exists(), f"there is no {file}")
        if damage is _rows_not_ours and file != "state.db":
            continue
        damage(path)


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False, capture_output=True)
    if mounted.returncode != 0:
        raise CannotBeTriedError("file systems cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
