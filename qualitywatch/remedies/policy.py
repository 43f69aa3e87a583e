"""What the configuration allows of remedies, whatever the rules ask for."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.model import RemedyAction


@dataclass(frozen=True, slots=True)
class RemedyPolicy:
    """Section ``remedies``; ``only`` empty means any action.  ``max_per_hour``: of all PBXes, undoing not counted."""

    enabled: bool = False
    dry_run: bool = False
    max_per_hour: int = 10
    only: frozenset[RemedyAction] = frozenset()

    def allows(self, action: RemedyAction) -> bool:
        """Whether an action may be done at all."""
        return self.enabled and (not self.only or action in self.only)
