"""The stored past of one PBX before the production machine once more: the same engine, lifecycle and desk, on the same clock.

Strategy: what was judged is stored as it was judged, so nothing of what the trackers knew is needed.  Time is caught up
second by second before each thing, as ``Pipeline`` does it; a second is only skipped when nothing can happen in it: an alert on
a state that has fired with all its severities waits for the next word about it.  Silences, acknowledgements and the like are
left out: this is what would have come if nobody had done anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Evaluation,
    Incident,
    NotifyReason,
    Observation,
    PbxState,
    Sample,
    Signal,
    StatusObservation,
    Transition,
)
from qualitywatch.model.observations import Belonging, Gap, Observed, Whereabouts
from qualitywatch.pipeline import PBX_TOPIC
from qualitywatch.rules.engine import Engine
from qualitywatch.rules.spec import RuleSpec

IDLE_STEP_S: Final = 60  # so often the desk, and rules that wait for days, are asked while nothing happens
STOPPED_AFTER_S: Final = 300.0  # when the daemon was started anew: it is taken to have run so long after the last it stored
_CONSTANT: Final = (frozenset({Signal.BREACH}), frozenset({Signal.KEEP}), frozenset({Signal.UNKNOWN}))


@dataclass(frozen=True, slots=True)
class Told:
    """Messages of one incident, to all who hear of it, at one instant."""

    at: float
    incident: int
    messages: int


class Retrial:
    """One set of rules at work on the past of one PBX."""

    def __init__(self, pbx: str, specs: Sequence[RuleSpec], policy: DeskPolicy) -> None:
        self._pbx = pbx
        self._specs = tuple(specs)
        # By states, not by calls: between two words about such a thing only its holds can end.
        self._steady = {spec.name for spec in specs if spec.kind == "state" and spec.active is None}
        self._slow = {spec.name for spec in specs if spec.kind == "fall" and spec.active is None}
        self._engine = Engine(specs)
        self._lifecycle = Lifecycle()
        self._trunks: dict[str, str | None] = {}
        self._places: dict[str, tuple[str, ...]] = {}
        self._desk = Desk(
            replace(policy, refresh_s=math.inf),
            trunk_of=lambda _, subject: self._trunks.get(subject),
            places_of=lambda _, subject: self._places.get(subject, ()),
        )
        self._now: float | None = None
        self._blind_since: float | None = None
        self._asleep: set[AlertKey] = set()
        self._fresh: list[Transition] = []
        self.transitions: list[Transition] = []
        self.incidents: dict[int, Incident] = {}
        self.told: list[Told] = []

    @property
    def alerts(self) -> Sequence[Alert]:
        """What is pending or fires now."""
        return tuple(self._lifecycle.active().values())

    def hear(self, item: Sample | Observed) -> None:
        """Take in the next thing that was judged."""
        if isinstance(item, Sample):
            self.advance(item.at)
            self._judge(item, item.at)
        elif isinstance(item.what, Gap):
            self._gap(item.what)
        elif isinstance(item.what, Belonging):
            self._trunks[item.what.subject] = item.what.trunk
        elif isinstance(item.what, Whereabouts):
            self._places[item.what.subject] = item.what.places
        else:
            self.advance(math.nextafter(item.at, -math.inf) if item.by_tick else item.at)
            self._connection(item.what, item.at)
            self._judge(item.what, item.at)
        if self._fresh:
            self._consult(item.at if self._now is None else max(item.at, self._now))

    def advance(self, now: float) -> None:
        """Let time pass."""
        before = self._now
        if before is None or now <= before:
            self._now = now if before is None else before
            return
        self._now = now
        second, last = math.floor(before) + 1, math.floor(now)
        while second <= last:
            if self._engine.waiting or len(self._asleep) < len(self._lifecycle.active()):
                self._tick(float(second), slow=second % IDLE_STEP_S == 0)
                second += 1
            else:
                second += IDLE_STEP_S - second % IDLE_STEP_S
                if second <= last and (self._asleep or self._desk.open_incidents()):
                    self._tick(float(second), slow=True)
                    second += 1
        self._engine.expire(now)

    def _tick(self, now: float, *, slow: bool) -> None:
        active, blind = self._lifecycle.active(), self._blind_since is not None
        due = [
            key
            for key, alert in active.items()
            if (key not in self._asleep or (slow and key.rule in self._slow)) and (not blind or alert.topic == PBX_TOPIC)
        ]
        if not blind and self._engine.waiting:
            due.extend(key for key in self._engine.due(now) if key not in active)
        for evaluation in self._engine.evaluate(due, now):
            self._apply(evaluation)
            self._rest(evaluation)
        if slow or self._fresh:
            self._consult(now)

    def _judge(self, observation: Observation, now: float) -> None:
        for evaluation in self._engine.observe(observation, now):
            self._asleep.discard(evaluation.key)
            self._apply(evaluation)

    def _apply(self, evaluation: Evaluation) -> None:
        transition = self._lifecycle.apply(evaluation)
        if transition is not None:
            self._fresh.append(transition)
            if transition.new_state is AlertState.INACTIVE:
                self._asleep.discard(evaluation.key)

    def _rest(self, evaluation: Evaluation) -> None:
        """Let an alert sleep about which the passing of time says nothing any more."""
        key = evaluation.key
        alert = self._lifecycle.active().get(key)
        if alert is None or alert.state is not AlertState.FIRING or alert.clear_since is not None:
            return
        if key.rule in self._steady and frozenset(level.signal for level in evaluation.levels) in _CONSTANT:
            holds = {level.severity: level.hold_s for level in evaluation.levels}
            if evaluation.topic != "audio_state" and all(
                evaluation.at - since_at >= holds.get(severity, 0.0) for severity, since_at in alert.level_since.items()
            ):
                self._asleep.add(key)
        elif key.rule in self._slow:
            self._asleep.add(key)

    def _connection(self, what: Observation, at: float) -> None:
        """What the pipeline does when the PBX is lost from sight, and found again."""
        if not isinstance(what, StatusObservation) or what.entity != "pbx":
            return
        if what.status == PbxState.BLIND and self._blind_since is None:
            self._blind_since = what.since_at
            self._forget()
        elif what.status == PbxState.SEEN and self._blind_since is not None:
            self._lifecycle.skip(max(0.0, at - self._blind_since), topics_seen={PBX_TOPIC})
            self._blind_since = None
            self._asleep.clear()

    def _gap(self, gap: Gap) -> None:
        if not gap.begins:
            self.advance(gap.at)
            self._forget()
            return
        if self._now is not None:
            self.advance(min(gap.at, self._now + STOPPED_AFTER_S) if gap.left_at is None else min(gap.at, gap.left_at))
            self._stand_still(gap.at, self._now if gap.left_at is None else gap.left_at)
        self._engine, self._blind_since = Engine(self._specs), None
        self._asleep.clear()
        self._now = gap.at if self._now is None else max(self._now, gap.at)

    def _stand_still(self, at: float, left_at: float) -> None:
        """What a start does with the holds that the run before it left."""
        if self._blind_since is not None:
            self._lifecycle.skip(max(0.0, left_at - self._blind_since), topics_seen={PBX_TOPIC})
        self._lifecycle.skip(max(0.0, at - left_at))

    def _forget(self) -> None:
        self._engine.forget()
        self._asleep.clear()

    def _consult(self, at: float) -> None:
        """Ask the desk what follows for people."""
        transitions, self._fresh = self._fresh, []
        self.transitions += (each for each in transitions if each.reason is not NotifyReason.NONE)
        for incident in self._desk.step(self._pbx, transitions, self.alerts, at).incidents:
            before = self.incidents.get(incident.id)
            known, news = (before.targets, before.news) if before is not None else ((), 0)
            messages = sum(incident.news - news if target in known else min(1, incident.news) for target in incident.targets)
            if messages > 0:
                self.told.append(Told(at, incident.id, messages))
            self.incidents[incident.id] = incident
