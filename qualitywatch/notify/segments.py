"""Where a loss arises: the line that names the segment, with the figures of the other leg and how many calls agree.

What it says was found out when the alert was judged (see ``quality.legs``); what is not among its details is left out or
unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qualitywatch.model import Alert, Direction, Member
from qualitywatch.notify.members import Cast, is_over
from qualitywatch.notify.terms import detail, figure, subject
from qualitywatch.notify.texts import Words

SHARED: Final = "pbx"


def where(cast: Cast, words: Words) -> str:
    """The line of an incident with one loss, or of one whose losses have a common cause; "" where nothing can be said."""
    alerts = [member.alert for member in cast.firing]
    if len(cast.main) == 1 and alerts:
        return of_alert(alerts[0], words)
    return of_alert(alerts[0], words) if _is_shared(cast.firing) else ""


def in_brackets(member: Member, cast: Cast, words: Words) -> str:
    """The segment beside one of several members; "" where nothing is known or the line above says it."""
    short = words.segments.short.get(member.alert.details.get("segment", ""), "")
    if not short or is_over(member) or _is_shared(cast.firing):
        return ""
    return f" ({short}{_agreeing(member.alert, words)})"


def of_alert(alert: Alert, words: Words) -> str:
    """The line of one alert, whatever else there is; "" where nothing can be said."""
    details, told = alert.details, words.segments
    segment = details.get("segment", "")
    template = told.places.get(segment)
    if template is None:
        return ""
    place = template.format(
        who=subject(alert),
        to=_own(alert, Direction.TO_PEER, words),
        from_=_own(alert, Direction.FROM_PEER, words),
        lossy=detail(details, "lossy_peers"),
        active=detail(details, "active_peers"),
    )
    return told.where.format(place=place + _agreeing(alert, words) + _others(alert, words))


def _agreeing(alert: Alert, words: Words) -> str:
    """How many of its calls lose that way."""
    count, together = detail(alert.details, "lossy_calls"), detail(alert.details, "known_calls")
    if not count or not together or alert.details.get("segment") == SHARED:
        return ""
    return words.segments.agree.format(count=count, all=together)


def _others(alert: Alert, words: Words) -> str:
    details, told = alert.details, words.segments
    if details.get("segment") == SHARED:
        return ""
    other, count = detail(details, "other_leg"), detail(details, "other_legs")
    if count:
        return told.others.format(count=count, clean=detail(details, "clean_legs"))
    if not other:
        return ""
    to, from_ = (_percent(detail(details, f"other_{direction}"), words) for direction in Direction)
    template = told.other_clean if details.get("other_clean") == "yes" else told.other
    return template.format(who=other, figures=told.both.format(to=to, from_=from_))


def _own(alert: Alert, direction: Direction, words: Words) -> str:
    if direction is alert.key.direction:
        return figure(alert, alert.value, words) or words.segments.unknown
    return _percent(detail(alert.details, f"own_{direction}"), words)


def _percent(number: str, words: Words) -> str:
    return f"{number}%" if number else words.segments.unknown


def _is_shared(firing: Sequence[Member]) -> bool:
    return bool(firing) and all(member.alert.details.get("segment") == SHARED for member in firing)
