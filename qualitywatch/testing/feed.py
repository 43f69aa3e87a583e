"""The stored past of one PBX in the order in which it was judged, an hour of the clock at a time.

Strategy: no instant may come after a later one, for whoever judges cannot go back.  Samples made of sums are kept by the
clock's hours, so the pieces that are read end where those do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.model import Metric, Sample
from qualitywatch.model.observations import Observed
from qualitywatch.quality.mos import mos
from qualitywatch.store.past import CHUNK_S, Past

_DAY_S: Final = 86_400


@dataclass(slots=True)
class Progress:
    """How far the feed is, and what it found."""

    at: float = 0.0
    samples: int = 0
    summed_minutes: int = 0  # of one subject and direction, of which only the sums were there


def feed(
    past: Past,
    pbx: str,
    since: float,
    until: float,
    *,
    metrics: frozenset[Metric],
    all_sums: bool,
    progress: Progress,
) -> Iterator[Sample | Observed]:
    """Yield everything in [since, until) that rules about these metrics may look at, and first how everybody stood."""
    yield from past.standing(pbx, since)
    summed: dict[int, list[Sample]] = {}
    day_end = start = since
    while start < until:
        hour = int(start // CHUNK_S)
        end = min(until, (hour + 1.0) * CHUNK_S)
        if start >= day_end:
            day_end = hour * CHUNK_S + _DAY_S
            summed = _summed(past, pbx, start, min(day_end, until), metrics, all_sums, progress)
        items: list[tuple[float, int, Sample | Observed]] = []
        # In one instant: what the second brought, then reports, then what followed from them.
        items += ((each.at, 0 if each.by_tick else 2, each) for each in past.observed(pbx, start, end))
        for sample in past.samples(pbx, start, end):
            for each in _with_score(sample):
                if each.metric in metrics:
                    items.append((each.at, 1, each))
        items += ((sample.at, 1, sample) for sample in summed.pop(hour, ()))
        items.sort(key=lambda item: item[:2])
        for at, order, item in items:
            progress.at = at
            progress.samples += order == 1
            yield item
        progress.at = start = end


def _with_score(sample: Sample) -> Iterator[Sample]:
    """R is stored, MOS follows from it; both are told in this order when they are measured."""
    yield sample
    if sample.metric is Metric.R_FACTOR:
        yield replace(sample, metric=Metric.MOS, value=mos(sample.value))


def _summed(
    past: Past, pbx: str, since: float, until: float, metrics: frozenset[Metric], all_sums: bool, progress: Progress
) -> dict[int, list[Sample]]:
    """Samples made of the sums of one day's minutes, by hour."""
    found: dict[int, list[Sample]] = {}
    for number, subject in past.subjects(pbx):
        for minute in past.summed(pbx, number, subject, since, until, all_of_them=all_sums):
            progress.summed_minutes += 1
            for sample in minute.samples:
                if sample.metric in metrics and sample.at < until:
                    found.setdefault(int(sample.at // CHUNK_S), []).append(sample)
    return found
