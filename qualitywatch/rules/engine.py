"""All rules of one PBX at work: observations in, evaluations out."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final, Protocol, TypeAlias

from qualitywatch.model import AlertKey, Direction, Evaluation, Observation, Sample
from qualitywatch.ports import KnowsCalm, Learning, Noting, Recalling, Resting, RuleKind
from qualitywatch.rules.duty import Duty
from qualitywatch.rules.spec import RuleSpec

EXPIRE_EVERY_S = 600.0
# What rules have learned is worth a few minutes of a crash, and is handed out in slices that take a millisecond or two.
REMEMBER_EVERY_S: Final = 300.0
REMEMBER_AT_ONCE: Final = 50

Settle: TypeAlias = "Callable[[Engine], None]"


class _Take(Protocol):
    def __call__(self, observation: Observation, now: float, active: Container[AlertKey], /) -> Iterable[AlertKey]: ...


class Engine:
    """Holds one instance of every rule and asks the right one."""

    def __init__(self, specs: Sequence[RuleSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._rules = {spec.name: spec.build() for spec in specs}
        self._duty = Duty({spec.name: spec.active for spec in specs if spec.active is not None})
        self._expired_at: float | None = None
        self._active: Container[AlertKey] = ()
        self._attends = False
        self._takers: dict[str, tuple[tuple[_Take | None, RuleKind], ...]] = {}  # by topic, made when first needed
        self._remembered_at: float | None = None
        self._index()

    def renewed(
        self, specs: Sequence[RuleSpec], pbx: str, memories: Mapping[str, str], settle: Settle
    ) -> tuple[Engine, list[AlertKey]]:
        """An engine of other rules that goes on where this one is, and the keys it may think otherwise of.

        A rule that is the same stays at work as it is.  Another is told what the rules of this engine go by at present, so that
        it judges by its whole window at once, and gets back what was learned under its name; ``settle`` gives it its
        surroundings.
        """
        engine = Engine(specs)
        kept = {name for name, spec in engine._specs.items() if name in self._specs and spec.works == self._specs[name].works}
        new = {name: rule for name, rule in engine._rules.items() if name not in kept}
        known = sorted(self._known(pbx), key=lambda observation: observation.at) if new else []
        settle(engine)
        engine.recall(pbx, memories)
        keys: dict[AlertKey, None] = {}
        for rule in new.values():
            for observation in known:
                if observation.topic in rule.listens_to:
                    keys |= dict.fromkeys(rule.observe(observation))
        engine._adopt({name: self._rules[name] for name in kept})
        engine._duty.adopt(self._duty, kept)
        settle(engine)
        return engine, list(keys)

    def _adopt(self, rules: Mapping[str, RuleKind]) -> None:
        self._rules |= rules
        self._index()

    def _index(self) -> None:
        """Sort the rules by what they are asked for."""
        rules: dict[str, object] = dict(self._rules)
        topics = {topic for rule in self._rules.values() for topic in rule.listens_to}
        self._listeners: dict[str, tuple[RuleKind, ...]] = {
            topic: tuple(rule for rule in self._rules.values() if topic in rule.listens_to) for topic in topics
        }
        self._learning: dict[str, Learning] = {name: rule for name, rule in rules.items() if isinstance(rule, Learning)}
        self._noting: dict[str, Noting] = {name: rule for name, rule in rules.items() if isinstance(rule, Noting)}
        # They know how long their opinion stays; hours that begin and end are another matter.
        self._resting: dict[str, Resting] = {
            name: rule for name, rule in rules.items() if isinstance(rule, Resting) and name not in self._duty.names
        }

    def _known(self, pbx: str) -> Iterable[Observation]:
        """Everything that some rule goes by at present, each thing once."""
        found: dict[object, Observation] = {}
        for name, rule in self._rules.items():
            recalling: object = rule
            if isinstance(recalling, Recalling):
                for subject in recalling.subjects():
                    for way in (None, *Direction):
                        seen = recalling.seen(AlertKey(name, pbx, subject, way))
                        # Windows make samples anew whenever they are asked.
                        found |= {
                            (observation if isinstance(observation, Sample) else id(observation)): observation
                            for observation, _ in seen
                        }
        return found.values()

    def knows(self, rule: str) -> bool:
        """Whether a rule of this name is loaded."""
        return rule in self._rules

    @property
    def waiting(self) -> bool:
        """Whether somebody is in trouble outside the hours of a rule, and to be looked at when they begin."""
        return self._duty.waiting

    def due(self, now: float) -> list[AlertKey]:
        """Return, once, the keys of rules whose hours have begun."""
        return self._duty.due(now)

    def attend(self, active: Container[AlertKey]) -> None:
        """Learn which keys have alerts at any time: of the others only what may begin to be one is evaluated."""
        self._active, self._attends = active, True
        self._takers.clear()

    def observe(self, observation: Observation, now: float) -> Iterable[Evaluation]:
        """Give the observation to every rule that listens to its kind and return the opinions it changes.

        They are given one by one as they are taken: what becomes of one may matter to the next.
        """
        topic = observation.metric if type(observation) is Sample else observation.topic
        takers = self._takers.get(topic)
        if takers is None:
            takers = self._takers[topic] = tuple(map(self._taker, self._listeners.get(topic, ())))
        for asked, (take, rule) in enumerate(takers, start=1):
            keys = rule.observe(observation) if take is None else take(observation, now, self._active)
            if keys:
                return self._opinions(rule, keys, takers[asked:], observation, now)
        return ()

    def _opinions(
        self,
        rule: RuleKind,
        keys: Iterable[AlertKey],
        others: Sequence[tuple[_Take | None, RuleKind]],
        observation: Observation,
        now: float,
    ) -> Iterator[Evaluation]:
        """The opinions of one rule, then those of the others that are still to be told."""
        yield from self._asked(rule, keys, now)
        for take, other in others:
            keys = other.observe(observation) if take is None else take(observation, now, self._active)
            yield from self._asked(other, keys, now)

    def _asked(self, rule: RuleKind, keys: Iterable[AlertKey], now: float) -> Iterator[Evaluation]:
        for key in keys:
            evaluation = rule.evaluate(key, now)
            counted = self._duty.judge(evaluation) if evaluation is not None else None
            if counted is not None:
                yield counted

    def _taker(self, rule: RuleKind) -> tuple[_Take | None, RuleKind]:
        # A rule with hours is always asked: what was bad outside them is to be seen to have ended.
        has_hours = any(self._rules[name] is rule for name in self._duty.names)
        return (rule.take if isinstance(rule, KnowsCalm) and not has_hours and self._attends else None), rule

    def evaluate(self, keys: Iterable[AlertKey], now: float) -> Iterator[Evaluation]:
        """Yield the opinions of keys whose time may have come."""
        for key in keys:
            rule = self._rules.get(key.rule)
            evaluation = rule.evaluate(key, now) if rule is not None else None
            counted = self._duty.judge(evaluation) if evaluation is not None else None
            if counted is not None:
                yield counted

    def rests_until(self, key: AlertKey, now: float) -> float:
        """Until when time alone does not change what the rule of a key says: only something observed does."""
        rule = self._resting.get(key.rule)
        return rule.rests_until(key, now) if rule is not None else -math.inf

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """What the opinion of one key rests on, and whether each observation was counted; nothing where a rule cannot tell."""
        rule: object = self._rules.get(key.rule)
        return rule.seen(key) if isinstance(rule, Recalling) else ()

    def subjects(self) -> set[str]:
        """Of whom rules have anything to judge by, as far as they can tell."""
        rules: list[object] = list(self._rules.values())
        return {subject for rule in rules if isinstance(rule, Recalling) for subject in rule.subjects()}

    def forget(self) -> None:
        """Let every rule drop what it has observed: there is a gap in what we saw."""
        for rule in self._rules.values():
            rule.forget()

    def expire(self, now: float) -> None:
        """Release memory, now and then."""
        if self._expired_at is None:
            self._expired_at = now
        if now - self._expired_at >= EXPIRE_EVERY_S:
            self._expired_at = now
            for rule in self._rules.values():
                rule.expire(now)

    def settle(self, zone: tzinfo, in_trouble: Callable[[str], bool]) -> None:
        """Tell the rules that learn where the PBX is, and whom to ask for alerts of quality that a subject has."""
        for rule in self._learning.values():
            rule.settle(zone, in_trouble)

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Give back what ``memories`` handed out in an earlier run; what is of no rule is left alone."""
        rules: tuple[tuple[str, Learning | Noting], ...] = (*self._learning.items(), *self._noting.items())
        for name, rule in rules:
            own = f"{name}/"
            rule.recall(pbx, {key.removeprefix(own): text for key, text in memories.items() if key.startswith(own)})

    def memories(self, now: float) -> dict[str, str]:
        """What rules have learned since they were asked last, now and then; an empty text means: forget it."""
        if self._remembered_at is None or now < self._remembered_at:
            self._remembered_at = now
        if now - self._remembered_at < REMEMBER_EVERY_S:
            return {}
        found = self._learned(REMEMBER_AT_ONCE)
        if len(found) < REMEMBER_AT_ONCE:
            self._remembered_at = now  # that was all
        return found

    def notes(self) -> dict[str, str]:
        """What belongs to alerts and became different since this was asked last; to be given back with the memories."""
        return {f"{name}/{key}": text for name, rule in self._noting.items() for key, text in rule.notes().items()}

    def all_memories(self) -> dict[str, str]:
        """Everything that was not handed out yet: nothing more comes."""
        found = self.notes()
        while part := self._learned(REMEMBER_AT_ONCE):
            found |= part
        return found

    def _learned(self, at_most: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, rule in self._learning.items():
            found |= {f"{name}/{key}": text for key, text in rule.memories(at_most - len(found)).items()}
        return found
