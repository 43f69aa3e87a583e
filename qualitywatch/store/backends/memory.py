"""Both stores in memory: for the demo, for replays, and as the plain model the durable stores are tested against."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import ClassVar

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AlertKey, AlertState, CallRecord, LogRecord, Notification, Sample
from qualitywatch.ports import SeriesBatch, StateChange, StoredState


class MemoryStateStore:
    """``ports.StateStore`` that forgets everything with the process."""

    def __init__(self) -> None:
        self._alerts: dict[AlertKey, Alert] = {}
        self._agents: dict[tuple[str, str], AgentRecord] = {}
        self._meta: dict[str, str] = {}
        self._outbox: dict[int, Notification] = {}  # in order of id
        self._given_up: list[tuple[Notification, str]] = []
        self._ids = count(1)
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, *, now: float) -> MemoryStateStore:
        """Return an empty store; directory and time are not used."""
        del directory, now
        return cls()

    async def load(self) -> StoredState:
        """Return everything but the outbox."""
        self._check_open()
        return StoredState(tuple(self._alerts.values()), tuple(self._agents.values()), dict(self._meta))

    async def commit(self, change: StateChange) -> None:
        """Take in all of the change."""
        self._check_open()
        for alert in change.alerts:
            if alert.state is AlertState.INACTIVE:
                self._alerts.pop(alert.key, None)
            else:
                self._alerts[alert.key] = alert
        for notification in change.notifications:
            row_id = next(self._ids)
            self._outbox[row_id] = replace(notification, id=row_id)
        self._agents.update({(agent.pbx, agent.peer): agent for agent in change.agents})
        self._meta.update(change.meta or {})

    async def due(self, now: float, limit: int = 100) -> Sequence[Notification]:
        """Undelivered notifications whose ``not_before`` has come, oldest first by ``id``."""
        self._check_open()
        return [notification for notification in self._outbox.values() if notification.not_before <= now][:limit]

    async def next_due_at(self) -> float | None:
        """Earliest ``not_before`` in the outbox, or None when it is empty."""
        self._check_open()
        return min((notification.not_before for notification in self._outbox.values()), default=None)

    async def delivered(self, notification: Notification, now: float) -> None:
        """Take a delivered notification out of the outbox."""
        self._check_open()
        self._outbox.pop(notification.id, None)

    async def postpone(self, notification: Notification, not_before: float, error: str) -> None:
        """Keep it for later: counts an attempt; the error text is not kept."""
        self._check_open()
        kept = self._outbox.get(notification.id)
        if kept is not None:
            self._outbox[kept.id] = replace(kept, attempts=kept.attempts + 1, not_before=not_before)

    async def give_up(self, notification: Notification, now: float, error: str) -> None:
        """Set a permanently failed notification aside; ``given_up`` shows it."""
        self._check_open()
        kept = self._outbox.pop(notification.id, None)
        if kept is not None:
            self._given_up.append((replace(kept, attempts=kept.attempts + 1), error))

    async def given_up(self) -> Sequence[tuple[Notification, str]]:
        """Notifications set aside and why, oldest first."""
        self._check_open()
        return list(self._given_up)

    async def close(self) -> None:
        """Refuse further work; a second call does nothing."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("memory store: already closed")


@dataclass(frozen=True, slots=True)
class MemorySeriesOptions:
    """How much is kept: the newest so many of each kind, and nothing older than so many seconds."""

    max_items: int = 100_000
    kept_s: float = 86_400.0


class MemorySeriesStore:
    """``ports.SeriesStore`` that keeps the newest values as they came, readable as attributes."""

    Options: ClassVar[type[MemorySeriesOptions]] = MemorySeriesOptions

    def __init__(self, options: MemorySeriesOptions | None = None) -> None:
        self._options = options or MemorySeriesOptions()
        self.samples: deque[Sample] = deque(maxlen=self._options.max_items)
        self.calls: deque[CallRecord] = deque(maxlen=self._options.max_items)
        self.logs: deque[LogRecord] = deque(maxlen=self._options.max_items)
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, options: MemorySeriesOptions, *, now: float) -> MemorySeriesStore:
        """Return an empty store; directory and time are not used."""
        del directory, now
        return cls(options)

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch; raises StoreError after ``close``."""
        if self._closed:
            raise StoreError("memory store: already closed")
        self.samples.extend(batch.samples)
        self.calls.extend(batch.calls)
        self.logs.extend(batch.logs)

    async def flush(self, now: float) -> None:
        """Nothing is held back, so there is nothing to do."""

    async def prune(self, now: float) -> None:
        """Forget what is too old."""
        before = now - self._options.kept_s
        while self.samples and self.samples[0].at < before:
            self.samples.popleft()
        while self.calls and self.calls[0].ended_at < before:
            self.calls.popleft()
        while self.logs and self.logs[0].at < before:
            self.logs.popleft()

    async def close(self, now: float) -> None:
        """Refuse further batches; what was kept stays readable."""
        self._closed = True
