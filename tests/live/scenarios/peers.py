"""Phones that freeze, come back, go, change their User-Agent or address, or give a wrong password."""

from __future__ import annotations

import asyncio

import yaml

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live import faults
from tests.live.chat import Chat
from tests.live.daemon import daemon
from tests.live.stage import Scenario, Stage


async def _freeze(stage: Stage) -> None:
    """A phone stops answering for 25 s, comes back, and goes: phones do that, so by default nobody is told."""
    (peer,) = stage.take(1)
    technology, _, user = peer.partition("/")
    async with stage.phones((peer, {})) as (phone,):
        stage.begin()
        phone.freeze()
        before = len(stage.ami.messages)
        gone = await stage.ami.event(
            "PeerStatus", after=before, timeout_s=40, Peer=f"{technology}/{user}", PeerStatus="Unreachable"
        )
        phone.thaw()
        back = await stage.ami.event(
            "PeerStatus", after=before, timeout_s=40, Peer=f"{technology}/{user}", PeerStatus="Reachable"
        )
        out_s = float(back["Timestamp"]) - float(gone["Timestamp"])
        stage.result.measured.append(f"unreachable for {out_s:.0f} s")
    await asyncio.sleep(10)


async def _impatient(stage: Stage) -> None:
    """A daemon that was asked to tell of phones after 15 s: one that freezes is told, one whose contact moves is not."""
    (frozen,), (moving,) = stage.take(1), stage.take(1, variant="unasked")
    stage.scratch.mkdir(parents=True)
    rule: dict[str, object] = {"name": "peer-down", "kind": "state", "entity": "peer", "bad": ["unreachable", "unregistered"]}
    rule |= {"subject": [frozen, moving], "info": {"for": "15s"}, "clear_hold": "5s"}
    (stage.scratch / "rules").mkdir()
    (stage.scratch / "rules/peers.yml").write_text(yaml.safe_dump({"rules": [rule]}))
    extra = {
        "rules": {"directory": str(stage.scratch / "rules")},
        "notify": [{"kind": "telegram", "chat_id": 1, "min_severity": "info"}],
    }
    technology, _, user = moving.partition("/")
    async with (
        FakeTelegram() as telegram,
        stage.phones((frozen, {})) as (phone,),
        daemon(stage.scratch / "daemon", stage.b.ledger, stage.b.ports.ami, telegram.url, TOKEN, extra=extra) as other,
    ):
        await other.logged("ami.resynced")
        chat = Chat(telegram)
        for offset in (0, 1):
            port = stage.b.ports.phone_rtp(user) + offset
            registrar = stage.b.ports.registrar(technology)
            await faults.register(stage.scratch / "sipp", registrar, [user], "bench phone", local_port=port)
        stage.begin()
        phone.freeze()
        await stage.said(rf"{frozen} is unreachable", 50, chat=chat)
        phone.thaw()
        await stage.said(rf"{frozen} is reachable again", 90, chat=chat, times=False)
        told = [line.text for line in chat.lines() if moving in line.text]
        stage.check(not told, f"told of a phone that only moved: {told}")


async def _user_agent(stage: Stage) -> None:
    """The same phone registers with other firmware from another port, then something that calls itself a scanner does."""
    (peer,) = stage.take(1)
    technology, _, user = peer.partition("/")
    before = "bench phone"
    for agent, offset in (("Cisco-CP7960G/8.0", 0), ("friendly-scanner", 1)):
        port = stage.b.ports.phone_rtp(user) + offset
        stage.begin()
        await faults.register(stage.scratch, stage.b.ports.registrar(technology), [user], agent, local_port=port)
        await stage.said(
            # The second is told in the message of the first.
            rf'User-Agent on peer .*{peer} \(127\.0\.0\.1:{port}\) changed (from|2 times: .*) "{before}" (to|→) "{agent}"',
            within_s=30,
        )
        before = agent


async def _address(stage: Stage) -> None:
    """The same User-Agent from another port: not told by default."""
    (peer,) = stage.take(1)
    technology, _, user = peer.partition("/")
    stage.begin()
    for offset in (0, 1):
        port = stage.b.ports.phone_rtp(user) + offset
        await faults.register(stage.scratch, stage.b.ports.registrar(technology), [user], "bench phone", local_port=port)
    await asyncio.sleep(15)


async def _wrong_password(stage: Stage) -> None:
    """Twenty wrong passwords: told by the address they come from, and no change of state of the peer."""
    (peer,) = stage.take(1)
    technology, _, user = peer.partition("/")
    refusal = 403 if technology == "SIP" else 401
    stage.begin()
    registrar = stage.b.ports.registrar(technology)
    stage.allow(r"failed logins? from ")
    await faults.register(stage.scratch, registrar, [user] * 20, "bench phone", password="wrong", answer=refusal)
    await stage.said(r"failed logins from \S+ in 5 min", 60)
    await asyncio.sleep(15)


async def _renewed(stage: Stage) -> None:
    """A phone calls on after its registration was renewed with the same User-Agent: nothing has changed."""
    (peer,) = stage.take(1)
    async with stage.phones((peer, {})) as (phone,):
        await phone.dial("601")
        stage.begin()
        for _ in range(4):
            await asyncio.sleep(5)
            await phone.do("register", renew=True)
        await phone.hang_up()
    stage.expect_stored(peer, "to_peer", 0)


SCENARIOS = (
    Scenario("phone frozen, thawed, gone", "SIGSTOP", _freeze),
    Scenario("phones watched closely", "one frozen, one moved", _impatient),
    Scenario("User-Agent changed", "sipp registers twice", _user_agent),
    Scenario("address changed", "sipp, another port", _address),
    Scenario("wrong passwords", "20 registrations", _wrong_password),
    Scenario("registration renewed", "four times in a call", _renewed),
)
