"""One sentence about a queue: who waits, how long, and who is there to answer.

Whatever gauge a rule looks at, the reader needs all of them; what is not known is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from qualitywatch.model import Alert, Gauge
from qualitywatch.notify.terms import detail, who
from qualitywatch.notify.texts import Words, duration, number


def queue_trouble(alert: Alert, words: Words) -> str:
    """Return ``queue support: 7 callers waiting, longest 3 min 20 s, no agent available``."""
    said = words.queues
    parts = [part for part in (_waiting(alert, words), _agents(alert.details, words)) if part]
    return said.trouble.format(who=who(alert), told=", ".join(parts) or words.no_value)


def _waiting(alert: Alert, words: Words) -> str:
    callers = _count(alert.details, Gauge.QUEUE_CALLERS)
    if callers is None:
        return ""
    if callers == 0:
        return words.queues.nobody_waits
    longest_s = _count(alert.details, Gauge.QUEUE_LONGEST_HOLD_S)
    told = number(callers, words.queues.callers)
    return told if not longest_s else told + words.queues.longest.format(duration=duration(longest_s, words))


def _agents(details: Mapping[str, str], words: Words) -> str:
    logged_in, available = _count(details, Gauge.QUEUE_AGENTS_LOGGED_IN), _count(details, Gauge.QUEUE_AGENTS_AVAILABLE)
    if logged_in == 0:
        return words.queues.nobody_there
    if available is None or logged_in is None:
        return ""
    template = words.queues.available if available else words.queues.nobody_free
    return template.format(available=available, logged_in=logged_in)


def _count(details: Mapping[str, str], gauge: Gauge) -> int | None:
    text = detail(details, gauge)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
