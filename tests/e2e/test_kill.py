"""Killed at a random moment and started again: every alert is delivered, at most one of them twice, none is forgotten."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import CAPTURES
from tests.e2e.processes import CHAT, Site, playing, running
from tests.e2e.test_run_equals_replay import headlines, told_by_replay
from tests.fakes.fake_telegram import FakeTelegram

ROUNDS = 20
AT_ONCE = 3
SPEED = 30.0
FIGURE = re.compile(r"\d+(\.\d+)?%|after .*$")


def alike(texts: list[str]) -> Counter[str]:
    """Headlines without their figures: windows are measured anew after a kill."""
    return Counter(FIGURE.sub("…", text) for text in texts)


async def one_round(number: int, folder: Path) -> str | None:
    """Kill one daemon in mid-recording; return what is wrong with what the chat has seen, or None."""
    chance = random.Random(number)
    recording = CAPTURES / ("asterisk-20/trunk-outage" if number % 2 else "asterisk-20/sip-bridge-loss")
    expected = alike(told_by_replay(recording))
    async with FakeTelegram() as telegram, playing(recording, speed=SPEED, resume=True) as (server, port):
        config = Site(folder, {"office": port}, telegram.url).write()
        async with running(config) as first:
            await first.logged("ami.resynced")
            await asyncio.sleep(chance.uniform(0.0, 1.1 * server.script.length_s / SPEED))
            first.kill()
            await first.wait()
        async with running(config) as second:
            await asyncio.wait_for(server.finished.wait(), 60)
            with suppress(TimeoutError):
                await telegram.wait_sent(expected.total(), timeout_s=30)
            assert await second.stop() == 0
        seen = alike(headlines(telegram.texts(CHAT)))
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
