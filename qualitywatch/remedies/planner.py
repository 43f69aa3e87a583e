"""Which remedy is due now, and what has to be taken back.  Pure: it reads no clock and sends nothing.

Strategy: desired state, as everywhere.  What fires and has remedies is compared with the deeds that are remembered; ``next``
gives one step at a time, and whoever takes it says what came of it, so that the step after knows.  A deed is remembered
before it is sent and until it has been taken back, so a restart at any moment repeats at most what can be repeated.

Pauses, and how fresh an alert is, are reckoned in ``monotonic`` seconds of this machine, which nobody sets; wall time is for
what is stored and told, and what lies in its future after a step back counts as unknown.

Several alerts may want the same switch.  They are a stack: it stays as the last of them wants it, goes back to the one below
when that one is over, and to what it was before all of them at the end.  What somebody else has set meanwhile is left alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    NotifyReason,
    Remedy,
    RemedyNote,
    RemedyOutcome,
    RemedyReason,
    Transition,
    Undo,
    UndoKind,
)
from qualitywatch.remedies.deeds import Deed, DeedState, Memory
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.remedies.steps import ACTIVE, Job, Step, mark_of, note_of, same_switch, undo_note_of
from qualitywatch.remedies.templates import fields_of, fill_all, speaks_of_channels

HOUR_S: Final = 3600.0
FRESH_S: Final = 60.0  # after that a channel's name may be another's, and a call comes too late
LIMITS_TOLD: Final = 5  # of one remedy: a storm must not bury what was done under what was not
RETRY_S: Final = 300.0  # after a refusal to take something back: rights are mended by hand

_NOTHING: Final = Memory()
_Index: TypeAlias = Mapping[tuple[AlertKey, str, str], Deed]  # by alert, remedy and channel


class Planner:
    """The remedies of all PBXes; ``remedies`` are those of each rule by its name."""

    def __init__(
        self,
        policy: RemedyPolicy,
        remedies: Mapping[str, Sequence[Remedy]],
        memory: Memory = _NOTHING,
        *,
        trunk_of: Callable[[str, str], str | None] = lambda pbx, subject: None,
    ) -> None:
        self._policy = policy
        self._remedies = {
            rule: [(mark_of(remedy), remedy) for remedy in wanted if policy.allows(remedy.action)]
            for rule, wanted in remedies.items()
        }
        self._trunk_of = trunk_of
        self._deeds = {deed.id: deed for deed in memory.deeds}
        self._started_at = list(memory.started_at)
        self._last_id = max([memory.last_id, *self._deeds])
        self._over: set[AlertKey] = set()
        self._heard_at: dict[AlertKey, float] = {}  # when it last changed, monotonic
        self._happened: dict[AlertKey, Alert] = {}
        self._not_before: dict[int, float] = {}  # by deed, monotonic
        self._limited: set[tuple[AlertKey, str]] = set()  # what waits for the hour to pass, by alert and remedy
        self._limits_told: Counter[str] = Counter()  # the same by remedy

    @property
    def memory(self) -> Memory:
        """What to store."""
        return Memory(tuple(self._deeds.values()), tuple(self._started_at), self._last_id)

    def take(self, transitions: Iterable[Transition], monotonic: float) -> None:
        """Take in what changed, in order."""
        for transition in transitions:
            alert = transition.alert
            if not self._remedies.get(alert.key.rule) and not any(deed.key == alert.key for deed in self._deeds.values()):
                continue
            self._heard_at[alert.key] = monotonic
            if transition.reason is NotifyReason.HAPPENED:
                self._happened[alert.key] = alert
            elif transition.new_state is AlertState.INACTIVE:
                self._over.add(alert.key)
                self._heard_at.pop(alert.key)

    def next(self, pbx: str, alerts: Iterable[Alert], now: float, wall: float, monotonic: float) -> Step | None:
        """Return what is due on one PBX, whose clock says ``now`` and whose alerts these are; None when nothing is."""
        if not self._policy.enabled:
            return None
        firing = {alert.key: alert for alert in alerts if alert.state is AlertState.FIRING}
        for deed in sorted(self._deeds.values(), key=lambda deed: -deed.id):  # the top of a stack first
            if deed.key.pbx == pbx and self._is_over(deed, firing) and not self._rests(deed, monotonic):
                step = self._release(deed, wall)
                if step is not None:
                    return step
        undone = {deed.key for deed in self._deeds.values()}
        self._over = {key for key in self._over if key.pbx != pbx or key in undone}
        limited = [deed for deed in self._deeds.values() if deed.state is DeedState.LIMITED]
        self._limited = {(deed.key, deed.remedy) for deed in limited}
        self._limits_told = Counter(deed.remedy for deed in limited)
        index = {(deed.key, deed.remedy, deed.channel): deed for deed in self._deeds.values()}
        for alert in firing.values():
            heard_at = self._heard_at.get(alert.key)  # None: only before a restart
            age_s = monotonic - heard_at if heard_at is not None else now - (alert.fired_at or now)
            step = self._wish(alert, index, wall, monotonic, fresh=0 <= age_s <= FRESH_S, lasts=True)
            if step is not None:
                return step
        for alert in [alert for alert in self._happened.values() if alert.key.pbx == pbx]:
            fresh = monotonic - self._heard_at.get(alert.key, monotonic) <= FRESH_S
            step = self._wish(alert, index, wall, monotonic, fresh=fresh, lasts=False)
            if step is not None:
                return step
            del self._happened[alert.key]
            self._heard_at.pop(alert.key, None)
        return None

    # --- doing ----------------------------------------------------------------------------------------------------------

    def reads_first(self, deed: Deed) -> bool:
        """Whether what there is must be read before it is changed."""
        return deed.undo.kind is UndoKind.BEFORE

    def begin(self, deed: Deed, undo: Undo, incident: int, wall: float) -> Deed:
        """The deed is about to be sent: remember it, and count it when it is new."""
        if deed.id not in self._deeds or self._deeds[deed.id].state is not DeedState.STARTED:
            self._started_at.append(wall)
        begun = replace(deed, state=DeedState.STARTED, undo=undo, incident=incident, at=wall)
        self._deeds[deed.id] = begun
        return begun

    def done(self, deed: Deed, wall: float) -> RemedyNote:
        """It was done."""
        self._deeds[deed.id] = replace(deed, state=DeedState.DONE)
        return note_of(wall, RemedyOutcome.DONE, deed)

    def not_done(self, deed: Deed, why: RemedyReason, detail: str, wall: float) -> RemedyNote:
        """It was refused, or cannot be done; it is not tried again for this alert."""
        self._deeds[deed.id] = replace(deed, state=DeedState.NOT_DONE)
        return note_of(wall, RemedyOutcome.NOT_DONE, deed, why, detail)

    def unclear(self, deed: Deed, wall: float, monotonic: float) -> RemedyNote | None:
        """Nobody knows whether it was done: what can be repeated is, later; the rest is not, which is worth a note."""
        if ACTIONS[deed.action].repeatable:
            self._not_before[deed.id] = monotonic + FRESH_S / 2
            return None
        return self.not_done(deed, RemedyReason.SILENT, "", wall)

    # --- undoing --------------------------------------------------------------------------------------------------------

    def undone(self, deed: Deed, wall: float) -> RemedyNote:
        """It was taken back."""
        self._forget(deed)
        return undo_note_of(wall, RemedyOutcome.UNDONE, deed)

    def found(self, deed: Deed, value: str | None, wall: float) -> RemedyNote | None:
        """Somebody else has set it since: leave it; no note where it turns out that it was never done, or is back already."""
        self._forget(deed)
        if deed.state is DeedState.STARTED:
            return None
        if value == (deed.undo.value if deed.undo.kind is UndoKind.VALUE else None):
            return undo_note_of(wall, RemedyOutcome.UNDONE, deed)  # by us, just before a restart
        return undo_note_of(wall, RemedyOutcome.NOT_UNDONE, deed, RemedyReason.CHANGED, value or "")

    def not_undone(self, deed: Deed, why: RemedyReason, detail: str, wall: float, monotonic: float) -> RemedyNote | None:
        """Asterisk refused to take it back: tried again later, told once."""
        told = deed.id in self._not_before
        self._not_before[deed.id] = monotonic + RETRY_S
        return None if told else undo_note_of(wall, RemedyOutcome.NOT_UNDONE, deed, why, detail)

    def reconnected(self) -> None:
        """Rights are those of the login: what was refused is tried again at once."""
        self._not_before = dict.fromkeys(self._not_before, -math.inf)

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _is_over(self, deed: Deed, firing: Mapping[AlertKey, Alert]) -> bool:
        if deed.key in self._over or deed.key not in firing:
            return deed.key not in self._happened
        return all(mark != deed.remedy for mark, _ in self._remedies.get(deed.key.rule, ()))  # the rule was changed

    def _rests(self, deed: Deed, monotonic: float) -> bool:
        return monotonic < self._not_before.get(deed.id, -math.inf)

    def _release(self, deed: Deed, wall: float) -> Step | None:
        if deed.state is DeedState.DRY and deed.undo.kind is not UndoKind.NEVER:
            self._forget(deed)
            return Step(Job.SAY, deed, undo_note_of(wall, RemedyOutcome.WOULD_UNDO, deed))
        if deed.state not in ACTIVE or deed.undo.kind is UndoKind.NEVER:
            self._forget(deed)
            return None
        if not self._policy.allows(deed.action):
            return None  # remembered, for when it is allowed again
        others = [other for other in self._deeds.values() if other.id != deed.id and same_switch(other, deed)]
        above = [other for other in others if other.id > deed.id]
        below = max(others, key=lambda other: other.id, default=None)
        if above:
            heir = min(above, key=lambda other: other.id)
            if heir.state is DeedState.STARTED:
                return None  # what there is now is not known before that one is done
            if heir.restores:
                self._deeds[heir.id] = replace(heir, undo=deed.undo)
        elif below is not None and below.values["value"] != deed.values["value"]:
            return Step(Job.UNDO, replace(deed, undo=Undo(UndoKind.VALUE, below.values["value"])))
        elif below is None:
            return Step(Job.UNDO, deed)
        self._forget(deed)
        return Step(Job.SAY, deed, undo_note_of(wall, RemedyOutcome.NOT_UNDONE, deed, RemedyReason.HELD))

    def _forget(self, deed: Deed) -> None:
        del self._deeds[deed.id]
        self._not_before.pop(deed.id, None)

    def _wish(self, alert: Alert, index: _Index, wall: float, monotonic: float, *, fresh: bool, lasts: bool) -> Step | None:
        for mark, remedy in self._remedies.get(alert.key.rule, ()):
            if alert.severity.rank < remedy.severity.rank:
                continue
            per_channel = ACTIONS[remedy.action].per_channel or speaks_of_channels(remedy.values)
            for channel in alert.channels if per_channel else ("",):
                known = index.get((alert.key, mark, channel))
                step = self._again(known, wall, monotonic) if known is not None else None
                if known is None or known.state is DeedState.LIMITED:
                    if not self._may(wall) and self._has_told_limit(alert.key, mark):
                        continue
                    step = self._first(alert, (mark, remedy), channel, known, wall, fresh=fresh, lasts=lasts)
                if step is not None:
                    return step
        return None

    def _again(self, deed: Deed, wall: float, monotonic: float) -> Step | None:
        """A deed that was begun: after a restart, or without an answer."""
        if deed.state is not DeedState.STARTED or self._rests(deed, monotonic):
            return None
        kind, is_fresh = ACTIONS[deed.action], 0 <= wall - deed.at <= FRESH_S
        if kind.switch is None and not (kind.repeatable and is_fresh):
            return Step(Job.SAY, deed, self.not_done(deed, RemedyReason.SILENT, "", wall))
        return Step(Job.DO, deed)

    def _first(
        self,
        alert: Alert,
        wanted: tuple[str, Remedy],
        channel: str,
        known: Deed | None,
        wall: float,
        *,
        fresh: bool,
        lasts: bool,
    ) -> Step | None:
        mark, remedy = wanted
        key, kind = alert.key, ACTIONS[remedy.action]
        values = fill_all(remedy.values, fields_of(alert, channel, self._trunk_of(key.pbx, key.subject)))
        undo = remedy.undo if lasts else Undo(UndoKind.NEVER)
        deed = known or Deed(self._last_id + 1, key, mark, remedy.action, values or remedy.values, wall, channel=channel)
        deed = replace(deed, undo=undo, restores=undo.kind is UndoKind.BEFORE)
        if values is None or kind.unfit(values):
            return self._refuse(deed, RemedyReason.UNFIT, "", wall)
        if not fresh and (kind.switch is None or channel):
            return self._refuse(deed, RemedyReason.LATE, "", wall) if known is None and key in self._heard_at else None
        if not self._may(wall):
            return self._refuse(deed, RemedyReason.LIMIT, str(self._policy.max_per_hour), wall, DeedState.LIMITED)
        self._last_id = max(self._last_id, deed.id)
        if self._policy.dry_run or remedy.dry_run:
            dry = replace(deed, state=DeedState.DRY)
            self._deeds[dry.id] = dry
            self._started_at.append(wall)
            return Step(Job.SAY, dry, note_of(wall, RemedyOutcome.WOULD, dry))
        if deed.undo.kind is UndoKind.BEFORE:
            under = [other for other in self._deeds.values() if same_switch(other, deed)]
            if under:  # what there is, is known: we have set it
                deed = replace(deed, undo=Undo(UndoKind.VALUE, max(under, key=lambda other: other.id).values["value"]))
        return Step(Job.DO, deed)

    def _refuse(self, deed: Deed, why: RemedyReason, detail: str, wall: float, state: DeedState = DeedState.NOT_DONE) -> Step:
        refused = self._deeds[deed.id] = replace(deed, state=state)
        self._last_id = max(self._last_id, deed.id)
        return Step(Job.SAY, refused, note_of(wall, RemedyOutcome.NOT_DONE, refused, why, detail))

    def _has_told_limit(self, key: AlertKey, mark: str) -> bool:
        """Whether another line about the limit would be no news."""
        return (key, mark) in self._limited or self._limits_told[mark] >= LIMITS_TOLD

    def _may(self, wall: float) -> bool:
        # A clock that was set back leaves instants in the future: they count from now.
        self._started_at = [min(at, wall) for at in self._started_at if wall - at < HOUR_S]
        return len(self._started_at) < self._policy.max_per_hour
