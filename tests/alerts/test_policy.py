"""Who is told of what: one table, every pair of states and severities."""

from __future__ import annotations

import itertools

import pytest

from qualitywatch.alerts.policy import notify_reason
from qualitywatch.model import Alert, AlertKey, AlertState, NotifyReason, Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def alert(state: AlertState, severity: Severity) -> Alert:
    return Alert(AlertKey("loss", "office", "SIP/6117"), state, severity, "loss_percent", 0.0, {})


P, F, X = AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        # A pending alert tells nobody, whatever it was before and however urgent it would be.
        (None, (P, CRITICAL), NotifyReason.NONE),
        ((P, WARNING), (P, CRITICAL), NotifyReason.NONE),
        # Nor does one that goes away before it was told.
        ((P, CRITICAL), (X, CRITICAL), NotifyReason.NONE),
        (None, (X, INFO), NotifyReason.NONE),
        # The first firing is told, with or without a time of waiting.
        ((P, WARNING), (F, WARNING), NotifyReason.FIRING),
        ((P, CRITICAL), (F, INFO), NotifyReason.FIRING),
        (None, (F, INFO), NotifyReason.FIRING),
        # Worse is told, the same again and better are not.
        ((F, WARNING), (F, CRITICAL), NotifyReason.SEVERITY_INCREASED),
        ((F, INFO), (F, WARNING), NotifyReason.SEVERITY_INCREASED),
        ((F, WARNING), (F, WARNING), NotifyReason.NONE),
        ((F, CRITICAL), (F, INFO), NotifyReason.NONE),
        # The end of what was told is told.
        ((F, WARNING), (X, WARNING), NotifyReason.RESOLVED),
        ((F, CRITICAL), (X, INFO), NotifyReason.RESOLVED),
    ],
)
def test_who_is_told(
    before: tuple[AlertState, Severity] | None, after: tuple[AlertState, Severity], reason: NotifyReason
) -> None:
    assert notify_reason(alert(*before) if before is not None else None, alert(*after)) is reason


@pytest.mark.parametrize(("state", "severity"), list(itertools.product(AlertState, Severity)))
def test_a_thing_that_happened_is_always_told(state: AlertState, severity: Severity) -> None:
    assert notify_reason(None, alert(state, severity), one_shot=True) is NotifyReason.HAPPENED


def test_severities_are_ordered_by_urgency() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [INFO, WARNING, CRITICAL]
