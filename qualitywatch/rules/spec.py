"""What every rule has, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qualitywatch.document import Selector
from qualitywatch.model import Direction
from qualitywatch.ports import RuleKind


@dataclass(frozen=True, slots=True)
class Selection:
    """Which subjects a rule or an override speaks of; nothing named means all."""

    subjects: tuple[Selector, ...] = ()
    not_subjects: tuple[Selector, ...] = ()
    pbxes: tuple[Selector, ...] = ()

    def matches(self, pbx: str, subject: str) -> bool:
        """Whether the subject is meant."""
        if self.subjects and not any(selector.matches(subject) for selector in self.subjects):
            return False
        if any(selector.matches(subject) for selector in self.not_subjects):
            return False
        return not self.pbxes or any(selector.matches(pbx) for selector in self.pbxes)


@dataclass(frozen=True, slots=True)
class Common:
    """Name, selection and wording of a rule."""

    name: str
    selection: Selection
    texts: Mapping[str, str] = field(default_factory=dict)
    yields_to: tuple[str, ...] = ()
    directions: frozenset[Direction] = frozenset(Direction)


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as loaded: ``build`` makes one at work, with windows of its own, for each PBX."""

    name: str
    kind: str
    summary: str
    source: str  # file:line
    build: Callable[[], RuleKind]
    yields_to: tuple[str, ...] = ()
