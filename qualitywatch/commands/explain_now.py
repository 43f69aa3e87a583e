"""``qualitywatch explain loss SIP/6117``: ask the running daemon why an alert fires, or why it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, TextIO

from qualitywatch.commands.explain import LEFT_OUT
from qualitywatch.commands.silence import Place, ask_one_of, sockets_and_zone
from qualitywatch.control.client import NoDaemonError
from qualitywatch.document import format_duration
from qualitywatch.model import AlertState, MuteKind, Signal
from qualitywatch.notify.legible import legible
from qualitywatch.testing.account import figure
from qualitywatch.why import Reason, Why, WhyLevel, WhyRequest

SAMPLES_SHOWN: Final = 8
_OFFLINE: Final = (
    "for a recorded session: qualitywatch explain session.ami --rule loss --subject SIP/6117; "
    "for what is stored: qualitywatch backtest --since 1d --list"
)


@dataclass(frozen=True, slots=True)
class NowOptions:
    """Which alert, of which daemon."""

    words: tuple[str, ...]
    place: Place
    pbx: str | None = None


def explain_now(options: NowOptions, out: TextIO) -> int:
    """Print the account of the alerts that are meant; raises QualitywatchError when there is no daemon to ask.

    Exit codes: 0 when there was something to say, 1 when nothing is known of what was asked for.
    """
    sockets, zone = sockets_and_zone(options.place)
    try:
        found = ask_one_of(sockets, WhyRequest(options.words, options.pbx), Why)
    except NoDaemonError as exc:
        raise NoDaemonError(f"{exc}\n{_OFFLINE}") from exc
    if not found.reasons:
        print(legible(found.nothing), file=out)
        return 1
    show_pbx = len({reason.pbx for reason in found.reasons}) > 1
    for line in _lines(found, zone, show_pbx=show_pbx):
        print(line, file=out)
    return 0


def _lines(found: Why, zone: tzinfo, *, show_pbx: bool) -> Iterator[str]:
    for number, reason in enumerate(found.reasons):
        if number:
            yield ""
        name = f"{legible(reason.name)} " if reason.name and reason.name != reason.subject else ""
        way = f" {reason.direction}" if reason.direction else ""
        where = f" [{reason.pbx}]" if show_pbx else ""
        yield f"{name}{legible(reason.subject)}{way}{where}"
        yield f"  rule {reason.rule} ({reason.kind}, {reason.source}): {reason.summary}"
        yield f"  now: {_opinion(reason)}"
        yield from _samples(reason, zone)
        for line in (*_standing(reason, found.now, zone), *_told(reason, zone)):
            yield f"  => {line}"


def _opinion(reason: Reason) -> str:
    value = "no figure" if reason.value is None else figure(reason.value, reason.topic)
    levels = ", ".join(f"{level.severity} {level.signal}" for level in reason.levels)
    details = ", ".join(f"{name.replace('_', ' ')} {legible(text)}" for name, text in reason.details.items() if text)
    if not details and reason.value is None:
        details = _without_figure(reason.levels)
    return "; ".join(part for part in (value, levels, details) if part)


def _without_figure(levels: Sequence[WhyLevel]) -> str:
    if levels and all(level.signal is Signal.GONE for level in levels):
        return "nothing left to judge"
    return "not enough to judge by" if levels and all(level.signal is Signal.UNKNOWN for level in levels) else ""


def _samples(reason: Reason, zone: tzinfo) -> Iterator[str]:
    counted = [sample for sample in reason.samples if sample.counted]
    if counted:
        shown = counted[-SAMPLES_SHOWN:]
        rest = f", {len(counted) - len(shown)} before" if len(counted) > len(shown) else ""
        figures = ", ".join(f"{_clock(sample.at, zone)} {sample.value:.4g} of {sample.weight:.4g}" for sample in shown)
        if reason.kind != "ratio":
            figures = ", ".join(f"{_clock(sample.at, zone)} {figure(sample.value, reason.topic)}" for sample in shown)
        yield f"  window: {len(counted)} sample{'s' * (len(counted) != 1)}: {figures}{rest}"
    for verdict, count in Counter(sample.verdict for sample in reason.samples if not sample.counted).most_common():
        yield f"  left out: {count} sample{'s' * (count != 1)}, {verdict}: {LEFT_OUT[verdict]}"


def _standing(reason: Reason, now: float, zone: tzinfo) -> Iterator[str]:
    if reason.blind_since is not None:
        yield f"the PBX cannot be seen since {_clock(reason.blind_since, zone)}: everything stays as it was then"
    if reason.off_duty:
        yield "outside the hours of its rule (active): nothing begins now"
    match reason.state:
        case AlertState.FIRING:
            told = f" since {_clock(reason.fired_at, zone)}" if reason.fired_at is not None else ""
            yield f"fires{told}, bad since {_clock(reason.since_at, zone)}"
            if reason.clear_since is not None:
                hold = format_duration(reason.clear_hold_s)
                yield f"well since {_clock(reason.clear_since, zone)}: ends when it has been so for {hold}"
        case AlertState.PENDING:
            waits = [level for level in reason.levels if level.since_at is not None]
            for level in waits:
                lasted = format_duration(round(max(0.0, now - (level.since_at or now))))
                yield f"pending: {level.severity} since {_clock(level.since_at, zone)} ({lasted}), fires after {_held(level)}"
            if not waits:
                yield f"pending since {_clock(reason.since_at, zone)}"
        case AlertState.INACTIVE:
            yield f"does not fire: {_why_not(reason)}"


def _held(level: WhyLevel) -> str:
    return format_duration(level.hold_s)


def _why_not(reason: Reason) -> str:
    if reason.explained_by is not None:
        return f"the alert of {reason.explained_by} on the same subject explains it (yields_to)"
    signals = {level.signal for level in reason.levels}
    if Signal.BREACH in signals:
        return "its condition holds only now"
    if Signal.CLEAR in signals:
        return "its condition does not hold"
    if Signal.KEEP in signals:
        return "between its limits: bad enough to go on, not to begin"
    return "there is nothing to judge, or not enough"


def _told(reason: Reason, zone: tzinfo) -> Iterator[str]:
    if reason.state is not AlertState.FIRING:
        return
    mute = reason.mute
    if mute is None:
        yield f"told in incident #{reason.incident}" if reason.incident else "told in no incident that is open"
        return
    until = f" until {_clock(mute.until, zone, date=True)}" if mute.until is not None else ""
    comment = f" ({legible(mute.comment)})" if mute.comment else ""
    match mute.kind:
        case MuteKind.SILENCE:
            by = f" by {legible(mute.by)}" if mute.by else ""
            yield f"nobody is told: silence {mute.name}{by}{until}{comment}; incident #{reason.incident}"
        case MuteKind.MAINTENANCE:
            yield f"nobody is told: maintenance '{legible(mute.name)}'{until}; incident #{reason.incident}"
        case MuteKind.INHIBITED:
            rule = f" ({mute.parent.rule})" if mute.parent is not None else ""
            yield f"nobody is told by itself: explained by {legible(mute.name)}{rule}; incident #{reason.incident}"


def _clock(at: float | None, zone: tzinfo, *, date: bool = False) -> str:
    if at is None:
        return "?"
    return f"{datetime.fromtimestamp(at, zone):{'%Y-%m-%d %H:%M' if date else '%H:%M:%S'}}"
