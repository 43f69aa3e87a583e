"""The seams: what the core expects of clocks, stores, notifiers and rule kinds.

Implementations live in ``clock.py``, ``store/backends/``, ``notify/channels/`` and ``rules/kinds/``; one line in the
``registry.py`` beside them makes a new one known.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol, runtime_checkable

from qualitywatch.model import (
    AgentRecord,
    Alert,
    AlertKey,
    AuditRow,
    Bulletin,
    CallRecord,
    Evaluation,
    HistoryPoint,
    Incident,
    KpiPoint,
    KpiRecord,
    LinkedCall,
    LogRecord,
    Notification,
    Observation,
    Post,
    Sample,
    Silence,
)
from qualitywatch.model.observations import Observed


class Clock(Protocol):
    """Reads time; see ``clock.SystemClock``."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class RuleKind(Protocol):
    """One rule at work: keeps its windows, takes observations, gives opinions. Pure: no I/O, no clock."""

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at: of all others it is not told."""
        ...

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


@runtime_checkable
class KnowsCalm(Protocol):
    """A rule that knows when no alert can begin, so that it need not be asked for its opinion with every report."""

    def take(self, observation: Observation, now: float, active: Container[AlertKey]) -> Iterable[AlertKey]:
        """As ``observe``; of keys without an alert (``active`` are those with one) only those of which one may begin now."""
        ...


@runtime_checkable
class Resting(Protocol):
    """A rule that knows how long its opinion stays the same."""

    def rests_until(self, key: AlertKey, now: float) -> float:
        """Until when time alone does not change what it says of a key; -inf where it cannot tell.

        Whatever it observes of a key that has an alert, it returns the key as worth evaluating.
        """
        ...


@runtime_checkable
class Learning(Protocol):
    """A rule kind that learns what is usual, and remembers it across restarts."""

    def settle(self, zone: tzinfo, in_trouble: Callable[[str], bool]) -> None:
        """Learn where the PBX is, and whom to ask for alerts of quality that a subject has."""
        ...

    def memories(self, at_most: int) -> Mapping[str, str]:
        """Return, once, what was learned by a name of its own; an empty text means: forget it."""
        ...

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back what an earlier run remembered; never fails."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A rule kind whose alerts go by something that its window, empty after a restart, cannot tell."""

    def notes(self) -> Mapping[str, str]:
        """Return, once, what became different by a name of its own, at once to be stored; an empty text means: forget it."""
        ...

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back what an earlier run noted; never fails."""
        ...


@runtime_checkable
class Recalling(Protocol):
    """A rule that can show what its present opinion rests on."""

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """The observations of the last window of one key, oldest first, and whether each was counted."""
        ...

    def subjects(self) -> Iterable[str]:
        """Of whom there are any."""
        ...


@dataclass(frozen=True, slots=True)
class StateChange:
    """Everything one step wants remembered, committed in ONE transaction."""

    alerts: tuple[Alert, ...] = ()  # to store; state INACTIVE means delete
    incidents: tuple[Incident, ...] = ()  # new or changed
    posts: tuple[Post, ...] = ()  # new or changed
    silences: tuple[Silence, ...] = ()  # new or changed
    audit: tuple[AuditRow, ...] = ()  # new rows
    agents: tuple[AgentRecord, ...] = ()
    meta: Mapping[str, str] | None = None  # small facts by name; an empty text means delete

    def __bool__(self) -> bool:
        return bool(self.alerts or self.incidents or self.posts or self.silences or self.audit or self.agents or self.meta)


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a daemon finds when it starts."""

    alerts: tuple[Alert, ...]
    agents: tuple[AgentRecord, ...]
    meta: Mapping[str, str]
    incidents: tuple[Incident, ...] = ()  # all that are open, all that a post still has to tell, and the newest others
    posts: tuple[Post, ...] = ()  # of these incidents
    silences: tuple[Silence, ...] = ()  # the newest, those in force among them
    last_incident: int = 0  # the highest number of any that is stored, also of one that cannot be read
    last_silence: int = 0  # the same


class StateStore(Protocol):
    """Alerts, incidents, posts, silences, agents and small facts. Always transactional, always on local disk (or in memory)."""

    async def load(self) -> StoredState:
        """Read everything a daemon needs to go on."""
        ...

    async def commit(self, change: StateChange) -> None:
        """Store all of the change or nothing; on return it survives a kill."""
        ...

    async def audit(self, limit: int) -> Sequence[AuditRow]:
        """The newest rows of the audit, newest first."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """What is written to a series store in one go."""

    samples: tuple[Sample, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    observed: tuple[Observed, ...] = ()
    kpis: tuple[KpiRecord, ...] = ()


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


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Calls with a leg that began in [since, until) and is what else is given; None means any."""

    since: float
    until: float
    pbx: str | None = None
    subject: str | None = None
    linkedid: str | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Things that happened in [since, until); None, or no kind, means any."""

    since: float
    until: float
    pbx: str | None = None
    subject: str | None = None
    kinds: tuple[str, ...] = ()
    limit: int = 100
    offset: int = 0


class SeriesReader(Protocol):
    """The measured past of one subject, as fine as it is kept, what is not yet written included."""

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        """Points of [since, until), oldest first; raises StoreError."""
        ...

    async def kpis(self, pbx: str, subject: str, since: float, until: float) -> Sequence[KpiPoint]:
        """What is known of the calls of a trunk or the state of a queue in [since, until), oldest first; raises StoreError."""
        ...

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        """Subjects with any measured call in that time, in order of name; raises StoreError."""
        ...

    async def calls(self, query: CallQuery) -> Sequence[LinkedCall]:
        """A page of finished calls with all their legs, the call whose leg began last first; raises StoreError."""
        ...

    async def events(self, query: EventQuery) -> Sequence[LogRecord]:
        """A page of what happened, newest first; raises StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class FedDatabase:
    """How a time series database that is fed stands; counts are readings, ``lost`` and ``refused`` since the start."""

    name: str
    waiting: int  # on disk
    lost: int  # there was no room for them any more
    refused: int  # the database read them and will not have them
    trouble: str | None = None  # why it takes nothing at present


@dataclass(frozen=True, slots=True)
class FailingPart:
    """A part of the daemon that a mistake of this program ended, and that was begun again."""

    name: str
    what: str  # the kind of mistake and its place in the source
    times: int  # in a row


@runtime_checkable
class Supervised(Protocol):
    """A ``room.Room`` that knows which parts of the daemon a mistake of this program has ended lately."""

    def failing_parts(self) -> Sequence[FailingPart]:
        """Each of them; empty as long as all is well."""
        ...


@runtime_checkable
class Feeding(Protocol):
    """A ``room.Room`` that knows databases which are fed."""

    def databases(self) -> Sequence[FedDatabase]:
        """Each of them, in the order of the configuration."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A ``room.Room`` that knows who cannot be told."""

    def untold(self) -> Sequence[str]:
        """Which targets take nothing at present, and why; a sentence each."""
        ...


class Notifier(Protocol):
    """One target (a chat, a terminal, a web hook): turns bulletins into messages and carries them there."""

    @property
    def can_edit(self) -> bool:
        """Whether a message can be changed after it was sent.  Where it cannot, the end of an incident is a new message."""
        ...

    @property
    def place(self) -> str:
        """Where the ids of messages count; it changes when the target moves, and then they mean nothing.  "" without ids."""
        ...

    @property
    def takes_pictures(self) -> bool:
        """Whether a chart may hang below a message."""
        ...

    def render(self, bulletin: Bulletin) -> Notification:
        """Say it in this target's language; never fails, never does I/O."""
        ...

    def pause_s(self, *, is_news: bool = False) -> float:
        """How long the channel's own limits make the next message or edit wait; 0 when it may go now."""
        ...

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> int | None:
        """Send a new message; return its id where the channel has ids. Raises NotifyError."""
        ...

    async def edit(self, message_id: int, notification: Notification) -> None:
        """Change a message; one that already looks so is no error. Raises NotifyError, MessageGoneError."""
        ...

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> int:
        """Hang a picture (PNG), or lines of text in its place, below a message, without a sound; return its id.

        Raises NotifyError.
        """
        ...

    async def close(self) -> None: ...
