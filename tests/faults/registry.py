"""The faults there are: a name, how often, and what injects it.  A new one is a function and a line here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.faults import clocks, disks, kills, lines, outages, signals
from tests.faults.stage import Outcome

KILLS: Final = 50
CUTS: Final = 200
AT_ONCE: Final = 6  # daemons that mostly wait


@dataclass(frozen=True, slots=True)
class Fault:
    """``inject`` gets a folder of its own."""

    what: str
    inject: Callable[[Path], Awaitable[Outcome]]
    timeout_s: float = 300.0


async def again_and_again(
    folder: Path, *, once: Callable[[Path, random.Random], Awaitable[Outcome]], rounds: int, seed: int = 0
) -> Outcome:
    """Inject a fault many times at chosen places, some at once; the same places in every run."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Outcome:
        async with slots:
            return await once(folder / str(number), random.Random(seed + number))

    found = await asyncio.gather(*(one(number) for number in range(rounds)))
    return sum(found[1:], found[0])


ALONE: Final[Mapping[str, Fault]] = {
    "silent": Fault("AMI silent but open", lines.silent_but_open),
    "refused": Fault("login refused, then allowed", lines.refused_then_allowed),
    "restart": Fault("Asterisk restarted", lines.restarted),
    "telegram-down": Fault("Telegram down", outages.telegram_down),
    "telegram-busy": Fault("429 for long", outages.telegram_busy),
    "influx-down": Fault("InfluxDB down", outages.influx_down),
    "disk-full": Fault("disk full", disks.full),
    "corrupt": Fault("state files corrupt at the start", disks.corrupt),
    "corrupt-in-use": Fault("state files corrupt in use", disks.corrupt_in_use),
    "clock-forward": Fault("clock set 1 h forward", clocks.forward),
    "clock-back": Fault("clock set 1 h back", clocks.back),
    "dst": Fault("summer and winter time", clocks.summer_and_winter),
    "reload": Fault("SIGHUP, good and bad rules", signals.reloaded),
    "stop": Fault("SIGTERM under load", signals.stopped_under_load),
}


def faults(times_killed: int = KILLS, times_cut: int = CUTS) -> Mapping[str, Fault]:
    """Every fault by name; those that strike at places of chance, so often."""
    kill = partial(again_and_again, once=kills.killed, rounds=times_killed)
    cut = partial(again_and_again, once=lines.cut_in_mid_message, rounds=times_cut // lines.CUTS)
    return {"kill": Fault("kill -9", kill, 900), "cut": Fault("AMI cut in mid-message", cut, 900), **ALONE}
