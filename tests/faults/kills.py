"""Killed as by a power cut, at a random moment, and started again."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from qualitywatch.sinks.sink import FLUSH_S
from tests.e2e.processes import running
from tests.faults.pbx import FaultyPbx
from tests.faults.stage import BRIDGE, OUTAGE, REPORTS_S, Outcome, Sample, stage

SPEED = 10.0
ON_THE_WIRE_S = 0.5


async def killed(folder: Path, chance: random.Random) -> Outcome:
    """Kill one daemon in the middle of a recording; the next takes its place."""
    pbx = FaultyPbx(BRIDGE, speed=SPEED) if chance.random() < 0.5 else FaultyPbx(OUTAGE, speed=3 * SPEED)
    async with stage(folder, pbx) as it:
        async with running(it.config) as first:
            await first.logged("ami.resynced")
            await asyncio.sleep(chance.uniform(0.0, 9.0))
            first.kill()
            killed_at = asyncio.get_running_loop().time()
            await first.wait()
            pbx.tell_again(killed_at - ON_THE_WIRE_S)
        async with running(it.config) as second:
            await second.logged("started pbx=")
            await it.over()
            it.demand(await second.stop() == 0, "the second daemon did not stop in order")
        # In memory at the moment of the kill: what the sink collects for some seconds before it writes to disk.
        since, until = pbx.until(killed_at - FLUSH_S - 1.0), pbx.until(killed_at) + REPORTS_S

        def is_of_the_kill(sample: Sample) -> bool:
            return since <= sample[2] / 1e6 <= until

        return it.outcome((*first.log, *second.log), allowed_twice=1, explains=is_of_the_kill)
