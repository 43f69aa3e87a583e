"""Small notations of test files: ranges such as ``<= 3`` and ``5..7``, milliseconds such as ``20ms``, spans of time."""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.document import Section, parse_duration_s
from qualitywatch.testing.expectations import Range, Span

_NUMBER: Final = r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?"
_COMPARED: Final = re.compile(rf"(<=|>=|<|>|=|)\s*({_NUMBER})\s*%?")
_BOTH: Final = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})\s*%?")
_MILLISECONDS: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(?:\s*ms)?")


def parse_range(text: str) -> Range | None:
    """Return a range, or None; a plain number must be met as exactly as it is written: 5 by 4.6, not by 5.5."""
    both = _BOTH.fullmatch(text)
    if both is not None:
        low, high = float(both[1]), float(both[2])
        return Range(text, lambda value: low <= value <= high) if low <= high else None
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        return None
    sign, number = compared[1], float(compared[2])
    half = 0.5 * 10.0 ** -len(compared[2].partition(".")[2])
    match sign:
        case "<=":
            return Range(text, lambda value: value <= number)
        case ">=":
            return Range(text, lambda value: value >= number)
        case "<":
            return Range(text, lambda value: value < number)
        case ">":
            return Range(text, lambda value: value > number)
        case _:
            return Range(text, lambda value: number - half <= value < number + half)


def read_range(section: Section, key: str) -> Range | None:
    """Read a range; None when the key is not there."""
    text = section.written(key, None)
    found = parse_range(text) if text is not None else None
    if text is not None and found is None:
        section.problem(key, 'must be a number, a range such as 5..7, or one with a sign in quotes, such as ">= 3"')
    return found


def read_span(section: Section, key: str) -> Span | None:
    """Read ``[30s, 40s]``; None when the key is not there."""
    if key not in section:
        return None
    words = section.written_list(key)
    seconds = [parse_duration_s(word) if not word.isdecimal() else float(word) for word in words]
    if len(seconds) != 2 or seconds[0] is None or seconds[1] is None or seconds[0] > seconds[1]:
        section.problem(key, "must be two times of the story, the earlier first, such as [30s, 40s]")
        return Span(0.0, 0.0)
    return Span(seconds[0], seconds[1])


def read_ms(section: Section, key: str, default: float) -> float:
    """Read milliseconds: ``20``, ``20ms`` or ``0.3s``."""
    text = section.written(key, None)
    if text is None:
        return default
    found = _MILLISECONDS.fullmatch(text)
    if found is not None:
        return float(found[1])
    seconds = parse_duration_s(text)
    if seconds is None:
        section.problem(key, "must be milliseconds, such as 20ms")
        return default
    return seconds * 1000
