"""Things that happen to one subject one after the other: what it was, and all that it became.

A change is told once and has no end, so of two within one incident the second must not make people forget the first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from qualitywatch.model import HISTORY_SEPARATOR, Alert

STEPS_KEPT: Final = 6  # what it was first, and what it was last; in between there may have been more


def one_after_another(before: Alert, alert: Alert) -> Alert:
    """Return the later of two alerts of one key, with what the earlier one told: values, worst severity, first instant."""
    severity = max(before.severity, alert.severity, key=lambda each: each.rank)
    worst = max(before.worst, alert.worst, key=lambda each: each.rank)
    since_at = min(before.since_at, alert.since_at)
    alert = replace(alert, severity=severity, worst=worst, since_at=since_at)
    if "new" not in alert.details or "new" not in before.details:
        return alert
    told = before.details.get("history")
    steps = told.split(HISTORY_SEPARATOR) if told is not None else [_value(before, "old"), _value(before, "new")]
    steps.append(_value(alert, "new"))
    if len(steps) > STEPS_KEPT:
        steps = [steps[0], "...", *steps[-STEPS_KEPT + 2 :]]
    changes = int(before.details.get("changes", "1")) + 1
    details = {**alert.details, "old": before.details.get("old", ""), "history": HISTORY_SEPARATOR.join(steps)}
    if "new_peer" in before.details:
        details["new_peer"] = before.details["new_peer"]
    return replace(alert, details={**details, "changes": str(changes)})


def _value(alert: Alert, key: str) -> str:
    return " ".join(alert.details.get(key, "").split())
