"""All that came of a story that was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qualitywatch.model import Evaluation, Transition
from qualitywatch.notify.transcript import Line
from qualitywatch.remedies.rehearsal import Rehearsed
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.rules.witness import Witness


@dataclass(slots=True)
class Run:
    """All that came of a story; times are absolute."""

    specs: Mapping[str, RuleSpec]
    start_at: float = 0.0
    end_at: float = 0.0
    transitions: list[Transition] = field(default_factory=list)
    witness: Witness = field(default_factory=Witness)
    lines: list[Line] = field(default_factory=list)
    remedies: list[Rehearsed] = field(default_factory=list)

    @property
    def evaluations(self) -> list[Evaluation]:
        """Every opinion of every rule, in order."""
        return self.witness.evaluations
