"""Limits that would have told no more than so often: found by running them, never by formula.

Strategy: enter and clear of all severities move together, so a rule keeps its shape.  Alerts do not fall evenly as a limit
rises (one long trouble can become two short ones), so no bisection: a ladder of limits is run, and the mildest is taken that
meets the target together with all above it; then once more between it and the one below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.model import Metric, Severity
from qualitywatch.rules.kinds.threshold import Options, ThresholdFactory
from qualitywatch.rules.limits import Limit
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.rules.windows import LOWER_IS_WORSE
from qualitywatch.testing.fitness import threshold_options

RUNGS: Final = 8
_DIGITS: Final[Mapping[Metric, int]] = {
    **{Metric.LOSS_PERCENT: 1, Metric.LOSS_PERCENT_REPORTED: 1, Metric.JITTER_MS: 0, Metric.RTT_MS: 0},
    **{Metric.MOS: 2, Metric.R_FACTOR: 0},
}
# No figure is beyond these: a rule at its end is off.
_ENDS: Final[Mapping[Metric, float]] = {
    **{Metric.LOSS_PERCENT: 100, Metric.LOSS_PERCENT_REPORTED: 100, Metric.JITTER_MS: 1000, Metric.RTT_MS: 10_000},
    **{Metric.MOS: 1.0, Metric.R_FACTOR: 0},
}
_BEST: Final[Mapping[Metric, float]] = {Metric.MOS: 4.5, Metric.R_FACTOR: 100.0}


@dataclass(frozen=True, slots=True)
class Found:
    """A factor that meets the target, and how many there were then; None when none does."""

    factor: float | None
    count: int | None
    runs: int


def search(count: Callable[[Sequence[float]], Sequence[int]], most: int, highest: float) -> Found:
    """Find the least factor in (1, highest] with at most so many; ``count`` runs several factors at once."""
    ladder = [highest ** (step / RUNGS) for step in range(1, RUNGS + 1)]
    low, best, runs = 1.0, None, 0
    for _ in range(2):
        counts = list(count(ladder))
        runs += len(ladder)
        place = len(ladder)
        while place and counts[place - 1] <= most:
            place -= 1
        if place < len(ladder):
            best = (ladder[place], counts[place])
        if best is None:
            return Found(None, None, runs)
        low = ladder[place - 1] if place else low
        top = best[0]
        ladder = [low * (top / low) ** (step / (RUNGS + 1)) for step in range(1, RUNGS + 1)]
    return Found(*best, runs) if best is not None else Found(None, None, runs)


def highest_factor(options: Options) -> float:
    """The factor at which the mildest severity is at its end."""
    end, best = _ENDS[options.metric], _BEST.get(options.metric, 0.0)
    room = [abs(limit.enter - best) for limit in options.limits.values()]
    return max(1.01, abs(end - best) / min((each for each in room if each > 0), default=1.0))


def scaled(spec: RuleSpec, factor: float) -> RuleSpec:
    """The rule with all its limits further from good by a factor, rounded as one would write them."""
    options = threshold_options(spec)
    if options is None or spec.common is None:
        raise ValueError(f"{spec.name} is no threshold rule")

    def moved(limits: Mapping[Severity, Limit]) -> dict[Severity, Limit]:
        return {severity: _moved(options.metric, limit, factor) for severity, limit in limits.items()}

    changed = replace(
        options,
        limits=moved(options.limits),
        overrides=tuple((selection, moved(limits)) for selection, limits in options.overrides),
    )
    factory = ThresholdFactory(spec.common, changed)
    return replace(spec, build=factory, limits=factory.limits, limits_for=factory.limits_for)


def _moved(metric: Metric, limit: Limit, factor: float) -> Limit:
    best, end, digits = _BEST.get(metric, 0.0), _ENDS[metric], _DIGITS[metric]
    lower = metric in LOWER_IS_WORSE

    def move(value: float) -> float:
        far = best + (value - best) * factor
        held = max(end, far) if lower else min(end, far)
        # Away from good, so that rounding does not undo what was found.
        power = 10.0**digits
        return (math.floor(held * power + 1e-6) if lower else math.ceil(held * power - 1e-6)) / power

    enter = move(limit.enter)
    clear = move(limit.clear)
    return Limit(enter, max(enter, clear) if lower else min(enter, clear), limit.hold_s)
