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
        is_passing = series.passing and "certificate" not in series.trouble.casefold()
        otherwise = (
            "is it running, and is the url right?" if is_passing else "a certificate that this machine trusts, for that name"
        )
        yield from_text(Level.WARNING if is_passing else Level.ERROR, series.trouble, otherwise, at_last=True)
