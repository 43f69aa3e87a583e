"""A backtest of what a real daemon stored says what the daemon said."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from qualitywatch.errors import QualitywatchError
from qualitywatch.model import AlertState, NotifyReason
from tests.backtest.world import live, recorded
from tests.conftest import CAPTURES
from tests.e2e.processes import Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram

RECORDING = CAPTURES / "asterisk-20/sip-bridge-loss"


async def backtest(config: Path) -> set[tuple[str, str, str | None, float]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "qualitywatch", "backtest", "--config", str(config), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise QualitywatchError(err.decode())
    fired = json.loads(out)["present"]["fired"]
    return {(each["rule"], each["subject"], each["direction"], each["began_at"]) for each in fired}


@pytest.mark.slow
async def test_a_backtest_of_what_a_daemon_stored(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(RECORDING, speed=0) as (server, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        async with running(config) as daemon:
            await asyncio.wait_for(server.finished.wait(), 60)
            await telegram.wait_sent(1, timeout_s=60)
            await asyncio.sleep(1.5)
            assert await daemon.stop() == 0
    (tmp_path / "lived").mkdir()
    lived = await asyncio.to_thread(live, tmp_path / "lived", recorded(RECORDING))
    expected = {
        (each.alert.key.rule, each.alert.key.subject, each.alert.key.direction, each.at)
        for each in lived.transitions
        if each.new_state is AlertState.FIRING and each.reason is NotifyReason.FIRING
    }
    assert {each for each in await backtest(config) if each[0] == "loss"} == {each for each in expected if each[0] == "loss"}
    assert {each[1] for each in expected if each[0] == "loss"} == {"SIP/6117", "SIP/6118"}
