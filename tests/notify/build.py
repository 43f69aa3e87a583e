"""Transitions for the tests of everything that tells people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Direction,
    Notification,
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


def notification(target: str, number: int, *, subject: str | None = None) -> Notification:
    """A firing loss alert whose text tells its number: ``loss to SIP/<number> 5.45%``."""
    change = transition(subject=subject or f"SIP/{number}", direction=Direction.TO_PEER, value=5.45)
    return Notification(target, change, created_at=SINCE + number)
