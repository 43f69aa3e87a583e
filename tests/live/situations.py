"""What happens in a recording: each situation steers phones on a bench and says, as it goes, what it did and when.

The same phones are used with both versions of Asterisk: ``a`` and ``b`` are chan_sip phones where chan_sip exists, the PJSIP
phones do the same beside them.  A recording is a fact about Asterisk, so a situation judges nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from tests.live import faults
from tests.live.bench import Bench
from tests.live.opus_phone import opus_call
from tests.live.phones import Phone
from tests.live.plan import subscribers
from tests.live.relay import Spoil


@dataclass(slots=True)
class Truth:
    """What was done: becomes ``truth.yml`` beside the recording."""

    what: str = ""
    injected: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)  # that no media show: rule, subject, at, within_s, what
    timeline: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""

    def mark(self, what: str) -> None:
        """Note an instant, in Unix seconds as AMI's own Timestamp."""
        self.timeline.append({"at": round(datetime.now(UTC).timestamp(), 3), "what": what})


Situation: TypeAlias = Callable[[Bench, Truth], Awaitable[None]]


def pairs(b: Bench) -> list[tuple[str, str]]:
    """Two pairs of phones: one of each technology where there are two."""
    return [("SIP/6117", "SIP/6118") if b.suite.has_chan_sip else ("PJSIP/703", "PJSIP/704"), ("PJSIP/701", "PJSIP/702")]


async def hold(b: Bench, truth: Truth) -> None:
    """One call is held by its callee, the other by its caller; only one of the held phones loses packets."""
    (a1, b1), (a2, b2) = pairs(b)
    truth.what = f"{a1} calls {b1} and {a2} calls {b2}; {b1} holds its call for 15 s, {a2} its own; both go on afterwards."
    truth.injected = [{"peer": b1, "direction": "to_peer", "loss_percent": 8}]
    truth.notes = "Nothing but the loss to one phone is wrong; a held call is not a stalled one."
    async with AsyncExitStack() as stack:
        phone_b1 = await stack.enter_async_context(b.phone(b1, rx_drop_percent=7))
        await stack.enter_async_context(b.phone(b2))
        phone_a1 = await stack.enter_async_context(b.phone(a1))
        phone_a2 = await stack.enter_async_context(b.phone(a2))
        calls = [await phone_a1.dial(_number(b1)), await phone_a2.dial(_number(b2))]
        truth.mark("both calls are up")
        await asyncio.sleep(14)
        await phone_b1.do("hold", call=0)
        truth.mark(f"{b1} holds")
        await phone_a2.do("hold", call=0)
        truth.mark(f"{a2} holds")
        await asyncio.sleep(15)
        await phone_b1.do("unhold", call=0)
        truth.mark(f"{b1} unholds")
        await phone_a2.do("unhold", call=0)
        truth.mark(f"{a2} unholds")
        await asyncio.sleep(21)
        await asyncio.gather(phone_a1.hang_up(calls[0]), phone_a2.hang_up(calls[1]))
        truth.mark("both calls end")


async def blind_transfer(b: Bench, truth: Truth) -> None:
    """A callee sends its caller to a third phone, which loses packets."""
    (a1, b1), (c1, _) = pairs(b)
    truth.what = f"{a1} calls {b1}; {b1} transfers the caller to {c1} without asking; {a1} and {c1} talk on."
    truth.injected = [{"peer": c1, "direction": "to_peer", "loss_percent": 8}]
    async with AsyncExitStack() as stack:
        third = await stack.enter_async_context(b.phone(c1, rx_drop_percent=7))
        callee = await stack.enter_async_context(b.phone(b1))
        caller = await stack.enter_async_context(b.phone(a1))
        call = await caller.dial(_number(b1))
        truth.mark("the call is up")
        await asyncio.sleep(16)
        await callee.do("transfer", call=0, uri=callee.uri(_number(c1)))
        truth.mark(f"{b1} transfers to {c1}")
        await third.wait("call", state="CONFIRMED")
        truth.mark(f"{c1} answers")
        await asyncio.sleep(40)
        await caller.hang_up(call)
        truth.mark("the call ends")


async def attended_transfer(b: Bench, truth: Truth) -> None:
    """A callee asks a third phone first, then joins the two."""
    (a1, b1), (c1, _) = pairs(b)
    truth.what = f"{a1} calls {b1}; {b1} holds, calls {c1}, and joins the two."
    truth.injected = [{"peer": a1, "direction": "from_peer", "loss_percent": 7}]
    async with AsyncExitStack() as stack:
        third = await stack.enter_async_context(b.phone(c1))
        callee = await stack.enter_async_context(b.phone(b1))
        caller = await stack.enter_async_context(b.phone(a1, tx_drop_percent=6))
        call = await caller.dial(_number(b1))
        truth.mark("the call is up")
        await asyncio.sleep(14)
        await callee.do("hold", call=0)
        truth.mark(f"{b1} holds")
        asked = await callee.dial(_number(c1))
        truth.mark(f"{b1} speaks with {c1}")
        await asyncio.sleep(8)
        await callee.do("transfer_to", call=0, target=asked)
        truth.mark(f"{b1} joins {a1} and {c1}")
        await asyncio.sleep(24)
        await caller.hang_up(call)
        truth.mark("the call ends")
        await third.wait("call", state="DISCONNECTED")


async def direct_media(b: Bench, truth: Truth) -> None:
    """Two phones send their media to each other, two more through Asterisk."""
    direct = ("SIP/6151", "SIP/6152") if b.suite.has_chan_sip else ("PJSIP/751", "PJSIP/752")
    through = ("PJSIP/701", "PJSIP/702")
    truth.what = f"{direct[0]} calls {direct[1]} with direct media allowed; {through[0]} calls {through[1]} through Asterisk."
    truth.injected = [{"peer": direct[1], "direction": "to_peer", "loss_percent": 11}]
    truth.notes = "Once the media goes past Asterisk there are no reports of that call: unknown, not good."
    await _two_calls(b, truth, direct, through, seconds=40, rx_drop_percent=10)


async def opus(b: Bench, truth: Truth) -> None:
    """A phone of another make speaks Opus to an echo."""
    peer = "PJSIP/701"
    truth.what = f"{peer} (baresip) calls an echo with Opus, whose RTP clock is 48000 Hz."
    truth.injected = [{"peer": peer, "direction": "to_peer", "loss_percent": 8, "codec": "opus"}]
    truth.notes = (
        "The round trip is under a millisecond; where Asterisk prints 65535.9 or 65536.0 its arithmetic on the phone's DLSR "
        "went below zero."
    )
    session = b.ledger.folder / "opus"
    async with b.ami() as ami:
        async with opus_call(b, peer, "600", session, loss_percent=8):
            truth.mark("the phone dials")
            await ami.event("RTCPReceived")
            await asyncio.sleep(45)
        truth.mark("the phone ends")
        await ami.event("Hangup")


async def srtp(b: Bench, truth: Truth) -> None:
    """Two phones encrypt their media; reports are as ever."""
    secure = ("SIP/6161", "SIP/6162") if b.suite.has_chan_sip else ("PJSIP/761", "PJSIP/762")
    truth.what = f"{secure[0]} calls {secure[1]}, both with SRTP; PJSIP/701 calls PJSIP/702 in the clear."
    truth.injected = [{"peer": secure[1], "direction": "to_peer", "loss_percent": 8}]
    await _two_calls(b, truth, secure, ("PJSIP/701", "PJSIP/702"), seconds=40, rx_drop_percent=7, srtp=True)


async def silence_suppression(b: Bench, truth: Truth) -> None:
    """Phones that send nothing while nobody speaks."""
    (a1, b1), other = pairs(b)
    truth.what = f"{a1} calls {b1}; both send only while they speak (1 s of tone, 2 s of silence). {other[0]} calls {other[1]}."
    truth.notes = "Fewer packets are not lost packets: loss is 0 in every direction."
    await _two_calls(b, truth, (a1, b1), other, seconds=45, silence_suppression=True)


async def jitter(b: Bench, truth: Truth) -> None:
    """Three phones behind relays that delay packets, in order, in both directions, on a call to a tone."""
    first = pairs(b)[0][0]
    long = [f"{first.partition('/')[0]}/{user}" for user in (("6156", "6157") if b.suite.has_chan_sip else ("756", "757"))]
    spoils = [(20.0, 20), (40.0, 60), (80.0, 60)]
    truth.what = f"{first}, {long[0]} and {long[1]} call a tone through relays; packets of 20, 60 and 60 ms arrive in order."
    truth.notes = "No packet is lost; jitter_ms is the mean difference of neighbouring delays as the relay measured it."
    await _jitter(b, truth, [first, *long], [Spoil(jitter_ms=ms, packet_ms=packet_ms) for ms, packet_ms in spoils])


async def jitter_reordered(b: Bench, truth: Truth) -> None:
    """Three phones behind relays that delay every packet at random, so that many overtake others."""
    peers = [*pairs(b)[0], "PJSIP/701"]
    truth.what = f"{', '.join(peers)} call a tone through relays; every packet is late by a time of its own and many overtake."
    truth.notes = (
        "No packet is lost. What is reported depends on the receiver: Asterisk 16 counts every packet, Asterisk 22 and the "
        "phones' library only those in sequence, so they say half to four fifths of it."
    )
    await _jitter(b, truth, peers, [Spoil(jitter_ms=ms, in_order=False) for ms in (20, 40, 80)])


async def _jitter(b: Bench, truth: Truth, peers: list[str], spoils: list[Spoil]) -> None:
    async with AsyncExitStack() as stack:
        phones: list[Phone] = []
        relays = []
        for peer, spoil in zip(peers, spoils, strict=True):
            relays.append(await stack.enter_async_context(b.relay(peer, to_phone=replace(spoil), from_phone=replace(spoil))))
            frames = int(spoil.packet_ms // 10)
            phones.append(await stack.enter_async_context(b.phone(peer, relayed=True, frames_per_packet=frames)))
        calls = [await phone.dial("601") for phone in phones]
        truth.mark("three calls are up")
        await asyncio.sleep(45)
        for peer, through in zip(peers, relays, strict=True):
            for direction, done in (("to_peer", through.to_phone), ("from_peer", through.from_phone)):
                truth.injected.append({"peer": peer, "direction": direction, "jitter_ms": round(done.mean_jitter_ms, 1)})
        await asyncio.gather(*(phone.hang_up(call) for phone, call in zip(phones, calls, strict=True)))
        truth.mark("the calls end")


async def tls(b: Bench, truth: Truth) -> None:
    """A short call seen over an encrypted AMI connection."""
    (a1, b1), _ = pairs(b)
    truth.what = f"{a1} calls {b1}; the session was recorded over AMI with TLS."
    truth.injected = [{"peer": b1, "direction": "to_peer", "loss_percent": 8}]
    await _two_calls(b, truth, (a1, b1), None, seconds=20, rx_drop_percent=7)


async def contact_moves(b: Bench, truth: Truth) -> None:
    """Phones register again from another port with the same User-Agent, as they do behind a NAT that changes its mind."""
    peers = [phone.peer for phone in subscribers(b.suite.has_chan_sip) if phone.user in {"6140", "6171", "740", "771"}]
    truth.what = f"{', '.join(peers)} register, then again from another port, then with another User-Agent from that port."
    truth.notes = (
        "Nobody unregisters: Removed is said of the contact that was replaced, after the new one was added. 740 and 6140 are "
        "asked with OPTIONS and do not answer; 771 and 6171 are never asked, so they are registered all the time. "
        "The third registration of a PJSIP phone raises no ContactStatus at all, because its contact stays the same."
    )
    for what, port_offset, agent in (
        ("registers", 0, "bench phone"),
        ("registers from another port", 1, "bench phone"),
        ("registers from that port with another User-Agent", 1, "Cisco-CP7960G/8.0"),
    ):
        for peer in peers:
            technology, _, user = peer.partition("/")
            port = b.ports.phone_rtp(user) + port_offset
            await faults.register(b.ledger.folder / "sipp", b.ports.registrar(technology), [user], agent, local_port=port)
            truth.mark(f"{peer} {what}, from port {port}")
        await asyncio.sleep(8)


async def _two_calls(
    b: Bench, truth: Truth, first: tuple[str, str], second: tuple[str, str] | None, seconds: float, **options: Any
) -> None:
    """A call whose phones have these options (drops only at the callee) beside one that has none."""
    drops = {key: options.pop(key) for key in ("rx_drop_percent",) if key in options}
    async with AsyncExitStack() as stack:
        callee = await stack.enter_async_context(b.phone(first[1], **drops, **options))
        caller = await stack.enter_async_context(b.phone(first[0], **options))
        beside: list[Phone] = []
        if second is not None:
            beside = [await stack.enter_async_context(b.phone(peer)) for peer in reversed(second)]
        await caller.dial(_number(first[1]))
        if second is not None:
            await beside[1].dial(_number(second[1]))
        truth.mark("the calls are up")
        await asyncio.sleep(seconds)
        await caller.hang_up()
        if beside:
            await beside[1].hang_up()
        truth.mark("the calls end")
        await callee.wait("call", state="DISCONNECTED")


def _number(peer: str) -> str:
    return peer.partition("/")[2]


async def queue(b: Bench, truth: Truth) -> None:
    """A caller waits in a queue without agents; one comes, answers and leaves."""
    (a1, b1), _ = pairs(b)
    truth.what = f"{a1} waits in queue support, which has no agents, until {b1} logs in and answers; queue sales is idle."
    truth.notes = "QueueSummary is asked for every 10 s. Nothing is wrong with the sound of any call."
    async with AsyncExitStack() as stack:
        caller = await stack.enter_async_context(b.phone(a1))
        agent = await stack.enter_async_context(b.phone(b1))
        await asyncio.sleep(12)
        call = await caller.dial("610")
        truth.mark(f"{a1} waits in queue support")
        fault = {"rule": "queue-unattended", "subject": "support", "at": truth.timeline[-1]["at"], "within_s": 72}
        truth.faults = [{**fault, "what": "a caller waits and no agent is logged in"}]
        await asyncio.sleep(95)
        await b.pbx.cli(f"queue add member {b1} to support")
        truth.mark(f"{b1} logs in")
        await agent.wait("call", state="CONFIRMED")
        truth.mark(f"{b1} answers")
        await asyncio.sleep(15)
        await caller.hang_up(call)
        truth.mark("the call ends")
        await asyncio.sleep(35)
        await b.pbx.cli(f"queue remove member {b1} from support")


SITUATIONS: Final[dict[str, Situation]] = {
    "hold": hold,
    "blind-transfer": blind_transfer,
    "attended-transfer": attended_transfer,
    "contact-moves": contact_moves,
    "direct-media": direct_media,
    "jitter": jitter,
    "jitter-reordered": jitter_reordered,
    "opus": opus,
    "queue": queue,
    "silence-suppression": silence_suppression,
    "srtp": srtp,
    "tls": tls,
}
