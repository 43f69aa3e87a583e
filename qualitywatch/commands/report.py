"""``qualitywatch report``: what a daemon's files say of days or weeks, as text, CSV or HTML; they are only read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TextIO

from qualitywatch.config import read_config
from qualitywatch.document import parse_duration_s
from qualitywatch.errors import QualitywatchError
from qualitywatch.reports.layout import blocks
from qualitywatch.reports.page import as_html
from qualitywatch.reports.report import compared
from qualitywatch.reports.sheet import as_csv
from qualitywatch.reports.source import read
from qualitywatch.reports.text import as_text
from qualitywatch.reports.words import WORDS

EXIT_GOOD = 0


class ReportError(QualitywatchError):
    """What was asked for makes no sense."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be reported; ``since`` is how long ago or a date, ``until`` a date."""

    config: Path
    since: str
    until: str | None = None
    format: str = "text"
    trunk: str | None = None
    language: str | None = None


def report(wish: Wish, clock_now: float, out: TextIO) -> int:
    """Write the report; raises ConfigError, ReportError or StoreError."""
    config = read_config(wish.config)
    until = clock_now if wish.until is None else _instant("--until", wish.until, config.timezone)
    lasted_s = parse_duration_s(wish.since)
    since = until - lasted_s if lasted_s is not None else _instant("--since", wish.since, config.timezone)
    if since < 0 or until < 0:
        raise ReportError("--since and --until must be after 1970")
    if not since < until:
        raise ReportError("--since must be before --until")
    now = read(config.store.directory, since, until)
    before = read(config.store.directory, now.since - (now.until - now.since), now.since)
    language = wish.language or config.language
    names = {**config.names, **config.trunks}  # those that callers show are known to the running daemon alone
    found = compared(now, before, wish.trunk, lambda _, subject: names.get(subject))
    told = blocks(found, WORDS[language], config.timezone, is_evidence=wish.trunk is not None)
    match wish.format:
        case "csv":
            out.write(as_csv(told))
        case "html":
            out.write(as_html(told, language))
        case _:
            out.write(as_text(told))
    return EXIT_GOOD


def _instant(option: str, text: str, zone: tzinfo) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ReportError(f'{option} must be like 7d, 12h, 2026-11-23 or "2026-11-23 08:00"') from exc
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()
