"""A report as one HTML file that asks for nothing else: no scripts, no pictures, no addresses."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from qualitywatch.notify.legible import legible
from qualitywatch.reports.layout import Block

_STYLE: Final = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}th,td{padding:.25em .7em;border-bottom:1px solid #ccc;text-align:right}"
    "th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #888}h1{font-size:1.4em}h2{font-size:1.1em}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th,td{border-color:#444}}"
    "@media print{body{margin:0;max-width:none}}div{overflow-x:auto}"
)


def as_html(blocks: Sequence[Block], language: str) -> str:
    """A whole document."""
    title = escape(legible(blocks[0].heading))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    parts = [
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
    ]
    for number, block in enumerate(blocks):
        level = 1 if number == 0 else 2
        parts.append(f"<h{level}>{escape(legible(block.heading))}</h{level}>")
        parts += [f"<p>{escape(legible(sentence))}</p>" for sentence in block.sentences]
        if block.table:
            head, *rows = block.table
            parts.append(f"<div><table>\n<thead>{_row('th', head)}</thead>\n<tbody>")
            parts += [_row("td", row) for row in rows]
            parts.append("</tbody>\n</table></div>")
    return "\n".join([*parts, "</body>\n</html>\n"])


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(legible(cell))}</{tag}>' for cell in cells)}</tr>"
