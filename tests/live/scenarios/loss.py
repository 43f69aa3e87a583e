"""Lost packets: up, down and both, at 2, 5, 10 and 20 %, on a bridge of two phones and on calls over both trunks."""

from __future__ import annotations

import asyncio
from functools import partial
from math import sqrt

from tests.live.relay import Spoil, relay
from tests.live.stage import ENDINGS, Scenario, Stage, alarms, number_of, value_of

CALL_S = 62
WARNING_PERCENT = 3  # the default rules
SAID_WITHIN_S = 55  # 20 s of breach, the packets to judge by, a report of the phone, 10 s between two edits of a message


async def _loss(stage: Stage, up: int, down: int, trunk: str | None) -> None:
    lossy, *rest = stage.take(1, technology="SIP" if trunk == "SIP/provider" else None) if trunk else stage.take(2)
    other = rest[0] if rest else None
    # The library drops about one point more than asked.
    drops = {"tx_drop_percent": max(0, up - 1), "rx_drop_percent": max(0, down - 1)}
    wanted = [(lossy, drops)] + ([(other, {})] if other else [])
    async with stage.phones(*wanted) as phones:
        caller = phones[-1]
        call = await caller.dial(number_of(lossy) if other else ("9601" if trunk == "SIP/provider" else "8601"))
        stage.begin()
        await asyncio.gather(
            asyncio.sleep(CALL_S),
            _expect(stage, lossy, "to_peer", down),
            _expect(stage, lossy, "from_peer", up),
        )
        for direction, percent in (("to_peer", down), ("from_peer", up)):
            _excuse(stage, lossy, direction, percent)
        await caller.hang_up(call)
    for direction, percent in (("to_peer", down), ("from_peer", up)):
        stage.expect_stored(lossy, direction, percent)
        if other is not None:
            stage.expect_stored(other, direction, 0)


async def _expect(stage: Stage, peer: str, direction: str, percent: int) -> None:
    if percent < WARNING_PERCENT:  # nothing may be said
        return
    pattern = alarms("loss", direction, peer)
    stage.allow(rf"loss {direction.removesuffix('_peer')} .*{peer}.*{ENDINGS}")
    line = await stage.said(pattern, SAID_WITHIN_S)
    if line is not None:
        value = value_of(line, pattern)
        slack = 1 + 300 * sqrt(percent / 100 * (1 - percent / 100) / 400)
        stage.check(abs(value - percent) <= slack, f"said {value:g} %, injected {percent} %")


def _excuse(stage: Stage, peer: str, direction: str, percent: int) -> None:
    """Random loss of 2 % is more than 3 % for some stretches: where RTCP itself said so, saying it is no false alarm."""
    stream = stage.rtcp(peer, direction)
    if 0 < percent < WARNING_PERCENT and stream is not None and stream.worst_percent >= WARNING_PERCENT:
        stage.excuse(rf"loss {direction.removesuffix('_peer')} .*{peer}\b")
        stage.result.measured.append(f"{stream.worst_percent:.1f} % in its worst stretch")


def _group(trunk: str | None, place: str) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(
            f"loss {percent} % {name}, {place}",
            f"{percent} % {name}",
            partial(_loss, up=up * percent, down=down * percent, trunk=trunk),
            needs_chan_sip=trunk == "SIP/provider",
        )
        for percent in (2, 5, 10, 20)
        for name, up, down in (("up", 1, 0), ("down", 0, 1), ("both ways", 1, 1))
    )


async def _on_the_trunk(stage: Stage) -> None:
    """Loss between us and the provider, 12 % there and 6 % back: the trunk is named, the phone that hears the gaps is not."""
    (phone,) = stage.take(1)
    trunk = "PJSIP/trunk-far"
    stage.owned.append(trunk)
    there, back = Spoil(loss_percent=12), Spoil(loss_percent=6)
    ports = stage.b.ports.provider_rtp
    async with relay(ports[0], there, back, count=len(ports)), stage.phones((phone, {})) as (caller,):
        await caller.dial("5601")
        stage.begin()
        await asyncio.gather(asyncio.sleep(CALL_S), _expect(stage, trunk, "to_peer", 12), _expect(stage, trunk, "from_peer", 6))
        heard = stage.rtcp(phone, "to_peer")
        if heard is not None and heard.loss_percent is not None:
            stage.result.measured.append(f"the phone itself reports {heard.loss_percent:.2f} %")
        await caller.hang_up()
    stage.expect_stored(trunk, "to_peer", 12)
    stage.expect_stored(trunk, "from_peer", 6)
    stage.expect_stored(phone, "to_peer", 0)
    stage.expect_stored(phone, "from_peer", 0)


# Not all at once: ninety phones in one message would find no room, and the machine has two cores.
_FAR = Scenario("loss between us and the provider", "12 % there, 6 % back", _on_the_trunk)
GROUPS = ((*_group(None, "bridge"), _FAR), _group("PJSIP/trunk-pj", "PJSIP trunk"), _group("SIP/provider", "chan_sip trunk"))
