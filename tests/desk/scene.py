"""A PBX whose alerts come and go as a test says, and a desk that is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy, Inhibition, Matcher
from qualitywatch.document import compile_selector
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    AuditRow,
    Incident,
    Member,
    NotifyReason,
    Severity,
    Silence,
    Transition,
)
from qualitywatch.store.codec import dumps, loads

TRUNK_DOWN = Inhibition(
    source=Matcher(rules=(compile_selector("trunk-down"),)), target=Matcher(rules=(compile_selector("loss"),)), equal=("trunk",)
)
BLIND = Inhibition(source=Matcher(rules=(compile_selector("blind"),)), target=Matcher())
NOC = (Audience("noc"),)
T0 = 1_700_000_000.0


def policy(**parts: object) -> DeskPolicy:
    return replace(DeskPolicy(audiences=NOC), **parts)  # type: ignore[arg-type]


def key(rule: str, subject: str, pbx: str = "office") -> AlertKey:
    return AlertKey(rule, pbx, subject)


class Scene:
    """One PBX, its alerts, a desk, and everything the desk ever handed out."""

    def __init__(
        self,
        rules: DeskPolicy | None = None,
        *,
        pbx: str = "office",
        trunks: dict[str, str] | None = None,
        sites: dict[str, str] | None = None,
        incidents: Iterable[Incident] = (),
        now: float = T0,
    ) -> None:
        self.policy = rules if rules is not None else policy()
        self.pbx = pbx
        self.trunks = trunks or {}
        self.sites = sites or {}
        self.now = now
        self.wall_ahead_s = 0.0
        self.alerts: dict[AlertKey, Alert] = {}
        self.incidents: dict[int, Incident] = {incident.id: incident for incident in incidents}
        self.silences: dict[int, Silence] = {}
        self.audit: list[AuditRow] = []
        self.desk = self._new_desk()

    def _new_desk(self) -> Desk:
        return Desk(
            self.policy,
            incidents=[loads(Incident, dumps(incident)) for incident in self.incidents.values()],
            silences=[loads(Silence, dumps(silence)) for silence in self.silences.values()],
            trunk_of=lambda pbx, subject: self.trunks.get(subject),
            places_of=lambda pbx, subject: (self.sites[subject],) if subject in self.sites else (),
        )

    @property
    def wall(self) -> float:
        return self.now + self.wall_ahead_s

    def restart(self) -> None:
        """Everything is stored, read back, and goes on."""
        self.alerts = {each.key: loads(Alert, dumps(each)) for each in self.alerts.values()}
        self.desk = self._new_desk()

    # --- what happens on the PBX ----------------------------------------------------------------------------------------

    def fire(self, rule: str, subject: str, severity: Severity = Severity.WARNING, *, after_s: float = 0.0) -> Incident:
        return self.tell(self.fired(rule, subject, severity, after_s=after_s))[-1]

    def fired(
        self, rule: str, subject: str, severity: Severity = Severity.WARNING, *, after_s: float = 0.0, value: float = 5.0
    ) -> Transition:
        self.now += after_s
        alert = Alert(
            key(rule, subject, self.pbx),
            AlertState.FIRING,
            severity,
            topic=rule,
            since_at=self.now,
            level_since={severity: self.now},
            fired_at=self.now,
            value=value,
            peak=value,
            worst=severity,
        )
        old = self.alerts.get(alert.key)
        self.alerts[alert.key] = alert
        old_state = AlertState.INACTIVE if old is None else old.state
        return Transition(self.now, alert, old_state, AlertState.FIRING, NotifyReason.FIRING)

    def resolve(self, rule: str, subject: str, *, after_s: float = 0.0, because: str = "clear") -> Incident:
        return self.tell(self.resolved(rule, subject, after_s=after_s, because=because))[-1]

    def resolved(self, rule: str, subject: str, *, after_s: float = 0.0, because: str = "clear") -> Transition:
        self.now += after_s
        alert = replace(self.alerts.pop(key(rule, subject, self.pbx)), state=AlertState.INACTIVE)
        return Transition(self.now, alert, AlertState.FIRING, AlertState.INACTIVE, NotifyReason.RESOLVED, because)

    def severity(self, rule: str, subject: str, severity: Severity, *, after_s: float = 0.0) -> tuple[Incident, ...]:
        """The severity of a firing alert changes; down silently."""
        self.now += after_s
        old = self.alerts[key(rule, subject, self.pbx)]
        worst = max(old.worst, severity, key=lambda each: each.rank)
        alert = self.alerts[old.key] = replace(old, severity=severity, worst=worst)
        reason = NotifyReason.SEVERITY_INCREASED if severity.rank > old.severity.rank else NotifyReason.NONE
        return self.tell(Transition(self.now, alert, AlertState.FIRING, AlertState.FIRING, reason))

    def happen(
        self,
        rule: str,
        subject: str,
        severity: Severity = Severity.WARNING,
        *,
        after_s: float = 0.0,
        details: dict[str, str] | None = None,
    ) -> Incident:
        self.now += after_s
        alert = Alert(
            key(rule, subject, self.pbx),
            AlertState.FIRING,
            severity,
            topic=rule,
            since_at=self.now,
            level_since={severity: self.now},
            fired_at=self.now,
            worst=severity,
            details=details or {},
        )
        return self.tell(Transition(self.now, alert, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.HAPPENED))[-1]

    def pend(self, rule: str, subject: str) -> tuple[Incident, ...]:
        fired = self.fired(rule, subject)
        alert = self.alerts[fired.alert.key] = replace(fired.alert, state=AlertState.PENDING, fired_at=None)
        return self.tell(replace(fired, alert=alert, new_state=AlertState.PENDING, reason=NotifyReason.NONE))

    def measure(self, rule: str, subject: str, value: float) -> None:
        """A new figure, without a transition."""
        known = key(rule, subject, self.pbx)
        old = self.alerts[known]
        self.alerts[known] = replace(old, value=value, peak=max(old.peak or 0.0, value))

    def tell(self, *transitions: Transition) -> tuple[Incident, ...]:
        return self.keep(self.desk.step(self.pbx, transitions, tuple(self.alerts.values()), self.now, self.wall)).incidents

    def wait(self, seconds: float) -> tuple[Incident, ...]:
        self.now += seconds
        return self.tell()

    def keep(self, change: DeskChange) -> DeskChange:
        """Store what the desk hands out."""
        assert len({incident.id for incident in change.incidents}) == len(change.incidents)
        for incident in change.incidents:
            before = self.incidents.get(incident.id)
            assert incident.revision == (1 if before is None else before.revision + 1)
            self.incidents[incident.id] = incident
        self.silences.update({silence.id: silence for silence in change.silences})
        self.audit.extend(change.audit)
        return change

    # --- what is known --------------------------------------------------------------------------------------------------

    def get(self, incident: Incident) -> Incident:
        return self.incidents[incident.id]

    def of(self, rule: str, subject: str) -> Incident:
        """The open incident in which an alert fires."""
        (incident,) = [each for each in self.desk.open_incidents() if self.member(each, rule, subject, firing=True) is not None]
        return incident

    def member(self, incident: Incident, rule: str, subject: str, *, firing: bool = False) -> Member | None:
        known = key(rule, subject, self.pbx)
        members = incident.firing if firing else incident.members
        return next((member for member in members if member.key == known), None)


def subjects(incident: Incident) -> list[str]:
    return [member.key.subject for member in incident.members]
