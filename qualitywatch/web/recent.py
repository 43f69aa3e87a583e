"""How each peer sounded in the last minute: fed with every batch that is stored, read by the page and by Prometheus.

Strategy: figures are summed in buckets of five seconds, so that a peer with many calls costs no more than one with one; what
is older than a minute falls away when somebody looks.  Loss is packets lost over packets expected, never a mean of
percentages; MOS is the lowest, jitter and round trip the mean.  Figures nobody can vouch for are left out, as from charts.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from qualitywatch.model import CHARTED, Direction, LevelObservation, Metric, Sample
from qualitywatch.model.levels import EVENTFUL, STALE_AFTER_S
from qualitywatch.ports import SeriesBatch

WINDOW_S: Final = 60.0
BUCKET_S: Final = 5.0
MAX_SUBJECTS: Final = 20_000
_PLACES: Final = {Metric.LOSS_PERCENT: 0, Metric.JITTER_MS: 3, Metric.RTT_MS: 6, Metric.MOS: 9}
_NOTHING: Final = (0.0, 0.0, math.inf) * len(_PLACES)


@dataclass(frozen=True, slots=True)
class Figures:
    """One direction of one peer in the last minute; None: nobody measured it."""

    loss_percent: float | None = None
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    mos: float | None = None


_START_AT: Final = -1
_Bucket: TypeAlias = "array[float]"
"""Weighted sum, weight and lowest of each metric, and when it begins: of twelve thousand, objects take twice the memory."""


_Key = tuple[str, str, Direction | None]


class RecentFigures:
    """Sums of the last minute by PBX, subject and direction; and gauges as they were read last."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], LevelObservation] = {}
        self._buckets: dict[_Key, list[_Bucket]] = {}

    def take_in(self, batch: SeriesBatch) -> None:
        """Take in what was measured."""
        for sample in batch.samples:
            if sample.metric in _PLACES and sample.verdict in CHARTED:
                self._add(sample)
        for each in batch.observed:
            if isinstance(each.what, LevelObservation):
                self._note(each.what)

    def levels(self, seen: Mapping[str, float]) -> list[LevelObservation]:
        """The newest gauges of the PBXes that are seen, given with the time it is there; what grew old says nothing of now."""
        return [
            each
            for (pbx, _), each in sorted(self._levels.items())
            if pbx in seen and (each.at > seen[pbx] - STALE_AFTER_S or not EVENTFUL.isdisjoint(each.levels))
        ]

    def figures(self, pbx: str, subject: str, direction: Direction | None, now: float) -> Figures:
        """Return what is known of the minute that ends at ``now``; RTT has no direction and is found under None."""
        buckets = self._buckets.get((pbx, subject, direction))
        if buckets is None:
            return Figures()
        buckets[:] = [bucket for bucket in buckets if now - WINDOW_S - BUCKET_S < bucket[_START_AT] <= now + BUCKET_S]
        if not buckets:
            del self._buckets[(pbx, subject, direction)]
            return Figures()
        mos = min(bucket[_PLACES[Metric.MOS] + 2] for bucket in buckets)
        return Figures(
            loss_percent=_mean(buckets, Metric.LOSS_PERCENT),
            jitter_ms=_mean(buckets, Metric.JITTER_MS),
            rtt_ms=_mean(buckets, Metric.RTT_MS),
            mos=mos if mos < math.inf else None,
        )

    def _note(self, levels: LevelObservation) -> None:
        key = (levels.pbx, levels.subject)
        self._levels.pop(key, None)
        if levels.levels:
            self._levels[key] = levels
            if len(self._levels) > MAX_SUBJECTS:
                self._levels.pop(next(iter(self._levels)))

    def _add(self, sample: Sample) -> None:
        start_at = sample.at // BUCKET_S * BUCKET_S
        key = (sample.pbx, sample.subject, sample.direction)
        buckets = self._buckets.get(key)
        if buckets is None:
            if len(self._buckets) >= MAX_SUBJECTS:
                self._buckets.pop(next(iter(self._buckets)))
            buckets = self._buckets[key] = []
        if not buckets or buckets[-1][_START_AT] != start_at:
            buckets.append(array("d", (*_NOTHING, start_at)))
            del buckets[: -int(WINDOW_S / BUCKET_S) - 2]
        weight = sample.weight if sample.metric is Metric.LOSS_PERCENT else 1.0
        place, bucket = _PLACES[sample.metric], buckets[-1]
        bucket[place] += sample.value * weight
        bucket[place + 1] += weight
        if sample.value < bucket[place + 2]:  # noqa: PLR1730 - with every sample, and cheaper than to ask min()
            bucket[place + 2] = sample.value


def _mean(buckets: list[_Bucket], metric: Metric) -> float | None:
    place = _PLACES[metric]
    weight = sum(bucket[place + 1] for bucket in buckets)
    return sum(bucket[place] for bucket in buckets) / weight if weight > 0 else None
