"""What befalls the whole PBX: reloads, a restart in mid-call, a manager interface that freezes."""

from __future__ import annotations

import asyncio

from tests.live.scenarios.loss import CALL_S, SAID_WITHIN_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms

BLIND_WITHIN_S = 120
SEEN_WITHIN_S = 60


async def _reload(stage: Stage) -> None:
    """Reloads of everything and of single modules in mid-call: one loss is said, once, and nothing else."""
    (peer,) = stage.take(1)
    async with stage.phones((peer, {"rx_drop_percent": 7})) as (phone,):
        await phone.dial("601")
        stage.begin()
        stage.allow(rf"loss to .*{peer}.*{ENDINGS}")
        for command in ("core reload", "module reload res_pjsip.so", "module reload chan_sip.so", "manager reload"):
            await asyncio.sleep(6)
            await stage.b.pbx.cli(command)
        await stage.said(alarms("loss", "to_peer", peer), SAID_WITHIN_S)
        await asyncio.sleep(10)
        await phone.hang_up()
    stage.expect_stored(peer, "to_peer", 8)


async def _restart(stage: Stage) -> None:
    """Asterisk restarts in mid-call: no blindness worth telling, and the next call is judged as ever."""
    (before, after) = stage.take(2)
    async with stage.phones((before, {}), (after, {"rx_drop_percent": 7})) as (first, second):
        await first.dial("601")
        await asyncio.sleep(15)
        stage.begin()
        await stage.b.pbx.cli("core restart now")
        await asyncio.sleep(3)
        await stage.b.pbx.booted()
        await second.do("register", renew=True)
        await asyncio.sleep(5)
        await second.dial("601")
        stage.begin()
        stage.allow(rf"loss to .*{after}.*{ENDINGS}")
        await stage.said(alarms("loss", "to_peer", after), CALL_S)
        await second.hang_up()


async def _ami_frozen(stage: Stage) -> None:
    """Asterisk stands still with open connections: that we are blind is said, then that we see again."""
    stage.begin()
    stage.b.pbx.freeze()
    try:
        await stage.said(r"PBX lab cannot be seen", BLIND_WITHIN_S)
    finally:
        stage.b.pbx.thaw()
    stage.begin()
    await stage.said(r"PBX lab is seen again", SEEN_WITHIN_S, times=False)


LANE = (
    Scenario("reloads in mid-call", "8 % down", _reload),
    Scenario("restart in mid-call", "core restart now; then 8 % down", _restart),
    Scenario("manager frozen and back", "SIGSTOP", _ami_frozen),
)
