"""Numbers as people dial them, and lists of prefixes that say which of them are meant.

Strategy: a number has its digits as dialled and, where it can be told, an international form: country code first, nothing
before it.  Told it is by a ``+``, by an international prefix (00, 011, 810), or by being too long for anything else.  A prefix
that is written with ``+`` (or an international prefix) is compared with the international form alone, since 881 is a satellite
abroad and a number of the town at home; a prefix written without it with either.  Of all that fit the longest decides.

Standards: ITU-T E.123 and E.164 (``+``, country codes, 15 digits at most); 3GPP TS 22.030 (``*31#``, ``#31#`` before a number).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

# A number of so many digits is hardly one of the country's own, dialled without anything before it.
BARE_DIGITS: Final = 11

_SEPARATORS: Final = re.compile(r"[\s./()\-]+")
_WITHHELD: Final = ("*31#", "#31#")  # the caller's own number is (not) to be shown; the number follows
_WRITTEN: Final = re.compile(r"\+?[0-9*#]+|\+")


@dataclass(frozen=True, slots=True)
class Number:
    """One number: as dialled, without what leads out of the house, and with its country code where that can be told."""

    plain: str
    international: str | None = None  # digits only

    def __str__(self) -> str:
        return self.plain if self.international is None else f"+{self.international}"


@dataclass(frozen=True, slots=True)
class Numbering:
    """How numbers are dialled at one PBX."""

    strip: tuple[str, ...] = ()  # what may stand before a number, such as the digit for an outside line
    international: tuple[str, ...] = ("00",)
    national: tuple[str, ...] = ("0",)  # what begins with it is no country code
    bare_digits: int = BARE_DIGITS  # from so many digits on a number begins with its country code; 0: never

    def read(self, dialled: str) -> Number:
        """Return a number that was dialled."""
        text = _SEPARATORS.sub("", dialled)
        text = _without(_without(text, _WITHHELD), self.strip)
        if text.startswith("+"):
            return Number(text[1:], text[1:])
        rest = _without(text, self.international)
        if rest != text:
            return Number(text, rest)
        is_long = 0 < self.bare_digits <= len(text) and text.isdecimal()
        return Number(text, text if is_long and not text.startswith(self.national) else None)

    def read_prefix(self, written: str) -> tuple[bool, str] | None:
        """Return whether a prefix is one of the international form alone, and its digits; None when it is none at all.

        ``+`` alone is any international number.
        """
        text = _SEPARATORS.sub("", written)
        if not _WRITTEN.fullmatch(text):
            return None
        if text.startswith("+"):
            return True, text[1:]
        rest = _without(text, self.international)
        return rest != text, rest


def _without(text: str, prefixes: Iterable[str]) -> str:
    """The text without the longest of these it begins with, unless nothing would be left."""
    found = max((prefix for prefix in prefixes if text.startswith(prefix)), key=len, default="")
    return text[len(found) :] or text


@dataclass(frozen=True, slots=True)
class Destinations:
    """Which numbers are meant: prefixes to deny and to allow, of which the longest that fits decides."""

    international: Mapping[str, bool] = field(default_factory=dict)  # whether a prefix of the international form is denied
    plain: Mapping[str, bool] = field(default_factory=dict)  # the same of either form
    otherwise: bool = True  # whether a number that none fits is denied

    def denies(self, number: Number) -> bool:
        """Whether a number is one of those meant."""
        abroad = number.international
        for length in range(max(len(number.plain), len(abroad or "")), -1, -1):
            if abroad is not None and length <= len(abroad):
                found = self.international.get(abroad[:length], self.plain.get(abroad[:length]))
                if found is not None:
                    return found
            if length <= len(number.plain) and (found := self.plain.get(number.plain[:length])) is not None:
                return found
        return self.otherwise
