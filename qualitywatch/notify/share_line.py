"""How it is said that many peers of one place lose packets at once: how many of how many, the worst by name, and the end."""

from __future__ import annotations

from qualitywatch.model import Alert
from qualitywatch.notify.terms import detail, finite, who
from qualitywatch.notify.words import Words


def share_trouble(alert: Alert, words: Words) -> str:
    """``site Branch: 4 of 5 active peers lose packets (SIP/6203 24.5%, SIP/6204 8.1%, and 2 more)``."""
    told, details = words.shares[alert.topic], alert.details
    names, more = detail(details, "worst"), detail(details, "more")
    more = words.and_more.format(count=more) if more not in {"", "0"} else ""
    return told.trouble.format(
        who=who(alert),
        lossy=detail(details, "lossy") or "?",
        active=detail(details, "active") or "?",
        worst=f" ({names}{more})" if names else "",
    )


def share_over(alert: Alert, words: Words) -> str:
    """``packet loss at site Branch is over``."""
    return words.shares[alert.topic].over.format(who=who(alert))


def share_peak(alert: Alert, words: Words) -> str:
    """``, at worst 83% of its peers``; "" when it is not known."""
    peak = finite(alert.peak)
    return "" if peak is None else words.shares[alert.topic].most.format(value=f"{peak:.0f}%")
