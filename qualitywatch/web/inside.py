"""What the daemon knows of itself: for probes and for whoever watches the watcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qualitywatch.model import Severity


@dataclass(frozen=True, slots=True)
class SinkFigures:
    """One time series database that is fed; counts are lines since the start."""

    taken_in: int
    sent: int
    refused: int
    dropped: int
    spooled: int  # on disk, not yet taken
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class PbxFigures:
    """How far the work on one PBX has come."""

    events: int  # since the start
    lag_s: float | None  # how much earlier than now the newest judged instant is; None before anything was heard
    trouble: str | None = None  # why it is not seen


@dataclass(frozen=True, slots=True)
class Inside:
    """A snapshot of the daemon itself."""

    hangs: str | None = None  # what makes no progress
    store_trouble: str | None = None  # why something cannot be stored
    pbxes: Mapping[str, PbxFigures] = field(default_factory=dict)
    sinks: Mapping[str, SinkFigures] = field(default_factory=dict)
    outbox_waiting: int = 0  # incidents and posts that somebody still has to be told of
    firing: Mapping[Severity, int] = field(default_factory=dict)  # alerts; a severity of which none fires may be missing
