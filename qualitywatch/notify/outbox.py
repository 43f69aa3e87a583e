"""The outbox as its carrier sees it: rows in order, when each is due, and a record of what became of it that never fails.

A store that cannot be written (a full disk) is asked again until it can: to send on without a record would be to send the same
message again and again.  Due times are kept in loop time, which no clock adjustment touches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final, TypeVar

from qualitywatch.errors import StoreError
from qualitywatch.model import Notification
from qualitywatch.notify.backoff import Backoff
from qualitywatch.notify.progress import Progress
from qualitywatch.notify.troubles import Troubles
from qualitywatch.ports import Clock, StateChange, StateStore

RESTART_PATIENCE_S: Final = 30.0  # for pauses an earlier run decided on: whoever restarts may have mended the cause
# Rows that must wait are read too, or what stands behind them would look like the first of its target.
_LOOKAHEAD_S: Final = 365 * 86400.0
_WHO: Final = "outbox"

T = TypeVar("T")


class Outbox:
    """Undelivered notifications of a store."""

    def __init__(
        self, store: StateStore, clock: Clock, backoff: Backoff, chance: Random, progress: Progress, troubles: Troubles
    ) -> None:
        self._store = store
        self._clock = clock
        self._backoff = backoff
        self._chance = chance
        self._progress = progress
        self._troubles = troubles
        self._due_at: dict[int, float] = {}  # loop time, of rows that must wait

    async def queues(self, limit: int) -> tuple[dict[str, list[Notification]], bool]:
        """Return the first ``limit`` rows by target, oldest first, and whether these are all there are."""
        rows = await self._surely(lambda: self._store.due(self._clock.now() + _LOOKAHEAD_S, limit))
        queues: dict[str, list[Notification]] = {}
        for row in sorted(rows, key=lambda row: row.id):
            queues.setdefault(row.target, []).append(row)
        return queues, len(rows) < limit

    def pause_s(self, row: Notification) -> float:
        """Return how long a row must still wait; what an earlier run wished for is only believed for a while."""
        now = asyncio.get_running_loop().time()
        if row.id not in self._due_at:
            wished_s = row.not_before - self._clock.now()
            if wished_s <= 0:
                return 0.0
            self._due_at[row.id] = now + min(wished_s, RESTART_PATIENCE_S)
        return max(0.0, self._due_at[row.id] - now)

    async def delivered(self, row: Notification) -> None:
        """Record that a row's target has it."""
        await self._surely(lambda: self._store.delivered(row, self._clock.now()))
        self._due_at.pop(row.id, None)

    async def postpone(self, row: Notification, pause_s: float, error: str) -> None:
        """Record that a row must be sent again, ``pause_s`` from now."""
        self._due_at[row.id] = asyncio.get_running_loop().time() + pause_s
        not_before = self._clock.now() + pause_s
        await self._surely(lambda: self._store.postpone(row, not_before, error))

    async def give_up(self, row: Notification, error: str) -> None:
        """Set a row aside that can never be delivered."""
        await self._surely(lambda: self._store.give_up(row, self._clock.now(), error))
        self._due_at.pop(row.id, None)

    async def remember(self, meta: Mapping[str, str]) -> None:
        """Store small facts across restarts."""
        await self._surely(lambda: self._store.commit(StateChange(meta=meta)))

    async def _surely(self, operation: Callable[[], Awaitable[T]]) -> T:
        failures = 0
        while True:
            try:
                with self._progress.step():
                    result = await operation()
            except StoreError as error:
                pause_s = self._backoff.pause_s(failures, self._chance)
                self._troubles.report(_WHO, str(error), f"next attempt in {pause_s:.0f} s", level=logging.ERROR)
                failures += 1
                await asyncio.sleep(pause_s)
            else:
                self._troubles.over(_WHO)
                return result
