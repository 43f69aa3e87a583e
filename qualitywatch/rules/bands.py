"""What can be looked over of any kind of rule whose figure has limits, without knowing the kind.

A kind that has such a figure gives its options a ``band``; one that knows what of its keys cannot work gives them ``oddities``.
Both are optional: of a kind without them nothing is said.  Only what is certain is found.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Protocol, runtime_checkable

from qualitywatch.model import Severity
from qualitywatch.rules.findings import Finding, Rule

_LOWEST: Final = 0.0  # of every figure that has a band


@dataclass(frozen=True, slots=True)
class Edge:
    """Where one severity begins and ends.  ``row`` is another way to begin: so many one after another, the fewer the sooner."""

    enter: float | None
    clear: float | None
    hold_s: float
    row: int | None = None
    of: str = ""  # of which of several figures: only edges of the same are compared


@dataclass(frozen=True, slots=True)
class Band:
    """All that a figure can be, and the edges a rule puts into it."""

    figure: str  # as findings call it
    alike: Hashable  # rules with equal ones look at the same figure in the same way
    edges: Mapping[Severity, Edge]
    highest: float = math.inf
    lower_is_worse: bool = False
    ends_on_clear: bool = False  # whether a figure that equals clear is good already


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that cannot work, in the words of a finding."""

    what: str
    why: str
    remedy: str


@runtime_checkable
class Banded(Protocol):
    """Options of a kind whose figure has limits."""

    @property
    def band(self) -> Band:
        """The figure and its edges."""
        ...


@runtime_checkable
class Odd(Protocol):
    """Options of a kind that knows which of its keys cannot work."""

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """What of these options cannot work; none mostly."""
        ...


def look_over(rule: Rule) -> Iterator[Finding]:
    """Yield what is wrong with one rule."""
    if isinstance(rule.options, Odd):
        for odd in rule.options.oddities:
            yield rule.finding(odd.what, odd.why, odd.remedy)
    if not isinstance(rule.options, Banded):
        return
    band = rule.options.band
    for severity, edge in band.edges.items():
        yield from _edge(rule, band, severity, edge)
    for mild, grave in combinations(sorted(band.edges, key=lambda severity: severity.rank), 2):
        if _overtakes(band, band.edges[grave], band.edges[mild]):
            yield rule.finding(
                f"never tells of {mild}",
                f"{grave} begins no later, whatever {band.figure} does",
                f"give {grave} a graver enter or a longer for, or leave {mild} out",
            )


def always_before(outer: Band, inner: Band) -> bool:
    """Whether one rule has an alert whenever the other one has; its edges must be reached at once then."""
    if outer.alike != inner.alike or not inner.edges:
        return False
    return all(any(_overtakes(outer, first, edge) for first in outer.edges.values()) for edge in inner.edges.values())


def contradiction(outer: Band, inner: Band) -> tuple[float, float] | None:
    """A warning of one rule where the other is critical long since: the two figures."""
    warning, critical = inner.edges.get(Severity.WARNING), outer.edges.get(Severity.CRITICAL)
    if outer.alike != inner.alike or warning is None or critical is None or warning.of != critical.of:
        return None
    if warning.enter is None or critical.enter is None or not _beyond(outer, warning.enter, critical.enter):
        return None
    return warning.enter, critical.enter


def _edge(rule: Rule, band: Band, severity: Severity, edge: Edge) -> Iterator[Finding]:
    if edge.enter is None:
        return
    always = edge.enter >= band.highest if band.lower_is_worse else edge.enter <= _LOWEST
    if always:
        away = "lower" if band.lower_is_worse else "higher"
        yield rule.finding(
            f"fires all the time ({severity})", f"enter {edge.enter:g} is met by any {band.figure}", f"set enter {away}"
        )
        return
    if edge.row is None and (edge.enter < _LOWEST if band.lower_is_worse else edge.enter > band.highest):
        side, end = ("below", _LOWEST) if band.lower_is_worse else ("beyond", band.highest)
        yield rule.finding(
            f"can never fire ({severity})",
            f"enter is {edge.enter:g} and {band.figure} is never {side} {end:g}",
            "set another enter",
        )
    if edge.clear is not None and not _can_end(band, edge.clear):
        side = "above" if band.lower_is_worse else "below"
        yield rule.finding(
            f"never ends ({severity})", f"no {band.figure} lies {side} clear {edge.clear:g}", "set another clear"
        )


def _can_end(band: Band, clear: float) -> bool:
    if band.lower_is_worse:
        return clear < band.highest or (band.ends_on_clear and clear == band.highest)
    return clear > _LOWEST or (band.ends_on_clear and clear == _LOWEST)


def _overtakes(band: Band, first: Edge, edge: Edge) -> bool:
    """Whether one edge is reached whenever the other one is, and no later."""
    if first.of != edge.of or first.hold_s > edge.hold_s:
        return False
    if edge.enter is not None and (first.enter is None or _beyond(band, first.enter, edge.enter)):
        return False
    return edge.row is None or (first.row is not None and first.row <= edge.row)


def _beyond(band: Band, one: float, other: float) -> bool:
    """Whether one limit is graver than another."""
    return one < other if band.lower_is_worse else one > other
