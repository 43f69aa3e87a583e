"""The connection to Asterisk fails: cut in mid-message, silent, refused, gone for a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from tests.e2e.processes import running
from tests.faults.pbx import FaultyPbx, SilentLine, login_refused
from tests.faults.stage import BRIDGE, OUTAGE, REPORTS_S, Outcome, Sample, as_heard, stage

CUTS = 4  # of one daemon: the pauses between its attempts double, and a fifth would take half a minute


async def cut_in_mid_message(folder: Path, chance: random.Random) -> Outcome:
    """Cut the connection in the middle of some messages."""
    # One recording each: how often a trunk came and went is counted anew after a gap, and both together are near that limit.
    pbx = FaultyPbx(chance.choice([BRIDGE, OUTAGE]), speed=30.0)
    places = pbx.cut_at(chance, CUTS)
    instants = [pbx.script.messages[place].at for place in places]
    async with stage(folder, pbx) as it:
        # In a call of a minute that was cut every few seconds not everything can be judged: owed is what can.
        it.recording, *after_gaps = as_heard(pbx, places, folder / "heard")
        it.after_gaps = tuple(after_gaps)
        async with running(it.config) as daemon:
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        lost = sum("ami.connection_lost" in line for line in daemon.log)
        it.demand(lost >= 1, "no cut was noticed")
        it.demand(len(pbx.lost) == CUTS, f"{len(pbx.lost)} of {CUTS} cuts happened")

        def is_of_a_cut(sample: Sample) -> bool:
            return any(at - 1.0 <= sample[2] / 1e6 <= at + REPORTS_S for at in instants)

        return it.outcome(daemon.log, times=CUTS, explains=is_of_a_cut)


async def silent_but_open(folder: Path) -> Outcome:
    """Let the wire go dead without anybody hanging up: only an unanswered Ping tells."""
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    pbx.pause_at = 100
    async with stage(folder, pbx) as it, SilentLine(lambda: pbx.port) as line:
        it.configure(pbx=[{"name": "office", "host": "127.0.0.1", "port": line.port, **_login()}])
        async with running(it.config) as daemon:
            await asyncio.wait_for(pbx.reached.wait(), 60)
            line.fall_silent()
            begun = asyncio.get_running_loop().time()
            await daemon.logged("left a Ping unanswered", timeout_s=60)
            noticed_s = asyncio.get_running_loop().time() - begun
            pbx.resumed.set()
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        return it.outcome(daemon.log, explains=_after(pbx, 100), remark=f"noticed after {noticed_s:.0f} s")


async def refused_then_allowed(folder: Path) -> Outcome:
    """Refuse the login until the daemon has said so, then let it in."""
    async with stage(folder) as it:
        login_refused(it.pbx, refused=True)
        async with running(it.config) as daemon:
            line = await daemon.logged("ami.cannot_connect")
            it.demand("manager.conf" in line, "the refusal does not say where to look")
            login_refused(it.pbx, refused=False)
            begun = asyncio.get_running_loop().time()
            await daemon.logged("ami.connected", timeout_s=90)
            back_s = asyncio.get_running_loop().time() - begun
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        return it.outcome(daemon.log, remark=f"logged in again after {back_s:.0f} s")


async def restarted(folder: Path) -> Outcome:
    """Restart Asterisk in the middle of calls."""
    pbx = FaultyPbx(BRIDGE, OUTAGE, speed=30.0)
    pbx.pause_at = 150
    async with stage(folder, pbx) as it:
        async with running(it.config) as daemon:
            await asyncio.wait_for(pbx.reached.wait(), 60)
            await pbx.restart(away_s=3.0)
            pbx.resumed.set()
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        it.demand(any("is being restarted" in line for line in daemon.log), "the restart is not named")
        return it.outcome(daemon.log, explains=_after(pbx, 150))


def _login() -> dict[str, str]:
    return {"username": "qualitywatch", "secret": "qualitywatch"}


def _after(pbx: FaultyPbx, place: int) -> Callable[[Sample], bool]:
    at = pbx.script.messages[place].at

    def is_just_after(sample: Sample) -> bool:
        return at - 1.0 <= sample[2] / 1e6 <= at + REPORTS_S

    return is_just_after
