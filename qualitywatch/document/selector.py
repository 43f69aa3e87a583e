"""Selectors: how a rule says which peers, trunks or User-Agents it means.

``SIP/61*`` and ``SIP/61??`` are wildcards, compared whole and without regard to case, because a selector that silently
matches nothing loses alerts.  ``/^SIP\\/61[0-9]+$/`` is a regular expression (Python's ``re``), searched for, as written.

Wildcards never look back over more than one ``*``, so that they take no time however many there are.  Of regular expressions
some take for ever on some texts: those of the configuration are the administrator's own, those that reach the running daemon
from elsewhere are judged before (``document.backtracking``).
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field, replace

from qualitywatch.document.backtracking import LONGEST, ends_soon

_MAX_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Selector:
    """One compiled selector; equal when written alike."""

    source: str
    regex: re.Pattern[str] = field(repr=False, compare=False)
    whole: bool = field(repr=False, compare=False)
    longest: int | None = field(default=None, repr=False, compare=False)  # a longer text is not selected; None: any may be

    def __str__(self) -> str:
        return self.source

    def matches(self, text: str) -> bool:
        """Tell whether the text is selected."""
        if self.longest is not None and len(text) > self.longest:
            return False
        return bool(self.regex.fullmatch(text) if self.whole else self.regex.search(text))


def compile_selector(source: str) -> Selector:
    """Return the selector; raise ValueError with the reason when it is empty, too long or not a regular expression."""
    if len(source) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters")
    if source.startswith("/") and source.endswith("/") and len(source) > 1:
        if len(source) == 2:
            raise ValueError("is an empty regular expression")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # "possible nested set": it would not mean what it seems to mean
                return Selector(source, re.compile(source[1:-1]), whole=False)
        except (re.error, OverflowError, RecursionError, Warning) as exc:
            raise ValueError(f"is not a regular expression: {exc}") from exc
    if not source:
        raise ValueError("is empty; write * to select everything")
    return Selector(source, re.compile(_pattern(source), re.IGNORECASE | re.DOTALL), whole=True)


def compile_bounded(source: str) -> Selector:
    """Return the selector for use in the running daemon; raise ValueError also when matching it may take too long.

    A regular expression selects no text longer than any name is.
    """
    selector = compile_selector(source)
    if selector.whole:
        return selector
    try:
        is_soon = ends_soon(selector.regex.pattern)
    except RecursionError:
        is_soon = False
    if not is_soon:
        raise ValueError("may take too long to match: use wildcards (*), or no repeat inside a repeat and fewer of them")
    return replace(selector, longest=LONGEST)


def _pattern(source: str) -> str:
    """What wildcards mean.  Between two ``*`` the first place that fits is as good as any later one: no other is tried."""
    first, *others = ("".join("." if char == "?" else re.escape(char) for char in part) for part in source.split("*"))
    if not others:
        return first
    *between, last = others
    fixed = [part for part in between if part]
    passed = (f"(?=(?P<p{number}>.*?{part}))(?P=p{number})" for number, part in enumerate(fixed))
    return "".join((first, *passed, ".*", last))
