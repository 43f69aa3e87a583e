"""One PBX at work: takes what its client heard, lets the pipeline judge it, hands the effects to the keeper.

Strategy: three tasks that know each other only by queues.  The client reads and never waits; the watcher processes in
slices, so that the client's turn always comes; the poller asks for User-Agents one after the other.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.endpoints import ask_endpoints
from qualitywatch.ami.events import translate
from qualitywatch.ami.fields import timestamp
from qualitywatch.ami.inbox import InboxItem
from qualitywatch.ami.resync import ask_codec, poll_agent, poll_agents
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.pbxtime import PbxTime
from qualitywatch.app.queue_poll import QueuePoll
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import (
    Alert,
    ClockAdvanced,
    CodecSeen,
    Connected,
    Disconnected,
    EndpointsAsked,
    NotifyReason,
    PbxEvent,
    Resynced,
    Transition,
)
from qualitywatch.pipeline import UNMEASURED_LOG, Effects, Pipeline
from qualitywatch.ports import Clock

log = logging.getLogger(__name__)

# One slice of work, some 10 ms: Asterisk cuts off a client that does not read for 100 ms.
SLICE = 200
TICK_S = 0.5
# A second is judged this much later than it passed, so that a report stamped in it, and still on its way, is judged with it.
GRACE_S = 0.25
# So long a channel may stay unannounced before it is looked for: what read= or eventfilter withhold is only found by asking.
AUDIT_S = 120.0
LATEST_AT = 1e11  # no clock is as wrong as that
# Registrars that die silently (IAX2) are only found by asking.
REGISTRY_POLL_S = 60.0


class Watcher:
    """Joins one client to one pipeline, and the pipeline to the desk."""

    def __init__(
        self,
        client: AmiClient,
        pipeline: Pipeline,
        desk: Desk,
        keeper: Keeper,
        clock: Clock,
        *,
        queues_every_s: float | None = None,
        time: PbxTime | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """``time`` is the PBX's as it is known already; ``supervisor`` that of the whole daemon."""
        self.client = client
        self.pipeline = pipeline
        self._desk = desk
        self._keeper = keeper
        self._clock = clock
        self._time = time or PbxTime(clock.now(), clock.monotonic())
        self._held: list[InboxItem] = []
        self._agents_wanted: dict[str, None] = {}  # peers, an ordered set
        self._codecs_wanted: dict[str, str] = {}  # channel by uniqueid
        self._endpoints_wanted: tuple[str, ...] = ()
        self._poll_wanted = asyncio.Event()
        self._supervisor = supervisor if supervisor is not None else Supervisor(clock)
        self._queues = QueuePoll(client, queues_every_s) if queues_every_s is not None else None
        self.progress_at = clock.monotonic()
        self.has_listed = False  # whether the PBX has told, since the login, how everything stands
        self._turn = asyncio.Lock()  # held while a few items are taken, judged and kept
        self.listeners: list[Callable[[PbxEvent], None]] = []  # hear every event just before it is judged; must not raise
        self.followers: list[Callable[[Sequence[Transition], Sequence[Alert]], None]] = []  # hear what was kept; must not raise

    @property
    def name(self) -> str:
        return self.client.endpoint.name

    @property
    def time(self) -> PbxTime:
        """The PBX's time, for a watcher that takes this one's place."""
        return self._time

    @property
    def now(self) -> float:
        """What time it is at the PBX."""
        return self._time.now(self._clock.monotonic())

    async def run(self) -> None:
        """Watch until cancelled; a part that trips over a mistake of ours takes neither the others nor another PBX along."""
        parts: dict[str, Callable[[], Awaitable[NoReturn]]] = {
            "client": self.client.run,
            "process": self._process,
            "poll": self._poll,
            "registries": self._poll_registries,
            "audit": self._audit,
        }
        if self._queues is not None:
            parts["queues"] = self._queues.run
        async with asyncio.TaskGroup() as group:
            for part, work in parts.items():
                name = f"{part} {self.name}"
                group.create_task(self._supervisor.keep_up(name, work), name=name)

    async def hold(self) -> None:
        """Judge nothing more until ``go_on``; what is under way is finished first.  The PBX is read all the while."""
        await self._turn.acquire()

    def go_on(self) -> None:
        """End ``hold``."""
        self._turn.release()

    def serve(self, desk: Desk, keeper: Keeper) -> None:
        """Work for others from here on; only while held.  Nobody listens or follows any more."""
        self._desk, self._keeper = desk, keeper
        self.listeners.clear()
        self.followers.clear()

    async def lose_sight(self, reason: str) -> None:
        """Say that the PBX is not seen from here on; only while held."""
        await self.keep([self.pipeline.feed(Disconnected(self.now, reason))])

    async def settle(self, by: float = math.inf) -> None:
        """Process what was read before the stop, and keep what is to be remembered; only while held.

        What a PBX in a storm has said and is not judged at ``by`` (monotonic) is left: systemd kills who does not stop in time.
        """
        while self._clock.monotonic() < by and (items := self.client.inbox.take_now(SLICE)):
            await self.keep(self._effects_of(items))
        if len(self.client.inbox):
            log.warning("stop.not_judged pbx=%s messages=%d why=no_time", self.name, len(self.client.inbox))
        await self.keep([self.pipeline.farewell()])

    async def poll_all_agents(self) -> None:
        """Ask for everybody's User-Agent; does nothing while the PBX cannot be seen."""
        if self.client.abilities is None or not self.client.connected:
            return
        try:
            await poll_agents(self.client, self.client.abilities)
        except AmiConnectError as exc:
            log.info("agents.poll_ended pbx=%s reason=%s", self.name, exc)

    async def _process(self) -> NoReturn:
        inbox = self.client.inbox
        while True:
            self.progress_at = self._clock.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await inbox.wait()
            async with self._turn:
                effects = self._effects_of(inbox.take_now(SLICE))
                # With more waiting, our idea of "now" is behind: only stamps may move time then.
                if not len(inbox) and not self._held:
                    effects.append(self.pipeline.advance(self._time.now(self._clock.monotonic()) - GRACE_S))
                await self.keep(effects)
            await asyncio.sleep(0)

    async def keep(self, effects: list[Effects]) -> None:
        """Store what a few steps of the pipeline want, and let people know; never beside a step."""
        for effect in effects:
            for transition in effect.transitions:
                if transition.reason is not NotifyReason.NONE:
                    alert = transition.alert
                    log.info(
                        "alert.%s rule=%s severity=%s pbx=%s subject=%s direction=%s value=%s",
                        transition.reason,
                        alert.key.rule,
                        alert.severity,
                        alert.key.pbx,
                        ascii(alert.key.subject),
                        alert.key.direction or "-",
                        "-" if alert.value is None else f"{alert.value:.2f}",
                    )
            for entry in effect.logs:
                if entry.kind == UNMEASURED_LOG:
                    log.info("call.unmeasured pbx=%s subject=%s what=%s", entry.pbx, ascii(entry.subject), ascii(entry.text))
            if effect.resync_wanted:
                self.client.refresh()
            for peer in effect.polls:
                self._agents_wanted[peer] = None
            for channel in effect.codec_polls:
                self._codecs_wanted[channel.uniqueid] = channel.name
            self._endpoints_wanted = effect.endpoints or self._endpoints_wanted
        if self._agents_wanted or self._codecs_wanted or self._endpoints_wanted:
            self._poll_wanted.set()
        alerts = self.pipeline.alerts
        await self._keeper.keep(self.name, effects, self._consult(effects, alerts), alerts)
        transitions = [transition for effect in effects for transition in effect.transitions]
        for follow in self.followers:
            follow(transitions, alerts)

    def _consult(self, effects: Iterable[Effects], alerts: Sequence[Alert]) -> DeskChange:
        """Ask the desk what follows for people."""
        if self.pipeline.now is None:
            return DeskChange()
        transitions = [transition for effect in effects for transition in effect.transitions]
        return self._desk.step(self.name, transitions, alerts, self.pipeline.now, self._clock.now())

    def _effects_of(self, items: Iterable[InboxItem]) -> list[Effects]:
        effects = []
        for item in items:
            for ready in self._ordered(item):
                effects += self._judge(ready)
        return effects

    def _judge(self, item: InboxItem | ClockAdvanced) -> list[Effects]:
        """Feed one item; one that trips over a bug of ours is left out, or it would stop the watch of every PBX for ever."""
        try:
            return [self.pipeline.feed(event) for event in self._noticed(self._events_of(item))]
        except Exception:
            log.exception("message.skipped pbx=%s this_is_a_bug=yes", self.name)
            return []

    def _ordered(self, item: InboxItem) -> list[InboxItem | ClockAdvanced]:
        """Hold a new connection's items back until its first stamp tells the PBX's time."""
        if isinstance(item, Connected):
            self._held = [item]
            return []
        stamp = _stamp(item)
        step_s = self._time.stamp(stamp, self._clock.monotonic()) if stamp is not None else 0.0
        step = [ClockAdvanced(self.now, step_s)] if step_s else []
        if step:
            log.warning("pbx.clock_set_forward pbx=%s seconds=%.0f", self.name, step_s)
        if not self._held:
            return [*step, item]
        self._held.append(item)
        if isinstance(item, tuple) and stamp is None:
            return []
        ready, self._held = self._held, []
        return [*step, *ready]

    def _events_of(self, item: InboxItem | ClockAdvanced) -> Iterable[PbxEvent]:
        now = self._time.now(self._clock.monotonic())
        if isinstance(item, tuple):
            return translate(item[1], now)
        return (replace(item, at=now),)

    def _noticed(self, events: Iterable[PbxEvent]) -> Iterator[PbxEvent]:
        for event in events:
            if isinstance(event, Connected | Disconnected):
                self.has_listed = False
            elif isinstance(event, Resynced):
                self.has_listed = True
            for listen in self.listeners:
                listen(event)
            yield event

    async def _poll(self) -> NoReturn:
        while True:
            try:
                while self._codecs_wanted or self._agents_wanted or self._endpoints_wanted:
                    await self._poll_once()
            except AmiConnectError:
                # The resync after the next connect asks for everybody; the channels may be gone by then.
                self._agents_wanted.clear()
                self._codecs_wanted.clear()
                self._endpoints_wanted = ()
            self._poll_wanted.clear()
            await self._poll_wanted.wait()

    async def _poll_once(self) -> None:
        if self._codecs_wanted:
            uniqueid = next(iter(self._codecs_wanted))
            codec = await ask_codec(self.client, self._codecs_wanted.pop(uniqueid))
            if codec is not None:
                async with self._turn:
                    at = self._time.now(self._clock.monotonic()) - GRACE_S
                    await self.keep([self.pipeline.feed(CodecSeen(at, uniqueid, codec))])
            return
        if self._endpoints_wanted:
            wanted, self._endpoints_wanted = self._endpoints_wanted, ()
            await self._ask_endpoints(wanted)
            return
        peer = next(iter(self._agents_wanted))
        del self._agents_wanted[peer]
        if self.client.abilities is not None:
            await poll_agent(self.client, peer, self.client.abilities)

    async def _ask_endpoints(self, peers: Iterable[str]) -> None:
        if self.client.abilities is None or not self.client.abilities.may("Getvar"):
            return
        found = await ask_endpoints(self.client, peers)
        if found is not None:
            async with self._turn:
                await self.keep([self.pipeline.feed(EndpointsAsked(self.now - GRACE_S, *found))])

    async def _audit(self) -> NoReturn:
        while True:
            await asyncio.sleep(AUDIT_S)
            try:
                await self.client.audit()  # the answer flows through the inbox
            except AmiConnectError:
                continue

    async def _poll_registries(self) -> NoReturn:
        while True:
            await asyncio.sleep(REGISTRY_POLL_S)
            abilities = self.client.abilities
            if abilities is None or not abilities.may("IAXregistry"):
                continue
            try:
                await self.client.request("IAXregistry")  # the answers flow through the inbox
            except AmiConnectError:
                continue


def _stamp(item: InboxItem) -> float | None:
    """The Timestamp header of a message, if it has a sane one."""
    if not isinstance(item, tuple):
        return None
    at = timestamp(item[1])
    return at if at is not None and at < LATEST_AT else None
