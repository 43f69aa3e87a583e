"""A report as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from qualitywatch.notify.legible import legible
from qualitywatch.reports.layout import Block


def as_text(blocks: Sequence[Block]) -> str:
    """Headings, sentences and tables, columns below each other."""
    lines: list[str] = []
    for block in blocks:
        lines += [legible(block.heading), *map(legible, block.sentences), *aligned(block.table), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows with columns of one width, the first to the left, numbers to the right."""
    shown = [[legible(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(map(_set, row, widths, range(len(row)))).rstrip() for row in shown]


def _set(cell: str, width: int, at: int) -> str:
    return cell.ljust(width) if at == 0 else cell.rjust(width)
