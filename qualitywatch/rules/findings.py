"""What a look over rules finds, and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.rules.spec import Common, RuleSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that does not do what it says: where, what, why, and what to do about it."""

    source: str  # file:line
    rule: str
    what: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.source}: {self.rule} {self.what}: {self.why}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with what its file says."""

    spec: RuleSpec
    common: Common
    options: object

    def finding(self, what: str, why: str, remedy: str) -> Finding:
        """Something found of this rule."""
        return Finding(self.spec.source, self.spec.name, what, why, remedy)
