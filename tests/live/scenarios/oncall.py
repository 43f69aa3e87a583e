"""Reaching people when chat fails: a phone rings for a trunk that is refused, key 1 acknowledges, a lamp shows the trunk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live import faults
from tests.live.ami import Message
from tests.live.daemon import Daemon, daemon
from tests.live.phones import Phone
from tests.live.plan import CALLER, LEAST, AmiUser
from tests.live.stage import Scenario, Stage

REFUSED_WITHIN_S = 90.0  # the next registration comes after 15 to 20 s
AGAIN_AFTER_S = 10.0
HINT = "*70"  # extensions.conf: Custom:trunk-pj


@asynccontextmanager
async def _daemon(stage: Stage, user: AmiUser, channel: str) -> AsyncIterator[tuple[Daemon, FakeTelegram]]:
    """A daemon that rings a channel soon, and lights a lamp."""
    ports = stage.b.ports
    extra = {
        "call": {"channel": channel, "after": "2s", "every": f"{AGAIN_AFTER_S:g}s", "ring": "5s", "attempts": 5},
        "lamps": {f"PJSIP/74995555@127.0.0.1:{ports.provider}": "trunk-pj"},
    }
    async with (
        FakeTelegram() as telegram,
        daemon(stage.scratch / user.name, stage.b.ledger, ports.ami, telegram.url, TOKEN, user=user, extra=extra) as running,
    ):
        yield running, telegram


async def _asked(stage: Stage, action: str, **headers: str) -> Message:
    """The answer to an action of the bench's own."""
    action_id = f"{stage.result.scenario}-{len(stage.ami.messages)}"
    await stage.ami.act(action, ActionID=action_id, **headers)
    return await stage.ami.wait(action, lambda message: message.get("ActionID") == action_id)


async def _lamp(stage: Stage, state: str, hint: str, within_s: float) -> None:
    """Wait until the device and the hint that desk phones subscribe to show a state."""
    value = status = None
    try:
        async with asyncio.timeout(within_s):
            while (value, status) != (state, hint):
                await asyncio.sleep(0.5)
                value = (await _asked(stage, "Getvar", Variable="DEVICE_STATE(Custom:trunk-pj)")).get("Value")
                status = (await _asked(stage, "ExtensionState", Exten=HINT, Context="internal")).get("StatusText")
        stage.result.measured.append(f"lamp {state}")
    except TimeoutError:
        stage.check(False, f"the lamp shows {value}, its hint {status}: not {state} within {within_s:g} s")


async def _incoming(phone: Phone, seen: int, timeout_s: float) -> int:
    """Wait for the next call and return the phone's number of it."""
    return int((await phone.wait("incoming", after=seen, timeout_s=timeout_s))["call"])


async def _presses(phone: Phone, call: int, digit: str) -> None:
    seen = len(phone.events)
    await phone.do("answer", call=call)
    await phone.wait("call", after=seen, call=call, state="CONFIRMED")
    await asyncio.sleep(1)  # somebody lifts the phone to the ear
    await phone.do("digits", call=call, digits=digit)
    await phone.wait("call", after=seen, call=call, state="DISCONNECTED")


async def _ring(stage: Stage, peer: str, channel: str) -> None:
    """Busy, then a wrong key, then key 1: only the last acknowledges, and then the phone is left alone."""
    async with _daemon(stage, CALLER, channel) as (other, telegram), stage.phones((peer, {})) as (phone,):
        await phone.do("answering", on=False)
        await other.logged("ami.resynced")
        await _lamp(stage, "NOT_INUSE", "Idle", 20)
        stage.begin()
        await faults.set_trunk_password(stage.b.provider, stage.b.ports, "another")
        try:
            call = await _incoming(phone, 0, REFUSED_WITHIN_S)
            await _lamp(stage, "INUSE", "InUse", 10)
            await phone.do("answer", call=call, code=486)
            await other.logged('result="busy"')
            await _presses(phone, await _incoming(phone, len(phone.events), 3 * AGAIN_AFTER_S), "5")
            await other.logged("key 5 was pressed and not 1")
            stage.check("oncall.acknowledged" not in other.log, "key 5 acknowledged")
            await _presses(phone, await _incoming(phone, len(phone.events), 3 * AGAIN_AFTER_S), "1")
            await other.logged("oncall.acknowledged")
            await _shown(stage, telegram, f"phone {channel}")
            seen = len(phone.events)
            await asyncio.sleep(2 * AGAIN_AFTER_S)
            rang = [event for event in phone.events[seen:] if event["event"] == "incoming"]
            stage.check(not rang, f"the phone rang again although the incident was acknowledged: {rang}")
        finally:
            await faults.set_trunk_password(stage.b.provider, stage.b.ports)
        await _lamp(stage, "NOT_INUSE", "Idle", 60)
        stage.check(await other.stop() == 0, "the daemon did not end well")
        stage.result.measured += re.findall(r'result="([^"]+)"', other.log)


async def _shown(stage: Stage, telegram: FakeTelegram, by: str) -> None:
    """The living message must come to name who acknowledged."""
    try:
        await telegram.wait(lambda: any(by in message.text for message in telegram.living(1)), timeout_s=30)
    except TimeoutError:
        stage.check(False, f"the chat does not show {by}: {[message.text for message in telegram.living(1)]}")


async def _phone(stage: Stage) -> None:
    _let_the_main_chat_speak_of_trunks(stage)
    (peer,) = stage.take(1, technology="PJSIP")
    await _ring(stage, peer, peer)


async def _number(stage: Stage) -> None:
    _let_the_main_chat_speak_of_trunks(stage)
    (peer,) = stage.take(1, technology="PJSIP")
    await _ring(stage, peer, f"Local/{peer.partition('/')[2]}@internal")


async def _no_rights(stage: Stage) -> None:
    """Without the rights nobody is rung and no lamp is lit, and the log says which rights."""
    _let_the_main_chat_speak_of_trunks(stage)
    async with _daemon(stage, LEAST, "PJSIP/701") as (other, _):
        await other.logged("ami.resynced")
        stage.begin()
        await other.logged("lamp.not_set")
        await faults.set_trunk_password(stage.b.provider, stage.b.ports, "another")
        try:
            await other.logged("oncall.not_called", REFUSED_WITHIN_S)
        finally:
            await faults.set_trunk_password(stage.b.provider, stage.b.ports)
        await stage.b.trunks_up()
        said = [line for line in other.log.splitlines() if line.startswith("ERROR")]
        stage.check(len(said) == 2 and all("Permission denied" in line and "write=" in line for line in said), f"log: {said}")
        stage.result.measured += [line[:160] for line in said]


def _let_the_main_chat_speak_of_trunks(stage: Stage) -> None:
    stage.allow(r"trunk .* (is not registered|is registered again)")


LANE = (
    Scenario("phone call to an extension", "trunk refused; busy, key 5, key 1", _phone),
    Scenario("phone call through the dialplan", "trunk refused; busy, key 5, key 1", _number),
    Scenario("phone call and lamp without rights", "trunk refused", _no_rights),
)
