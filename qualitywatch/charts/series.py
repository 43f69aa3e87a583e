"""From points to what a pen needs: no more points than a screen shows, and lines that break where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from qualitywatch.charts.figures import Figure, known
from qualitywatch.model import HistoryPoint

POINTS_SHOWN: Final = 100  # of one direction
_STRETCHES_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_PACKETS_PER_S: Final = 50.0  # of 20 ms, where nobody counted them
_GAP_SHARE: Final = 0.5  # of a stretch: a longer pause is one in which nobody spoke


@dataclass(frozen=True, slots=True)
class Series:
    """Instants and figures for one line; NaN in both lifts the pen."""

    at: tuple[float, ...]  # the middle of each stretch
    values: tuple[float, ...]


def series(points: Sequence[HistoryPoint], figure: Figure) -> Series:
    """Return the line of one figure over points of one direction, oldest first."""
    at: list[float] = []
    values: list[float] = []
    end = math.inf
    for point in points:
        value = known(figure(point))
        if value is None:
            continue
        if point.at - end > point.seconds * _GAP_SHARE:
            at.append(math.nan)
            values.append(math.nan)
        at.append(point.at + point.seconds / 2)
        values.append(value)
        end = point.at + point.seconds
    return Series(tuple(at), tuple(values))


def within(points: Iterable[HistoryPoint], since: float, until: float) -> tuple[HistoryPoint, ...]:
    """Return the points that touch [since, until), cut to it; figures stay those of the whole stretch."""
    found = []
    for point in points:
        start, end = max(point.at, since), min(point.at + point.seconds, until)
        if start < end:
            found.append(replace(point, at=start, seconds=end - start))
    return tuple(found)


def coarser(points: Sequence[HistoryPoint], since: float, until: float) -> tuple[HistoryPoint, ...]:
    """Return the points of [since, until) as they are where they are few, else merged over longer stretches of the clock."""
    shown, span_s = within(points, since, until), until - since
    stretch_s = next((stretch for stretch in _STRETCHES_S if span_s / stretch <= POINTS_SHOWN), span_s / POINTS_SHOWN)
    if stretch_s <= _STRETCHES_S[0] or all(point.seconds >= stretch_s for point in points):
        return shown

    def place(point: HistoryPoint) -> tuple[str, int]:
        return point.direction or "", math.floor(point.at / stretch_s)

    groups = groupby(sorted(shown, key=place), key=place)
    merged = (_merged(list(group), number * stretch_s, stretch_s) for (_, number), group in groups)
    return within(merged, since, until)


def _merged(group: Sequence[HistoryPoint], at: float, seconds: float) -> HistoryPoint:
    """One point for several of one direction: means weighted by packets, extremes of extremes."""
    return HistoryPoint(
        at=at,
        seconds=seconds,
        direction=group[0].direction,
        calls=max(point.calls for point in group),
        packets=sum((point.packets or 0.0 for point in group), 0.0),
        loss_percent=_mean(group, lambda point: point.loss_percent),
        loss_percent_max=_most(group, lambda point: point.loss_percent_max),
        loss_percent_reported=_mean(group, lambda point: point.loss_percent_reported),
        jitter_ms=_mean(group, lambda point: point.jitter_ms),
        jitter_ms_max=_most(group, lambda point: point.jitter_ms_max),
        rtt_ms=_mean(group, lambda point: point.rtt_ms),
        rtt_ms_max=_most(group, lambda point: point.rtt_ms_max),
        mos=_mean(group, lambda point: point.mos),
        mos_min=min(_known(group, lambda point: point.mos_min), default=None),
    )


def _known(group: Sequence[HistoryPoint], figure: Figure) -> list[float]:
    return [value for point in group if (value := known(figure(point))) is not None]


def _most(group: Sequence[HistoryPoint], figure: Figure) -> float | None:
    return max(_known(group, figure), default=None)


def _mean(group: Sequence[HistoryPoint], figure: Figure) -> float | None:
    weighted = [
        (value, point.packets or point.seconds * _PACKETS_PER_S)
        for point in group
        if (value := known(figure(point))) is not None
    ]
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total > 0 else None
