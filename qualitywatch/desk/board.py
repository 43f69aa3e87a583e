"""The incidents of one PBX, and what each change of its alerts does to them.

Strategy: a step first lets time pass (mutes that end, alerts that are released, incidents that are due), then takes each
transition at its own instant, and now and then compares what it knows with all alerts there are: for figures, and for what
vanished or appeared without a transition.  Incidents that were touched are settled after each instant and handed out once,
at the end.  When nothing happened and nothing is due, a step is a few comparisons.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from qualitywatch.desk import news
from qualitywatch.desk.case import Case
from qualitywatch.desk.flapping import RecentFires, with_fire
from qualitywatch.desk.grouping import Register
from qualitywatch.desk.history import one_after_another
from qualitywatch.desk.inhibition import GRACE_S, Inhibitor, PlacesOf, TrunkOf
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.desk.quiet import UNKNOWN, Quiet
from qualitywatch.desk.routing import Router
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Incident,
    Member,
    MemberState,
    Mute,
    MuteKind,
    NotifyReason,
    Severity,
    Transition,
)

CLOCK_STEP_S: Final = 5.0  # messages and ticks differ by less; a clock that goes back further was set back


class Board:
    """One PBX at the desk."""

    def __init__(
        self,
        pbx: str,
        policy: DeskPolicy,
        *,
        incidents: Iterable[Incident],
        next_id: Callable[[], int],
        quiet_at: Callable[[float], Quiet],
        trunk_of: TrunkOf,
        places_of: PlacesOf,
    ) -> None:
        self._pbx = pbx
        self._policy = policy
        self._next_id = next_id
        self._quiet_at = quiet_at
        self._router = Router(policy)
        self._inhibitor = Inhibitor(policy, trunk_of, places_of)
        self._recent = RecentFires(policy.flap_within_s)
        self._quiet = UNKNOWN
        self._is_judged = False  # whether stored mutes were compared with what is in force
        self._now: float | None = None  # of the PBX
        self._wall = 0.0
        self._seen = 0  # alerts there were at the last step
        self._look_at = -math.inf  # when to compare figures again
        self._due: list[tuple[float, int]] = []  # heap of (when, incident); outdated entries are skipped
        self._unsettled: dict[int, Case] = {}
        self._touched: dict[int, Case] = {}
        self.register = Register(policy)
        self._restore(incidents)

    def _restore(self, incidents: Iterable[Incident]) -> None:
        for incident in sorted(incidents, key=lambda each: max((member.joined_at for member in each.members), default=0.0)):
            case = Case(incident, self._router, is_stored=True)
            self.register.add(case)
            if case.is_open:
                self._unsettled[case.id] = case
        self._recent.restore(case.incident for case in self.register.closed.values())
        cases = (*self.register.closed.values(), *self.register.open.values())
        members = [member for case in cases for member in case.members.values()]
        ended = {member.key: member.ended_at for member in members if member.ended_at is not None}
        self._inhibitor.restore([case.members[key] for key, case in self.register.holder.items()], ended)

    def step(self, transitions: Sequence[Transition], alerts: Sequence[Alert], now: float, wall: float) -> tuple[Incident, ...]:
        """Take in what changed; return the incidents that are new or different now."""
        expected = self._seen + sum(_difference(transition) for transition in transitions)
        is_first = self._now is None
        looks = is_first or len(alerts) != expected or now >= self._look_at
        if not transitions and not looks and self._is_nothing_due(now, wall):
            return ()
        self._set_clocks(now, wall)
        now = max(now, self._now or now)
        firing = {alert.key: alert for alert in alerts if alert.state is AlertState.FIRING} if looks else {}
        if looks:
            self._drop_vanished(firing, {transition.alert.key for transition in transitions}, now)  # settled with what follows
        for transition in transitions:
            at = min(transition.at, now)
            self._pass_time(at, wall - now + at)
            self._take(transition, at)
            self._settle(at)
        self._pass_time(now, wall)
        if looks:
            self._compare(firing, now)
            self._look_at = now + self._policy.refresh_s if alerts else math.inf
        elif self._look_at == math.inf:
            self._look_at = now + self._policy.refresh_s
        self._seen = len(alerts)
        return self.collect()

    def change(self, case: Case, incident: Incident) -> None:
        """Put the incident of a case as somebody wants it; ``collect`` follows."""
        case.incident = incident
        self._touched[case.id] = case
        self._plan(case)

    def stop_flapping(self, case: Case) -> None:
        """Nobody waits for it to come again; the next step settles it."""
        if case.incident.flapping:
            case.incident = replace(case.incident, flapping=False)
            self._touch(case)

    def give_back(self, case: Case, wall: float) -> None:
        """Nobody has an incident any more; ``collect`` follows."""
        news.wait_anew(case, wall if self._now is None else self._now)
        self.change(case, replace(case.incident, ack=None))

    def judge_mutes(self, wall: float) -> None:
        """Somebody changed what is muted: apply it now; ``collect`` follows."""
        self._wall = wall
        self._quiet = self._quiet_at(wall)
        at = wall if self._now is None else self._now
        self._rejudge_all(at)
        self._settle(at)

    def collect(self) -> tuple[Incident, ...]:
        """The incidents that are new or different since the last time."""
        touched, self._touched = self._touched, {}
        return tuple(snapshot for case in touched.values() if (snapshot := case.snapshot()) is not None)

    def _is_nothing_due(self, now: float, wall: float) -> bool:
        if self._now is None or now < self._now - CLOCK_STEP_S or wall < self._wall - CLOCK_STEP_S:
            return False
        if now >= self._inhibitor.next_release or (self._due and now >= self._due[0][0]):
            return False
        return not self._unsettled and self._quiet.holds(wall)

    # --- time -----------------------------------------------------------------------------------------------------------

    def _set_clocks(self, now: float, wall: float) -> None:
        """Where a clock was set back, or is another one than before a restart: what lies in the future is now."""
        is_first = self._now is None
        if self._now is None or now < self._now - CLOCK_STEP_S:
            self._now = now
            for case in self.register.closed.values():
                case.kept_at, case.last_join = min(case.kept_at, now), min(case.last_join, now)
            for case in self.register.open.values():
                case.not_after(now, GRACE_S)
                self._touched[case.id] = self._unsettled[case.id] = case
            self._recent.not_after(now)
            self._inhibitor.not_after(now)
            self._look_at = min(self._look_at, now)
        if is_first:
            self._quiet = self._quiet_at(wall)
        if is_first or wall < self._wall - CLOCK_STEP_S:
            for case in self.register.open.values():
                ack = case.incident.ack
                if ack is not None and ack.at > wall:
                    self.change(case, replace(case.incident, ack=replace(ack, at=wall)))
        self._wall = wall

    def _pass_time(self, at: float, wall: float) -> None:
        self._now = at = at if self._now is None else max(at, self._now)
        self._wall = wall
        if not self._is_judged or not self._quiet.holds(wall):
            before, self._quiet = self._quiet, self._quiet_at(wall)
            if not self._is_judged or not self._quiet.same_as(before):
                self._is_judged = True
                self._rejudge_all(at)
        if at >= self._inhibitor.next_release:
            for key in self._inhibitor.release(at):
                self._rejudge(key, at)
        self._settle(at)
        for case in self._pop_due(at):
            news.nag(case, at, wall, self._policy)
            self._touch(case)
        self._settle(at)

    def _pop_due(self, at: float) -> list[Case]:
        due: dict[int, Case] = {}
        while self._due and self._due[0][0] <= at:
            when, case_id = heapq.heappop(self._due)
            case = self.register.open.get(case_id)
            if case is not None and case.due == when:
                case.due = math.inf
                due[case_id] = case
        return list(due.values())

    def _plan(self, case: Case) -> None:
        now = self._now
        due = math.inf if now is None else news.next_due(case, self._wall - now, self._policy)
        if due != case.due:
            case.due = due
            if due != math.inf:
                heapq.heappush(self._due, (due, case.id))

    def _touch(self, case: Case) -> None:
        self._touched[case.id] = self._unsettled[case.id] = case

    def _settle(self, at: float) -> None:
        unsettled, self._unsettled = self._unsettled, {}
        for case in unsettled.values():
            was_open = case.is_open
            news.settle(case, at, self._policy)
            if not case.is_open:
                self._recent.remember(case.members.values(), at)
                if was_open:
                    self.register.close(case)
                self.register.keep_closed(case, at)
            self._touched[case.id] = case
            self._plan(case)

    # --- alerts ---------------------------------------------------------------------------------------------------------

    def _take(self, transition: Transition, at: float) -> None:
        alert = transition.alert
        match transition.reason:
            case NotifyReason.FIRING:
                self._fire(alert, at)
            case NotifyReason.HAPPENED:
                self._happen(alert, at)
            case NotifyReason.SEVERITY_INCREASED:
                self._update(alert, at)
            case NotifyReason.RESOLVED:
                self._resolve(alert, at, transition.resolved_because)
            case NotifyReason.NONE:
                pass  # pending concerns nobody; a lower severity waits for the next comparison of figures

    def _compare(self, firing: Mapping[AlertKey, Alert], now: float) -> None:
        self._drop_vanished(firing, (), now)
        for alert in firing.values():
            self._update(alert, now)
        self._settle(now)

    def _drop_vanished(self, firing: Mapping[AlertKey, Alert], mentioned: Collection[AlertKey], now: float) -> None:
        for key in [key for key in self.register.holder if key not in firing and key not in mentioned]:
            self._resolve(self.register.holder[key].members[key].alert, now, "dropped")

    def _fire(self, alert: Alert, at: float) -> None:
        key = alert.key
        if key in self.register.holder:
            self._update(alert, at)
            return
        touched = self._inhibitor.fire(alert, at)
        parent = self._inhibitor.parent_of(key)
        case = self.register.holding(key)
        fires = with_fire(case.members[key].fires if case else self._recent.of(key), at, self._policy.flap_within_s)
        if case is not None and case.is_guest(key):  # what it was here for is over, or it is so again, there
            if parent is None:
                self._leave(case, key)
            case = None
        if case is None:
            case = self.register.holder.get(parent) if parent is not None else None
        if case is None:
            case = self._merged(alert, touched) or self._place(alert, at)
        known = case.members.get(key)
        joined_at = at if known is None else known.joined_at
        self._join(case, Member(alert, MemberState.FIRING, joined_at, mute=self._mute(alert), fires=fires))
        if parent is None and 0 < self._policy.flap_fires <= len(fires) and not case.incident.flapping:
            case.incident = replace(case.incident, flapping=True)
            case.flapped = case.members[key].mute is None
        for other in touched:
            self._rejudge(other, at)

    def _happen(self, alert: Alert, at: float) -> None:
        parent = self._inhibitor.explains(alert)
        mute = self._mute(alert, parent)
        case = self.register.holder.get(parent) if parent is not None else None
        if case is None:
            fits = self._company(alert, mute)
            case = (
                self.register.burst_of(alert.key.subject, at, fits)
                or self.register.for_group(alert, at, fits, happened=True)
                or self._open(alert, at, closed_at=at)
            )
        known = case.members.get(alert.key)
        if known is not None and known.state is MemberState.FIRING:
            return  # its rule was of another kind a moment ago
        fires = with_fire(known.fires if known else self._recent.of(alert.key), at, self._policy.flap_within_s)
        if known is not None and known.state is MemberState.HAPPENED and (known.mute is None) is (mute is None):
            alert = one_after_another(known.alert, alert)
        elif known is not None and parent is None:
            case = self._open(alert, at, closed_at=at)  # what was told before stays told
        self._join(case, Member(alert, MemberState.HAPPENED, at, mute=mute, fires=fires))

    def _resolve(self, alert: Alert, at: float, because: str | None) -> None:
        case = self.register.holder.get(alert.key)
        if case is None:
            return
        member = case.members[alert.key]
        touched = self._inhibitor.end(alert.key, at)
        mute = member.mute if case.is_guest(alert.key) else None
        ended = replace(member, alert=alert, state=MemberState.RESOLVED, ended_at=at, resolved_because=because, mute=mute)
        self._put(case, ended)
        for other in touched:
            self._rejudge(other, at)

    def _update(self, alert: Alert, at: float) -> None:
        """Take over what is known of a firing alert; one that nobody holds is taken in as if it had just fired."""
        case = self.register.holder.get(alert.key)
        if case is None:
            self._fire(alert, at)
            return
        known = case.members[alert.key].alert
        if known is alert or _looks(known) == _looks(alert):
            return
        touched: list[AlertKey] = []
        if (known.severity, known.topic) != (alert.severity, alert.topic):
            touched = [*self._inhibitor.change(alert, at), *self._inhibitor.explained_by(alert.key)]
        self._rejudge(alert.key, at, alert)
        for other in touched:
            self._rejudge(other, at)

    # --- members --------------------------------------------------------------------------------------------------------

    def _place(self, alert: Alert, at: float, exclude: Case | None = None) -> Case:
        fits = self._company(alert, self._mute(alert), exclude)
        return (
            self.register.for_subject(alert.key.subject, fits)
            or self.register.for_group(alert, at, fits, happened=False)
            or self._open(alert, at)
        )

    def _merged(self, alert: Alert, explained: Sequence[AlertKey]) -> Case | None:
        """The incident that tells of nothing but what an alert explains, the fullest of several, where it goes on in theirs."""
        if not explained or not self._inhibitor.merges(alert.key):
            return None
        fits, keys = self._company(alert, self._mute(alert)), frozenset(explained)
        cases = {case.id: case for key in explained if (case := self.register.holder.get(key)) is not None and fits(case)}
        # Who took on a lesser trouble did not take on this one, and who comes and goes is not listened to.
        fresh = (case for case in cases.values() if case.incident.ack is None and not case.incident.flapping)
        whole = [case for case in fresh if case.heard and all(member.key in keys for member in case.heard)]
        return max(whole, key=lambda case: (len(case.heard), -case.id), default=None)

    def _company(self, alert: Alert, mute: Mute | None, exclude: Case | None = None) -> Callable[[Case], bool]:
        """Which incidents may take an alert: what nobody would be told of by itself is not told in the company of others."""
        if mute is not None:
            return lambda case: case is not exclude and (not case.is_heard or case.loud is None)
        is_heard = bool(self._router.plan(alert).targets)
        return lambda case: case is not exclude and case.is_heard is is_heard

    def _open(self, alert: Alert, at: float, closed_at: float | None = None) -> Case:
        incident = Incident(self._next_id(), self._pbx, at, (), alert.severity, Severity.INFO, closed_at=closed_at)
        return Case(incident, self._router)

    def _join(self, case: Case, member: Member) -> None:
        is_new = not case.members
        joined = is_new or member.key not in case.members or member.state is MemberState.HAPPENED
        case.put(member)
        if member.mute is None:
            case.spoke = True
            if member.state is MemberState.HAPPENED:
                worse = case.happened is None or member.alert.severity.rank > case.happened.rank
                case.happened = member.alert.severity if worse else case.happened
        if is_new:
            self.register.add(case)
        else:
            self.register.note(case, member.key, joined=joined)
        self._touch(case)

    def _put(self, case: Case, member: Member) -> None:
        case.put(member)
        self.register.note(case, member.key, joined=False)
        self._touch(case)

    def _leave(self, case: Case, key: AlertKey) -> Member:
        member = case.drop(key)
        self.register.forget_member(case, key)
        self._touch(case)
        return member

    def _rejudge_all(self, at: float) -> None:
        for key in list(self.register.holder):
            self._rejudge(key, at)

    def _rejudge(self, key: AlertKey, at: float, alert: Alert | None = None) -> None:
        """See anew who mutes a firing member, and with that where it belongs; ``alert`` is what is known of it now."""
        case = self.register.holder.get(key)
        if case is None:
            return
        member = case.members[key]
        alert = member.alert if alert is None else alert
        mute = self._mute(alert)
        if case.is_guest(key):
            parent = self._inhibitor.parent_of(key)
            host = self.register.holder.get(parent) if parent is not None else case
            if parent is None or (host is not None and host is not case):
                self._leave(case, key)
                host = self._place(alert, at, exclude=case) if parent is None or host is None else host
                self._join(host, replace(member, alert=alert, joined_at=at, mute=mute))
                return
        if mute == member.mute and alert is member.alert:
            return
        before = member.mute
        if mute is None and before is not None and before.kind is not MuteKind.INHIBITED:
            case.outlived |= before.until is not None and before.until <= self._wall
        self._put(case, replace(member, alert=alert, mute=mute))

    def _mute(self, alert: Alert, parent: AlertKey | None = None) -> Mute | None:
        """Why nobody is told of an alert: somebody asked for quiet, or else another alert explains it."""
        asked = self._quiet.mute(alert, self._policy)
        release_at = None
        if parent is None:
            parent, release_at = self._inhibitor.parent_of(alert.key), self._inhibitor.release_at(alert.key)
        if parent is None or self._is_worse(alert, parent):
            return asked
        if asked is not None:
            return replace(asked, parent=parent)
        return Mute(MuteKind.INHIBITED, parent.subject, release_at, parent=parent)

    def _is_worse(self, alert: Alert, parent: AlertKey) -> bool:
        """Whether an alert is worse than the one that explains it, and that does not do for it.

        Where that one says it in other words, those words do not say it all.  Where it is the cause, it does, unless somebody
        hears of the worse one alone: then he would hear of nothing.  Quiet about a cause is meant for what follows of it, but
        quiet about warnings is not meant for what is worse.
        """
        host = self.register.holder.get(parent)
        cause = None if host is None else host.members[parent].alert
        if cause is None or alert.severity.rank <= cause.severity.rank:
            return False
        if self._inhibitor.merges(parent):
            return True
        if self._quiet.mute(cause, self._policy) is not None:
            return self._quiet.mute(replace(cause, severity=alert.severity), self._policy) is None
        return not set(self._router.plan(alert).targets) <= set(self._router.plan(cause).targets)


def _difference(transition: Transition) -> int:
    """By how many a transition changes the number of alerts that are pending or fire."""
    if transition.reason is NotifyReason.HAPPENED:
        return 0
    return (transition.new_state is not AlertState.INACTIVE) - (transition.old_state is not AlertState.INACTIVE)


def _looks(alert: Alert) -> tuple[object, ...]:
    """What a reader can see of an alert."""
    return (
        alert.severity,
        alert.value,
        alert.peak,
        alert.worst,
        alert.details,
        alert.display_name,
        alert.topic,
        alert.since_at,
        alert.texts,
    )
