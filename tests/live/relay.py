"""A relay for the media of one phone that delays and drops RTP, and never touches RTCP.

Strategy: the phone names 127.0.0.2 as its media address, with its own ports; the relay listens there, hands on what Asterisk
sends, and the phone (symmetric RTP) answers to where its media comes from, so that both directions pass.

Jitter is what RFC 3550 section 6.4.1 calls so: the mean difference of neighbouring delays.  In order, it is made by holding
packets back and sending them on in batches, as radio links do: batches of k packets of P ms give 2P(k-1)/k, so a stream that
stays in order never has more jitter than two periods.  Out of order, every packet waits a time of its own between 0 and three
times the wanted jitter.  The relay measures what it really did.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from tests.live.plan import HOST, RELAY_HOST

Address = tuple[str, int]


@dataclass(slots=True)
class Spoil:
    """What happens to one direction; may be changed while the relay runs."""

    jitter_ms: float = 0.0
    loss_percent: float = 0.0
    packet_ms: float = 20.0
    in_order: bool = True
    passed: int = 0
    dropped: int = 0
    _last_transit_s: float | None = field(default=None, repr=False)
    _differences_ms: float = field(default=0.0, repr=False)

    def note(self, received_at: float, sent_on_at: float) -> None:
        """Take in the delay of one packet."""
        transit_s = sent_on_at - received_at
        if self._last_transit_s is not None:
            self._differences_ms += abs(transit_s - self._last_transit_s) * 1000
        self._last_transit_s = transit_s
        self.passed += 1

    @property
    def mean_jitter_ms(self) -> float:
        """The jitter that was really added: mean difference of neighbouring delays, which RFC 3550's estimate settles on."""
        return self._differences_ms / max(1, self.passed - 1)


class _Port(asyncio.DatagramProtocol):
    """One UDP port: from the phone to wherever Asterisk last spoke from, and from there to the phone."""

    def __init__(self, phone: Address, to_phone: Spoil, from_phone: Spoil, dice: random.Random) -> None:
        self._phone, self._to_phone, self._from_phone, self._dice = phone, to_phone, from_phone, dice
        self._far: Address | None = None
        self._batches: dict[Address, list[tuple[bytes, float]]] = {}
        self._batch_sizes: dict[Address, int] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr == self._phone:
            target, spoil = self._far, self._from_phone
        else:
            self._far = addr
            target, spoil = self._phone, self._to_phone
        if target is None:
            return
        if self._dice.uniform(0, 100) < spoil.loss_percent:
            spoil.dropped += 1
            return
        loop = asyncio.get_running_loop()
        if spoil.jitter_ms <= 0:
            self._deliver(data, target, spoil, loop.time())
        elif spoil.in_order:
            self._hold_back(data, target, spoil, loop.time())
        else:
            loop.call_later(self._dice.uniform(0, 3 * spoil.jitter_ms) / 1000, self._deliver, data, target, spoil, loop.time())

    def _hold_back(self, data: bytes, target: Address, spoil: Spoil, received_at: float) -> None:
        batch = self._batches.setdefault(target, [])
        batch.append((data, received_at))
        if len(batch) >= self._batch_sizes.get(target, 1):
            for held, held_since in batch:
                self._deliver(held, target, spoil, held_since)
            batch.clear()
            mean_size = 2 * spoil.packet_ms / (2 * spoil.packet_ms - spoil.jitter_ms)
            whole, part = divmod(mean_size, 1)
            self._batch_sizes[target] = int(whole) + (self._dice.random() < part)

    def _deliver(self, data: bytes, target: Address, spoil: Spoil, received_at: float) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, target)
            spoil.note(received_at, asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Relay:
    """Handles of a running relay: what is done to the media in each direction."""

    to_phone: Spoil
    from_phone: Spoil


@contextlib.asynccontextmanager
async def relay(
    rtp_port: int, to_phone: Spoil, from_phone: Spoil, *, shift: int = 0, count: int = 20, seed: int = 1
) -> AsyncIterator[Relay]:
    """Relay the media of the phone whose first RTP port is ``rtp_port``; ``seed`` makes the faults repeatable.

    The relay's ports are ``shift`` above the phone's: for phones that take their port on all addresses.
    """
    loop = asyncio.get_running_loop()
    dice = random.Random(seed)
    transports = []
    try:
        for offset in range(count):  # the library moves to the next pair for a second call
            down, up = (to_phone, from_phone) if offset % 2 == 0 else (Spoil(), Spoil())  # odd ports are RTCP
            port = rtp_port + offset
            transport, _ = await loop.create_datagram_endpoint(
                partial(_Port, (HOST, port), down, up, dice), local_addr=(RELAY_HOST, port + shift)
            )
            transports.append(transport)
        yield Relay(to_phone, from_phone)
    finally:
        for transport in transports:
            transport.close()
