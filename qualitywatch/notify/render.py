"""From a transition to what is shown: one line, a plain message, a message in Telegram's HTML.

A message is read at night on a small screen: the first line says how bad and what, then at most three short lines tell what it
was judged by, since when, and which rule spoke.  Text is made legible first, cut second, escaped last, so that no tag and no
entity is ever cut in two; Telegram's limit counts what is left after its parser, in UTF-16 code units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from html import escape
from typing import Final

from qualitywatch.model import NotifyReason, Severity, Transition
from qualitywatch.notify.legible import clip, legible, utf16_units
from qualitywatch.notify.phrases import ended_at, is_resolved, local_time, sentence
from qualitywatch.notify.texts import Words, duration, number, words_of

TEXT_LIMIT_UTF16: Final = 4096  # Bot API, sendMessage, "1-4096 characters after entities parsing"
MARKS: Final = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}
MARK_RESOLVED: Final = "🟢"
MARK_ENDED_UNSEEN: Final = "⚪"  # over because there is nothing left to judge: not a promise that all is well
_LINE_UNITS: Final = 300
_PBX_UNITS: Final = 80


@dataclass(frozen=True, slots=True)
class _Message:
    mark: str
    pbx: str  # "" or "[office] "
    headline: str
    lines: tuple[str, ...]


def headline(transition: Transition, language: str, zone: tzinfo = UTC) -> str:
    """Return what happened in one plain line; ``zone`` only matters to wordings that tell the time."""
    return legible(sentence(transition, language, zone)) or "?"


def plain(transition: Transition, language: str, show_pbx: bool, zone: tzinfo) -> str:
    """Return the whole message as plain text, at most 4096 UTF-16 code units; times are told in ``zone``."""
    message = _compose(transition, language, show_pbx, zone)
    return "\n".join((f"{message.mark} {message.pbx}{message.headline}", *message.lines))


def html(transition: Transition, language: str, show_pbx: bool, zone: tzinfo) -> str:
    """Return the whole message in Telegram's HTML; what is left after parsing is at most 4096 UTF-16 code units."""
    message = _compose(transition, language, show_pbx, zone)
    first = f"{message.mark} {_escaped(message.pbx)}<b>{_escaped(message.headline)}</b>"
    return "\n".join((first, *map(_escaped, message.lines)))


def _compose(transition: Transition, language: str, show_pbx: bool, zone: tzinfo) -> _Message:
    words = words_of(language)
    pbx = clip(legible(transition.alert.key.pbx), _PBX_UNITS) if show_pbx else ""
    found = (_judged(transition, words), _when(transition, words, zone), _rule(transition, words))
    lines = tuple(clip(legible(line), _LINE_UNITS) for line in found if line)
    mark, front = _mark(transition), f"[{pbx}] " if pbx else ""
    room = TEXT_LIMIT_UTF16 - utf16_units("\n".join((f"{mark} {front}", *lines)))
    return _Message(mark, front, clip(headline(transition, language, zone), room), lines)


def _mark(transition: Transition) -> str:
    if not is_resolved(transition):
        return MARKS[transition.alert.severity]
    return MARK_ENDED_UNSEEN if transition.resolved_because == "no_data" else MARK_RESOLVED


def _judged(transition: Transition, words: Words) -> str:
    """What the judgement rests on, of what is known: packets, window, calls, codec."""
    details = transition.alert.details
    packets, window = _whole(details.get("packets")), _seconds(details.get("window_s"))
    calls, codec = _whole(details.get("calls")), clip(legible(details.get("codec", "")), _PBX_UNITS)
    sample = number(packets, words.packets) if packets is not None else ""
    if sample and window is not None:
        sample += words.within.format(duration=duration(window, words))
    parts = (sample, number(calls, words.calls) if calls is not None else "", words.codec.format(codec=codec) if codec else "")
    told = ", ".join(part for part in parts if part)
    return words.judged + told if told else ""


def _when(transition: Transition, words: Words, zone: tzinfo) -> str:
    if transition.reason is NotifyReason.HAPPENED:
        return words.at.format(start=local_time(transition.at, zone))
    start = local_time(transition.alert.since_at, zone)
    if is_resolved(transition):
        return words.during.format(start=start, end=local_time(ended_at(transition), zone))
    return words.since.format(start=start)


def _rule(transition: Transition, words: Words) -> str:
    alert = transition.alert
    raised = transition.reason is NotifyReason.SEVERITY_INCREASED
    rule = clip(legible(alert.key.rule), _PBX_UNITS)
    return (words.raised if raised else words.rule).format(rule=rule, severity=words.severities[alert.severity])


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def _whole(text: str | None) -> int | None:
    value = _seconds(text)
    return None if value is None else round(value)


def _escaped(text: str) -> str:
    """Escape what Telegram's parser would take for markup, and nothing else: in running text quotes stay as they are."""
    return escape(text, quote=False)
