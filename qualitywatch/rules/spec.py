"""What every rule has, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, runtime_checkable

from qualitywatch.document import Hours, Selector
from qualitywatch.model import AlertKey, Direction, Remedy
from qualitywatch.ports import RuleKind
from qualitywatch.room import Limit


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
    """Name, selection and wording of a rule; ``labels`` are for routes and windows of the configuration to match."""

    name: str
    selection: Selection
    texts: Mapping[str, str] = field(default_factory=dict)
    yields_to: tuple[str, ...] = ()
    directions: frozenset[Direction] = frozenset(Direction)
    labels: Mapping[str, str] = field(default_factory=dict)
    critical_patterns: tuple[Selector, ...] = ()  # of a change rule: new values that are critical whatever else it says
    files: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # by key: lines, each with its file:line
    active: Hours | None = None  # when its conditions count; None: always

    def key_of(self, pbx: str, subject: str, direction: Direction | None = None) -> AlertKey | None:
        """The key that an observation of a subject belongs to; None when the rule does not speak of it."""
        return AlertKey(self.name, pbx, subject, direction) if self.selection.matches(pbx, subject) else None


@runtime_checkable
class Limited(Protocol):
    """A factory of rules that have limits a chart can show."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Limits of subjects without an override, the mildest severity first."""
        ...

    def limits_for(self, pbx: str, subject: str) -> tuple[Limit, ...]:
        """Limits of one subject; none when the rule does not speak of it."""
        ...


@runtime_checkable
class Teachable(Protocol):
    """A factory of rules that learn, for tests of rules to say what they have learned."""

    def taught(
        self, subject: str, direction: Direction | None, usual: float, deviation: float, hours: Mapping[int, float], at: float
    ) -> tuple[str, str]:
        """Name and text of the memory of a subject whose figure has long been so, and otherwise at some hours."""
        ...


def no_limits(pbx: str, subject: str) -> tuple[Limit, ...]:
    """What a rule without limits has for any subject."""
    return ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as loaded: ``build`` makes one at work, with windows of its own, for each PBX.

    ``limits`` are those of subjects without an override; ``limits_for`` takes a PBX and a subject.
    """

    name: str
    kind: str
    summary: str
    source: str  # file:line
    build: Callable[[], RuleKind]
    yields_to: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    limits_for: Callable[[str, str], tuple[Limit, ...]] = no_limits
    active: Hours | None = None  # when its conditions count; None: always
    remedies: tuple[Remedy, ...] = ()  # what the configuration may allow to be done about its alerts
    common: Common | None = None  # what the file says of any kind of rule; for whoever looks a rule over

    @property
    def works(self) -> object:
        """How it judges, to be compared: equal for rules that judge exactly alike, wherever they stand."""
        build = self.build
        # A factory is a frozen value, or a class with its frozen options.
        return self.kind, self.active, (build.func, build.args) if isinstance(build, partial) else build
