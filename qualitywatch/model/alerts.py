"""What comes of opinions: alerts and their transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.model.evaluations import AlertKey
from qualitywatch.model.words import AlertState, NotifyReason, Severity

HISTORY_SEPARATOR: Final = "\n"
"""Between the values of detail ``history``: all that an attribute was in one incident, the oldest first."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What is remembered of one key between evaluations; stored as it is."""

    key: AlertKey
    state: AlertState
    severity: Severity
    topic: str
    since_at: float  # when the condition began
    level_since: Mapping[Severity, float]  # active levels and since when
    fired_at: float | None = None
    clear_since: float | None = None
    value: float | None = None
    peak: float | None = None
    display_name: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    worst: Severity = Severity.INFO  # the highest severity it has fired with
    channels: tuple[str, ...] = ()  # names of the channels that break its rule now; one more while it fires is a transition

    @property
    def is_waiting(self) -> bool:
        """Whether a hold runs: it may begin to fire, become worse or end by the mere passing of time."""
        worse = any(level.rank > self.severity.rank for level in self.level_since)
        return self.state is AlertState.PENDING or self.clear_since is not None or worse

    @property
    def urgency(self) -> tuple[bool, int, float]:
        """Sorts alerts: firing before pending, severe before mild, old before new."""
        return self.state is not AlertState.FIRING, -self.severity.rank, self.since_at


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert changed: state, or severity within firing."""

    at: float
    alert: Alert  # after the change
    old_state: AlertState
    new_state: AlertState
    reason: NotifyReason
    resolved_because: str | None = None  # "clear", "no_data" or "removed": no longer configured on the PBX
