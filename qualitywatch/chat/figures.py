"""Figures of one subject over a stretch of time, out of stored points.

Loss is lost packets over expected ones (each point weighs what it expected), never a mean of percentages; jitter and MOS weigh
by the same packets.  What nobody measured is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.model import Direction, HistoryPoint

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in one direction."""

    packets: float | None = None
    loss_percent: float | None = None
    loss_percent_max: float | None = None
    jitter_ms: float | None = None
    jitter_ms_max: float | None = None
    mos: float | None = None
    mos_min: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Both directions together with what has none; ``calls`` is at least so many (see ``_calls``)."""

    by_direction: Mapping[Direction, Heard] = field(default_factory=dict)
    rtt_ms: float | None = None
    rtt_ms_max: float | None = None
    calls: int = 0

    @property
    def has_reports(self) -> bool:
        """Whether anything at all was measured."""
        return self.rtt_ms is not None or any(
            value is not None
            for heard in self.by_direction.values()
            for value in (heard.loss_percent, heard.jitter_ms, heard.mos)
        )

    @property
    def packets(self) -> float | None:
        """Packets the figures speak for, of the direction that has more."""
        return max((heard.packets for heard in self.by_direction.values() if heard.packets is not None), default=None)


def summarize(points: Iterable[HistoryPoint]) -> Figures:
    """Return the figures of all points together."""
    known = list(points)
    heard = {
        direction: _heard([point for point in known if point.direction is direction])
        for direction in Direction
        if any(point.direction is direction for point in known)
    }
    return Figures(
        heard,
        _mean(known, lambda point: point.rtt_ms),
        _highest(known, lambda point: point.rtt_ms_max if point.rtt_ms_max is not None else point.rtt_ms),
        max((_calls([point for point in known if point.direction is way]) for way in (*Direction, None)), default=0),
    )


def _heard(points: Sequence[HistoryPoint]) -> Heard:
    packets = [point.packets for point in points if point.packets is not None]
    return Heard(
        sum(packets) if packets else None,
        _mean(points, lambda point: point.loss_percent),
        _highest(points, lambda point: point.loss_percent_max),
        _mean(points, lambda point: point.jitter_ms),
        _highest(points, lambda point: point.jitter_ms_max),
        _mean(points, lambda point: point.mos),
        min((point.mos_min for point in points if point.mos_min is not None), default=None),
    )


def _mean(points: Sequence[HistoryPoint], figure: Callable[[HistoryPoint], float | None]) -> float | None:
    """The mean, each point weighed by its packets, or all alike when none of them has any."""
    found = [(value, point.packets or 0.0) for point in points if (value := figure(point)) is not None]
    weight = sum(packets for _, packets in found)
    if weight > 0:
        return sum(value * packets for value, packets in found) / weight
    return sum(value for value, _ in found) / len(found) if found else None


def _highest(points: Sequence[HistoryPoint], figure: Callable[[HistoryPoint], float | None]) -> float | None:
    return max((value for point in points if (value := figure(point)) is not None), default=None)


def _calls(points: Sequence[HistoryPoint]) -> int:
    """At least so many calls: a call is counted in every minute it lasts, so only what a minute has more than the last is new.

    An hour counts each of its calls once, and few last into the next one.
    """
    calls, before, end = 0, 0, float("-inf")
    for point in sorted(points, key=lambda point: point.at):
        goes_on = point.seconds < _HOUR_S and point.at <= end
        calls += max(0, point.calls - before) if goes_on else point.calls
        before, end = point.calls, point.at + point.seconds
    return calls
