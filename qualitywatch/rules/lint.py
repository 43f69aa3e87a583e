"""Rules that are well written and yet cannot do what they were written for.

Strategy: only what can be proven is found, so that a clean bill means something and nobody learns to look away: a selection is
taken to lie within another one when every selector of it is written there as well, or is a plain name the other one matches.
What can be said of any kind of rule is said of every kind, by what its options tell of themselves (``bands.py``); the rest is
here by kind, and what two rules are to each other in ``overlaps.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Final

from qualitywatch.document import format_duration
from qualitywatch.model import VOICE_METRICS, Direction, Metric, PbxState, PeerState, Severity, TrunkState
from qualitywatch.rules.allowances import idle_allowances
from qualitywatch.rules.bands import look_over
from qualitywatch.rules.covering import covers, excluded
from qualitywatch.rules.findings import Finding, Rule, too_few_packets
from qualitywatch.rules.idle_remedies import idle_remedies
from qualitywatch.rules.kinds import baseline, destination, state, threshold
from qualitywatch.rules.limits import Limit
from qualitywatch.rules.overlaps import overlap
from qualitywatch.rules.spec import RuleSpec, Selection
from qualitywatch.rules.unusual import far_off
from qualitywatch.rules.windows import HIGHEST, HIGHEST_JUDGED, LONGEST_CALL_S, LOWER_IS_WORSE, LOWEST

GOOD_STATES: Final = frozenset(
    {
        TrunkState.REGISTERED.value,
        PeerState.REGISTERED.value,
        PeerState.REACHABLE.value,
        PbxState.SEEN.value,
    }
)


def lint(specs: Sequence[RuleSpec]) -> list[Finding]:
    """Return what is wrong with rules that were loaded, in the order of the rules."""
    rules = [Rule(spec, spec.common, _options(spec.build)) for spec in specs if spec.common is not None]
    found: list[Finding] = []
    for rule in rules:
        found += _selection(rule)
        found += idle_remedies(rule)
        found += look_over(rule)
        match rule.options:
            case threshold.Options():
                found += _threshold(rule, rule.options)
            case state.Options():
                found += _state(rule, rule.options)
            case baseline.Options():
                found += far_off(rule, rule.options)
            case destination.Options():
                found += idle_allowances(rule, rule.options)
            case _:
                pass  # it has a band or knows its own oddities, or nothing is known that could go wrong
    for one, other in combinations(rules, 2):
        found += overlap(one, other)
    order = {rule.spec.source: number for number, rule in enumerate(rules)}
    return sorted(found, key=lambda finding: order.get(finding.source, 0))


def _options(build: Callable[..., object]) -> object:
    """The keys of a rule's own kind, however its factory holds them."""
    if isinstance(build, partial):
        return build.args[-1] if build.args else None
    return getattr(build, "options", None)


def _selection(rule: Rule) -> Iterator[Finding]:
    selection = rule.common.selection
    everybody = any(selector.source == "*" for selector in selection.not_subjects)
    left = [one for one in selection.subjects if not excluded(one, selection.not_subjects)]
    if everybody or (selection.subjects and not left):
        named = ", ".join(map(str, selection.subjects)) or "everybody"
        yield rule.finding(
            "can never fire",
            f"not_subject takes back all that subject names ({named})",
            "name others, or take it out of not_subject",
        )


def _threshold(rule: Rule, options: threshold.Options) -> Iterator[Finding]:
    metric, lower = options.metric, options.metric in LOWER_IS_WORSE
    if metric in VOICE_METRICS:
        yield from too_few_packets(rule, options)
    if (metric is Metric.RTT_MS or metric not in VOICE_METRICS) and rule.common.directions != frozenset(Direction):
        yield rule.finding("has a direction for nothing", _undirected(metric), "take direction out")
    limits = [("", options.limits), *((f"override {_named(selection)}: ", limits) for selection, limits in options.overrides)]
    for where, severities in limits:
        for severity, limit in severities.items():
            if where and severity in options.limits and limit == options.limits[severity]:
                continue  # the rule's own, told above
            yield from _limit(rule, f"{where}{severity}", metric, limit, lower=lower)
        yield from _drowned(rule, where, severities, lower=lower)
    for index, (selection, _) in enumerate(options.overrides):
        before = next((earlier for earlier, _ in options.overrides[:index] if covers(earlier, selection)), None)
        if before is not None:
            yield rule.finding(
                f"never uses its override for {_named(selection)}",
                f"the one for {_named(before)} stands before it and the first that fits wins",
                "put the narrower one first",
            )
        elif all(excluded(one, rule.common.selection.not_subjects) for one in selection.subjects):
            yield rule.finding(
                f"never uses its override for {_named(selection)}", "not_subject leaves them out", "take one of the two away"
            )


def _limit(rule: Rule, name: str, metric: Metric, limit: Limit, *, lower: bool) -> Iterator[Finding]:
    highest, lowest = HIGHEST[metric], LOWEST.get(metric, 0.0)
    judged = HIGHEST_JUDGED.get(metric, highest)
    always = limit.enter >= highest if lower else limit.enter <= 0
    if always:
        yield rule.finding(
            f"fires on every call ({name})", f"enter {limit.enter:g} is met by any {metric}", f"set enter {_away(lower=lower)}"
        )
    elif limit.enter < lowest or limit.enter > judged:
        known = f"{metric} never falls below {lowest:g}" if lower else f"more than {judged:g} is left out as absurd"
        yield rule.finding(f"can never fire ({name})", f"enter is {limit.enter:g} and {known}", "set another enter")
    never_clear = limit.clear >= highest if lower else limit.clear <= 0
    if never_clear and not always:
        side = "above" if lower else "below"
        yield rule.finding(
            f"does not end while calls go on ({name})", f"no {metric} lies {side} clear {limit.clear:g}", "set another clear"
        )
    if limit.hold_s >= LONGEST_CALL_S and metric in VOICE_METRICS:
        yield rule.finding(
            f"can hardly ever fire ({name})",
            f"it must be bad for {format_duration(limit.hold_s)} without a break and few calls last so long",
            "make for shorter; a longer window looks farther back",
        )


def _undirected(metric: Metric) -> str:
    return "a round trip goes both ways" if metric is Metric.RTT_MS else f"{metric} has none"


def _away(*, lower: bool) -> str:
    return "lower" if lower else "higher"


def _drowned(rule: Rule, where: str, limits: Mapping[Severity, Limit], *, lower: bool) -> Iterator[Finding]:
    """A milder severity that a graver one always overtakes."""
    for mild, grave in combinations(sorted(limits, key=lambda severity: severity.rank), 2):
        one, other = limits[mild], limits[grave]
        if (other.enter >= one.enter if lower else other.enter <= one.enter) and other.hold_s <= one.hold_s:
            yield rule.finding(
                f"never tells of {where}{mild}",
                f"{grave} begins at {other.enter:g} too, and no later"
                if one.enter == other.enter
                else f"{grave} begins before it",
                f"give {grave} a graver enter, or leave {mild} out",
            )


def _state(rule: Rule, options: state.Options) -> Iterator[Finding]:
    good = sorted(options.bad & GOOD_STATES)
    if good:
        yield rule.finding(
            "fires while all is well",
            f"{' and '.join(good)} is how a {options.entity} should be",
            f"take {' and '.join(good)} out of bad",
        )
    elif options.bad <= state.UNDECIDED:
        named = " and ".join(sorted(options.bad))
        yield rule.finding(
            "says nothing of a real outage", f"{named} only means that an answer is awaited", "name states that are plainly bad"
        )
    for mild, grave in combinations(sorted(options.holds, key=lambda severity: severity.rank), 2):
        one, other = options.holds[mild], options.holds[grave]
        if replace(other, hold_s=0.0, at_once=frozenset()) != replace(one, hold_s=0.0, at_once=frozenset()):
            continue  # they wait for different things
        if other.hold_s <= one.hold_s and one.at_once <= other.at_once:
            yield rule.finding(
                f"never tells of {mild}",
                f"{grave} comes after {format_duration(other.hold_s)}, {mild} only after {format_duration(one.hold_s)}",
                f"give {grave} a longer for, or leave {mild} out",
            )


def _named(selection: Selection) -> str:
    return ", ".join(map(str, selection.subjects)) or "everybody"
