"""Baseline rules that are well written and yet cannot do what they were written for; for ``lint``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from qualitywatch.document import format_duration
from qualitywatch.model import Direction, Metric
from qualitywatch.rules.findings import Finding, Rule, too_few_packets
from qualitywatch.rules.kinds.baseline import Options
from qualitywatch.rules.windows import HIGHEST, HIGHEST_JUDGED, LONGEST_CALL_S, LOWER_IS_WORSE, LOWEST


def far_off(rule: Rule, options: Options) -> Iterator[Finding]:
    """Yield what is wrong with one rule."""
    metric, lower = options.metric, options.metric in LOWER_IS_WORSE
    yield from too_few_packets(rule, options)
    if metric is Metric.RTT_MS and rule.common.directions != frozenset(Direction):
        yield rule.finding("has a direction for nothing", "a round trip goes both ways", "take direction out")
    highest, lowest = HIGHEST_JUDGED.get(metric, HIGHEST[metric]), LOWEST.get(metric, 0.0)
    if (options.floor < lowest) if lower else (options.floor > highest):
        known = f"{metric} never falls below {lowest:g}" if lower else f"{metric} is never judged beyond {highest:g}"
        yield rule.finding("can never fire", f"floor is {options.floor:g} and {known}", "set another floor")
    elif options.rise >= highest - lowest:
        yield rule.finding("can never fire", f"no {metric} differs by {options.rise:g} from another one", "set another rise")
    if options.learn > options.memory:
        yield rule.finding(
            "has faded before it is known",
            f"it takes {options.learn} windows to know an hour and {options.memory} are remembered",
            "make memory larger than learn",
        )
    yield from _limits(rule, options)


def _limits(rule: Rule, options: Options) -> Iterator[Finding]:
    for severity, limit in options.limits.items():
        if limit.hold_s >= LONGEST_CALL_S:
            yield rule.finding(
                f"can hardly ever fire ({severity})",
                f"it must be unusual for {format_duration(limit.hold_s)} without a break and few calls last so long",
                "make for shorter; a longer window looks farther back",
            )
        elif limit.hold_s >= options.accept_after_s:
            yield rule.finding(
                f"can never fire ({severity})",
                f"after {format_duration(options.accept_after_s)} it is taken for usual, and it must last"
                f" {format_duration(limit.hold_s)}",
                "make accept_after longer",
            )
    for mild, grave in combinations(sorted(options.limits, key=lambda severity: severity.rank), 2):
        one, other = options.limits[mild], options.limits[grave]
        if other.deviations <= one.deviations and other.hold_s <= one.hold_s:
            yield rule.finding(
                f"never tells of {mild}",
                f"{grave} begins at {other.deviations:g} deviations too, and no later"
                if one.deviations == other.deviations
                else f"{grave} begins before it",
                f"give {grave} more deviations, or leave {mild} out",
            )
