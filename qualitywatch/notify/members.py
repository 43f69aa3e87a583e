"""The members of an incident in the order a reader needs them, and what they are together: when, how bad, whether over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import VOICE_METRICS, Incident, Member, MemberState, MuteKind, Severity
from qualitywatch.notify.terms import finite, is_worse_lower

MARKS: Final = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}
MARK_RESOLVED: Final = "🟢"
MARK_ENDED_UNSEEN: Final = "⚪"  # over because there is nothing left to judge: not a promise that all is well
MARK_MUTED: Final = "🔕"
_STATE_ORDER: Final = {MemberState.FIRING: 0, MemberState.HAPPENED: 1, MemberState.RESOLVED: 2}
_UNSEEN_ENDS: Final = frozenset({"no_data", "dropped", "removed"})


@dataclass(frozen=True, slots=True)
class Cast:
    """Who an incident is about, most urgent first, and who is only affected: explained by another alert."""

    main: tuple[Member, ...]
    affected: tuple[Member, ...]

    @property
    def firing(self) -> tuple[Member, ...]:
        """The main members that fire."""
        return tuple(member for member in self.main if member.state is MemberState.FIRING)

    @property
    def over(self) -> tuple[Member, ...]:
        """The main members that had fired and do so no more."""
        return tuple(member for member in self.main if is_over(member))


def cast_of(incident: Incident) -> Cast:
    """Sort the members.  Affected ones become the main ones where no other member has anything left to say."""
    ordered = in_order(incident.members)
    main = tuple(member for member in ordered if not _is_inhibited(member))
    affected = tuple(member for member in ordered if _is_inhibited(member))
    outlived = all(map(is_over, main)) and not all(map(is_over, affected))
    return Cast(ordered, ()) if not main or outlived else Cast(main, affected)


def in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    """Firing before over, severe before mild, then by topic as they came, worst figure first."""
    known = tuple(members)
    topics = {topic: place for place, topic in reversed(list(enumerate(member.alert.topic for member in known)))}

    def order(member: Member) -> tuple[int, bool, int, int, float]:
        alert = member.alert
        return (
            _STATE_ORDER[member.state],
            member.mute is not None,
            -alert.severity.rank,
            topics[alert.topic],
            -_badness(member),
        )

    return tuple(sorted(known, key=order))


def worst_figure(members: Sequence[Member]) -> Member | None:
    """The member with the worst present figure, or of those that are over the worst peak; all must be of one topic."""
    known = [member for member in members if _badness(member) > -math.inf]
    return max(known, key=_badness, default=None)


def worst_peak(members: Sequence[Member]) -> Member | None:
    """The member with the worst peak; all must be of one topic."""
    known = [member for member in members if finite(member.alert.peak) is not None]
    return max(known, key=lambda member: _signed(member, member.alert.peak), default=None)


def charted(incident: Incident) -> Member | None:
    """The member whose series a chart of the incident shows: the first that has one; None where nothing is measured."""
    return next((member for member in incident.members if member.alert.topic in VOICE_METRICS), None)


def is_over(member: Member) -> bool:
    """Whether it had fired and does so no more."""
    return member.state is MemberState.RESOLVED


def ended_at(member: Member) -> float | None:
    """When its trouble was over; it was believed when it had stayed away for the rule's clear hold."""
    return member.alert.clear_since if member.alert.clear_since is not None else member.ended_at


def span(members: Sequence[Member]) -> tuple[float, float | None]:
    """From when to when they lasted; the end is None unless all have one."""
    ends = [ended_at(member) for member in members if is_over(member)]
    known = [end for end in ends if end is not None]
    all_known = len(known) == len(members)
    return min(member.alert.since_at for member in members), max(known, default=None) if all_known else None


def mark_of_member(member: Member) -> str:
    """A coloured mark for its own line."""
    if is_over(member):
        return MARK_ENDED_UNSEEN if member.resolved_because in _UNSEEN_ENDS else MARK_RESOLVED
    return MARK_MUTED if member.mute is not None else MARKS[member.alert.severity]


def urgency(incident: Incident) -> Severity:
    """The severity to show: that of what fires, also where all of it is muted; of what happened, where nothing else is left."""
    shown = [member for member in incident.firing if member.mute is None] or incident.firing
    shown = shown or [member for member in incident.members if member.state is MemberState.HAPPENED]
    return max((member.alert.severity for member in shown), key=lambda severity: severity.rank, default=incident.severity)


def is_past(incident: Incident) -> bool:
    """Whether it had lasted and does so no more."""
    return not incident.firing and any(map(is_over, incident.members))


def mark_of(incident: Incident) -> str:
    """A coloured mark for its first line; green as soon as nothing fires, unless nobody saw any of it end well."""
    if not is_past(incident):
        return MARKS[urgency(incident)]
    seen_well = any(is_over(member) and member.resolved_because not in _UNSEEN_ENDS for member in incident.members)
    return MARK_RESOLVED if seen_well else MARK_ENDED_UNSEEN


def ended_unseen(members: Iterable[Member]) -> bool:
    """Whether all of them ended because nothing was left to judge."""
    return all(is_over(member) and member.resolved_because in _UNSEEN_ENDS for member in members)


def _is_inhibited(member: Member) -> bool:
    return member.mute is not None and member.mute.kind is MuteKind.INHIBITED


def _badness(member: Member) -> float:
    return _signed(member, member.alert.peak if is_over(member) else member.alert.value)


def _signed(member: Member, value: float | None) -> float:
    known = finite(value)
    if known is None:
        return -math.inf
    return -known if is_worse_lower(member.alert) else known
