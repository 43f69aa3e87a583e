"""Told to stop, or to read its configuration again, while there is much to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qualitywatch.ami.recording import TimedMessage
from tests.e2e.processes import DaemonProcess, running
from tests.faults.pbx import FaultyPbx, shifted
from tests.faults.stage import BRIDGE, REPORTS_S, Outcome, Sample, samples_in, samples_of, stage

STOP_S = 45.0  # TimeoutStopSec of the shipped unit
CALLS = 80
STOP_AFTER = 4000  # messages
RELOADS = 6
UNREAD_S = 15.0  # so long something may lie in a socket while the daemon, and a busy machine, have other things to do
_GOOD = "rules:\n  - {name: own, kind: threshold, metric: loss_percent, warning: {enter: 99, clear: 50}}\n"
_BAD = "rules:\n  - {name: own, kind: threshold, metric: loss_percent, warning: {enter: much}}\n"


def _busy_pbx() -> FaultyPbx:
    """The same calls over and over, as fast as they are listened to."""
    pbx = FaultyPbx(BRIDGE, speed=0)
    one = pbx.script.messages
    every_s = float(round(one[-1].at - one[0].at) + 60)
    rounds = [number * every_s for number in range(CALLS)]
    pbx.play_instead(tuple(TimedMessage(it.at + by_s, shifted(it.message, by_s)) for by_s in rounds for it in one))
    return pbx


async def stopped_under_load(folder: Path) -> Outcome:
    """SIGTERM while a PBX talks as fast as it is listened to; then the next daemon hears the rest."""
    pbx = _busy_pbx()
    async with stage(folder, pbx) as it:
        loop = asyncio.get_running_loop()
        async with running(it.config) as first:
            async with asyncio.timeout(60):
                while pbx.written < STOP_AFTER:
                    await asyncio.sleep(0.01)
            begun = loop.time()
            it.demand(await first.stop(STOP_S + 10.0) == 0, "the first daemon did not stop in order")
            stop_s = loop.time() - begun
        it.demand(not pbx.finished.is_set(), "the load was over before the stop")
        it.demand(stop_s <= STOP_S, f"the stop took {stop_s:.1f} s")
        unread = [at for at, written in pbx.written_at if begun - UNREAD_S <= written <= begun + stop_s]
        async with running(it.config) as second:
            await second.logged("started pbx=")
            await it.over()
            await it.handed_over(max(samples_of(pbx), key=lambda sample: sample[2]))  # megabytes lie in the sockets yet
            it.demand(await second.stop() == 0, "the second daemon did not stop in order")
        it.demand(_is_one_gap(samples_of(pbx), samples_in(it.influx.lines)), "something that was read is not stored")
        # What lay in the sockets when nobody read any more, and the reports until legs can be measured again.
        since, until = min(unread), max(unread) + REPORTS_S
        return it.outcome(
            (*first.log, *second.log),
            allowed_twice=1,
            explains=lambda sample: since <= sample[2] / 1e6 <= until,
            remark=f"stopped within {stop_s:.1f} s",
        )


def _is_one_gap(wanted: set[Sample], stored: set[Sample]) -> bool:
    """Whether what is missing is one piece; at its end one leg begins to be measured again some seconds before another."""
    missing = sorted(sample[2] for sample in wanted - stored)
    if not missing:
        return True
    ends_at = missing[-1] - REPORTS_S * 1e6
    return not any(missing[0] < sample[2] < ends_at for sample in wanted & stored)


async def reloaded(folder: Path) -> Outcome:
    """SIGHUP in the middle of calls, with good rules and bad ones by turns."""
    pbx = FaultyPbx(BRIDGE, speed=10.0)
    rules = folder / "rules"
    rules.mkdir(parents=True)
    async with stage(folder, pbx) as it:
        it.configure(rules={"directory": str(rules)})
        it.demand(it.heads_expected.total() > 0, "nothing to tell")  # foreseen before the rules are spoilt
        async with running(it.config) as daemon:
            await daemon.logged("ami.resynced")
            for number in range(RELOADS):
                is_good = number % 2 == 0
                (rules / "own.yml").write_text((_GOOD if is_good else _BAD).replace("99", str(90 + number)), encoding="utf-8")
                await _hang_up(daemon, " reloaded changes=" if is_good else "reload.refused problems=", number // 2 + 1)
                await asyncio.sleep(1.0)
            await it.over()
            it.demand(await daemon.stop() == 0, "the daemon did not stop in order")
        it.demand(sum("ami.connected" in line for line in daemon.log) == 1, "the connection was given up for a reload")
        return it.outcome(daemon.log, times=RELOADS, remark="three good, three refused")


async def _hang_up(daemon: DaemonProcess, says: str, times: int) -> None:
    daemon.hang_up()
    try:
        async with asyncio.timeout(20):
            while sum(says in line for line in daemon.log) < times:
                await asyncio.sleep(0.02)
    except TimeoutError as exc:
        raise TimeoutError(f"not {times} times logged: {says!r}; the last lines are {daemon.log[-5:]}") from exc
