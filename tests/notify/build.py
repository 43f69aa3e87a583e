"""Transitions and incidents for the tests of everything that tells people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Bulletin,
    Direction,
    Form,
    Incident,
    Member,
    MemberState,
    Mute,
    NotifyReason,
    Severity,
    Transition,
)

SINCE: Final = 1_763_848_800.0  # 2025-11-22 22:00:00 UTC


def transition(
    topic: str = "loss_percent",
    subject: str = "SIP/6117",
    *,
    direction: Direction | None = None,
    name: str | None = None,
    value: float | None = None,
    peak: float | None = None,
    reason: NotifyReason = NotifyReason.FIRING,
    severity: Severity = Severity.WARNING,
    lasted_s: float = 20.0,
    because: str | None = None,
    details: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    rule: str = "call-loss",
    pbx: str = "office",
    clear_since: float | None = None,
) -> Transition:
    """An alert that began at SINCE and changed ``lasted_s`` later, for the given reason."""
    states = {
        NotifyReason.FIRING: (AlertState.PENDING, AlertState.FIRING),
        NotifyReason.SEVERITY_INCREASED: (AlertState.FIRING, AlertState.FIRING),
        NotifyReason.RESOLVED: (AlertState.FIRING, AlertState.INACTIVE),
        NotifyReason.HAPPENED: (AlertState.INACTIVE, AlertState.FIRING),
        NotifyReason.NONE: (AlertState.INACTIVE, AlertState.PENDING),
    }
    old_state, new_state = states[reason]
    alert = Alert(
        key=AlertKey(rule, pbx, subject, direction),
        state=new_state,
        severity=severity,
        topic=topic,
        since_at=SINCE,
        level_since={severity: SINCE},
        fired_at=SINCE + 10,
        clear_since=clear_since,
        value=value,
        peak=peak,
        display_name=name,
        details=details or {},
        texts=texts or {},
    )
    return Transition(SINCE + lasted_s, alert, old_state, new_state, reason, because)


def resolved(
    topic: str = "loss_percent",
    subject: str = "SIP/6117",
    *,
    lasted_s: float = 420.0,
    because: str = "clear",
    direction: Direction | None = None,
    name: str | None = None,
    peak: float | None = None,
    details: Mapping[str, str] | None = None,
) -> Transition:
    """The end of an alert that began at SINCE."""
    return transition(
        topic,
        subject,
        direction=direction,
        name=name,
        peak=peak,
        reason=NotifyReason.RESOLVED,
        lasted_s=lasted_s,
        because=because,
        details=details,
    )


def member(
    topic: str = "loss_percent",
    subject: str = "SIP/6117",
    *,
    state: MemberState = MemberState.FIRING,
    direction: Direction | None = None,
    name: str | None = None,
    value: float | None = None,
    peak: float | None = None,
    severity: Severity = Severity.WARNING,
    since_s: float = 0.0,
    lasted_s: float = 420.0,
    because: str = "clear",
    details: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    rule: str = "call-loss",
    pbx: str = "office",
    mute: Mute | None = None,
    fires: tuple[float, ...] = (),
) -> Member:
    """A member of an incident that began ``since_s`` after SINCE, and, where it is over, lasted ``lasted_s``."""
    began = SINCE + since_s
    is_over = state is MemberState.RESOLVED
    alert = Alert(
        key=AlertKey(rule, pbx, subject, direction),
        state=AlertState.INACTIVE if is_over else AlertState.FIRING,
        severity=severity,
        topic=topic,
        since_at=began,
        level_since={severity: began},
        fired_at=began + 10,
        clear_since=began + lasted_s if is_over else None,
        value=value,
        peak=peak,
        display_name=name,
        details=details or {},
        texts=texts or {},
        worst=severity,
    )
    return Member(
        alert,
        state,
        joined_at=began + 10,
        ended_at=began + lasted_s + 120 if is_over else None,
        resolved_because=because if is_over else None,
        mute=mute,
        fires=fires,
    )


def incident(*members: Member, number: int = 7, **changes: Any) -> Incident:
    """An incident of these members as the desk would have it: open while any of them fires."""
    firing = [each for each in members if each.state is MemberState.FIRING]
    unmuted = [each for each in firing if each.mute is None]
    worst = max((each.alert.severity for each in unmuted or firing or members), key=lambda severity: severity.rank)
    facts: dict[str, Any] = {
        "pbx": members[0].alert.key.pbx,
        "opened_at": min(each.joined_at for each in members),
        "severity": worst,
        "worst": worst,
        "news": 1,
        "closed_at": None if firing else max(each.ended_at or each.joined_at for each in members),
    }
    return Incident(id=number, members=members, **{**facts, **changes})


def bulletin(*incidents: Incident, form: Form = Form.LIVING) -> Bulletin:
    """What one message is to tell."""
    return Bulletin(form, incidents)
