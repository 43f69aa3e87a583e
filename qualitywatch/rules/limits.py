"""Limits of a figure, as most kinds of rules have them: where each severity begins and ends, and how long it must hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qualitywatch.document import Section
from qualitywatch.model import Severity, Signal
from qualitywatch.rules.bands import Edge


@dataclass(frozen=True, slots=True)
class Limit:
    """Entry and exit of one severity, and how long it must hold."""

    enter: float
    clear: float
    hold_s: float


def crossing(value: float, enter: float, clear: float, *, lower_is_worse: bool = False, ends_on_clear: bool = False) -> Signal:
    """What a figure says of one pair of limits; between the two it is what it was.

    ``ends_on_clear``: whether a figure that equals clear is good already.
    """
    if lower_is_worse:
        value, enter, clear = -value, -enter, -clear
    if value >= enter:
        return Signal.BREACH
    return Signal.CLEAR if value < clear or (ends_on_clear and value == clear) else Signal.KEEP


def edges(limits: Mapping[Severity, Limit]) -> dict[Severity, Edge]:
    """The same for whoever looks rules over."""
    return {severity: Edge(limit.enter, limit.clear, limit.hold_s) for severity, limit in limits.items()}


def read_limits(
    section: Section, read: Callable[[Section, str, float], float], what: str = "", *, lower_is_worse: bool = False
) -> dict[Severity, Limit]:
    """Read ``{enter, clear, for}`` of every severity; ``read`` takes a section, a key and what it is when it is not there."""
    limits: dict[Severity, Limit] = {}
    for severity in (Severity.INFO, Severity.WARNING, Severity.CRITICAL):
        part = section.section(severity)
        if part is None:
            continue
        if "enter" not in part:
            part.problem("enter", "missing")
        # Not a number where none can be read: it compares with nothing, so one mistake is told as one.
        enter = read(part, "enter", math.nan)
        clear = read(part, "clear", enter)
        if lower_is_worse and clear < enter:
            part.problem("clear", f"must not be below enter ({enter:g}): a low {what} is the bad one")
        elif not lower_is_worse and clear > enter:
            part.problem("clear", f"must not be above enter ({enter:g})")
        for known, limit in limits.items():
            if (limit.enter < enter) if lower_is_worse else (limit.enter > enter):
                part.problem("enter", f"{enter:g} is milder than the {limit.enter:g} of {known}")
                break
        limits[severity] = Limit(enter, clear, part.duration_s("for", 0.0))
        part.close()
    return limits
