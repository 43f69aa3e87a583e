"""A report as CSV (RFC 4180) for spreadsheets.

A name is whatever somebody registered with, so a cell could begin a formula that the reader's spreadsheet carries out
(https://owasp.org/www-community/attacks/CSV_Injection): such a cell gets an apostrophe before it.  Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from qualitywatch.notify.legible import legible
from qualitywatch.reports.layout import Block

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?|-")
_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(blocks: Sequence[Block]) -> str:
    """Every table under its heading, an empty line between two."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for number, block in enumerate(blocks):
        if number:
            writer.writerow([])
        writer.writerow([harmless(block.heading)])
        for sentence in block.sentences:
            writer.writerow([harmless(sentence)])
        writer.writerows([harmless(cell) for cell in row] for row in block.table)
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet carries out."""
    shown = legible(cell)
    return f"'{shown}" if shown.startswith(_BEGINS_FORMULA) and not _NUMBER.fullmatch(shown) else shown
