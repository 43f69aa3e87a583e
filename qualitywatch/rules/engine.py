"""All rules of one PBX at work: observations in, evaluations out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qualitywatch.model import AlertKey, Evaluation, Observation
from qualitywatch.rules.spec import RuleSpec

EXPIRE_EVERY_S = 600.0


class Engine:
    """Holds one instance of every rule and asks the right one."""

    def __init__(self, specs: Sequence[RuleSpec]) -> None:
        self._rules = {spec.name: spec.build() for spec in specs}
        self._expired_at: float | None = None

    def knows(self, rule: str) -> bool:
        """Whether a rule of this name is loaded."""
        return rule in self._rules

    def observe(self, observation: Observation, now: float) -> Iterator[Evaluation]:
        """Give the observation to every rule and yield the opinions it changes."""
        for rule in self._rules.values():
            for key in rule.observe(observation):
                evaluation = rule.evaluate(key, now)
                if evaluation is not None:
                    yield evaluation

    def evaluate(self, keys: Iterable[AlertKey], now: float) -> Iterator[Evaluation]:
        """Yield the opinions of keys whose time may have come."""
        for key in keys:
            rule = self._rules.get(key.rule)
            evaluation = rule.evaluate(key, now) if rule is not None else None
            if evaluation is not None:
                yield evaluation

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
