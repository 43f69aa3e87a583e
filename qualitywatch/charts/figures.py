"""Which figure of a point a metric means, and on what scale it is shown; the same for pictures and for lines of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from qualitywatch.model import HistoryPoint, Metric

Figure: TypeAlias = Callable[[HistoryPoint], float | None]


@dataclass(frozen=True, slots=True)
class Scale:
    """One metric of a point: its mean, its worst, and the range that is always shown, so that trifles look like trifles."""

    mean: Figure
    worst: Figure
    low: float
    high: float
    form: str  # of a number, for ``format``
    worse_is_lower: bool = False


SCALES: Final[Mapping[Metric, Scale]] = {
    Metric.LOSS_PERCENT: Scale(lambda point: point.loss_percent, lambda point: point.loss_percent_max, 0.0, 5.0, ".1f"),
    Metric.LOSS_PERCENT_REPORTED: Scale(
        lambda point: point.loss_percent_reported, lambda point: point.loss_percent_reported, 0.0, 5.0, ".1f"
    ),
    Metric.JITTER_MS: Scale(lambda point: point.jitter_ms, lambda point: point.jitter_ms_max, 0.0, 50.0, ".0f"),
    Metric.RTT_MS: Scale(lambda point: point.rtt_ms, lambda point: point.rtt_ms_max, 0.0, 300.0, ".0f"),
    # ITU-T G.107: the score of a narrow-band call lies between 1 and 4.5.
    Metric.MOS: Scale(lambda point: point.mos, lambda point: point.mos_min, 1.0, 4.5, ".1f", worse_is_lower=True),
}


def known(value: float | None) -> float | None:
    """Return the figure, or None for one that cannot be drawn."""
    return value if value is not None and math.isfinite(value) else None


def extreme(scale: Scale, points: Sequence[HistoryPoint]) -> float | None:
    """Return the worst figure of all points, None when none is known."""
    found = [
        value
        for point in points
        if (value := known(scale.worst(point))) is not None or (value := known(scale.mean(point))) is not None
    ]
    if not found:
        return None
    return min(found) if scale.worse_is_lower else max(found)
