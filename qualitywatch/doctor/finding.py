"""One thing that was found out: how bad it is, what it is, and what to do about it.

Exit codes are those of monitoring plugins, so that a monitoring system can run ``doctor`` as it is.

Standard: Monitoring Plugins Development Guidelines, section "Plugin Return Codes": 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How bad it is; ``unknown`` is what could not be found out, and is never taken for good."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The higher the worse."""
        return _RANKS[self]

    @property
    def exit_code(self) -> int:
        """What a program returns whose worst finding this is."""
        return _EXIT_CODES[self]


_RANKS: Final[Mapping[Level, int]] = {Level.OK: 0, Level.UNKNOWN: 1, Level.WARNING: 2, Level.ERROR: 3}
_EXIT_CODES: Final[Mapping[Level, int]] = {Level.OK: 0, Level.WARNING: 1, Level.ERROR: 2, Level.UNKNOWN: 3}
_BETWEEN: Final = re.compile(r":\s+")


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` is one sentence without its full stop; ``fix`` says what to do, and is empty when there is nothing to do."""

    level: Level
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A finding with its place: the check that made it, and the PBX, chat, database, ... it is about."""

    check: str
    subject: str
    finding: Finding


def ok(what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, what)


def unknown(what: str, fix: str) -> Finding:
    """It could not be found out; ``fix`` says how it could be."""
    return Finding(Level.UNKNOWN, what, fix)


def warning(what: str, fix: str) -> Finding:
    """It works, but not as it should."""
    return Finding(Level.WARNING, what, fix)


def error(what: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(Level.ERROR, what, fix)


def from_text(level: Level, text: str, otherwise: str, *, at_last: bool = False) -> Finding:
    """Take an error of ours apart, which reads ``what: fix``; ``otherwise`` is the fix where it holds none.

    ``at_last``: it reads ``where: what: fix``.  A colon in brackets belongs to what somebody else said.
    """
    breaks = [found for found in _BETWEEN.finditer(text) if _is_outside_brackets(text[: found.start()])]
    if not breaks:
        return Finding(level, text, otherwise)
    found = breaks[-1 if at_last else 0]
    return Finding(level, text[: found.start()], text[found.end() :])


def _is_outside_brackets(before: str) -> bool:
    return before.count("(") == before.count(")")


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of them; ok when there are none."""
    return max(levels, key=lambda level: level.rank, default=Level.OK)
