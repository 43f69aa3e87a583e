"""What a chart is to show."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.model import HistoryPoint
from qualitywatch.room import Limit


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """Loss and jitter of one subject, both directions, over [since, until); instants as in the points."""

    title: str  # "Anna SIP/6117", already legible
    points: tuple[HistoryPoint, ...]
    since: float
    until: float
    language: str  # "en" or "ru"
    zone: str  # IANA name, "UTC" when there is none
    limits: tuple[Limit, ...] = ()
    is_trunk: bool = False  # a provider is at the other end, not a phone
    shaded: tuple[tuple[float, float | None], ...] = ()  # when an incident lasted; None: it still does
