"""Grouping: which incident takes an alert.  The incidents of one PBX, found by what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from qualitywatch.desk.case import Case
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.model import Alert, AlertKey, MemberState

KEPT_CLOSED: Final = 200  # so many closed incidents are remembered, for whoever presses an old button

_GROUP_PARTS: Final[Mapping[str, Callable[[Alert], object]]] = MappingProxyType(
    {
        "rule": lambda alert: alert.key.rule,
        "topic": lambda alert: alert.topic,
        "subject": lambda alert: alert.key.subject,
        "direction": lambda alert: alert.key.direction,
        "severity": lambda alert: alert.severity,
    }
)


class Register:
    """Open incidents, and those closed lately."""

    def __init__(self, policy: DeskPolicy) -> None:
        self._group_by = tuple(_GROUP_PARTS[part] for part in policy.group_by)
        self._within_s = policy.group_within_s
        self._keep_s = max(policy.group_within_s, policy.flap_within_s)
        self.open: dict[int, Case] = {}
        self.closed: dict[int, Case] = {}
        self.holder: dict[AlertKey, Case] = {}  # of every alert that fires
        self._subjects: dict[str, dict[tuple[int, AlertKey], Case]] = {}
        self._groups: dict[tuple[object, ...], dict[int, Case]] = {}  # the one that was joined last comes last

    def add(self, case: Case) -> None:
        """Take in an incident with the members it has."""
        if not case.is_open:
            self.closed[case.id] = case
        else:
            self.open[case.id] = case
            for key in case.members:
                self._index(case, key)
        if case.is_open or case.is_burst:
            self.regroup(case, joined=True)

    def note(self, case: Case, key: AlertKey, *, joined: bool) -> None:
        """A member joined, fires again, or changed."""
        if case.is_open:
            self._index(case, key)
        self.regroup(case, joined=joined)

    def forget_member(self, case: Case, key: AlertKey) -> None:
        """A member left."""
        self._unindex(case, key)
        self.regroup(case, joined=False)

    def close(self, case: Case) -> None:
        """Nothing fires in it any more."""
        del self.open[case.id]
        for key in case.members:
            self._unindex(case, key)
        self._ungroup(case)

    def keep_closed(self, case: Case, now: float) -> None:
        """Remember an incident that is closed, and forget the oldest."""
        self.closed[case.id] = case
        case.kept_at = now
        while len(self.closed) > KEPT_CLOSED:
            oldest = next(iter(self.closed.values()))
            if oldest.kept_at > now - self._keep_s:
                break
            del self.closed[oldest.id]
            self._ungroup(oldest)

    def holding(self, key: AlertKey) -> Case | None:
        """An open incident in which this alert is resolved, best one in which it was for its own sake."""
        cases = [case for (_, known), case in self._subjects.get(key.subject, {}).items() if known == key]
        cases = [case for case in cases if case.members[key].state is not MemberState.HAPPENED]
        return next((case for case in cases if not case.is_guest(key)), cases[0] if cases else None)

    def for_subject(self, subject: str, fits: Callable[[Case], bool]) -> Case | None:
        """The oldest open incident of a subject that fits, but for alerts that another one explains."""
        cases = [case for (_, key), case in self._subjects.get(subject, {}).items() if fits(case) and not case.is_guest(key)]
        return min(cases, key=lambda case: case.id, default=None)

    def for_group(self, alert: Alert, at: float, fits: Callable[[Case], bool], *, happened: bool) -> Case | None:
        """The fitting incident of the group that was joined last, if not long ago; a closed one only takes what happened."""
        if not self._group_by:
            return None
        for case in reversed(self._groups.get(self._group_of(alert), {}).values()):
            if at - case.last_join > self._within_s:
                return None
            if fits(case) and (case.is_open or happened):
                return case
        return None

    def burst_of(self, subject: str, at: float, fits: Callable[[Case], bool]) -> Case | None:
        """The fitting incident of things that happened lately, to this subject among them: who changes twice changed once."""
        for case in reversed(self.closed.values()):
            is_late = 0 <= at - case.last_join <= self._within_s
            if is_late and case.is_burst and fits(case) and any(key.subject == subject for key in case.members):
                return case
        return None

    def regroup(self, case: Case, *, joined: bool) -> None:
        """Find it by the group of its first member, as that is now."""
        group = self._group_of(next(iter(case.members.values())).alert) if case.members and self._group_by else None
        if group == case.group and not joined:
            return
        was_new = case.group is None
        self._ungroup(case)
        if group is None:
            return
        cases = self._groups.setdefault(group, {})
        cases[case.id] = case
        case.group = group
        if not joined and not was_new:  # it came over from another group: to its place in the order of joining
            self._groups[group] = dict(sorted(cases.items(), key=lambda pair: pair[1].last_join))

    def _ungroup(self, case: Case) -> None:
        if case.group is not None:
            cases = self._groups[case.group]
            del cases[case.id]
            if not cases:
                del self._groups[case.group]
            case.group = None

    def _index(self, case: Case, key: AlertKey) -> None:
        self._subjects.setdefault(key.subject, {})[case.id, key] = case
        if case.members[key].state is MemberState.FIRING:
            self.holder[key] = case
        elif self.holder.get(key) is case:
            del self.holder[key]

    def _unindex(self, case: Case, key: AlertKey) -> None:
        cases = self._subjects.get(key.subject, {})
        cases.pop((case.id, key), None)
        if not cases:
            self._subjects.pop(key.subject, None)
        if self.holder.get(key) is case:
            del self.holder[key]

    def _group_of(self, alert: Alert) -> tuple[object, ...]:
        return tuple(part(alert) for part in self._group_by)
