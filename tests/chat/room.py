"""A room in memory: does at once what the daemon would do, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qualitywatch.model import (
    Acknowledgement,
    AuditRow,
    HistoryPoint,
    Incident,
    MemberState,
    Mute,
    MuteKind,
    Silence,
)
from qualitywatch.ports import FailingPart, FedDatabase
from qualitywatch.room import Limit, PbxView, SilenceRequest


@dataclass
class MemoryRoom:
    """``room.Room``; ``clock_at`` is the wall clock."""

    clock_at: float
    views: list[PbxView] = field(default_factory=list)
    open: list[Incident] = field(default_factory=list)  # in order of urgency
    closed: list[Incident] = field(default_factory=list)
    quiet: list[Silence] = field(default_factory=list)
    points: dict[tuple[str, str], list[HistoryPoint]] = field(default_factory=dict)
    audit: list[AuditRow] = field(default_factory=list)
    refuse_silence: str = ""
    ails: list[str] = field(default_factory=list)
    fed: list[FedDatabase] = field(default_factory=list)
    failing: list[FailingPart] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def now(self) -> float:
        return self.clock_at

    def pbxes(self) -> Sequence[PbxView]:
        return self.views

    def incidents(self) -> Sequence[Incident]:
        return self.open

    def incident(self, incident_id: int) -> Incident | None:
        return next((one for one in (*self.open, *self.closed) if one.id == incident_id), None)

    def closed_incidents(self) -> Sequence[Incident]:
        return self.closed

    def troubles(self) -> Sequence[str]:
        return self.ails

    def failing_parts(self) -> Sequence[FailingPart]:
        return self.failing

    def untold(self) -> Sequence[str]:
        return self.silent

    def databases(self) -> Sequence[FedDatabase]:
        return self.fed

    def silences(self) -> Sequence[Silence]:
        return [one for one in self.quiet if one.expired_at is None and one.ends_at > self.clock_at]

    def limits(self, pbx: str, subject: str) -> Sequence[Limit]:
        return ()

    async def acknowledge(self, incident_id: int, by: str) -> Incident | None:
        return self._change(incident_id, by, "acknowledge", ack=Acknowledgement(by, self.clock_at))

    async def unacknowledge(self, incident_id: int, by: str) -> Incident | None:
        return self._change(incident_id, by, "unacknowledge", ack=None)

    async def mute_incident(self, incident_id: int, ends_at: float, by: str) -> Incident | None:
        incident = self.incident(incident_id)
        if incident is None:
            return None
        self._end(lambda one: one.incident == incident_id)
        made = Silence(len(self.quiet) + 1, ends_at, by, self.clock_at, incident=incident_id)
        self.quiet.append(made)
        mute = Mute(MuteKind.SILENCE, str(made.id), ends_at, by)
        members = tuple(replace(m, mute=mute) if m.state is MemberState.FIRING else m for m in incident.members)
        return self._change(incident_id, by, "mute", members=members)

    async def unmute_incident(self, incident_id: int, by: str) -> Incident | None:
        incident = self.incident(incident_id)
        if incident is None:
            return None
        self._end(lambda one: one.incident == incident_id)
        return self._change(incident_id, by, "unmute", members=tuple(replace(m, mute=None) for m in incident.members))

    async def silence(self, request: SilenceRequest, by: str) -> Silence:
        if self.refuse_silence:
            raise ValueError(self.refuse_silence)
        made = Silence(
            len(self.quiet) + 1,
            request.ends_at,
            by,
            self.clock_at,
            request.starts_at,
            request.rules,
            request.subjects,
            request.pbxes,
            request.severities,
            request.comment,
        )
        self.quiet.append(made)
        return made

    async def expire_silence(self, silence_id: int, by: str) -> Silence | None:
        self._end(lambda one: one.id == silence_id and one.ends_at > self.clock_at)
        return next((one for one in self.quiet if one.id == silence_id), None)

    async def note(self, row: AuditRow) -> None:
        self.audit.append(row)

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        return [point for point in self.points.get((pbx, subject), []) if since <= point.at < until]

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        known = (key for key, points in self.points.items() if any(since <= point.at < until for point in points))
        return sorted(subject for name, subject in known if name == pbx)

    def _change(self, incident_id: int, by: str, action: str, **changes: object) -> Incident | None:
        for index, one in enumerate(self.open):
            if one.id == incident_id:
                self.open[index] = replace(one, **changes)  # type: ignore[arg-type]
                self.audit.append(AuditRow(self.clock_at, by, action, "", incident_id))
        return self.incident(incident_id)

    def _end(self, which: object) -> None:
        assert callable(which)
        self.quiet = [
            replace(one, expired_at=self.clock_at) if one.expired_at is None and which(one) else one for one in self.quiet
        ]
