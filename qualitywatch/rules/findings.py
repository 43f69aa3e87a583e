"""What a look over rules finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qualitywatch.document import format_duration
from qualitywatch.rules.spec import Common, RuleSpec
from qualitywatch.rules.windows import PACKETS_PER_SECOND, Windowed


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


def too_few_packets(rule: Rule, options: Windowed) -> Iterator[Finding]:
    """Yield that a window of voice holds fewer packets than the rule wants."""
    possible = PACKETS_PER_SECOND * options.window_s
    if options.min_expected > possible:
        enough = format_duration(round(options.min_expected / PACKETS_PER_SECOND))
        yield rule.finding(
            "can hardly ever fire",
            f"a window of {format_duration(options.window_s)} holds {possible:.0f} packets of a call, min_expected wants"
            f" {options.min_expected:g}",
            f"make the window at least {enough}, or min_expected smaller",
        )
