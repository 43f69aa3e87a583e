"""What a scenario works with: phones nobody else has, the chat, a second opinion on RTCP, and a place for its findings.

Strategy: a scenario says what it injects and what must be said; every statement of the chat that it expects is claimed by a
pattern.  When all scenarios are done, a statement that names a scenario's phone and that nobody claimed is a false alarm of
that scenario.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any, TypeAlias

from tests.live.ami import AmiReader
from tests.live.bench import Bench
from tests.live.chat import Chat, Line
from tests.live.daemon import Daemon
from tests.live.measure import Heard, heard
from tests.live.phones import Phone
from tests.live.plan import subscribers

ENDINGS = r"(is over|is back to normal|no more calls to judge|nothing more is known)"


@dataclass(slots=True)
class Result:
    """One line of the table, and what went wrong."""

    scenario: str
    injected: str
    measured: list[str] = field(default_factory=list)
    said_after_s: list[float] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Pool:
    """Hands out phones that no other scenario uses."""

    def __init__(self, b: Bench) -> None:
        phones = list(subscribers(b.suite.has_chan_sip))
        self._free = {
            (technology, variant): [p.peer for p in phones if p.technology == technology and p.variant == variant]
            for technology in ("SIP", "PJSIP")
            for variant in ("phone", "direct", "secure", "long", "unasked")
        }
        self._turn = 0

    def take(self, count: int, variant: str = "phone", technology: str | None = None) -> list[str]:
        """Return unused peers of one technology: the one asked for, else chan_sip and PJSIP in turns where there are both."""
        if technology is None:
            able = [each for each in ("SIP", "PJSIP") if len(self._free[each, variant]) >= count] or ["PJSIP"]
            technology = able[self._turn % len(able)]
            self._turn += 1
        free = self._free[technology, variant]
        taken, free[:] = free[:count], free[count:]
        if len(taken) < count:
            raise LookupError(f"no {count} {technology} phones left of variant {variant}")
        return taken


@dataclass(slots=True)
class Claim:
    """A pattern of statements that are in order from an instant on."""

    pattern: str
    since: float


@dataclass(slots=True)
class Stage:
    """One scenario's view of the bench."""

    b: Bench
    pool: Pool
    chat: Chat
    ami: AmiReader
    daemon: Daemon
    scratch: Path
    result: Result
    claims: list[Claim] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    started_at: float = 0.0
    _ami_from: int = 0

    def take(self, count: int, variant: str = "phone", technology: str | None = None) -> list[str]:
        """Unused peers; whatever is said about them is this scenario's business."""
        peers = self.pool.take(count, variant, technology)
        self.owned += peers
        return peers

    def begin(self) -> None:
        """The fault starts now: times count from here."""
        self.started_at = asyncio.get_running_loop().time()
        self._ami_from = len(self.ami.messages)

    async def said(self, pattern: str, within_s: float, *, chat: Chat | None = None, times: bool = True) -> Line | None:
        """Expect a statement within a time of the beginning; its absence is a problem. ``times`` puts it into the table."""
        if chat is None:
            self.allow(pattern)
        left_s = self.started_at + within_s - asyncio.get_running_loop().time()
        line = await (chat or self.chat).wait(pattern, self.started_at, left_s)
        if line is None:
            self.result.problems.append(f"not said within {within_s:g} s: {pattern}")
        elif times:
            self.result.said_after_s.append(line.at - self.started_at)
        return line

    def allow(self, pattern: str) -> None:
        """A statement like this, now or later, is in order."""
        self.claims.append(Claim(pattern, asyncio.get_running_loop().time()))

    def excuse(self, pattern: str) -> None:
        """A statement like this since the beginning was in order, as it turned out."""
        self.claims.append(Claim(pattern, self.started_at))

    def check(self, good: bool, otherwise: str) -> None:
        """Note a problem unless all is well."""
        if not good:
            self.result.problems.append(otherwise)

    def rtcp(self, peer: str, direction: str) -> Heard | None:
        """What RTCP says since the beginning of the longest stream of a peer, by the bench's own arithmetic."""
        streams = [
            stream
            for stream in heard(self.ami.messages[self._ami_from :])
            if stream.peer == peer and stream.direction == direction and stream.expected > 0
        ]
        return max(streams, key=lambda stream: stream.expected, default=None)

    def expect_stored(self, peer: str, direction: str, loss_percent: float | None, slack: float = 1.0) -> None:
        """When the daemon has ended, its call table must say this loss, within ``slack`` points plus three standard deviations.

        None: it must say that it does not know.
        """

        def verify() -> None:
            rows = [call for call in self.daemon.calls() if call.peer == peer and call.direction == direction]
            if not rows:
                self.result.problems.append(f"no stored call of {peer}")
                return
            row = max(rows, key=lambda call: call.packets or 0)
            if loss_percent is None:
                self.check(
                    row.loss_percent is None, f"stored for {peer} {direction}: {row.loss_percent} %, nothing was reported"
                )
                return
            if row.loss_percent is None or row.packets is None:
                self.result.problems.append(f"stored for {peer} {direction}: loss unknown")
                return
            chance = 300 * sqrt(loss_percent / 100 * (1 - loss_percent / 100) / row.packets)
            off = abs(row.loss_percent - loss_percent)
            self.check(
                off <= slack + chance, f"stored for {peer} {direction}: {row.loss_percent:.2f} %, injected {loss_percent:g} %"
            )
            self.result.measured.append(f"{direction.replace('_', ' ')} {row.loss_percent:.2f} %")

        self.afterwards.append(verify)

    @asynccontextmanager
    async def phones(self, *wanted: tuple[str, dict[str, Any]]) -> AsyncIterator[list[Phone]]:
        """Phones that start and end side by side."""
        stacks = [AsyncExitStack() for _ in wanted]
        try:
            yield list(
                await asyncio.gather(
                    *(
                        stack.enter_async_context(self.b.phone(peer, **options))
                        for stack, (peer, options) in zip(stacks, wanted, strict=True)
                    )
                )
            )
        finally:
            await asyncio.gather(*(stack.aclose() for stack in stacks))


Run: TypeAlias = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name, what is injected (for the table), and what to do."""

    name: str
    injected: str
    run: Run
    needs_chan_sip: bool = False


def number_of(peer: str) -> str:
    """What to dial: the peer without its technology."""
    return peer.partition("/")[2]


def alarms(kind: str, direction: str, peer: str) -> str:
    """Pattern of a statement such as ``loss to Anna SIP/6117 5.45%``; group 1 is the value."""
    return rf"{kind} {direction.removesuffix('_peer')} (?:\S.* )?{re.escape(peer)} (\d+(?:\.\d+)?)"


def value_of(line: Line, pattern: str) -> float:
    """The number in a statement that matched."""
    found = re.search(pattern, line.text)
    assert found is not None
    return float(found[1])


def judge(stages: Sequence[Stage], lines: Sequence[Line]) -> list[str]:
    """Give every unclaimed statement to the scenario whose phone it names; return those that name nobody's.

    A message repeats its statements with other figures at every edit: that is one false alarm.
    """
    strays: dict[tuple[int, str], str] = {}
    owned: dict[tuple[int, str], tuple[Stage, str]] = {}
    claims = [claim for stage in stages for claim in stage.claims]
    for line in lines:
        if any(line.at >= claim.since - 1 and re.search(claim.pattern, line.text) for claim in claims):
            continue
        owner = next((s for s in stages if any(re.search(rf"{re.escape(peer)}\b", line.text) for peer in s.owned)), None)
        if owner is None:
            strays.setdefault((line.message_id, line.what), line.text)
        else:
            owned.setdefault((line.message_id, line.what), (owner, line.text))
    for owner, text in owned.values():
        owner.result.false_alarms.append(text)
    return list(strays.values())
