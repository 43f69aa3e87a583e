"""Two rules that always fire together, or contradict each other, or silence each other for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qualitywatch.model import Severity
from qualitywatch.rules.bands import Band, Banded, always_before, contradiction
from qualitywatch.rules.covering import covers, excluded
from qualitywatch.rules.findings import Finding, Rule
from qualitywatch.rules.kinds import baseline, change, state, threshold
from qualitywatch.rules.windows import LOWER_IS_WORSE


def overlap(one: Rule, other: Rule) -> Iterator[Finding]:
    """Yield what is wrong with having both."""
    yield from _usual_and_limit(one, other)
    if one.spec.kind != other.spec.kind or type(one.options) is not type(other.options):
        return
    for inner, outer in ((one, other), (other, one)):
        if not _reaches(outer, inner):
            continue
        match inner.options, outer.options:
            case threshold.Options() as inside, threshold.Options() as around:
                found = _two_thresholds(inner, inside, outer, around)
            case state.Options() as inside, state.Options() as around:
                found = _two_states(inner, inside, outer, around)
            case change.Options() as inside, change.Options() as around:
                found = _two_changes(inner, inside, outer, around)
            case Banded() as inside, Banded() as around if inside.band.alike == around.band.alike:
                found = _two_bands(inner, inside.band, outer, around.band)
            case _:
                found = _same(inner, outer) if inner.options == outer.options else None
        if found is not None:
            yield found
            return


def _usual_and_limit(one: Rule, other: Rule) -> Iterator[Finding]:
    """A baseline whose floor lies beyond the limit of a threshold it yields to."""
    for inner, outer in ((one, other), (other, one)):
        inside, around = inner.options, outer.options
        if not isinstance(inside, baseline.Options) or not isinstance(around, threshold.Options):
            continue
        alike = (inside.metric, inside.aggregate, inside.window_s) == (around.metric, around.aggregate, around.window_s)
        if not alike or around.min_expected > inside.min_expected or around.overrides or not _reaches(outer, inner):
            continue
        sign = -1 if inside.metric in LOWER_IS_WORSE else 1
        begins = any(sign * limit.enter <= sign * inside.floor for limit in around.limits.values())
        if begins and outer.spec.active is None and outer.spec.name in inner.spec.yields_to:
            yield _silenced(inner, outer)


def _two_thresholds(inner: Rule, inside: threshold.Options, outer: Rule, around: threshold.Options) -> Finding | None:
    """``inner`` looks at nothing but what ``outer`` looks at as well: does it say anything that ``outer`` does not?"""
    alike = (inside.metric, inside.aggregate, inside.window_s) == (around.metric, around.aggregate, around.window_s)
    if not alike or around.min_expected > inside.min_expected or inside.overrides or around.overrides:
        return None
    sign = -1 if inside.metric in LOWER_IS_WORSE else 1
    mildest = min(inside.limits.values(), key=lambda limit: sign * limit.enter, default=None)
    first = min(around.limits.values(), key=lambda limit: sign * limit.enter, default=None)
    if mildest is None or first is None or sign * mildest.enter < sign * first.enter:
        return None
    if outer.spec.name in inner.spec.yields_to:
        return _silenced(inner, outer)
    if inner.spec.name in outer.spec.yields_to:
        return None
    warning, critical = inside.limits.get(Severity.WARNING), around.limits.get(Severity.CRITICAL)
    if warning is not None and critical is not None and sign * warning.enter > sign * critical.enter:
        return inner.finding(
            f"contradicts {outer.spec.name} ({outer.spec.source})",
            f"it warns of {warning.enter:g} where the other is critical from {critical.enter:g} on",
            _either(outer),
        )
    return _overlap(
        inner, outer, f"both look at {inside.metric} of the same subjects, and {mildest.enter:g} is beyond {first.enter:g}"
    )


def _two_states(inner: Rule, inside: state.Options, outer: Rule, around: state.Options) -> Finding | None:
    if inside.entity is not around.entity or not inside.bad <= around.bad:
        return None
    if outer.spec.name in inner.spec.yields_to:
        return _silenced(inner, outer)
    if inner.spec.name in outer.spec.yields_to:
        return None
    return _overlap(inner, outer, f"both wait for the same {inside.entity} to be {' or '.join(sorted(inside.bad))}")


def _two_changes(inner: Rule, inside: change.Options, outer: Rule, around: change.Options) -> Finding | None:
    alike = replace(inside, allowed=(), severity=around.severity) == replace(around, allowed=())
    if not alike or not all(excluded(one, inside.allowed) for one in around.allowed):
        return None  # what the other one allows, this one tells: each has its own to say, or the other way round
    passed = [one for one in inside.allowed if not excluded(one, around.allowed)]
    if passed:
        return inner.finding(
            f"contradicts {outer.spec.name} ({outer.spec.source})",
            f"it allows {', '.join(map(str, passed))}, the other tells of it all the same",
            f"name this rule {outer.spec.name} to replace that one, or allow it there too",
        )
    return _overlap(inner, outer, f"both tell of a new {inside.attribute} of the same subjects")


def _two_bands(inner: Rule, inside: Band, outer: Rule, around: Band) -> Finding | None:
    """Of any kind with a figure: does ``inner`` say anything that ``outer`` does not?"""
    apart = inner.spec.name in outer.spec.yields_to
    figures = contradiction(around, inside)
    if figures is not None and not apart and outer.spec.name not in inner.spec.yields_to:
        return inner.finding(
            f"contradicts {outer.spec.name} ({outer.spec.source})",
            f"it warns of {figures[0]:g} where the other is critical from {figures[1]:g} on",
            _either(outer),
        )
    if not always_before(around, inside):
        return None
    if outer.spec.name in inner.spec.yields_to:
        return _silenced(inner, outer)
    return None if apart else _overlap(inner, outer, f"both look at the {inside.figure} of the same subjects")


def _same(inner: Rule, outer: Rule) -> Finding | None:
    if outer.spec.name in inner.spec.yields_to or inner.spec.name in outer.spec.yields_to:
        return None
    return _overlap(inner, outer, "both say the same of the same subjects")


def _silenced(inner: Rule, outer: Rule) -> Finding:
    return inner.finding(
        "can never fire",
        f"it yields to {outer.spec.name} ({outer.spec.source}), which has an alert whenever this one would",
        f"take {outer.spec.name} out of yields_to, or this rule away",
    )


def _overlap(inner: Rule, outer: Rule, why: str) -> Finding:
    return inner.finding(f"always fires together with {outer.spec.name} ({outer.spec.source})", why, _either(outer))


def _either(outer: Rule) -> str:
    remedy = f"name it {outer.spec.name} to replace that one, or keep them apart with not_subject"
    return f"use overrides of {outer.spec.name}, {remedy}" if isinstance(outer.options, threshold.Options) else remedy


def _reaches(outer: Rule, inner: Rule) -> bool:
    return inner.common.directions <= outer.common.directions and covers(outer.common.selection, inner.common.selection)
