"""Carries the outbox to its targets: every message arrives at least once, in order, and no target waits for another.

Strategy: only rows of the store are sent, and a row leaves it only after its target took the message.  One loop looks at the
outbox when somebody wrote to it (``wake``), when a target is through with its share, and when the first row of a waiting target
is due; it gives every idle target whose first row is due a task of its own.  That task sends the target's rows one by one and
stops at the first that fails: nothing later overtakes it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol, runtime_checkable

from qualitywatch.errors import NotifyError
from qualitywatch.model import Notification
from qualitywatch.notify.backoff import Backoff
from qualitywatch.notify.outbox import Outbox
from qualitywatch.notify.progress import Progress
from qualitywatch.notify.troubles import Troubles
from qualitywatch.ports import Clock, Notifier, StateStore

DELIVERY_LIMIT_S: Final = 120.0  # longer than a channel's own timeouts: only a bug gets here
ATTEMPTS_WITH_A_BUG: Final = 5
_MOVES_IN_A_ROW: Final = 2
_WINDOW: Final = 100


@runtime_checkable
class Movable(Protocol):
    """A notifier whose chat may get a new id."""

    def moved(self, new_chat_id: int) -> Mapping[str, str]:
        """Use the new id from now on; return what must be remembered across restarts."""
        ...


@dataclass(slots=True)
class DispatcherStats:
    """What became of messages since the start."""

    delivered: int = 0
    failed_attempts: int = 0  # of messages that stay in the outbox
    given_up: int = 0


class Dispatcher:
    """Drains the outbox of a store into the notifiers of the configured targets."""

    def __init__(
        self,
        store: StateStore,
        targets: Mapping[str, Notifier],
        clock: Clock,
        *,
        backoff: Backoff | None = None,
        delivery_limit_s: float = DELIVERY_LIMIT_S,
        chance: Random | None = None,
    ) -> None:
        self.stats = DispatcherStats()
        self._targets = targets
        self._delivery_limit_s = delivery_limit_s
        self._backoff = backoff if backoff is not None else Backoff()
        self._chance = chance if chance is not None else Random()  # noqa: S311 it spreads retries and guards nothing
        self._progress = Progress(clock)
        self._troubles = Troubles()
        self._outbox = Outbox(store, clock, self._backoff, self._chance, self._progress, self._troubles)
        self._busy: set[str] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """Say that the outbox has new rows."""
        self._wake.set()

    @property
    def progress_at(self) -> float:
        """Monotonic seconds of the oldest step that has not ended; the present while there is nothing to do but wait."""
        return self._progress.at()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as lanes:
            while True:
                self._wake.clear()
                pause_s = await self._look(lanes)
                if not self._busy and not self._wake.is_set():
                    self._idle.set()
                try:
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def drain(self, timeout_s: float) -> bool:
        """Wait until everything that can be sent now has been; False when that took too long.  ``run`` must be running.

        Messages that wait for another attempt are not waited for: they are in the store.
        """
        self._idle.clear()
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _look(self, lanes: asyncio.TaskGroup) -> float | None:
        """Set every idle target to work whose first row is due; return the pause until another one is, None for never."""
        limit = _WINDOW
        while True:
            # Remembered from before the read: who finishes meanwhile has delivered what the answer still lists.
            busy = frozenset(self._busy)
            if self._targets and busy.issuperset(self._targets):
                return None
            queues, complete = await self._outbox.queues(limit)
            pauses: list[float] = []
            started = False
            for target, queue in queues.items():
                if target in busy:
                    continue
                if target in self._targets and (pause_s := self._outbox.pause_s(queue[0])) > 0:
                    pauses.append(pause_s)
                    continue
                started = True
                self._busy.add(target)
                lanes.create_task(self._lane(target, queue))
            if complete or self._targets.keys() <= self._busy | queues.keys():
                return min(pauses, default=None)
            if not started:
                limit *= 2  # full of rows that must wait: other targets may stand behind them

    async def _lane(self, target: str, queue: Sequence[Notification]) -> None:
        """Send rows of one target in order, up to the first that must wait."""
        try:
            for row in queue:
                if target not in self._targets:
                    await self._give_up(row, "it is no longer in the configuration")
                elif self._outbox.pause_s(row) > 0 or not await self._carry(row):
                    break
        finally:
            self._busy.discard(target)
            self._wake.set()

    async def _carry(self, row: Notification) -> bool:
        """Send one row and record what became of it; False when it must be sent again later."""
        error = await self._attempt(row)
        for _ in range(_MOVES_IN_A_ROW):
            if error is None or not await self._follow_move(row, error):
                break
            error = await self._attempt(row)
        if error is None:
            await self._outbox.delivered(row)
            self.stats.delivered += 1
            self._troubles.over(_who(row))
        elif error.permanent:
            await self._give_up(row, str(error))
        else:
            await self._postpone(row, error)
            return False
        return True

    async def _attempt(self, row: Notification) -> NotifyError | None:
        try:
            with self._progress.step():
                async with asyncio.timeout(self._delivery_limit_s):
                    await self._targets[row.target].deliver(row)
        except NotifyError as error:
            return error
        except TimeoutError:
            return NotifyError(f"no end of it after {self._delivery_limit_s:.0f} s", permanent=False)
        except Exception as error:  # noqa: BLE001 a bug in one channel must not silence the others
            place = traceback.extract_tb(error.__traceback__)[-1]  # not the error's text: it may hold a secret
            text = f"unexpected {type(error).__name__} at {place.filename}:{place.lineno}, please report it"
            return NotifyError(text, permanent=row.attempts + 1 >= ATTEMPTS_WITH_A_BUG)
        return None

    async def _follow_move(self, row: Notification, error: NotifyError) -> bool:
        notifier = self._targets[row.target]
        if error.new_chat_id is None or not isinstance(notifier, Movable):
            return False
        await self._outbox.remember(notifier.moved(error.new_chat_id))
        self._troubles.report(_who(row), str(error), "remembered; put the new id into the configuration")
        return True

    async def _postpone(self, row: Notification, error: NotifyError) -> None:
        asked_s = error.retry_after_s
        pause_s = asked_s if asked_s is not None else self._backoff.pause_s(row.attempts, self._chance)
        self.stats.failed_attempts += 1
        self._troubles.report(_who(row), str(error), f"kept, next attempt in {pause_s:.0f} s")
        await self._outbox.postpone(row, pause_s, str(error))

    async def _give_up(self, row: Notification, reason: str) -> None:
        self.stats.given_up += 1
        self._troubles.report(_who(row), reason, "the message is set aside", level=logging.ERROR)
        await self._outbox.give_up(row, reason)


def _who(row: Notification) -> str:
    return f'target "{row.target}"'
