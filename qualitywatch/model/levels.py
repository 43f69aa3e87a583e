"""Figures that are there at any time, calls or not: gauges, read now and then; and what is read of queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Gauge(StrEnum):
    """What is read as one figure of a subject at one instant."""

    QUEUE_CALLERS = "queue_callers"  # waiting now
    QUEUE_LONGEST_HOLD_S = "queue_longest_hold_s"  # of those who wait now, the one who has waited longest; 0 when nobody waits
    QUEUE_AGENTS_AVAILABLE = "queue_agents_available"  # could take a call now: not talking, not paused, reachable
    QUEUE_AGENTS_LOGGED_IN = "queue_agents_logged_in"  # reachable, also if talking or paused
    QUEUE_CALLERS_UNATTENDED = "queue_callers_unattended"  # waiting now while no agent is logged in; 0 while one is
    CONCURRENT_CALLS = "concurrent_calls"  # over a trunk, both ways, those being tried included; told whenever it changes


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
