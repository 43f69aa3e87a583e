"""A message as whole lines: built within Telegram's limit, shown as plain text or as its HTML.

Text is made legible first, fitted second, escaped last, so that no tag and no entity is ever cut in two; the limit counts what
is left after Telegram's parser, in UTF-16 code units.  Plain text and HTML therefore always hold the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from qualitywatch.notify.legible import ELLIPSIS, clip, legible, utf16_units

TEXT_LIMIT_UTF16: Final = 4096  # Bot API, sendMessage, "1-4096 characters after entities parsing"
LINE_UNITS: Final = 200
HEAD_UNITS: Final = 1200  # of a first line: a rule's own wording may be long


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what stands in front of it, and its text, in a tag of Telegram's HTML or in none."""

    text: str
    front: str = ""
    tag: str = ""

    @property
    def plain(self) -> str:
        """The line as it is read."""
        return self.front + self.text

    @property
    def html(self) -> str:
        """The line in Telegram's HTML."""
        text = _escaped(self.text)
        return _escaped(self.front) + (f"<{self.tag}>{text}</{self.tag}>" if self.tag else text)

    @property
    def units(self) -> int:
        """Its length with the line break after it, in UTF-16 code units."""
        return utf16_units(self.plain) + 1


def line(text: str, *, front: str = "", tag: str = "", units: int = LINE_UNITS) -> Line:
    """Return a line that is safe to show; ``front`` is taken as it is."""
    return Line(clip(legible(text), units) or "?", front, tag)


def lines(texts: Iterable[str]) -> tuple[Line, ...]:
    """Return the lines of all texts that say anything."""
    return tuple(line(text) for text in texts if text)


@dataclass(slots=True)
class Room:
    """What is still free of a message."""

    units: int = TEXT_LIMIT_UTF16
    taken: list[Line] = field(default_factory=list)

    def reserve(self, wanted: Sequence[Line]) -> None:
        """Keep room for lines that are placed elsewhere."""
        self.units -= sum(each.units for each in wanted)

    def take(self, wanted: Line) -> bool:
        """Take a line if it fits."""
        if wanted.units > self.units:
            return False
        self.units -= wanted.units
        self.taken.append(wanted)
        return True

    def take_names(self, template: str, names: Sequence[str], between: str = ", ") -> int:
        """Take one line with as many of the names as fit, whole ones; return how many those are."""
        free = self.units - utf16_units(template.format(names="")) - 1
        kept: list[str] = []
        for name in names:
            free -= utf16_units(name) + (len(between) if kept else 0)
            if free < (0 if len(kept) + 1 == len(names) else len(between + ELLIPSIS)):
                break
            kept.append(name)
        if kept:
            more = [] if len(kept) == len(names) else [ELLIPSIS]
            self.take(Line(template.format(names=between.join(kept + more))))
        return len(kept)


def plain_text(message: Sequence[Line]) -> str:
    """Return the message as plain text."""
    return "\n".join(each.plain for each in message)


def html_text(message: Sequence[Line]) -> str:
    """Return the message in Telegram's HTML; what is shown of it is ``plain_text``."""
    return "\n".join(each.html for each in message)


def _escaped(text: str) -> str:
    """Escape what Telegram's parser would take for markup, and nothing else: in running text quotes stay as they are."""
    return escape(text, quote=False)
