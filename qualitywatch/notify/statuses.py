"""The short lines below the first: why it is told again, who has taken it on, who muted it, since when, by which rule.

Everything is computed from the incident itself, never from the present moment: the texts of two looks at an unchanged incident
are equal, and only a change is worth an edit.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from qualitywatch.model import VOICE_METRICS, Alert, Incident, Member, MemberState, Metric, Mute, MuteKind, NewsReason
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.members import Cast, is_over, is_past, span, urgency, worst_figure, worst_peak
from qualitywatch.notify.terms import clock_time, figure, local_time, short_name, who
from qualitywatch.notify.texts import Words, duration, number

# Judged call by call, not packet by packet.
_FIGURES_OF_CALLS: Final = frozenset(Metric) - VOICE_METRICS
_MUTES_TOLD: Final = 3
_COMMENT_UNITS: Final = 60


def judged(alert: Alert, words: Words) -> str:
    """What the judgement rests on, of what is known: packets, window, calls, codec; "" when nothing is."""
    details = alert.details
    bad_calls = _whole(details.get("bad_calls"))
    if bad_calls is not None:
        return words.bad_calls.format(count=f"{bad_calls:.0f}")
    packets, window = _whole(details.get("packets")), _seconds(details.get("window_s"))
    calls, codec = _whole(details.get("calls")), short_name(details.get("codec", ""))
    sample = number(packets, words.packets) if packets is not None else ""
    if not sample and alert.topic in _FIGURES_OF_CALLS and calls is not None:
        sample, calls = number(calls, words.calls), None
    if sample and window is not None:
        sample += words.within.format(duration=duration(window, words))
    parts = (sample, number(calls, words.calls) if calls is not None else "", words.codec.format(codec=codec) if codec else "")
    told = ", ".join(part for part in parts if part)
    return words.judged + told if told else ""


def peak(cast: Cast, words: Words) -> str:
    """The worst it has been, where that is not what the first line says already; "" for what is over or has no common unit."""
    shown = cast.firing
    if not shown or len({member.alert.topic for member in cast.main}) > 1:
        return ""
    worst, now = worst_peak(cast.main), worst_figure(shown)
    value = figure(worst.alert, worst.alert.peak, words) if worst is not None else None
    if worst is None or value is None or (now is not None and value == figure(now.alert, now.alert.value, words)):
        return ""
    told = words.statuses.peak.format(extreme=words.series[worst.alert.topic].extreme, value=value)
    return told if len(cast.main) == 1 else f"{told} ({who(worst.alert)})"


def news(incident: Incident, cast: Cast, words: Words) -> str:
    """Why it is told once more, "" where another line says it or nothing has to be said."""
    if not incident.firing:
        return ""
    if incident.news_reason is NewsReason.REPEATED and incident.ack is None:
        return words.statuses.repeated.format(duration=duration(incident.news_at - span(cast.main)[0], words))
    if incident.news_reason is NewsReason.UNMUTED and incident.mute is None:
        return words.statuses.unmuted
    return ""


def answered(incident: Incident, words: Words, zone: tzinfo, since: float) -> tuple[str, ...]:
    """Who has taken it on, and whether it was told to others because nobody had."""
    lines = []
    if incident.escalated_at is not None:
        lines.append(words.statuses.escalated.format(at=clock_time(incident.escalated_at, since, zone)))
    ack = incident.ack
    if ack is not None:
        by, at = short_name(ack.by) or "?", clock_time(ack.at, since, zone)
        forgotten = incident.news_reason is NewsReason.REMINDER and incident.news_at > ack.at and bool(incident.firing)
        template = words.statuses.reminder if forgotten else words.statuses.acknowledged
        lines.append(template.format(by=by, at=at, duration=duration(incident.news_at - ack.at, words)))
    return tuple(lines)


def flapping(incident: Incident, words: Words) -> str:
    """That it comes and goes, how often it did, and when it will be told again; "" where it does not flap."""
    if not incident.flapping:
        return ""
    fires = max((member.fires for member in incident.members), key=len)
    told = words.statuses.flapping
    if len(fires) > 1:
        times = number(len(fires), words.statuses.times)
        told += words.statuses.fired.format(times=times, duration=duration(max(fires) - min(fires), words))
    return told + words.statuses.told_again if incident.is_open else told


def muted(cast: Cast, words: Words, zone: tzinfo, since: float) -> tuple[str, ...]:
    """Why nobody is told, one line for each reason; with a count where it is not all that fire."""
    by_mute: dict[Mute, int] = {}
    for member in cast.firing:
        if member.mute is not None:
            by_mute[member.mute] = by_mute.get(member.mute, 0) + 1
    lines = (
        _muted(mute, None if count == len(cast.firing) else (count, len(cast.firing)), words, zone, since)
        for mute, count in by_mute.items()
    )
    return tuple(dict.fromkeys(lines))[:_MUTES_TOLD]


def when(members: tuple[Member, ...], words: Words, zone: tzinfo) -> str:
    """Since when it lasts, from when to when it did, or when it happened."""
    over = tuple(member for member in members if is_over(member))
    start = min(member.alert.since_at for member in members)
    first = local_time(start, zone)
    if any(member.state is MemberState.FIRING for member in members):
        return words.since.format(start=first)
    if over:
        end = span(over)[1]
        last = local_time(end, zone) if end is not None else "?"
    else:
        last = local_time(max(_latest(member.alert) for member in members), zone)
        if first == last:
            return words.at.format(start=first)
    return words.during.format(start=first, end=last)


def _latest(alert: Alert) -> float:
    """When it happened last: things that happen again and again to one subject are one alert with its first instant."""
    return max(alert.since_at, alert.fired_at or alert.since_at) if "history" in alert.details else alert.since_at


def rules(incident: Incident, cast: Cast, words: Words) -> str:
    """Which rule spoke, and how urgent it is."""
    names = list(dict.fromkeys(short_name(member.alert.key.rule) for member in cast.main))
    severity = urgency(incident)
    if is_past(incident):
        severity = max((member.alert.severity for member in cast.main), key=lambda severity: severity.rank)
    raised = incident.news_reason is NewsReason.WORSE and bool(incident.firing) and severity is incident.worst
    if len(names) == 1:
        return (words.raised if raised else words.rule).format(rule=names[0], severity=words.severities[severity])
    template = words.statuses.raised if raised else words.statuses.rules
    return template.format(rules=", ".join(names), severity=words.severities[severity])


def mute_of(member: Member, words: Words, zone: tzinfo) -> str:
    """Why nobody is told of one member; "" where somebody is."""
    return "" if member.mute is None else _muted(member.mute, None, words, zone, member.alert.since_at)


def _muted(mute: Mute, part: tuple[int, int] | None, words: Words, zone: tzinfo, since: float) -> str:
    told, name, by = words.statuses, short_name(mute.name), short_name(mute.by)
    until = told.until.format(at=clock_time(mute.until, since, zone)) if mute.until is not None else ""
    count, together = part or (0, 0)
    if mute.kind is MuteKind.INHIBITED:
        cause = name or (short_name(mute.parent.subject) if mute.parent else "") or "?"
        return told.explained.format(name=f"{cause} ({short_name(mute.parent.rule)})" if mute.parent else cause)
    if mute.kind is MuteKind.MAINTENANCE:
        template = told.maintenance if part is None else told.part_maintenance
        return template.format(count=count, all=together, name=name, until=until)
    reason = (told.by.format(by=by) if by else "") + (told.silence.format(name=name) if name else "")
    template = told.muted if part is None else told.part_muted
    line = template.format(count=count, all=together, until=until, reason=reason)
    comment = clip(legible(mute.comment), _COMMENT_UNITS)
    return f"{line}: {comment}" if comment else line


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def _whole(text: str | None) -> int | None:
    value = _seconds(text)
    return None if value is None else round(value)
