"""Why an alert fires, or does not, in a running daemon: what is asked, what is answered.  Frozen snapshots, as in ``room``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from qualitywatch.model import AlertState, Direction, Mute, Severity, Signal, Verdict


@dataclass(frozen=True, slots=True)
class WhyRequest:
    """An alert as people write it: ``loss SIP/6117``, ``Anna``, ``#12``; ``pbx`` is one of the configuration, None all."""

    words: tuple[str, ...]
    pbx: str | None = None


@dataclass(frozen=True, slots=True)
class WhySample:
    """One observation of the last window; ``counted`` False: the rule left it out, for what its verdict says."""

    at: float
    value: float
    weight: float
    verdict: Verdict = Verdict.OK
    counted: bool = True


@dataclass(frozen=True, slots=True)
class WhyLevel:
    """One severity: what is said of it now, since when it holds, and how long it must."""

    severity: Severity
    signal: Signal
    hold_s: float
    since_at: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Everything that bears on one alert that is, or could be."""

    rule: str
    kind: str
    source: str
    summary: str
    pbx: str
    subject: str
    direction: Direction | None
    name: str | None
    topic: str
    state: AlertState
    levels: tuple[WhyLevel, ...]
    value: float | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[WhySample, ...] = ()
    clear_hold_s: float = 0.0
    since_at: float | None = None
    fired_at: float | None = None
    clear_since: float | None = None
    explained_by: str | None = None  # the rule whose alert on the same subject keeps this one quiet
    off_duty: bool = False  # outside the hours of its rule
    blind_since: float | None = None  # the PBX cannot be seen: everything stays as it was
    incident: int = 0  # the open incident it is told in; 0: none
    mute: Mute | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer; with no reasons ``nothing`` says what was looked for, and who there is."""

    now: float
    reasons: tuple[Reason, ...] = ()
    nothing: str = ""


@runtime_checkable
class Explains(Protocol):
    """Whoever can say why."""

    def why(self, request: WhyRequest) -> Why:
        """Say why the alerts that are meant fire, or do not."""
        ...
