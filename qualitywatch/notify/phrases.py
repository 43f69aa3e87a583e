"""One sentence about one alert, in a given language: chooses a phrase of ``words`` and fills it in.

Whatever is missing is left out, never guessed and never an error: an alert with nothing but a topic and a subject still
makes a line that can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from qualitywatch.model import HISTORY_SEPARATOR, Alert, AlertState, Member, MemberState, Metric, NotifyReason, Transition
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.queue_line import queue_trouble
from qualitywatch.notify.share_line import share_over, share_peak, share_trouble
from qualitywatch.notify.terms import (
    GAUGES,
    QUEUE_GAUGES,
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
from qualitywatch.notify.texts import Words, duration, form, number, words_of
from qualitywatch.wording import fill

_COUNTS: Final = ("good", "total", "before")  # of a fall
_CHANGES: Final = frozenset({"user_agent", "address", "network", "transport"})
_STEP_UNITS: Final = 60  # of one value in a row of changes
_SOUND: Final = "audio_state"  # judged by calls, as a series is


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
    if alert.topic in words.tallies:
        return _tally(alert, words)
    if alert.topic in words.counts:
        return _count(alert, words)
    if alert.topic in words.shares:
        return share_trouble(alert, words)
    if alert.topic in QUEUE_GAUGES:
        return queue_trouble(alert, words)
    if alert.topic in words.series:
        value = figure(alert, alert.value, words)
        shown = f" {value}{_usually(alert, words)}" if value is not None else f", {words.no_value}"
        return _about(alert, words) + shown + _caveat(alert, words)
    if alert.topic in _CHANGES:
        return _change(alert, words)
    state = detail(details, "state")
    template = words.down.get((alert.topic, state), words.down.get((alert.topic, "")))
    # A cause that has words of its own: what Asterisk says of it is no news to anybody.
    template = words.down.get((alert.topic, f"{state}, {detail(details, 'cause').casefold()}"), template)
    if template is None:
        return _about(alert, words) + _plain_value(alert.value) + _why(state, detail(details, "cause"))
    known = (alert.topic, state) in words.down
    cause = _in_words(detail(details, "cause"), alert, words)
    if cause.casefold() in template.casefold():
        cause = ""  # it would only say the same again
    counts = {name: detail(details, name) or "?" for name in _COUNTS}
    why = _why("" if known else state, cause)
    return template.format(who=who(alert), cause=f": {cause}" if cause else "", why=why, **counts)


def _tally(alert: Alert, words: Words) -> str:
    """Too few are good: how many of how many, and why the others were not."""
    value, calls = figure(alert, alert.value, words), detail(alert.details, "calls")
    if value is None or not calls:
        return f"{_about(alert, words)}: {value or words.no_value}"
    if detail(alert.details, "in_a_row"):
        calls = words.in_a_row.format(calls=calls)
    causes = detail(alert.details, "causes")
    shown = f" ({causes})" if causes else ""
    return words.tallies[alert.topic].format(about=_about(alert, words), value=value, calls=calls, causes=shown)


def _ending(alert: Alert, found_at: float | None, because: str | None, words: Words) -> str:
    """The end; the trouble was over when it cleared, and the message comes when it has stayed away for the clear hold."""
    ended_at = alert.clear_since if alert.clear_since is not None else found_at
    lasted = duration(ended_at - alert.since_at, words) if ended_at is not None else "?"
    is_series = alert.topic in words.series
    of_calls = is_series or alert.topic == _SOUND
    of_calls = of_calls and alert.topic not in GAUGES and alert.topic != Metric.QUALIFY_RTT_MS
    tail = _peak(alert, words) + _caveat(alert, words)
    if alert.topic in words.shares:
        of_calls, tail = True, share_peak(alert, words)
    if because == "dropped":
        return _about(alert, words) + words.no_more_rule.format(duration=lasted) + tail
    if because == "removed":
        return _about(alert, words) + words.removed.format(duration=lasted) + tail
    if because == "no_data":
        return _about(alert, words) + (words.no_more_calls if of_calls else words.no_more_data).format(duration=lasted) + tail
    after = words.after.format(duration=lasted)
    if alert.topic in words.counts:
        return words.counts[alert.topic].over.format(who=who(alert)) + after + _most(alert, words)
    if alert.topic in words.shares:
        return share_over(alert, words) + after + tail
    if is_series:
        return f"{_about(alert, words)} {words.series[alert.topic].over}{after}{tail}"
    state = detail(alert.details, "state")
    template = words.up.get((alert.topic, state), words.up.get((alert.topic, "")))
    if template is not None:
        return template.format(who=who(alert)) + after
    return f"{_about(alert, words)}{words.over}{after}"


def _count(alert: Alert, words: Words) -> str:
    """How often it happened within the window, and what was tried."""
    told, count = words.counts[alert.topic], finite(alert.value)
    names, names_count = detail(alert.details, "names"), detail(alert.details, "names_count")
    template = form(int(names_count) if names_count.isdecimal() else 2, told.names) if names else ""
    if told.once and names and count == 1:
        return told.once.format(who=who(alert), names=template.format(names=names))
    many = f"{words.unknown} {form(2, told.what)}" if count is None else number(round(count), told.what)
    return told.trouble.format(who=who(alert), many=many, window=_window(alert, words), names=template.format(names=names))


def _most(alert: Alert, words: Words) -> str:
    told, peak = words.counts[alert.topic], finite(alert.peak)
    window = _window(alert, words)
    return "" if peak is None else told.most.format(many=number(round(peak), told.what), window=window)


def _window(alert: Alert, words: Words) -> str:
    seconds = detail(alert.details, "window_s")
    return duration(float(seconds), words) if seconds.isdecimal() and len(seconds) < 9 else "?"


def _change(alert: Alert, words: Words) -> str:
    details = alert.details
    is_new = detail(details, "new_peer") == "yes" or (detail(details, "old") == "" and "old" in details)
    steps = [clip(legible(step), _STEP_UNITS) for step in details.get("history", "").split(HISTORY_SEPARATOR)]
    if len(steps) > 2 and alert.topic in words.passed:
        return _passed(alert, steps, words)
    old = words.new_peer if is_new else detail(details, "old") or words.unknown
    address = detail(details, "address")
    template = words.appeared.get(alert.topic) if is_new else None
    return _named(
        alert,
        (template or words.changed[alert.topic]).format(
            who=subject(alert), address=f" ({address})" if address else "", old=old, new=detail(details, "new") or words.unknown
        ),
    )


def _passed(alert: Alert, steps: Sequence[str], words: Words) -> str:
    """Several changes in a row: ``A → B → C``."""
    address = detail(alert.details, "address")
    shown = [f'"{step}"' if alert.topic == "user_agent" else step for step in steps[1:]]
    first = steps[0] or words.new_peer
    counted = detail(alert.details, "changes")
    count = int(counted) if counted.isdecimal() and len(counted) < 6 else len(steps) - 1
    told = words.passed[alert.topic].format(
        who=subject(alert),
        address=f" ({address})" if address else "",
        count=number(count, words.statuses.times),
        steps=" → ".join([f'"{first}"' if alert.topic == "user_agent" else first, *shown]),
    )
    return _named(alert, told)


def _named(alert: Alert, told: str) -> str:
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


def _usually(alert: Alert, words: Words) -> str:
    """What is usual for this very peer, where it was judged by that."""
    told = detail(alert.details, "usual")
    try:
        usual = figure(alert, float(told), words) if told else None
    except ValueError:
        return ""
    template = words.usual if detail(alert.details, "hour") in {"", "any"} else words.usual_at_hour
    return "" if usual is None else template.format(usual=usual)


def _caveat(alert: Alert, words: Words) -> str:
    return f" ({words.provisional})" if is_provisional(alert) else ""
