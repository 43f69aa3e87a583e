"""One sentence about one alert, in a given language: chooses a phrase of ``words`` and fills it in.

Whatever is missing is left out, never guessed and never an error: an alert with nothing but a topic and a subject still
makes a line that can be read.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from qualitywatch.model import Alert, AlertState, Member, MemberState, NotifyReason, Transition
from qualitywatch.notify.legible import legible
from qualitywatch.notify.terms import (
    detail,
    figure,
    finite,
    is_provisional,
    local_time,
    noun,
    preposition,
    short_name,
    subject,
    who,
)
from qualitywatch.notify.texts import Words, duration, words_of
from qualitywatch.wording import fill

_CHANGES: Final = frozenset({"user_agent", "address"})


def sentence(transition: Transition, language: str, zone: tzinfo) -> str:
    """Return what happened, in one sentence: in the rule's own wording when it has one, else in ours.

    The end of an alert is always told in ours: a rule's wording describes the trouble, and would read as if it lasted.
    """
    ended = transition.old_state is AlertState.FIRING and transition.new_state is AlertState.INACTIVE
    if ended or transition.reason is NotifyReason.RESOLVED:
        return _ending(transition.alert, transition.at, transition.resolved_because, words_of(language))
    return _trouble(transition.alert, language, zone)


def member_sentence(member: Member, language: str, zone: tzinfo) -> str:
    """Return the same of a member of an incident as it stands."""
    if member.state is MemberState.RESOLVED:
        told = _ending(member.alert, member.ended_at, member.resolved_because, words_of(language))
    else:
        told = _trouble(member.alert, language, zone)
    return legible(told) or "?"


def _trouble(alert: Alert, language: str, zone: tzinfo) -> str:
    words, template = words_of(language), alert.texts.get(language)
    own = fill(template, _fields(alert, words, zone)) if template is not None else None
    return own if own is not None and legible(own) else _our_trouble(alert, words)


def _our_trouble(alert: Alert, words: Words) -> str:
    details = alert.details
    if alert.topic in words.series:
        value = figure(alert, alert.value, words)
        return _about(alert, words) + (f" {value}" if value is not None else f", {words.no_value}") + _caveat(alert, words)
    if alert.topic in _CHANGES:
        return _change(alert, words)
    state = detail(details, "state")
    template = words.down.get((alert.topic, state), words.down.get((alert.topic, "")))
    if template is None:
        return _about(alert, words) + _plain_value(alert.value) + _why(state, detail(details, "cause"))
    known = (alert.topic, state) in words.down
    cause = _in_words(detail(details, "cause"), alert, words)
    if cause.casefold() in template.casefold():
        cause = ""  # it would only say the same again
    return template.format(who=who(alert), cause=f": {cause}" if cause else "", why=_why("" if known else state, cause))


def _ending(alert: Alert, found_at: float | None, because: str | None, words: Words) -> str:
    """The end; the trouble was over when it cleared, and the message comes when it has stayed away for the clear hold."""
    ended_at = alert.clear_since if alert.clear_since is not None else found_at
    lasted = duration(ended_at - alert.since_at, words) if ended_at is not None else "?"
    is_series = alert.topic in words.series
    tail = _peak(alert, words) + _caveat(alert, words)
    if because == "dropped":
        return _about(alert, words) + words.no_more_rule.format(duration=lasted) + tail
    if because == "no_data":
        return _about(alert, words) + (words.no_more_calls if is_series else words.no_more_data).format(duration=lasted) + tail
    after = words.after.format(duration=lasted)
    if is_series:
        return f"{_about(alert, words)} {words.series[alert.topic].over}{after}{tail}"
    state = detail(alert.details, "state")
    template = words.up.get((alert.topic, state), words.up.get((alert.topic, "")))
    if template is not None:
        return template.format(who=who(alert)) + after
    return f"{_about(alert, words)}{words.over}{after}"


def _change(alert: Alert, words: Words) -> str:
    details = alert.details
    is_new = detail(details, "new_peer") == "yes" or (detail(details, "old") == "" and "old" in details)
    old = words.new_peer if is_new else detail(details, "old") or words.unknown
    address = detail(details, "address")
    template = words.appeared.get(alert.topic) if is_new else None
    told = (template or words.changed[alert.topic]).format(
        who=subject(alert), address=f" ({address})" if address else "", old=old, new=detail(details, "new") or words.unknown
    )
    named = who(alert)
    return told if named == subject(alert) else f"{told} ({named.removesuffix(subject(alert)).rstrip()})"


def _about(alert: Alert, words: Words) -> str:
    """The subject of the sentence: the series with its direction, the entity, or the bare topic."""
    entity = words.entities.get(alert.topic)
    if entity is not None:
        return entity.format(who=who(alert))
    mark = "~" if is_provisional(alert) else ""
    return f"{noun(alert, words)}{mark} {preposition(alert, words)} {who(alert)}"


def _fields(alert: Alert, words: Words, zone: tzinfo) -> dict[str, str | float | None]:
    direction = alert.key.direction
    return {
        "peer": who(alert),
        "name": short_name(alert.display_name or "") or subject(alert),
        "subject": subject(alert),
        "pbx": short_name(alert.key.pbx),
        "value": finite(alert.value),
        "peak": finite(alert.peak),
        "direction": words.prepositions[direction] if direction is not None else "",
        "severity": words.severities[alert.severity],
        "since": local_time(alert.since_at, zone),
    }


def _in_words(cause: str, alert: Alert, words: Words) -> str:
    """The log explains a lost connection in English: say it in the reader's language where that is known."""
    if alert.topic != "pbx_state":
        return cause
    return next((said for told, said in words.blindness if told in cause), cause)


def _why(state: str, cause: str) -> str:
    reasons = ": ".join(part for part in (state, cause) if part)
    return f" ({reasons})" if reasons else ""


def _plain_value(value: float | None) -> str:
    known = finite(value)
    return "" if known is None else f" {known:.6g}"


def _peak(alert: Alert, words: Words) -> str:
    shown = figure(alert, alert.peak, words)
    return "" if shown is None else f", {words.series[alert.topic].extreme} {shown}"


def _caveat(alert: Alert, words: Words) -> str:
    return f" ({words.provisional})" if is_provisional(alert) else ""
