"""Does what the planner of remedies says, by AMI, and tells what came of it.

Strategy: persist, then act.  Alerts are stored before the planner hears of them, a deed is stored before it is sent, and what
came of it is stored with a row of the audit and a line of the incident's message in one transaction.  Before something is
taken back it is looked at: what somebody else has set meanwhile stays.  Nothing is sent to a PBX that cannot be seen.

The rights are those of the manager user, and the message says which one is missing: ``call`` for hangup, redirect and setvar,
``system`` for dbput, ``originate`` for originate, and ``reporting`` to read what there was before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn

from qualitywatch.app.keeper import Keeper
from qualitywatch.app.orders import Refusal, read, send
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.app.watcher import Watcher
from qualitywatch.desk.desk import Desk
from qualitywatch.errors import AmiConnectError, StoreError
from qualitywatch.model import (
    Alert,
    AuditRow,
    Connected,
    PbxEvent,
    Remedy,
    RemedyNote,
    RemedyOutcome,
    RemedyReason,
    Transition,
    Undo,
    UndoKind,
)
from qualitywatch.notify.remedies import told
from qualitywatch.notify.texts import words_of
from qualitywatch.ports import Clock, StateChange
from qualitywatch.remedies.deeds import Deed, DeedState, Memory
from qualitywatch.remedies.planner import Planner
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.remedies.steps import Job
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.codec import dumps, loads

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
MEMORY_KEY: Final = "remedies"
_WELL: Final = frozenset({RemedyOutcome.DONE, RemedyOutcome.UNDONE, RemedyOutcome.WOULD, RemedyOutcome.WOULD_UNDO})


class Remedies:
    """Tends the remedies of all PBXes; its memory is the meta entry ``MEMORY_KEY``."""

    def __init__(
        self,
        policy: RemedyPolicy,
        remedies: Mapping[str, Sequence[Remedy]],
        watchers: Mapping[str, Watcher],
        desk: Desk,
        keeper: Keeper,
        meta: Mapping[str, str],
        clock: Clock,
        *,
        look_s: float = LOOK_S,
        supervisor: Supervisor | None = None,
    ) -> None:
        """``supervisor`` is that of the whole daemon."""
        self._supervisor = supervisor if supervisor is not None else Supervisor(clock)
        self._watchers = watchers
        self._desk = desk
        self._keeper = keeper
        self._clock = clock
        self._look_s = look_s
        self._planner = Planner(policy, remedies, memory_of(meta), trunk_of=self._trunk_of)
        self._alerts: dict[str, Sequence[Alert]] = {}  # as they were stored last
        self._wake: dict[str, asyncio.Event] = {}
        for pbx, watcher in watchers.items():
            self._alerts[pbx] = watcher.pipeline.alerts
            self._wake[pbx] = asyncio.Event()
            watcher.followers.append(partial(self._follow, pbx))
            watcher.listeners.append(self._hear)

    async def run(self) -> NoReturn:
        """Tend every PBX, for ever; one that answers slowly delays nobody else."""
        async with asyncio.TaskGroup() as group:
            for pbx, watcher in self._watchers.items():
                name = f"remedies {pbx}"
                work = self._supervisor.keep_up(name, partial(self._tend_for_ever, pbx, watcher))
                group.create_task(work, name=name)
            await asyncio.Event().wait()
        raise AssertionError("a task group that waits for ever has ended")

    async def close(self) -> None:
        """Nothing is held."""

    def _trunk_of(self, pbx: str, subject: str) -> str | None:
        return self._watchers[pbx].pipeline.trunk_of(subject)

    def _follow(self, pbx: str, transitions: Sequence[Transition], alerts: Sequence[Alert]) -> None:
        self._alerts[pbx] = alerts
        if transitions:
            self._planner.take(transitions, self._clock.monotonic())
            self._wake[pbx].set()

    def _hear(self, event: PbxEvent) -> None:
        if isinstance(event, Connected):
            self._planner.reconnected()

    async def _tend_for_ever(self, pbx: str, watcher: Watcher) -> NoReturn:
        while True:
            self._wake[pbx].clear()
            with suppress(AmiConnectError):  # what was begun is known, and gone on with
                await self._tend(pbx, watcher)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._wake[pbx].wait()

    async def _tend(self, pbx: str, watcher: Watcher) -> None:
        while watcher.client.connected and watcher.pipeline.blind_since is None and watcher.has_listed:
            if self._keeper.is_behind:
                return  # nothing is done that could not be remembered
            clock = self._clock
            step = self._planner.next(pbx, self._alerts[pbx], watcher.now, clock.now(), clock.monotonic())
            if step is None:
                return
            match step.job:
                case Job.DO:
                    await self._do(step.deed, watcher)
                case Job.UNDO:
                    await self._undo(step.deed, watcher)
                case Job.SAY:
                    await self._record(step.deed, step.note)

    async def _do(self, deed: Deed, watcher: Watcher) -> None:
        kind = ACTIONS[deed.action]
        deed = replace(deed, incident=deed.incident or self._desk.incident_of(deed.key))
        undo = deed.undo
        if kind.switch is not None and self._planner.reads_first(deed):
            found = await read(deed.values, kind.switch, watcher.client)
            if isinstance(found, Refusal):
                await self._record(deed, self._planner.not_done(deed, found.why, found.detail, self._clock.now()))
                return
            undo = Undo(UndoKind.DELETE) if found is None else Undo(UndoKind.VALUE, found)
        deed = self._planner.begin(deed, undo, deed.incident, self._clock.now())
        await self._keeper.keep_change(StateChange(meta=self._meta()))
        if self._keeper.is_behind:
            return
        try:
            refusal = await send(kind.request(deed.values), watcher.client, kind.gone)
        except AmiConnectError:
            await self._record(deed, self._planner.unclear(deed, self._clock.now(), self._clock.monotonic()))
            raise
        now = self._clock.now()
        if refusal is None:
            await self._record(deed, self._planner.done(deed, now))
        elif refusal.why is RemedyReason.SILENT:
            await self._record(deed, self._planner.unclear(deed, now, self._clock.monotonic()))
        else:
            await self._record(deed, self._planner.not_done(deed, refusal.why, refusal.detail, now))

    async def _undo(self, deed: Deed, watcher: Watcher) -> None:
        kind = ACTIONS[deed.action]
        if kind.switch is None:
            return
        found = await read(deed.values, kind.switch, watcher.client)
        if not isinstance(found, Refusal) and (found or "") != deed.values["value"]:
            await self._record(deed, self._planner.found(deed, found, self._clock.now()))
            return
        delete = deed.undo.kind is UndoKind.DELETE
        request = kind.switch.delete(deed.values) if delete else kind.switch.put(deed.values, deed.undo.value)
        refusal = await send(request, watcher.client, kind.gone)
        now = self._clock.now()
        if refusal is None:
            await self._record(deed, self._planner.undone(deed, now))
        else:
            monotonic = self._clock.monotonic()
            await self._record(deed, self._planner.not_undone(deed, refusal.why, refusal.detail, now, monotonic))

    async def _record(self, deed: Deed, note: RemedyNote | None) -> None:
        """Store what is remembered now, and with it the note for people and the audit."""
        if note is None:
            await self._keeper.keep_change(StateChange(meta=self._meta()))
            return
        text = told(note, words_of("en"), None)
        incident = deed.incident or self._desk.incident_of(deed.key)
        level = logging.INFO if note.outcome in _WELL else logging.WARNING
        key = deed.key
        log.log(
            level, 'remedy.%s pbx=%s rule=%s subject=%s what="%s"', note.outcome, key.pbx, key.rule, ascii(key.subject), text
        )
        row = AuditRow(note.at, "qualitywatch", "remedy", f"{key.rule} {key.subject} on {key.pbx}: {text}", incident)
        change = self._desk.note_remedy(incident, note, row)
        await self._keeper.keep_change(StateChange(incidents=change.incidents, audit=change.audit, meta=self._meta()))

    def _meta(self) -> Mapping[str, str]:
        return {MEMORY_KEY: dumps(self._planner.memory)}


def remedy_services(
    policy: RemedyPolicy,
    specs: Sequence[RuleSpec],
    watchers: Mapping[str, Watcher],
    desk: Desk,
    keeper: Keeper,
    meta: Mapping[str, str],
    clock: Clock,
    supervisor: Supervisor | None = None,
) -> list[Remedies]:
    """Build the service if the configuration allows remedies; what was left undone when it no longer does is told."""
    remedies = {spec.name: spec.remedies for spec in specs if spec.remedies}
    memory = memory_of(meta)
    left = [
        deed
        for deed in memory.deeds
        if deed.state in {DeedState.STARTED, DeedState.DONE}
        and deed.undo.kind is not UndoKind.NEVER
        and not (policy.allows(deed.action) and deed.key.pbx in watchers)
    ]
    for deed in left:
        why = "switched_off" if deed.key.pbx in watchers else "pbx_no_longer_configured"
        text = told(RemedyNote(deed.at, RemedyOutcome.DONE, deed.action, deed.values), words_of("en"), None)
        log.warning('remedy.left pbx=%s rule=%s what="%s" why=%s', deed.key.pbx, deed.key.rule, text, why)
    if not policy.enabled or not (remedies or memory.deeds):
        return []
    return [Remedies(policy, remedies, watchers, desk, keeper, meta, clock, supervisor=supervisor)]


def memory_of(meta: Mapping[str, str]) -> Memory:
    """What was remembered; nothing where it cannot be read."""
    try:
        return loads(Memory, meta[MEMORY_KEY]) if MEMORY_KEY in meta else Memory()
    except StoreError as exc:
        log.error('remedy.forgotten error="%s"', exc)
        return Memory()
