"""Killed at a random moment and started again: every alert is delivered, at most one of them twice, none is forgotten."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import CAPTURES
from tests.e2e.chat import foreseen, shown
from tests.e2e.processes import Site, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.faults.pbx import FaultyPbx, serving
from tests.faults.stage import heads

ROUNDS = 20
AT_ONCE = 3
SPEED = 30.0
ON_THE_WIRE_S = 0.5


async def one_round(number: int, folder: Path) -> str | None:
    """Kill one daemon in mid-recording; return what is wrong with what the chat shows in the end, or None."""
    chance = random.Random(number)
    recording = CAPTURES / ("asterisk-20/trunk-outage" if number % 2 else "asterisk-20/sip-bridge-loss")
    pbx = FaultyPbx(recording, speed=SPEED)
    async with FakeTelegram() as telegram, serving(pbx):
        config = Site(folder, {"office": pbx.port}, telegram.url).write()
        expected = heads(foreseen(recording, config))
        async with running(config) as first:
            await first.logged("ami.resynced")
            await asyncio.sleep(chance.uniform(0.0, 1.1 * pbx.script.length_s / SPEED))
            first.kill()
            killed_at = asyncio.get_running_loop().time()
            await first.wait()
            pbx.tell_again(killed_at - ON_THE_WIRE_S)
        async with running(config) as second:
            await second.logged("started pbx=office")
            await asyncio.wait_for(pbx.finished.wait(), 120)
            with suppress(TimeoutError):
                await telegram.wait(lambda: not expected - heads(shown(telegram)), timeout_s=60)
            assert await second.stop() == 0
        seen = heads(shown(telegram))
    forgotten, repeated = expected - seen, seen - expected
    if forgotten or repeated.total() > 1 or set(repeated) - set(expected):
        return f"round {number}: forgotten {dict(forgotten)}, repeated {dict(repeated)}"
    return None


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_alert_is_lost_by_a_kill(tmp_path: Path) -> None:
    wrong: list[str] = []
    slots = asyncio.Semaphore(AT_ONCE)

    async def guarded(number: int) -> None:
        async with slots:
            folder = tmp_path / str(number)
            folder.mkdir()
            complaint = await one_round(number, folder)
            if complaint is not None:
                wrong.append(complaint)

    async with asyncio.TaskGroup() as group:
        for number in range(ROUNDS):
            group.create_task(guarded(number))
    assert not wrong, "\n".join(wrong)
