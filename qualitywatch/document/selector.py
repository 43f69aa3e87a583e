"""Selectors: how a rule says which peers, trunks or User-Agents it means.

``SIP/61*`` and ``SIP/61??`` are wildcards, compared whole and without regard to case, because a selector that silently
matches nothing loses alerts.  ``/^SIP\\/61[0-9]+$/`` is a regular expression (Python's ``re``), searched for, as written.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

_MAX_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Selector:
    """One compiled selector; equal when written alike."""

    source: str
    regex: re.Pattern[str] = field(repr=False, compare=False)
    whole: bool = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.source

    def matches(self, text: str) -> bool:
        """Tell whether the text is selected."""
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
    wildcards = {"*": ".*", "?": "."}
    pattern = "".join(wildcards.get(char) or re.escape(char) for char in source)
    return Selector(source, re.compile(pattern, re.IGNORECASE | re.DOTALL), whole=True)
