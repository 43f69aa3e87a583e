"""The hours in which a rule counts, and who waits for them to begin.

Outside its hours a rule goes on observing, so that it knows how things stand, but nothing begins to be an alert; what fires
may go on, and ends as always.  What is bad when the hours begin has been bad since then: a phone that was off at night is given
its time in the morning.  Whoever was bad outside the hours is looked at again as soon as they begin: nothing else would ask.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from qualitywatch.document import Hours
from qualitywatch.model import AlertKey, Evaluation, Level, Signal


@dataclass(slots=True)
class _Shift:
    """The present stretch of a rule's hours, or the present pause: what is true until ``ends_at``."""

    began_at: float
    ends_at: float
    opened_at: float | None


class Duty:
    """Hours of all rules of one PBX."""

    def __init__(self, hours: Mapping[str, Hours]) -> None:
        self._hours = hours
        self._shifts: dict[str, _Shift] = {}
        self._waiting: dict[AlertKey, float] = {}  # until when there is nothing to do for it

    def adopt(self, other: Duty, rules: Collection[str]) -> None:
        """Go on with whom another waited for, as far as these rules are concerned."""
        self._waiting |= {key: until for key, until in other._waiting.items() if key.rule in rules}

    @property
    def names(self) -> Collection[str]:
        """The rules that have hours."""
        return self._hours.keys()

    @property
    def waiting(self) -> bool:
        """Whether somebody waits for hours to begin."""
        return bool(self._waiting)

    def due(self, now: float) -> list[AlertKey]:
        """Return, once, whose hours have begun."""
        due = [key for key, opens_at in self._waiting.items() if now >= opens_at]
        for key in due:
            del self._waiting[key]
        return due

    def judge(self, evaluation: Evaluation) -> Evaluation | None:
        """Return the opinion as it counts now; None for a thing that happened outside the hours."""
        hours = self._hours.get(evaluation.key.rule)
        if hours is None:
            return evaluation
        key, shift = evaluation.key, self._shift(evaluation.key.rule, hours, evaluation.at)
        self._waiting.pop(key, None)
        if shift.opened_at is not None:
            return replace(evaluation, levels=tuple(_not_before(level, shift.opened_at) for level in evaluation.levels))
        if evaluation.one_shot:
            return None
        if any(level.signal is Signal.BREACH for level in evaluation.levels):
            self._waiting[key] = shift.ends_at
        return replace(evaluation, off_duty=True, levels=tuple(_no_worse(level) for level in evaluation.levels))

    def _shift(self, rule: str, hours: Hours, now: float) -> _Shift:
        shift = self._shifts.get(rule)
        if shift is None or not shift.began_at <= now < shift.ends_at:
            opened_at = hours.opened_at(now)
            edge = hours.ends_at(now) if opened_at is not None else hours.next_edge(now)
            shift = self._shifts[rule] = _Shift(now, math.inf if edge is None else edge, opened_at)
        return shift


def _not_before(level: Level, opened_at: float) -> Level:
    known = level.since_at
    return level if known is None or known >= opened_at else replace(level, since_at=opened_at)


def _no_worse(level: Level) -> Level:
    return replace(level, signal=Signal.KEEP) if level.signal is Signal.BREACH else level
