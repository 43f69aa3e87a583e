"""Whether a time series database takes what is written to it."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.facts import SeriesFacts
from qualitywatch.doctor.finding import Finding, Level, from_text, ok


def judge(series: SeriesFacts, now: float) -> Iterator[Finding]:
    """Say what it answered to a write of nothing."""
    del now
    if series.trouble is None:
        yield ok(series.said)
    else:
        # What may pass is a warning: the spool keeps everything meanwhile, and alerts do not depend on it.
        level = Level.WARNING if series.passing else Level.ERROR
        yield from_text(level, series.trouble, "is it running, and is the url right?")
