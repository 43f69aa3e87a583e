"""From an opinion to a change: evaluations, alerts, transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from qualitywatch.model.words import Direction, Severity

HISTORY_SEPARATOR: Final = "\n"
"""Between the values of detail ``history``: all that an attribute was in one incident, the oldest first."""


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Signal(StrEnum):
    """What an evaluation says of one severity level."""

    BREACH = "breach"  # the entry condition holds
    CLEAR = "clear"  # the exit condition holds
    KEEP = "keep"  # between exit and entry: whatever it was, it stays
    UNKNOWN = "unknown"  # not enough data yet: neither good nor bad
    GONE = "gone"  # nothing left to judge: the calls are over


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """Identity of an alert; survives restarts."""

    rule: str
    pbx: str
    subject: str
    direction: Direction | None = None


@dataclass(init=False, slots=True, unsafe_hash=True)
class Level:
    """One severity of an evaluation: its signal, how long it must hold, and since when it is known to hold."""

    severity: Final[Severity]
    signal: Final[Signal]
    hold_s: Final[float]
    since_at: Final[float | None]  # earlier start than this evaluation, where the observation knows it

    def __init__(
        self,
        severity: Severity,
        signal: Signal,
        hold_s: float,
        since_at: float | None = None,
    ) -> None:
        self.severity = severity
        self.signal = signal
        self.hold_s = hold_s
        self.since_at = since_at


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rule's opinion of one key at one instant."""

    key: AlertKey
    at: float
    levels: tuple[Level, ...]
    value: float | None
    clear_hold_s: float
    topic: str  # which text to use: a metric's name, "trunk_state", "peer_state", "pbx_state", "user_agent", ...
    one_shot: bool = False  # a thing that happened, not a condition that lasts
    details: Mapping[str, str] = field(default_factory=dict)
    worse_is_lower: bool = False  # True for MOS and R: the peak is the minimum
    texts: Mapping[str, str] = field(default_factory=dict)  # the rule's own wording by language
    yields_to: tuple[str, ...] = ()  # rules whose alert on the same subject explains this one
    off_duty: bool = False  # outside the hours of its rule: what fires may go on and end, nothing begins
    channels: tuple[str, ...] = ()  # names of the channels that break the rule now, for whoever acts on them
    gone_because: str = "no_data"  # why nothing is left to judge, where a level says so


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
    def urgency(self) -> tuple[bool, int, float]:
        """Sorts alerts: firing before pending, severe before mild, old before new."""
        return self.state is not AlertState.FIRING, -self.severity.rank, self.since_at


class NotifyReason(StrEnum):
    """Why somebody is told; ``none`` is a reason too."""

    NONE = "none"
    FIRING = "firing"
    SEVERITY_INCREASED = "severity_increased"
    RESOLVED = "resolved"
    HAPPENED = "happened"


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert changed: state, or severity within firing."""

    at: float
    alert: Alert  # after the change
    old_state: AlertState
    new_state: AlertState
    reason: NotifyReason
    resolved_because: str | None = None  # "clear", "no_data" or "removed": no longer configured on the PBX
