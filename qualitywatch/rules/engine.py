"""All rules of one PBX at work: observations in, evaluations out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qualitywatch.model import AlertKey, Evaluation, Observation
from qualitywatch.rules.duty import Duty
from qualitywatch.rules.spec import RuleSpec

EXPIRE_EVERY_S = 600.0


class Engine:
    """Holds one instance of every rule and asks the right one."""

    def __init__(self, specs: Sequence[RuleSpec]) -> None:
        self._rules = {spec.name: spec.build() for spec in specs}
        self._duty = Duty({spec.name: spec.active for spec in specs if spec.active is not None})
        self._expired_at: float | None = None

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

    def observe(self, observation: Observation, now: float) -> Iterator[Evaluation]:
        """Give the observation to every rule and yield the opinions it changes."""
        for rule in self._rules.values():
            for key in rule.observe(observation):
                evaluation = rule.evaluate(key, now)
                counted = self._duty.judge(evaluation) if evaluation is not None else None
                if counted is not None:
                    yield counted

    def evaluate(self, keys: Iterable[AlertKey], now: float) -> Iterator[Evaluation]:
        """Yield the opinions of keys whose time may have come."""
        for key in keys:
            rule = self._rules.get(key.rule)
            evaluation = rule.evaluate(key, now) if rule is not None else None
            counted = self._duty.judge(evaluation) if evaluation is not None else None
            if counted is not None:
                yield counted

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
