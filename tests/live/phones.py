"""Phones as subprocesses, steered by a scenario: start, dial, hold, transfer, freeze, hang up.

Strategy: ``phone_process.py`` says one JSON object a line for all that happens; here they are kept in order and a scenario
waits for the one it needs, always with a time limit.  Nothing sleeps in the hope that something has happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.live.ledger import Ledger
from tests.live.plan import HOST, PHONE_PASSWORD, RELAY_HOST, Ports


class PhoneError(RuntimeError):
    """A phone did not do what the scenario asked of it in time."""


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """What one phone is; drop percentages are of RTP only, and the library drops about one point more than asked."""

    user: str
    sip_port: int
    rtp_port: int
    registrar_port: int
    password: str = PHONE_PASSWORD
    codec: str = "PCMU"  # PCMU, PCMA, G722: what the phone offers, and nothing else
    frames_per_packet: int = 2  # of 10 ms, where the codec has such
    tx_drop_percent: int = 0
    rx_drop_percent: int = 0
    silence_suppression: bool = False
    srtp: bool = False
    media_address: str = HOST
    user_agent: str = "bench phone"
    log_level: int = 1


class Phone:
    """A running phone; made by ``phone()``."""

    def __init__(self, options: PhoneOptions, process: asyncio.subprocess.Process) -> None:
        self.options, self._process = options, process
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        """Collect what the process says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(ValueError):  # the library's own words
                event = json.loads(line)
                async with self._news:
                    self.events.append(event)
                    self._news.notify_all()

    async def wait(self, event: str, *, after: int = 0, timeout_s: float = 15, **facts: object) -> dict[str, Any]:
        """Return the first event of this name with these facts among ``events[after:]``; raises PhoneError."""

        def found() -> dict[str, Any] | None:
            for seen in self.events[after:]:
                if seen["event"] == event and all(seen.get(key) == value for key, value in facts.items()):
                    return seen
            return None

        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            last = self.events[-5:]
            raise PhoneError(f"phone {self.options.user}: no {event} {facts} in {timeout_s:g} s; last said {last}") from None
        result = found()
        assert result is not None
        return result

    async def do(self, command: str, **facts: object) -> None:
        """Send one command (see ``phone_process.Phone.run``)."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **facts}).encode() + b"\n")
        await self._process.stdin.drain()

    async def dial(self, number: str) -> int:
        """Call a number at the PBX, wait until it is answered and return the phone's own number of the call."""
        before = len(self.events)
        await self.do("dial", uri=f"sip:{number}@{HOST}:{self.options.registrar_port}")
        answered = await self.wait("call", after=before, state="CONFIRMED")
        return int(answered["call"])

    async def hang_up(self, call: int = 0) -> None:
        """End a call and wait until it is over; a call that is already over is left alone."""
        if not any(
            event["event"] == "call" and event["call"] == call and event["state"] == "DISCONNECTED" for event in self.events
        ):
            await self.do("hangup", call=call)
            await self.wait("call", call=call, state="DISCONNECTED")

    def uri(self, number: str) -> str:
        return f"sip:{number}@{HOST}:{self.options.registrar_port}"

    def freeze(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    async def close(self) -> None:
        """Unregister and end; by force when it does not end in time."""
        with contextlib.suppress(ProcessLookupError):
            self.thaw()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), timeout=5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def phone(
    ports: Ports, ledger: Ledger, tasks: asyncio.TaskGroup, peer: str, *, relayed: bool = False, **options: Any
) -> AsyncIterator[Phone]:
    """Run the phone of a peer such as ``SIP/6117`` and wait until it is registered; gone when the block ends.

    ``relayed`` makes it name the relay's address for its media; ``register=False`` does not wait for a registration.
    """
    technology, user = peer.split("/")
    wait = options.pop("register", True)
    settings = PhoneOptions(
        user,
        ports.phone_sip(user),
        ports.phone_rtp(user),
        ports.registrar(technology),
        media_address=RELAY_HOST if relayed else HOST,
        **options,
    )
    process = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.live.phone_process", json.dumps(asdict(settings))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    ledger.add(process.pid)
    device = Phone(settings, process)
    tasks.create_task(device.listen())
    try:
        if wait:
            await device.wait("registration", code=200)
        yield device
    finally:
        await device.close()
        ledger.discard(process.pid)
