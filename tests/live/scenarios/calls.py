"""Calls that change under way: hold, transfers, re-INVITE."""

from __future__ import annotations

import asyncio

from tests.live.scenarios.loss import SAID_WITHIN_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms, number_of

LATE_S = SAID_WITHIN_S + 10  # the loss is heard only in the second half


async def _hold_lossy(stage: Stage) -> None:
    """The lossy phone holds for 15 s: the loss is said, the hold is no stall and no loss."""
    lossy, other = stage.take(2)
    async with stage.phones((lossy, {"rx_drop_percent": 7}), (other, {})) as (callee, caller):
        await caller.dial(number_of(lossy))
        stage.begin()
        await asyncio.sleep(12)
        await callee.do("hold", call=0)
        await asyncio.sleep(15)
        await callee.do("unhold", call=0)
        await _loss_said(stage, lossy, "to", LATE_S)
        await asyncio.sleep(5)
        await caller.hang_up()
    stage.expect_stored(lossy, "to_peer", 8)
    stage.expect_stored(other, "to_peer", 0)
    stage.expect_stored(other, "from_peer", 0)


async def _hold_clean(stage: Stage) -> None:
    """Three holds in a clean call, by both sides: nothing may be said."""
    one, other = stage.take(2)
    async with stage.phones((one, {}), (other, {})) as (callee, caller):
        await caller.dial(number_of(one))
        stage.begin()
        for holder in (callee, caller, callee):
            await asyncio.sleep(8)
            await holder.do("hold", call=0)
            await asyncio.sleep(10)
            await holder.do("unhold", call=0)
        await asyncio.sleep(10)
        await caller.hang_up()
    for peer in (one, other):
        stage.expect_stored(peer, "to_peer", 0)


async def _blind_transfer(stage: Stage) -> None:
    """The third phone loses packets; the caller and the one who transferred are innocent."""
    first, second, third = stage.take(3)
    async with stage.phones((third, {"rx_drop_percent": 7}), (second, {}), (first, {})) as (target, callee, caller):
        await caller.dial(number_of(second))
        await asyncio.sleep(10)
        await callee.do("transfer", call=0, uri=callee.uri(number_of(third)))
        await target.wait("call", state="CONFIRMED")
        stage.begin()
        await _loss_said(stage, third, "to", LATE_S)
        await asyncio.sleep(5)
        await caller.hang_up()
    stage.expect_stored(third, "to_peer", 8)
    stage.expect_stored(first, "to_peer", 0)
    stage.expect_stored(first, "from_peer", 0)


async def _attended_transfer(stage: Stage) -> None:
    """The caller's uplink loses packets; whoever hears it is innocent, before and after."""
    first, second, third = stage.take(3)
    async with stage.phones((third, {}), (second, {}), (first, {"tx_drop_percent": 6})) as (_, callee, caller):
        await caller.dial(number_of(second))
        stage.begin()
        await asyncio.sleep(10)
        await callee.do("hold", call=0)
        asked = await callee.dial(number_of(third))
        await asyncio.sleep(6)
        await callee.do("transfer_to", call=0, target=asked)
        await _loss_said(stage, first, "from", LATE_S)
        await asyncio.sleep(20)
        await caller.hang_up()
    stage.expect_stored(first, "from_peer", 7)
    stage.expect_stored(third, "to_peer", 0)
    stage.expect_stored(first, "to_peer", 0)


async def _reinvite(stage: Stage) -> None:
    """A re-INVITE every 5 s, from either side, in a clean call."""
    one, other = stage.take(2)
    async with stage.phones((one, {}), (other, {})) as (callee, caller):
        await caller.dial(number_of(one))
        stage.begin()
        for turn in range(10):
            await asyncio.sleep(5)
            await (callee if turn % 2 else caller).do("reinvite", call=0)
        await asyncio.sleep(5)
        await caller.hang_up()
    for peer in (one, other):
        for direction in ("to_peer", "from_peer"):
            stage.expect_stored(peer, direction, 0)


async def _loss_said(stage: Stage, peer: str, direction: str, within_s: float) -> None:
    stage.allow(rf"loss {direction} .*{peer}.*{ENDINGS}")
    await stage.said(alarms("loss", f"{direction}_peer", peer), within_s)


SCENARIOS = (
    Scenario("hold by a lossy phone", "8 % down, held 15 s", _hold_lossy),
    Scenario("holds in a clean call", "three holds of 10 s", _hold_clean),
    Scenario("blind transfer", "8 % down at the third phone", _blind_transfer),
    Scenario("attended transfer", "7 % up at the caller", _attended_transfer),
    Scenario("re-INVITE every 5 s", "nothing", _reinvite),
)
