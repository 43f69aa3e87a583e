"""Remedies on a real PBX: the dial plan is turned to a backup trunk and back, across a kill; a call is hung up; rights lack."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import yaml

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live import faults
from tests.live.ami import Message
from tests.live.daemon import Daemon, daemon
from tests.live.plan import CALLER, HEALER, LEAST, AmiUser
from tests.live.stage import Scenario, Stage

REFUSED_WITHIN_S = 90.0  # the next registration comes after 15 to 20 s
BACK_WITHIN_S = 60.0
SATELLITE = "0088216123456"

TO_BACKUP: Mapping[str, Any] = {
    "name": "trunk-down",
    "kind": "state",
    "entity": "trunk",
    "subject": "PJSIP/74995555@*",
    "critical": {"for": "60s", "at_once": ["rejected", "failed"]},
    "bad": ["rejected", "failed", "unregistered"],
    "remedies": [{"action": "dbput", "family": "trunk", "key": "main", "value": "backup", "severity": "critical"}],
}
GUARD: Mapping[str, Any] = {
    "name": "no-satellites",
    "kind": "destination",
    "deny": ["+882"],
    "clear_hold": "10s",
    "remedies": [
        {"action": "hangup", "cause": 21},
        {"action": "setvar", "variable": "LAST_BAD_CALLER", "value": "{subject}"},
    ],
}


@asynccontextmanager
async def _daemon(stage: Stage, user: AmiUser, rule: Mapping[str, Any]) -> AsyncIterator[tuple[Daemon, FakeTelegram]]:
    """A daemon that may do something about one rule."""
    rules = stage.scratch / "rules"
    rules.mkdir(parents=True)
    (rules / "mine.yml").write_text(yaml.safe_dump({"rules": [dict(rule)]}))
    extra = {"remedies": {"enabled": True}, "rules": {"directory": str(rules)}}
    folder, ami = stage.scratch / user.name, stage.b.ports.ami
    async with (
        FakeTelegram() as telegram,
        daemon(folder, stage.b.ledger, ami, telegram.url, TOKEN, user=user, extra=extra) as running,
    ):
        await running.logged("ami.resynced")
        yield running, telegram


async def _asked(stage: Stage, action: str, **headers: str) -> Message:
    """The answer to an action of the bench's own."""
    action_id = f"{stage.result.scenario}-{len(stage.ami.messages)}"
    await stage.ami.act(action, ActionID=action_id, **headers)
    return await stage.ami.wait(action, lambda message: message.get("ActionID") == action_id)


async def _variable(stage: Stage, name: str) -> str:
    return (await _asked(stage, "Getvar", Variable=name)).get("Value") or ""


async def _route(stage: Stage, name: str) -> str:
    """Which trunk the dial plan would take: a key of the database."""
    action_id = f"{stage.result.scenario}-{len(stage.ami.messages)}"
    await stage.ami.act("DBGet", ActionID=action_id, Family="trunk", Key=name)

    def found(message: Message) -> bool:
        return message.get("ActionID") == action_id and ("Val" in message or message.get("Response") == "Error")

    return (await stage.ami.wait("DBGet", found)).get("Val") or ""


async def _becomes(
    stage: Stage, name: str, value: str, within_s: float, read: Callable[[Stage, str], Awaitable[str]] = _variable
) -> None:
    """Wait until a variable of the dial plan, or what is read otherwise, has a value."""
    began = asyncio.get_running_loop().time()
    found = await read(stage, name)
    while found != value and asyncio.get_running_loop().time() < began + within_s:
        await asyncio.sleep(0.5)
        found = await read(stage, name)
    stage.check(found == value, f"{name} is {found!r}, not {value!r} within {within_s:g} s")
    stage.result.measured.append(f"{name} = {found} after {asyncio.get_running_loop().time() - began:.0f} s")


async def _told(stage: Stage, telegram: FakeTelegram, pattern: str, within_s: float = 30) -> None:
    """The living message must come to hold a line."""
    try:
        await telegram.wait(lambda: any(re.search(pattern, each.text) for each in telegram.living(1)), timeout_s=within_s)
    except TimeoutError:
        stage.check(False, f"the chat does not show {pattern}: {[message.text for message in telegram.living(1)]}")


def _speak_of_trunks(stage: Stage) -> None:
    stage.allow(r"trunk .* (is not registered|is registered again|keeps coming and going)")


async def _backup(stage: Stage) -> None:
    """Over to the backup when the trunk is refused; the daemon is killed meanwhile, and yet it goes back."""
    _speak_of_trunks(stage)
    await _asked(stage, "DBPut", Family="trunk", Key="main", Val="mango")
    async with _daemon(stage, HEALER, TO_BACKUP) as (other, telegram):
        stage.begin()
        await faults.set_trunk_password(stage.b.provider, stage.b.ports, "another")
        try:
            await _becomes(stage, "main", "backup", REFUSED_WITHIN_S, _route)
            await _told(stage, telegram, r"\d\d:\d\d:\d\d turned DB trunk/main to backup")
            await other.kill()
        finally:
            await faults.set_trunk_password(stage.b.provider, stage.b.ports)
        await stage.b.trunks_up()
        stage.check(await _route(stage, "main") == "backup", "somebody else turned it back")
        await other.start_again(stage.b.ledger)
        await _becomes(stage, "main", "mango", BACK_WITHIN_S, _route)
        await _told(stage, telegram, r"\d\d:\d\d:\d\d turned DB trunk/main back to mango")
        stage.check(await other.stop() == 0, "the daemon did not end well")
        rows = [action for _, action in other.audit() if action == "remedy"]
        stage.check(len(rows) == 2, f"{len(rows)} rows in the audit instead of 2")
    await _asked(stage, "DBDel", Family="trunk", Key="main")


async def _no_rights(stage: Stage) -> None:
    _speak_of_trunks(stage)
    async with _daemon(stage, LEAST, TO_BACKUP) as (_, telegram):
        stage.begin()
        await faults.set_trunk_password(stage.b.provider, stage.b.ports, "another")
        try:
            refused = "did not turn DB trunk/main to backup: refused, manager user lacks system"
            await _told(stage, telegram, refused, REFUSED_WITHIN_S)
        finally:
            await faults.set_trunk_password(stage.b.provider, stage.b.ports)
        await stage.b.trunks_up()


async def _guard(stage: Stage) -> None:
    """A call to a satellite phone lasts no longer than it takes to see it; all that takes is the right ``call``."""
    (peer,) = stage.take(1)
    async with _daemon(stage, CALLER, GUARD) as (_, telegram), stage.phones((peer, {})) as (phone,):
        stage.begin()
        seen = len(phone.events)
        began = asyncio.get_running_loop().time()
        await phone.dial("8" + SATELLITE)
        await phone.wait("call", after=seen, state="DISCONNECTED", timeout_s=10)
        stage.result.measured.append(f"hung up after {asyncio.get_running_loop().time() - began:.1f} s")
        await _told(stage, telegram, rf"\d\d:\d\d:\d\d hung up {re.escape(peer)}-")
        await _becomes(stage, "LAST_BAD_CALLER", peer, 5)
        await _becomes(stage, "LAST_BAD_CALLER", "", 30)  # as it was before
        await _told(stage, telegram, "emptied LAST_BAD_CALLER again|set LAST_BAD_CALLER back to nothing")


async def _elsewhere(stage: Stage) -> None:
    """A call to a satellite phone goes on in an announcement, and somebody is called."""
    (peer, operator) = stage.take(2, technology="PJSIP")
    remedies = [
        {"action": "redirect", "context": "internal", "exten": "601"},
        {"action": "originate", "channel": operator, "sound": "demo-congrats"},
    ]
    rule = {**GUARD, "remedies": remedies}
    async with _daemon(stage, CALLER, rule) as (_, telegram), stage.phones((peer, {}), (operator, {})) as (phone, other):
        stage.begin()
        await phone.dial("8" + SATELLITE)
        await other.wait("call", state="CONFIRMED", timeout_s=10)
        await _told(stage, telegram, rf"\d\d:\d\d:\d\d .*{re.escape(peer)}-.*internal")
        await _told(stage, telegram, rf"\d\d:\d\d:\d\d called {re.escape(operator)}")
        channel = next(m["Channel"] for m in reversed(stage.ami.messages) if m.get("Channel", "").startswith(f"{peer}-"))
        found = (await _asked(stage, "Getvar", Channel=channel, Variable="EXTEN")).get("Value")
        stage.check(found == "601", f"the call is at extension {found!r}, not at 601")
        stage.result.measured.append(f"at extension {found}")
        await phone.hang_up()


LANE = (
    Scenario("remedy: backup trunk, across a kill", "trunk refused, daemon killed", _backup),
    Scenario("remedy: no rights", "trunk refused", _no_rights),
    Scenario("remedy: forbidden call is hung up", "a call to +882", _guard),
    Scenario("remedy: forbidden call is sent elsewhere", "a call to +882", _elsewhere),
)
