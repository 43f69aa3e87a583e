"""The clock is set: an hour forward, an hour back, and both changes between summer and winter time.

The daemon's clock is Debian's libfaketime (``apt-get install faketime``): wall time only, the monotonic clock goes on, as when
an administrator or ntpd sets it.  The PBX is the same machine, so its stamps step at the same moment.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.processes import CHAT, running
from tests.faults.disks import CannotBeTriedError
from tests.faults.pbx import FaultyPbx
from tests.faults.stage import BRIDGE, OUTAGE, REPORT, REPORTS_S, Outcome, Sample, as_recording, stage

HOUR_S = 3600.0
BEFORE_S = 12.0  # a start takes some seconds on a busy machine
_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1")
ZONE = "Europe/Berlin"
SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()  # 02:00 becomes 03:00
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()  # 03:00 becomes 02:00


class Clock:
    """The wall clock of one daemon, in a file that libfaketime reads at every look."""

    def __init__(self, folder: Path, ahead_s: float = 0.0) -> None:
        self._file = folder / "clock"
        self.set(ahead_s)

    def set(self, ahead_s: float) -> None:
        """So many seconds ahead of this machine's."""
        self._file.write_text(f"{ahead_s:+.3f}\n", encoding="ascii")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


def _library() -> str:
    for pattern in _LIBRARIES:
        for found in Path("/").glob(pattern.removeprefix("/")):
            return str(found)
    raise CannotBeTriedError("libfaketime is not installed: apt-get install faketime")


async def forward(folder: Path) -> Outcome:
    """Set the clock of the machine an hour forward in the middle of a call."""
    return await _stepped(folder, HOUR_S)


async def back(folder: Path) -> Outcome:
    """Set the clock of the machine an hour back in the middle of a call."""
    return await _stepped(folder, -HOUR_S)


async def _stepped(folder: Path, by_s: float) -> Outcome:
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    place = 150
    at = pbx.script.messages[place].at
    undisturbed = as_recording(pbx, folder)
    pbx.step_clock(by_s, place)
    pbx.pause_at = place
    async with stage(folder, pbx) as it:
        it.recording = undisturbed  # people are told the same, whatever the clock does
        clock = Clock(folder)
        async with running(it.config, **clock.environment) as daemon:
            await asyncio.wait_for(pbx.reached.wait(), 60)
            clock.set(by_s)
            pbx.resumed.set()
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        it.demand(sum("ami.connected" in line for line in daemon.log) == 1, "the connection was lost")

        def is_of_the_step(sample: Sample) -> bool:
            return any(abs(sample[2] / 1e6 - instant) <= REPORTS_S for instant in (at, at + by_s))

        # For the rules an hour forward is an hour of silence: what was firing is over, and what goes on is told anew.
        return it.outcome(daemon.log, allowed_twice=1 if by_s > 0 else 0, explains=is_of_the_step)


async def summer_and_winter(folder: Path) -> Outcome:
    """Live through both nights in which the clock on the wall is changed, with a report due in the hour that moves."""
    spring = await _night(folder / "spring", SPRING, [SPRING])  # 02:00 does not come: 03:00 takes its place
    autumn = await _night(folder / "autumn", AUTUMN, [AUTUMN - HOUR_S, AUTUMN])  # 02:00 comes twice
    return spring + autumn


async def _night(folder: Path, change: float, dues: Sequence[float]) -> Outcome:
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    first, last = pbx.script.messages[0].at, pbx.script.messages[-1].at
    pbx.move(math.floor(change - (first + last) / 2))  # what is told lies on both sides of the change
    folder.mkdir(parents=True)
    async with stage(folder, pbx) as it:
        it.configure(timezone=ZONE, reports=[{"every": "day", "at": "02:00"}])
        log: list[str] = []
        for due in dues:
            clock = Clock(folder, due - BEFORE_S - time.time())
            async with running(it.config, **clock.environment) as daemon:
                await daemon.logged("ami.resynced")
                await asyncio.sleep(BEFORE_S + 3.0)
                await it.over()
                it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
            log += daemon.log
        reports = [text for text in it.telegram.texts(CHAT) if text.startswith(REPORT)]
        it.demand(len(reports) == 1, f"{len(reports)} daily reports in the night of {folder.name}")
        return it.outcome(log, remark="the report of 02:00 is told once in both nights")
