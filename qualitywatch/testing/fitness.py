"""Which rules can be judged on the stored past, and how well: what is not stored must never look like "all was well"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from qualitywatch.model import VOICE_METRICS, Metric
from qualitywatch.quality.mos import mos
from qualitywatch.rules.kinds import threshold
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.rules.windows import LOWER_IS_WORSE
from qualitywatch.store.detail import AFTER, FLOORS, R_FLOOR
from qualitywatch.store.rollup import MINUTE_S

# Kinds that look at what is stored as it was judged, whatever it is.
_JOURNALLED: Final = frozenset({"state", "change", "count", "fall", "ratio", "level", "share", "destination"})
# Kinds that learn from good calls as well.
_LEARNING: Final = frozenset({"baseline"})


class How(Enum):
    """How well a rule can be judged."""

    AS_LIVE = auto()
    BY_SUMS = auto()  # in part by sums of minutes: to the minute
    NOT = auto()


@dataclass(frozen=True, slots=True)
class Fitness:
    """How one rule is judged; ``why`` is empty when it is judged as live."""

    spec: RuleSpec
    how: How
    why: str = ""


def fitness(spec: RuleSpec, *, has_journal: bool) -> Fitness:
    """Say how well a rule can be judged; ``has_journal``: whether more than sums of minutes is stored."""
    options = threshold_options(spec)
    if options is not None and options.metric in VOICE_METRICS:
        return _of_voice(spec, options, has_journal)
    if spec.kind in _LEARNING:
        return Fitness(spec, How.NOT, "it learns from every call, and of good minutes only the sums are stored")
    if not has_journal:
        return Fitness(spec, How.NOT, "states, changes and counts are stored by newer versions only")
    if options is not None or spec.kind in _JOURNALLED:
        return Fitness(spec, How.AS_LIVE)
    return Fitness(spec, How.BY_SUMS, "a kind of your own: of plainly good minutes it sees the sums only")


def threshold_options(spec: RuleSpec) -> threshold.Options | None:
    """The keys of a threshold rule; None for any other kind."""
    build: object = spec.build
    return build.options if isinstance(build, threshold.ThresholdFactory) else None


def metrics_of(found: Iterable[Fitness]) -> tuple[frozenset[Metric], bool]:
    """Which series these rules need, and whether they need plainly good minutes too."""
    metrics: set[Metric] = set()
    sums = False
    for each in found:
        if each.how is How.NOT:
            continue
        options = threshold_options(each.spec)
        if options is not None and options.metric in VOICE_METRICS:
            metrics.add(options.metric)
        elif each.how is How.BY_SUMS:
            metrics |= VOICE_METRICS
        sums = sums or each.how is How.BY_SUMS
    return frozenset(metrics), sums


def _of_voice(spec: RuleSpec, options: threshold.Options, has_journal: bool) -> Fitness:
    floor = _floor(options.metric)
    metric = options.metric
    if metric in LOWER_IS_WORSE:
        if not has_journal:
            return Fitness(spec, How.NOT, f"sums of minutes do not tell whether a {metric} could be vouched for")
        if max(_limits(options)) > floor:
            return Fitness(spec, How.NOT, f"of minutes better than a {metric} of {floor:.3g} only the sums are stored")
    if metric in {Metric.MOS, Metric.R_FACTOR} and options.window_s > MINUTE_S:
        return Fitness(
            spec, How.NOT, f"its window of {options.window_s:g} s reaches into minutes of which only sums are stored"
        )
    if not has_journal:
        return Fitness(spec, How.BY_SUMS, "only sums of minutes are stored")
    if metric not in LOWER_IS_WORSE and min(_limits(options)) < floor:
        below = f"of minutes below {floor:g}" if floor < 1e6 else f"of {metric}"
        return Fitness(spec, How.BY_SUMS, f"{below} only the sums are stored")
    if options.window_s > MINUTE_S or options.clear_hold_s > (AFTER - 2) * MINUTE_S:
        return Fitness(spec, How.BY_SUMS, "its window or clear_hold reaches into minutes of which only the sums are stored")
    return Fitness(spec, How.AS_LIVE)


def _floor(metric: Metric) -> float:
    match metric:
        case Metric.MOS:
            return mos(R_FLOOR)
        case Metric.R_FACTOR:
            return R_FLOOR
        case _:
            return FLOORS.get(metric, float("inf"))


def _limits(options: threshold.Options) -> Iterator[float]:
    for limits in (options.limits, *(limits for _, limits in options.overrides)):
        for limit in limits.values():
            yield from (limit.enter, limit.clear)


def judged(found: Sequence[Fitness]) -> list[RuleSpec]:
    """The rules that are judged at all."""
    return [each.spec for each in found if each.how is not How.NOT]
