"""Tables that fit a phone: columns of fixed-width text, at most 40 columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from qualitywatch.notify.legible import ELLIPSIS, legible

TABLE_COLUMNS: Final = 40
UNKNOWN: Final = "-"
_GAP: Final = "  "
_LEAST_COLUMNS: Final = 4


def table(rows: Sequence[Sequence[str]], *, flexible: int, left: frozenset[int] = frozenset({0})) -> list[str]:
    """Return the rows as lines; columns in ``left`` are flush left, the ``flexible`` one is clipped until a line fits.
    Cells are made legible, but for blanks before the first word.

    Every row has the same number of cells.
    """
    cells = [[_indent(cell) + legible(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(columns_of(row[index]) for row in cells) for index in range(len(cells[0]))]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - TABLE_COLUMNS
    if excess > 0:
        widths[flexible] = max(_LEAST_COLUMNS, widths[flexible] - excess)
    return [
        _GAP.join(
            _padded(cell, width, index in left) for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def columns_of(text: str) -> int:
    """Return how many columns of a fixed-width font a text takes."""
    return sum(_columns(char) for char in text)


def clip_columns(text: str, limit: int) -> str:
    """Return the text, cut to ``limit`` columns with an ellipsis when it was wider."""
    if columns_of(text) <= limit:
        return text
    kept, width = "", 0
    for char in text:
        width += _columns(char)
        if width > limit - 1:
            break
        kept += char
    return kept.rstrip() + ELLIPSIS


def _padded(cell: str, width: int, left: bool) -> str:
    shown = clip_columns(cell, width)
    blank = " " * (width - columns_of(shown))
    return shown + blank if left else blank + shown


def _indent(cell: str) -> str:
    return " " * (len(cell) - len(cell.lstrip(" ")))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
