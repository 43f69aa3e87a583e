"""An answer in the making: lines and tables that become one message of Telegram's HTML and one of plain text.

Both are built from whole lines and stay within 4096 UTF-16 code units, tags and entities included, so that no tag is ever cut
in two.  What did not fit is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from qualitywatch.notify.inbound import Answer
from qualitywatch.notify.legible import clip, legible, utf16_units

TEXT_LIMIT_UTF16: Final = 4096  # Bot API, sendMessage
_LINE_UNITS: Final = 300
_TAIL_UNITS: Final = 60  # kept free for the line that counts what did not fit
_TAG_UNITS: Final = len("<pre></pre>")


@dataclass(frozen=True, slots=True)
class _Line:
    bold: str
    text: str
    is_table: bool = False

    @property
    def plain(self) -> str:
        return f"{self.bold} {self.text}" if self.bold and self.text else self.bold or self.text

    @property
    def html(self) -> str:
        bold, text = f"<b>{escape(self.bold, quote=False)}</b>" if self.bold else "", escape(self.text, quote=False)
        return f"{bold} {text}" if bold and text else bold or text


class Page:
    """Collects lines; ``more`` is the words for what did not fit, with ``{count}``."""

    def __init__(self, more: str) -> None:
        self._more = more
        self._lines: list[_Line] = []

    def line(self, text: str = "", *, bold: str = "") -> None:
        """Add a line, made legible and cut to a sane length; ``bold`` stands before the text."""
        first = clip(legible(bold), _LINE_UNITS)
        self._lines.append(_Line(first, clip(legible(text), _LINE_UNITS)))

    def blank(self) -> None:
        """Add an empty line, but not at the beginning and never two."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(_Line("", ""))

    def table(self, lines: Sequence[str]) -> None:
        """Add lines of a table, see ``tables.table``."""
        self._lines.extend(_Line("", line, is_table=True) for line in lines)

    def answer(self, picture: bytes | None = None) -> Answer:
        """Return what has been collected."""
        kept = self._fitting()
        left = len(self._lines) - len(kept)
        if left:
            kept = [*kept, _Line("", self._more.format(count=left))]
        return Answer(_html(kept), "\n".join(line.plain for line in kept).strip("\n"), picture)

    def _fitting(self) -> list[_Line]:
        costs = [utf16_units(line.html) + 1 + _TAG_UNITS * line.is_table for line in self._lines]
        if sum(costs) <= TEXT_LIMIT_UTF16:
            return list(self._lines)
        room, kept = TEXT_LIMIT_UTF16 - _TAIL_UNITS, []
        for line, cost in zip(self._lines, costs, strict=True):
            room -= cost
            if room < 0:
                break
            kept.append(line)
        return kept


def _html(lines: Sequence[_Line]) -> str:
    parts: list[str] = []
    in_table = False
    for line in lines:
        if line.is_table and in_table:
            parts[-1] = f"{parts[-1].removesuffix('</pre>')}\n{line.html}</pre>"
        else:
            parts.append(f"<pre>{line.html}</pre>" if line.is_table else line.html)
        in_table = line.is_table
    return "\n".join(parts).strip("\n")
