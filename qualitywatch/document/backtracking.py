"""How long matching a regular expression can take: ``re`` tries one way after the other, and some have more ways than time.

Strategy: walk what ``re`` itself has read, and count from above in how many ways each part can match from one place of a text
of ``LONGEST`` characters, and how many places are looked at meanwhile.  A part that repeats as often as it likes, each time in
one way, has as many ways as there are lengths; several of these in a row share the text, so that all of them have no more than
there are choices of so many lengths: the degree.  A repeat of what has several ways multiplies them each time, which is what
takes for ever.  Whatever is not known here counts as too much.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]  # there is no public way to what ``re`` has read
from typing import Any, Final

LONGEST: Final = 100  # characters of the text; Asterisk cuts names of channels and peers at 80
_MOST_STEPS: Final = 150_000_000  # as counted here: 0.05 s for three ".*" in a row, 0.5 s for the worst that was found
_ONE_STEP: Final = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "FAILURE"})
_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_BEGINNINGS: Final = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})


class _TooMuchError(Exception):
    """There is no need to count on."""


@dataclass(frozen=True, slots=True)
class _Count:
    """At most ``factor`` times the choices of ``degree`` lengths that fit into the text together."""

    factor: int = 1
    degree: int = 0

    def __post_init__(self) -> None:
        if self.factor * math.comb(LONGEST + self.degree, self.degree) > _MOST_STEPS:
            raise _TooMuchError

    def __add__(self, other: _Count) -> _Count:
        return _Count(self.factor + other.factor, max(self.degree, other.degree))

    def __mul__(self, other: _Count) -> _Count:
        return _Count(self.factor * other.factor, self.degree + other.degree)


_NONE: Final = _Count(0)
_ONE: Final = _Count()
_ANY_LENGTH: Final = _Count(degree=1)


@dataclass(frozen=True, slots=True)
class _Effort:
    """Of a part of an expression, from one place of the text."""

    ways: _Count  # in which it can match
    steps: _Count  # places looked at until all of them are tried


def ends_soon(expression: str) -> bool:
    """Whether searching ``LONGEST`` characters for a valid expression ends in a moment, whatever they are."""
    read = _parser.parse(expression)
    try:
        effort = _of_sequence(read)
        if not _is_anchored(read):
            effort.steps * _ANY_LENGTH  # it begins anew at each place
    except _TooMuchError:
        return False
    return True


def _is_anchored(read: Any) -> bool:
    """Whether it can begin at the first place only."""
    if not len(read) or read.state.flags & re.MULTILINE:
        return False
    return str(read[0][0]) == "AT" and str(read[0][1]) in _BEGINNINGS


def _of_sequence(read: Any) -> _Effort:
    ways, steps = _ONE, _ONE
    for operation, argument in read:
        part = _of(str(operation), argument)
        steps += ways * part.steps
        ways *= part.ways
    return _Effort(ways, steps)


def _of(operation: str, argument: Any) -> _Effort:
    if operation in _ONE_STEP:
        return _Effort(_ONE, _ONE)
    if operation in _REPEATS:
        effort = _of_repeat(*argument)
        return _Effort(_ONE, effort.steps) if operation == "POSSESSIVE_REPEAT" else effort
    match operation:
        case "SUBPATTERN":
            return _of_sequence(argument[-1])
        case "BRANCH":
            return _either(argument[1])
        case "GROUPREF_EXISTS":
            return _either([each for each in argument[1:] if each is not None])
        case "ATOMIC_GROUP":
            return _Effort(_ONE, _of_sequence(argument).steps)
        case "ASSERT" | "ASSERT_NOT":
            return _Effort(_ONE, _of_sequence(argument[1]).steps)
        case "GROUPREF":
            return _Effort(_ONE, _Count(LONGEST))
        case _:
            raise _TooMuchError


def _either(branches: list[Any]) -> _Effort:
    ways, steps = _NONE, _ONE
    for effort in map(_of_sequence, branches):
        ways += effort.ways
        steps += effort.steps
    return _Effort(ways, steps)


def _of_repeat(least: int, most: int, read: Any) -> _Effort:
    once, shortest = _of_sequence(read), read.getwidth()[0]
    # Once more than fits is tried; what may be empty is repeated only as long as it is not, beyond the least.
    fits = LONGEST // shortest + 1 if shortest else least + LONGEST + 1
    most = min(most, fits)
    least = min(least, most)
    if once.ways == _ONE:
        if shortest and most > LONGEST // 2:
            return _Effort(_ANY_LENGTH, _ANY_LENGTH * (once.steps + _ONE) + _ONE)
        return _Effort(_Count(most - least + 1), _Count(most + 1) * (once.steps + _ONE))
    ways, steps, after = _NONE, _ONE, _ONE
    for times in range(most + 1):
        if times >= least:
            ways += after
        if times < most:
            steps += after * (once.steps + _ONE)
            after *= once.ways
    return _Effort(ways, steps)
