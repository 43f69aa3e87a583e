"""A state store that goes on without its disk: what cannot be written is held in memory, and written when there is room.

A full disk must not silence anybody: people are told of what is firing although it is not on the disk.  Strategy: everything
unwritten is one change, the newest value of each thing, so it grows with what there is and not with time; it goes to the
disk in one transaction.  The price is paid only if the process dies meanwhile: what was told since is then told once more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qualitywatch.errors import StoreError
from qualitywatch.model import AlertState, AuditRow
from qualitywatch.ports import StateChange, StateStore, StoredState

log = logging.getLogger(__name__)

MOST_AUDIT_ROWS: Final = 20_000  # as many as are kept on the disk


class PatientStore:
    """``ports.StateStore`` on top of another; ``commit`` never raises."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._unwritten = StateChange()
        self._writing = asyncio.Lock()
        self.trouble: str | None = None

    async def load(self) -> StoredState:
        """Read what the store holds, and what still waits for it."""
        async with self._writing:
            return overlaid(await self._store.load(), self._unwritten)

    async def commit(self, change: StateChange) -> None:
        """Store the change, and all that waits; or remember it.

        Once begun it is ended, also when whoever asks is cancelled: what is on the disk must be known to be there.
        """
        await asyncio.shield(self._commit(change))

    async def _commit(self, change: StateChange) -> None:
        async with self._writing:
            self._unwritten = together(self._unwritten, change)
            await self._write()

    async def retry(self) -> None:
        """Store what waits, if anything does."""
        await asyncio.shield(self._commit(StateChange()))

    async def audit(self, limit: int) -> Sequence[AuditRow]:
        """The newest rows of the audit, newest first, those that wait among them."""
        waiting = self._unwritten.audit[::-1]
        return (*waiting, *await self._store.audit(limit))[:limit]

    async def close(self) -> None:
        """Try once more, then close."""
        async with self._writing:
            await self._write()
            if self.trouble is not None:
                log.error('state.lost_at_stop error="%s" told_again_after_the_next_start=yes', self.trouble)
            await self._store.close()

    async def _write(self) -> None:
        if not self._unwritten:
            return
        try:
            await self._store.commit(self._unwritten)
        except StoreError as exc:
            if self.trouble is None:
                log.error('state.cannot_be_stored error="%s" kept_in_memory=yes alerts_are_told=yes', exc)
            self.trouble = str(exc)
            return
        self._unwritten = StateChange()
        if self.trouble is not None:
            self.trouble = None
            log.warning("state.stored_again")


def overlaid(stored: StoredState, change: StateChange) -> StoredState:
    """What the store would hold if the change were in it."""
    if not change:
        return stored
    alerts = {alert.key: alert for alert in (*stored.alerts, *change.alerts)}
    return StoredState(
        alerts=tuple(alert for alert in alerts.values() if alert.state is not AlertState.INACTIVE),
        agents=tuple({(agent.pbx, agent.peer): agent for agent in (*stored.agents, *change.agents)}.values()),
        meta={name: text for name, text in {**stored.meta, **(change.meta or {})}.items() if text},
        incidents=tuple({each.id: each for each in (*stored.incidents, *change.incidents)}.values()),
        posts=tuple({post.id: post for post in (*stored.posts, *change.posts)}.values()),
        silences=tuple({each.id: each for each in (*stored.silences, *change.silences)}.values()),
        last_incident=max([stored.last_incident, *(each.id for each in change.incidents)]),
        last_silence=max([stored.last_silence, *(each.id for each in change.silences)]),
    )


def together(first: StateChange, then: StateChange) -> StateChange:
    """Both changes as one: of each thing what was said last."""
    if not first:
        return then
    return replace(
        then,
        alerts=tuple(({alert.key: alert for alert in (*first.alerts, *then.alerts)}).values()),
        incidents=tuple(({each.id: each for each in (*first.incidents, *then.incidents)}).values()),
        posts=tuple(({post.id: post for post in (*first.posts, *then.posts)}).values()),
        silences=tuple(({each.id: each for each in (*first.silences, *then.silences)}).values()),
        audit=(*first.audit, *then.audit)[-MOST_AUDIT_ROWS:],
        agents=tuple(({(agent.pbx, agent.peer): agent for agent in (*first.agents, *then.agents)}).values()),
        meta={**(first.meta or {}), **(then.meta or {})} or None,
    )
