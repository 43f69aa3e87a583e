"""Both stores in memory: for the demo, for replays, and as the plain model the durable stores are tested against."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

from qualitywatch.errors import StoreError
from qualitywatch.model import (
    AgentRecord,
    Alert,
    AlertKey,
    AlertState,
    AuditRow,
    CallRecord,
    HistoryPoint,
    Incident,
    KpiPoint,
    KpiRecord,
    LinkedCall,
    LogRecord,
    Post,
    Sample,
    Silence,
)
from qualitywatch.ports import CallQuery, EventQuery, SeriesBatch, StateChange, StoredState
from qualitywatch.store.bounds import USUAL, Bounds
from qualitywatch.store.history import points
from qualitywatch.store.kpis import kpi_points, kpi_rows
from qualitywatch.store.linked import linked, newest, newest_first, page
from qualitywatch.store.rollup import MINUTE_S, summed

BUCKET_S: Final = 10


class MemoryStateStore:
    """``ports.StateStore`` that forgets everything with the process."""

    def __init__(self, bounds: Bounds = USUAL, opened_at: float = 0.0) -> None:
        self._alerts: dict[AlertKey, Alert] = {}
        self._incidents: dict[int, Incident] = {}
        self._posts: dict[int, Post] = {}
        self._silences: dict[int, Silence] = {}
        self._audit: deque[AuditRow] = deque(maxlen=bounds.audit_kept)
        self._agents: dict[tuple[str, str], AgentRecord] = {}
        self._meta: dict[str, str] = {}
        self._bounds = bounds
        self._opened_at = opened_at
        self._commits = 0
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, *, now: float, bounds: Bounds = USUAL) -> Self:
        """Return an empty store; the directory is not used."""
        del directory
        return cls(bounds, now)

    async def load(self) -> StoredState:
        """Return what a daemon would need to go on."""
        self._check_open()
        wanted = self._wanted()
        newest = set(_newest(sorted(self._silences), self._bounds.silences_loaded))
        return StoredState(
            alerts=tuple(self._alerts.values()),
            agents=tuple(self._agents.values()),
            meta=dict(self._meta),
            incidents=tuple(incident for key, incident in sorted(self._incidents.items()) if key in wanted),
            posts=tuple(post for _, post in sorted(self._posts.items()) if not wanted.isdisjoint(_told(post))),
            silences=tuple(
                silence for key, silence in sorted(self._silences.items()) if key in newest or not self._is_over(silence)
            ),
            last_incident=max(self._incidents, default=0),
            last_silence=max(self._silences, default=0),
        )

    async def commit(self, change: StateChange) -> None:
        """Take in all of the change."""
        self._check_open()
        for alert in change.alerts:
            if alert.state is AlertState.INACTIVE:
                self._alerts.pop(alert.key, None)
            else:
                self._alerts[alert.key] = alert
        self._incidents.update({incident.id: incident for incident in change.incidents})
        self._posts.update({post.id: post for post in change.posts})
        self._silences.update({silence.id: silence for silence in change.silences})
        self._audit.extend(change.audit)
        self._agents.update({(agent.pbx, agent.peer): agent for agent in change.agents})
        self._meta = {name: value for name, value in {**self._meta, **(change.meta or {})}.items() if value}
        if change:
            self._commits += 1
            if self._commits % self._bounds.commits_between == 0:
                self._thin()

    async def audit(self, limit: int) -> Sequence[AuditRow]:
        """The newest rows of the audit, newest first."""
        self._check_open()
        return tuple(reversed(self._audit))[:limit]

    async def close(self) -> None:
        """Refuse further work; a second call does nothing."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("memory store: already closed")

    def _is_over(self, silence: Silence) -> bool:
        return silence.ends_at <= self._opened_at or silence.expired_at is not None

    def _wanted(self) -> set[int]:
        """Incidents to be handed out: open, to be told of, the newest, those of the newest post, and what shares a digest."""
        closed = sorted(key for key, incident in self._incidents.items() if not incident.is_open)
        wanted = {key for key, incident in self._incidents.items() if incident.is_open or self._has_news(incident)}
        wanted.update(_newest(closed, self._bounds.closed_loaded))
        if self._posts:
            wanted.update(_told(self._posts[max(self._posts)]))
        beside = wanted
        while beside:
            sharing = [set(_told(post)) for post in self._posts.values() if not wanted.isdisjoint(_told(post))]
            beside = set().union(*sharing) - wanted
            wanted |= beside
        return wanted

    def _has_news(self, incident: Incident) -> bool:
        posts = [(post, told) for post in self._posts.values() for told in post.told if told.incident == incident.id]
        return any(
            not post.failed and (post.superseded or told.news < incident.news or told.revision < incident.revision)
            for post, told in posts
        ) or (incident.news > 0 and not {*incident.targets} <= {post.target for post, _ in posts})

    def _thin(self) -> None:
        closed = sorted(key for key, incident in self._incidents.items() if not incident.is_open)
        for key in set(closed) - set(_newest(closed, self._bounds.closed_kept)):
            del self._incidents[key]
        for key in [key for key, post in self._posts.items() if self._incidents.keys().isdisjoint(_told(post))]:
            del self._posts[key]
        newest = set(_newest(sorted(self._silences), self._bounds.silences_kept))
        for key in [key for key, silence in self._silences.items() if key not in newest and self._is_over(silence)]:
            del self._silences[key]


def _told(post: Post) -> Iterable[int]:
    return [told.incident for told in post.told]


def _newest(keys: Sequence[int], count: int) -> Sequence[int]:
    return keys[-count:] if count else ()


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
        self.call_records: deque[CallRecord] = deque(maxlen=self._options.max_items)
        self.logs: deque[LogRecord] = deque(maxlen=self._options.max_items)
        self.kpi_records: deque[KpiRecord] = deque(maxlen=self._options.max_items)
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, options: MemorySeriesOptions, *, now: float) -> Self:
        """Return an empty store; directory and time are not used."""
        del directory, now
        return cls(options)

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch; raises StoreError after ``close``."""
        if self._closed:
            raise StoreError("memory store: already closed")
        self.samples.extend(batch.samples)
        self.call_records.extend(batch.calls)
        self.logs.extend(batch.logs)
        self.kpi_records.extend(batch.kpis)

    async def flush(self, now: float) -> None:
        """Nothing is held back, so there is nothing to do."""

    async def prune(self, now: float) -> None:
        """Forget what is too old."""
        before = now - self._options.kept_s
        while self.samples and self.samples[0].at < before:
            self.samples.popleft()
        while self.call_records and self.call_records[0].ended_at < before:
            self.call_records.popleft()
        while self.logs and self.logs[0].at < before:
            self.logs.popleft()
        while self.kpi_records and self.kpi_records[0].at < before:
            self.kpi_records.popleft()

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        """Stretches of 10 s that reach into [since, until), oldest first."""
        samples = (sample for sample in self.samples if sample.subject == subject and sample.pbx == pbx)
        return points(summed(samples, BUCKET_S), since, until)

    async def kpis(self, pbx: str, subject: str, since: float, until: float) -> Sequence[KpiPoint]:
        """Minutes that reach into [since, until), oldest first."""
        records = (record for record in self.kpi_records if (record.pbx, record.subject) == (pbx, subject))
        return kpi_points(kpi_rows(records, MINUTE_S), since, until)

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        """Subjects with any measured call in that time, in order of name."""
        samples = (sample for sample in self.samples if sample.pbx == pbx and since <= sample.at < until)
        return sorted({row.key.subject for row in summed(samples, BUCKET_S)})

    async def calls(self, query: CallQuery) -> Sequence[LinkedCall]:
        """A page of calls, the one whose leg began last first."""
        return linked(page(newest(self.call_records, query), query), self.call_records)

    async def events(self, query: EventQuery) -> Sequence[LogRecord]:
        """A page of what happened, newest first."""
        return newest_first(self.logs, query)

    async def close(self, now: float) -> None:
        """Refuse further batches; what was kept stays readable."""
        self._closed = True
