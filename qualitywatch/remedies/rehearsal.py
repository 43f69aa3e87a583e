"""What would be done about alerts, told and not done: for recordings, and for tests of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from qualitywatch.model import Alert, AlertKey, Remedy, RemedyNote, Transition
from qualitywatch.remedies.planner import Planner
from qualitywatch.remedies.policy import RemedyPolicy


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One remedy that would have been applied, or taken back."""

    key: AlertKey
    note: RemedyNote


class Rehearsal:
    """The remedies of one PBX in a story of the past.  They are on, whatever the configuration says, and only said."""

    def __init__(
        self,
        pbx: str,
        remedies: Mapping[str, Sequence[Remedy]],
        policy: RemedyPolicy | None = None,
        *,
        trunk_of: Callable[[str], str | None] = lambda subject: None,
    ) -> None:
        self._pbx = pbx
        self._is_idle = not any(remedies.values())
        policy = replace(policy or RemedyPolicy(), enabled=True, dry_run=True)
        self._planner = Planner(policy, remedies, trunk_of=lambda pbx, subject: trunk_of(subject))

    def step(self, transitions: Sequence[Transition], alerts: Sequence[Alert], now: float) -> list[Rehearsed]:
        """Follow one step of the story."""
        if self._is_idle:
            return []
        self._planner.take(transitions, now)
        found = []
        while (step := self._planner.next(self._pbx, alerts, now, now, now)) is not None:
            if step.note is not None:
                found.append(Rehearsed(step.deed.key, step.note))
        return found
