"""A report as one short message: what there was in all, who was worst, how the trunks did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape
from typing import Final

from qualitywatch.model import Attachment, Notification, Severity
from qualitywatch.notify.legible import clip, legible
from qualitywatch.reports.cells import evidence_cells, in_all, instant, worst_cells
from qualitywatch.reports.layout import blocks
from qualitywatch.reports.page import as_html
from qualitywatch.reports.report import Report, worst
from qualitywatch.reports.text import aligned
from qualitywatch.reports.words import WORDS

SHOWN: Final = 5
_NAME_UNITS: Final = 22  # a phone held upright shows some 40 columns
_OF_WORST: Final = (0, 1, 2, 5)  # who, both directions, change
_OF_TRUNKS: Final = (0, 1, 2, 3, 5, 6)  # name, attempts, ASR, NER, both losses


def as_message(report: Report, language: str, zone: tzinfo, *, is_weekly: bool) -> Notification:
    """The message, with the whole report as a file beside it."""
    words = WORDS[language]
    show_pbx = report.is_of_several_pbxes
    title = f"{words.weekly if is_weekly else words.daily}: {instant(report.since, zone)} - {instant(report.until, zone)}"
    parts: list[tuple[str, Sequence[str]]] = []
    for heading, lines in ((words.worst_peers, report.peers), (words.worst_trunks, report.trunks)):
        rows = [worst_cells(line, show_pbx) for line in worst(lines, SHOWN)]
        if rows:
            parts.append((heading, _table([words.columns, *rows], _OF_WORST)))
    tried = [line for line in report.trunks if line.subject.calls.attempts][:SHOWN]
    if tried:
        rows = [evidence_cells(line, show_pbx) for line in tried]
        parts.append((words.trunks, _table([words.short, *rows], tuple(range(len(words.short))), of_rows=_OF_TRUNKS)))
    total = in_all(report, words)
    plain = "\n".join([title, total, *(line for heading, table in parts for line in (heading, *table))])
    marked = [f"<b>{escape(title)}</b>", escape(total)]
    for heading, table in parts:
        marked.append(f"<b>{escape(heading)}</b>\n<pre>{escape(chr(10).join(table))}</pre>")
    page = as_html(blocks(report, words, zone), language).encode()
    name = f"report-{instant(report.since, zone)[:10]}.html"
    return Notification(plain, "\n".join(marked), plain, Severity.INFO, attachment=Attachment(name, page))


def _table(rows: Sequence[Sequence[str]], columns: Sequence[int], of_rows: Sequence[int] | None = None) -> list[str]:
    head, *others = rows
    chosen = of_rows if of_rows is not None else columns
    kept = [[head[column] for column in columns], *([row[column] for column in chosen] for row in others)]
    return aligned([[clip(legible(row[0]), _NAME_UNITS), *row[1:]] for row in kept])
