"""The seams: what the core expects of clocks, stores, notifiers and rule kinds.

Implementations live in ``clock.py``, ``store/backends/``, ``notify/channels/`` and ``rules/kinds/``; one line in the
``registry.py`` beside them makes a new one known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qualitywatch.model import (
    AgentRecord,
    Alert,
    AlertKey,
    CallRecord,
    Evaluation,
    LogRecord,
    Notification,
    Observation,
    Sample,
)


class Clock(Protocol):
    """Reads time; see ``clock.SystemClock``."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class RuleKind(Protocol):
    """One rule at work: keeps its windows, takes observations, gives opinions. Pure: no I/O, no clock."""

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in one observation; return the keys whose evaluation may now differ."""
        ...

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key, or None when the key means nothing to this rule any more."""
        ...

    def forget(self) -> None:
        """Drop what was observed: what follows must not be bridged to what was before."""
        ...

    def expire(self, now: float) -> None:
        """Release memory of keys that have been idle beyond any use."""
        ...


@dataclass(frozen=True, slots=True)
class StateChange:
    """Everything one pipeline step wants remembered, committed in ONE transaction."""

    alerts: tuple[Alert, ...] = ()  # to store; state INACTIVE means delete
    notifications: tuple[Notification, ...] = ()  # new outbox rows (id 0)
    agents: tuple[AgentRecord, ...] = ()
    meta: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self.alerts or self.notifications or self.agents or self.meta)


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a daemon finds when it starts."""

    alerts: tuple[Alert, ...]
    agents: tuple[AgentRecord, ...]
    meta: Mapping[str, str]


class StateStore(Protocol):
    """Alert state, outbox, agents and small facts. Always transactional, always on local disk (or memory in tests)."""

    async def load(self) -> StoredState:
        """Read everything but the outbox."""
        ...

    async def commit(self, change: StateChange) -> None:
        """Store all of the change or nothing; on return it survives a kill."""
        ...

    async def due(self, now: float, limit: int = 100) -> Sequence[Notification]:
        """Undelivered notifications whose ``not_before`` has come, oldest first."""
        ...

    async def next_due_at(self) -> float | None:
        """Earliest ``not_before`` of all undelivered notifications, or None when the outbox is empty."""
        ...

    async def delivered(self, notification: Notification, now: float) -> None:
        """Take a delivered notification out of the outbox."""
        ...

    async def postpone(self, notification: Notification, not_before: float, error: str) -> None:
        """Keep it for later: counts an attempt and remembers the error text."""
        ...

    async def give_up(self, notification: Notification, now: float, error: str) -> None:
        """Set a permanently failed notification aside; it stays readable for an administrator."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """What is written to a series store in one go."""

    samples: tuple[Sample, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()


class SeriesStore(Protocol):
    """Measured series, calls and events. May be slow or absent: an outage never touches alerts."""

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch; raises StoreError when it could not be kept."""
        ...

    async def flush(self, now: float) -> None:
        """Write what is complete at ``now`` (for example whole minutes)."""
        ...

    async def prune(self, now: float) -> None:
        """Delete what is older than its retention."""
        ...

    async def close(self, now: float) -> None:
        """Write what is still held and close."""
        ...


class Notifier(Protocol):
    """Carries one notification to one target (a chat, a terminal)."""

    async def deliver(self, notification: Notification) -> None:
        """Return when delivered; raise NotifyError otherwise."""
        ...

    async def close(self) -> None: ...
