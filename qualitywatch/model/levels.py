"""Figures that are there at any time, calls or not: gauges, read now and then; and what is read of queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from qualitywatch.model.words import Gauge

# Told whenever they change, and so as fresh as ever until then; after a gap in what we saw they are told anew.
EVENTFUL: Final = frozenset({Gauge.CONCURRENT_CALLS})
# Other readings come every minute at least: after two of them were missed nothing is known.
STALE_AFTER_S: Final = 130.0


@dataclass(frozen=True, slots=True)
class QueueSummarySeen:
    """One queue as an item of QueueSummary tells it."""

    at: float
    queue: str
    callers: int | None
    longest_hold_s: int | None
    available: int | None
    logged_in: int | None


@dataclass(frozen=True, slots=True)
class QueuesListed:
    """A QueueSummary is complete: a queue that it did not name is not known any more."""

    at: float


@dataclass(frozen=True, slots=True)
class LevelObservation:
    """The gauges of a subject as they stand; one that could not be read is missing, and all are when nothing is known of it."""

    at: float
    pbx: str
    subject: str
    levels: Mapping[Gauge, float]
    topic: ClassVar[str] = "levels"
