"""A rule watched at work: every opinion it gives and every sample it leaves out, for whoever asks why.

Strategy: the rule is wrapped, not changed, so that what is watched is what runs.  It works for every kind of rule, because it
looks at nothing but observations and evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from qualitywatch.model import AlertKey, Evaluation, Metric, Observation, Sample
from qualitywatch.ports import Learning, RuleKind
from qualitywatch.rules.spec import RuleSpec


@dataclass(slots=True)
class Witness:
    """What was seen, in order; the reader may clear the lists at any time."""

    evaluations: list[Evaluation] = field(default_factory=list)
    taken: list[Observation] = field(default_factory=list)  # observations that moved the rule
    left_out: list[tuple[str, Sample]] = field(default_factory=list)  # name of the rule, sample of its metric it did not count

    def watch(self, spec: RuleSpec) -> RuleSpec:
        """The same rule, watched."""
        metrics = frozenset(limit.metric for limit in spec.limits)
        return replace(spec, build=lambda: _Watched(spec.name, spec.build(), metrics, self))


class _Watched:
    """One rule at work behind glass."""

    def __init__(self, name: str, rule: RuleKind, metrics: frozenset[Metric], witness: Witness) -> None:
        self._name = name
        self._rule = rule
        self._metrics = metrics
        self._witness = witness

    @property
    def listens_to(self) -> frozenset[str]:
        """What the rule listens to."""
        return self._rule.listens_to

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Note whether the rule takes the observation."""
        keys = tuple(self._rule.observe(observation))
        if keys:
            self._witness.taken.append(observation)
        elif isinstance(observation, Sample) and observation.metric in self._metrics:
            self._witness.left_out.append((self._name, observation))
        return keys

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Note the opinion."""
        evaluation = self._rule.evaluate(key, now)
        if evaluation is not None:
            self._witness.evaluations.append(evaluation)
        return evaluation

    def forget(self) -> None:
        """As the rule does."""
        self._rule.forget()

    def expire(self, now: float) -> None:
        """As the rule does."""
        self._rule.expire(now)

    def settle(self, zone: tzinfo, in_trouble: Callable[[str], bool]) -> None:
        """As the rule does, if it learns."""
        if isinstance(self._rule, Learning):
            self._rule.settle(zone, in_trouble)

    def memories(self, at_most: int) -> Mapping[str, str]:
        """As the rule does, if it learns."""
        return self._rule.memories(at_most) if isinstance(self._rule, Learning) else {}

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """As the rule does, if it learns."""
        if isinstance(self._rule, Learning):
            self._rule.recall(pbx, memories)
