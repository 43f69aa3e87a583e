"""For the dispatcher's tests: targets that do as told, a store that may fail, a dispatcher that runs during a block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from qualitywatch.errors import StoreError
from qualitywatch.model import Notification
from qualitywatch.notify.backoff import Backoff
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.ports import Notifier, StateChange, StateStore
from qualitywatch.store.backends.memory import MemoryStateStore
from tests.notify.build import notification

QUICK = Backoff(first_s=0.01, limit_s=0.05)


class Clock:
    """The system's clock, which a test may step or stop."""

    def __init__(self) -> None:
        self.step_s = 0.0
        self.stopped_at: float | None = None
        self.monotonic_at: float | None = None

    def now(self) -> float:
        return time.time() + self.step_s if self.stopped_at is None else self.stopped_at

    def monotonic(self) -> float:
        return time.monotonic() if self.monotonic_at is None else self.monotonic_at


class Store(MemoryStateStore):
    """A store that tells when a row was postponed, and whose disk is full for the first calls of an operation."""

    def __init__(self, operation: str = "", times: int = 0) -> None:
        super().__init__()
        self.failures = {operation: times}
        self.postponed = asyncio.Event()
        self.answer_late: asyncio.Event | None = None  # what was read is old by the time it is answered
        self.reads = 0

    async def due(self, now: float, limit: int = 100) -> Sequence[Notification]:
        self._fail("due")
        self.reads += 1
        rows = await super().due(now, limit)
        if self.answer_late is not None:
            await self.answer_late.wait()
        return rows

    async def delivered(self, notification: Notification, now: float) -> None:
        self._fail("delivered")
        await super().delivered(notification, now)

    async def postpone(self, notification: Notification, not_before: float, error: str) -> None:
        self._fail("postpone")
        await super().postpone(notification, not_before, error)
        self.postponed.set()

    async def give_up(self, notification: Notification, now: float, error: str) -> None:
        self._fail("give_up")
        await super().give_up(notification, now, error)

    def _fail(self, operation: str) -> None:
        if self.failures.get(operation, 0) > 0:
            self.failures[operation] -= 1
            raise StoreError("state.db cannot be written: the disk is full")


class Target:
    """A notifier that takes messages, or does what a test prepared for the next attempts: raise, or wait."""

    def __init__(self, *plan: BaseException | asyncio.Event | None) -> None:
        self.plan = list(plan)
        self.attempts: list[tuple[float, str]] = []
        self.taken: list[str] = []
        self._changed = asyncio.Condition()

    async def deliver(self, notification: Notification) -> None:
        subject = notification.transition.alert.key.subject
        async with self._changed:
            self.attempts.append((asyncio.get_running_loop().time(), subject))
            self._changed.notify_all()
        step = self.plan.pop(0) if self.plan else None
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            await step.wait()
        async with self._changed:
            self.taken.append(subject)
            self._changed.notify_all()

    async def close(self) -> None: ...

    async def until(self, condition: Callable[[Target], Any], timeout_s: float = 5.0) -> None:
        """Return as soon as the condition holds after some attempt; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))


async def put(store: StateStore, target: str, *numbers: int) -> None:
    """Write messages into the outbox, each in its own commit."""
    for number in numbers:
        await store.commit(StateChange(notifications=(notification(target, number),)))


@asynccontextmanager
async def running(
    store: StateStore,
    targets: Mapping[str, Notifier],
    *,
    clock: Clock | None = None,
    backoff: Backoff = QUICK,
    delivery_limit_s: float = 5.0,
) -> AsyncIterator[Dispatcher]:
    """A dispatcher at work during the block; cancelled at its end, as at a shutdown."""
    dispatcher = Dispatcher(
        store, targets, clock or Clock(), backoff=backoff, delivery_limit_s=delivery_limit_s, chance=Random(1)
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            task.cancel()
