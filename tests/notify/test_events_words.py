"""What people read when a PBX withholds a class of events: what is not seen, and which line of manager.conf to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from qualitywatch.model import Alert, AlertKey, AlertState, EventsState, NotifyReason, Severity, Transition
from qualitywatch.notify.phrases import sentence


def told(state: EventsState, language: str, proof: str = "") -> str:
    return sentence(_move(state, proof, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.FIRING), language, UTC)


def over(state: EventsState, language: str) -> str:
    return sentence(_move(state, "", AlertState.FIRING, AlertState.INACTIVE, NotifyReason.RESOLVED), language, UTC)


def _move(state: EventsState, proof: str, old: AlertState, new: AlertState, reason: NotifyReason) -> Transition:
    details = {"state": str(state), "cause": proof} if proof else {"state": str(state)}
    alert = Alert(
        AlertKey("pbx-half-blind", "office", "office"),
        new,
        Severity.WARNING,
        topic="events_state",
        since_at=0.0,
        level_since={Severity.WARNING: 0.0},
        fired_at=0.0,
        worst=Severity.WARNING,
        details=details,
    )
    if new is AlertState.INACTIVE:
        alert = replace(alert, clear_since=240.0)
    return Transition(300.0, alert, old, new, reason, "clear" if new is AlertState.INACTIVE else None)


def test_reports_that_do_not_come() -> None:
    assert told(EventsState.NO_REPORTS, "en", "12") == (
        "PBX office sends no RTCP events (answered calls without any: 12), quality is not seen: in manager.conf add reporting "
        "to read= and let eventfilter pass RTCPSent and RTCPReceived; then restart qualitywatch"
    )
    assert told(EventsState.NO_REPORTS, "ru", "12") == (
        "АТС office не присылает события RTCP (отвеченных звонков без них: 12), качество звонков не видно: в manager.conf "
        "добавьте reporting в read= и пропустите в eventfilter RTCPSent и RTCPReceived; затем перезапустите qualitywatch"
    )


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("state", "right"),
    [(EventsState.NO_CALLS, "call"), (EventsState.NO_REPORTS, "reporting"), (EventsState.NO_SYSTEM, "system")],
)
def test_every_missing_class_names_its_remedy(state: EventsState, right: str, language: str) -> None:
    text = told(state, language)
    assert {"en": f"add {right} to read=", "ru": f"добавьте {right} в read="}[language] in text
    assert "manager.conf" in text
    assert "{" not in text


def test_the_end() -> None:
    assert over(EventsState.NO_REPORTS, "en") == "PBX office sends all its events again after 4 min"
    assert over(EventsState.NO_REPORTS, "ru") == "АТС office снова присылает все события через 4 мин"
