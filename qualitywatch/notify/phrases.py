"""One sentence about one transition, in a given language: chooses a phrase of ``texts`` and fills it in.

Whatever is missing is left out, never guessed and never an error: an alert with nothing but a topic and a subject still
makes a line that can be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from qualitywatch.model import Alert, AlertState, Direction, Metric, NotifyReason, Transition
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.texts import Series, Words, duration, words_of
from qualitywatch.wording import fill

_NAME_UNITS: Final = 80  # of one name or address in a sentence
_DETAIL_UNITS: Final = 160  # of one cause or User-Agent
_CHANGES: Final = frozenset({"user_agent", "address"})


def sentence(transition: Transition, language: str, zone: tzinfo) -> str:
    """Return what happened, in one sentence: in the rule's own wording when it has one, else in ours.

    The end of an alert is always told in ours: a rule's wording describes the trouble, and would read as if it lasted.
    """
    words, alert = words_of(language), transition.alert
    if is_resolved(transition):
        return _ending(transition, words)
    template = alert.texts.get(language)
    own = fill(template, _fields(transition, words, zone)) if template is not None else None
    return own if own is not None and legible(own) else _trouble(alert, words)


def is_resolved(transition: Transition) -> bool:
    """Tell whether this is the end of an alert that had fired."""
    ended = transition.old_state is AlertState.FIRING and transition.new_state is AlertState.INACTIVE
    return ended or transition.reason is NotifyReason.RESOLVED


def ended_at(transition: Transition) -> float:
    """Return when the trouble was over; the message comes later, when it has stayed away for the rule's clear hold."""
    cleared = transition.alert.clear_since
    return cleared if cleared is not None else transition.at


def local_time(at: float, zone: tzinfo) -> str:
    """Return an instant as local date and time with its zone: a message may be read long after it was written."""
    try:
        local = datetime.fromtimestamp(at, tz=zone)
    except (OverflowError, OSError, ValueError):
        return "?"
    return legible(f"{local:%Y-%m-%d %H:%M:%S} {local.tzname() or ''}")


def _trouble(alert: Alert, words: Words) -> str:
    series, details = words.series.get(alert.topic), alert.details
    if series is not None:
        value = _value(series, alert.value)
        return _about(alert, words) + (f" {value}" if value is not None else f", {words.no_value}") + _caveat(alert, words)
    if alert.topic in _CHANGES:
        return _change(alert, words)
    state = _detail(details, "state")
    template = words.down.get((alert.topic, state), words.down.get((alert.topic, "")))
    if template is None:
        return _about(alert, words) + _plain_value(alert.value) + _why(state, _detail(details, "cause"))
    known = (alert.topic, state) in words.down
    cause = _detail(details, "cause")
    if cause.casefold() in template.casefold():
        cause = ""  # it would only say the same again
    return template.format(who=_who(alert), cause=f": {cause}" if cause else "", why=_why("" if known else state, cause))


def _ending(transition: Transition, words: Words) -> str:
    alert = transition.alert
    lasted = duration(ended_at(transition) - alert.since_at, words)
    series = words.series.get(alert.topic)
    peak = _peak(series, alert.peak)
    if transition.resolved_because == "no_data":
        phrase = words.no_more_calls if series is not None else words.no_more_data
        return _about(alert, words) + phrase.format(duration=lasted) + peak + _caveat(alert, words)
    after = words.after.format(duration=lasted)
    if series is not None:
        return f"{_about(alert, words)} {series.over}{after}{peak}{_caveat(alert, words)}"
    state = _detail(alert.details, "state")
    template = words.up.get((alert.topic, state), words.up.get((alert.topic, "")))
    if template is not None:
        return template.format(who=_who(alert)) + after
    return f"{_about(alert, words)}{words.over}{after}"


def _change(alert: Alert, words: Words) -> str:
    details = alert.details
    is_new = _detail(details, "new_peer") == "yes" or (_detail(details, "old") == "" and "old" in details)
    old = words.new_peer if is_new else _detail(details, "old") or words.unknown
    address = _detail(details, "address")
    template = words.appeared.get(alert.topic) if is_new else None
    told = (template or words.changed[alert.topic]).format(
        who=_subject(alert), address=f" ({address})" if address else "", old=old, new=_detail(details, "new") or words.unknown
    )
    who = _who(alert)
    return told if who == _subject(alert) else f"{told} ({who.removesuffix(_subject(alert)).rstrip()})"


def _about(alert: Alert, words: Words) -> str:
    """The subject of the sentence: the series with its direction, the entity, or the bare topic."""
    entity, series = words.entities.get(alert.topic), words.series.get(alert.topic)
    if entity is not None:
        return entity.format(who=_who(alert))
    noun = series.noun if series is not None else clip(legible(alert.topic.replace("_", " ")), _NAME_UNITS) or "?"
    mark = "~" if alert.topic in {Metric.MOS, Metric.R_FACTOR} and _is_provisional(alert) else ""
    return f"{noun}{mark} {_preposition(alert, words)} {_who(alert)}"


def _preposition(alert: Alert, words: Words) -> str:
    direction = alert.key.direction
    if direction is None and alert.topic == Metric.RTT_MS:
        direction = Direction.TO_PEER  # there and back again: it has no other direction
    return words.prepositions[direction] if direction is not None else words.beside


def _who(alert: Alert) -> str:
    """``Anna SIP/6117``, or the bare subject when no name is known that says more."""
    subject, name = _subject(alert), clip(legible(alert.display_name or ""), _NAME_UNITS)
    return f"{name} {subject}" if name and name.casefold() not in subject.casefold() else subject


def _subject(alert: Alert) -> str:
    return clip(legible(alert.key.subject), _NAME_UNITS) or clip(legible(alert.key.pbx), _NAME_UNITS) or "?"


def _fields(transition: Transition, words: Words, zone: tzinfo) -> dict[str, str | float | None]:
    alert = transition.alert
    direction = alert.key.direction
    return {
        "peer": _who(alert),
        "name": clip(legible(alert.display_name or ""), _NAME_UNITS) or _subject(alert),
        "subject": _subject(alert),
        "pbx": clip(legible(alert.key.pbx), _NAME_UNITS),
        "value": _finite(alert.value),
        "peak": _finite(alert.peak),
        "direction": words.prepositions[direction] if direction is not None else "",
        "severity": words.severities[alert.severity],
        "since": local_time(alert.since_at, zone),
    }


def _detail(details: Mapping[str, str], key: str) -> str:
    return clip(legible(details.get(key, "")), _DETAIL_UNITS)


def _why(state: str, cause: str) -> str:
    reasons = ": ".join(part for part in (state, cause) if part)
    return f" ({reasons})" if reasons else ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _value(series: Series, value: float | None) -> str | None:
    known = _finite(value)
    return None if known is None else clip(series.value.format(known), _NAME_UNITS)


def _plain_value(value: float | None) -> str:
    known = _finite(value)
    return "" if known is None else f" {known:.6g}"


def _peak(series: Series | None, peak: float | None) -> str:
    shown = _value(series, peak) if series is not None else None
    return f", {series.extreme} {shown}" if series is not None and shown is not None else ""


def _is_provisional(alert: Alert) -> bool:
    return alert.details.get("provisional") == "yes"


def _caveat(alert: Alert, words: Words) -> str:
    return f" ({words.provisional})" if alert.topic in {Metric.MOS, Metric.R_FACTOR} and _is_provisional(alert) else ""
