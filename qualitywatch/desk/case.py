"""One incident while the desk works on it: its members by key, and sums that spare looking at all of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from qualitywatch.desk.routing import Plan, Router
from qualitywatch.model import AlertKey, Incident, Member, MemberState, MuteKind, Severity

_BY_URGENCY: Final = tuple(sorted(Severity, key=lambda severity: -severity.rank))


class Voice(Enum):
    """How far a firing member is heard."""

    LOUD = auto()
    MUTED = auto()
    EXPLAINED = auto()


class Case:
    """A mutable incident.  ``incident`` holds all but the members; ``snapshot`` gives the whole when it has changed."""

    def __init__(self, incident: Incident, router: Router, *, is_stored: bool = False) -> None:
        self.incident = incident
        self.members: dict[AlertKey, Member] = {}
        self.group: tuple[object, ...] | None = None  # kept by ``grouping.Register``
        self.last_join = -math.inf
        self.last_fire = -math.inf
        self.kept_at = incident.closed_at or incident.opened_at  # kept by ``grouping.Register``: since when it is closed
        self.due = math.inf  # kept by ``board.Board``
        self._router = router
        self._stored = incident if is_stored else None
        self._order: dict[AlertKey, int] = {}
        self._joined = 0
        self._voices: Counter[tuple[Voice, Severity]] = Counter()
        self._plans: dict[AlertKey, Plan] = {}
        self._plan_counts: Counter[Plan] = Counter()
        self._targets = dict.fromkeys(incident.targets)
        self._forget_step()
        for member in incident.members:
            self.put(member)
        self._note_voices()

    def _forget_step(self) -> None:
        self.spoke = False  # an unmuted member began to fire or happened since ``settled``
        self.happened: Severity | None = None  # the worst unmuted that only happened since then
        self.flapped = False
        self.outlived = False  # a mute has run out since then

    def settled(self) -> None:
        """What happened since the last time has been considered."""
        self._forget_step()
        self._note_voices()

    def _note_voices(self) -> None:
        self.was_loud, self.was_muted = self.loud is not None, self.muted is not None
        self.was_quiet = self.fires_at_all and not self.was_loud

    @property
    def id(self) -> int:
        return self.incident.id

    @property
    def is_open(self) -> bool:
        return self.incident.closed_at is None

    @property
    def is_burst(self) -> bool:
        """Whether it was closed from the start: nothing in it lasts."""
        return not self.is_open and all(member.state is MemberState.HAPPENED for member in self.members.values())

    @property
    def told_before(self) -> int:
        """How many news had been told when the step began."""
        return 0 if self._stored is None else self._stored.news

    @property
    def fires_at_all(self) -> bool:
        return any(self._voices.values())

    @property
    def is_heard(self) -> bool:
        """Whether anything in it ever concerned anybody: it was told, or is about to be."""
        return bool(self._targets)

    @property
    def heard(self) -> tuple[Member, ...]:
        """The members that fire and are not muted."""
        firing = (member for member in self.members.values() if member.state is MemberState.FIRING)
        return tuple(member for member in firing if member.mute is None)

    @property
    def loud(self) -> Severity | None:
        """The worst that fires and is not muted."""
        return self._worst_of(Voice.LOUD)

    @property
    def muted(self) -> Severity | None:
        """The worst that fires, is muted, and is no mere consequence."""
        return self._worst_of(Voice.MUTED)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What the routes say of all that fires unmuted, each once."""
        return tuple(self._plan_counts)

    @property
    def worst_member(self) -> Severity:
        """The worst its members ever were, muted or not."""
        return max((member.alert.worst for member in self.members.values()), key=lambda severity: severity.rank)

    def is_guest(self, key: AlertKey) -> bool:
        """Whether a member is here only because another that was here before explains it."""
        member = self.members.get(key)
        parent = member.mute.parent if member is not None and member.mute is not None else None
        return parent is not None and parent in self.members and self._order[parent] < self._order[key]

    def put(self, member: Member) -> None:
        """Add a member, or change it."""
        key = member.key
        before = self.members.get(key)
        if before is None:
            self._order[key] = self._joined
            self._joined += 1
        else:
            self._uncount(before)
        self.members[key] = member
        self.last_join = max(self.last_join, member.joined_at)
        if member.fires:
            self.last_fire = max(self.last_fire, member.fires[-1])
        if member.state is MemberState.FIRING:
            voice = _voice(member)
            self._voices[voice, member.alert.severity] += 1
            if voice is Voice.LOUD:
                plan = self._plans[key] = self._router.plan(member.alert)
                self._plan_counts[plan] += 1
                self.add_targets(plan.targets)
        elif member.state is MemberState.HAPPENED and member.mute is None:
            self.add_targets(self._router.plan(member.alert).targets)

    def drop(self, key: AlertKey) -> Member:
        """Let a member go."""
        member = self.members.pop(key)
        self._uncount(member)
        del self._order[key]
        return member

    def add_targets(self, targets: tuple[str, ...]) -> None:
        """Let these be told as well."""
        self._targets.update(dict.fromkeys(targets))

    def lacks(self, targets: tuple[str, ...]) -> bool:
        """Whether one of these is not told yet."""
        return not self._targets.keys() >= set(targets)

    def snapshot(self) -> Incident | None:
        """The incident as it is now when a reader could see a difference, else None."""
        now = replace(self.incident, members=tuple(self.members.values()), targets=tuple(self._targets))
        if now == self._stored:
            return None
        if self._stored is not None:
            now = replace(now, revision=now.revision + 1)
        self.incident = self._stored = now
        return now

    def not_after(self, now: float, grace_s: float) -> None:
        """The clock was set back: what lies in the future is now."""
        self.incident = replace(
            self.incident,
            opened_at=min(self.incident.opened_at, now),
            news_at=min(self.incident.news_at, now),
            first_news_at=_past(self.incident.first_news_at, now),
            waits_since=_past(self.incident.waits_since, now),
            escalated_at=_past(self.incident.escalated_at, now),
            closed_at=_past(self.incident.closed_at, now),
        )
        self.last_join, self.last_fire = min(self.last_join, now), min(self.last_fire, now)
        for key, member in self.members.items():
            mute = member.mute
            if mute is not None and mute.kind is MuteKind.INHIBITED and mute.until is not None:
                mute = replace(mute, until=min(mute.until, now + grace_s))
            past = replace(
                member,
                joined_at=min(member.joined_at, now),
                ended_at=_past(member.ended_at, now),
                fires=tuple(min(fired, now) for fired in member.fires),
                mute=mute,
            )
            if past != member:
                self.members[key] = past

    def _worst_of(self, voice: Voice) -> Severity | None:
        return next((severity for severity in _BY_URGENCY if self._voices[voice, severity]), None)

    def _uncount(self, member: Member) -> None:
        if member.state is MemberState.FIRING:
            self._voices[_voice(member), member.alert.severity] -= 1
            plan = self._plans.pop(member.key, None)
            if plan is not None:
                self._plan_counts[plan] -= 1
                if not self._plan_counts[plan]:
                    del self._plan_counts[plan]


def _voice(member: Member) -> Voice:
    if member.mute is None:
        return Voice.LOUD
    return Voice.EXPLAINED if member.mute.parent is not None else Voice.MUTED


def _past(instant: float | None, now: float) -> float | None:
    return None if instant is None else min(instant, now)
