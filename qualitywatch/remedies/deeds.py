"""What was done about alerts that are not over yet: all that must be remembered to take it back, once, after any restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qualitywatch.model import AlertKey, RemedyAction, Undo, UndoKind


class DeedState(StrEnum):
    STARTED = "started"  # stored, and then sent: a kill leaves open whether it was
    DONE = "done"
    DRY = "dry"  # only said
    NOT_DONE = "not_done"  # refused, and not to be tried again for this alert
    LIMITED = "limited"  # waits for the hour to pass


@dataclass(frozen=True, slots=True)
class Deed:
    """One remedy applied for one alert, or for one channel of it."""

    id: int
    key: AlertKey
    remedy: str  # which of the rule: see ``steps.mark_of``
    action: RemedyAction
    values: Mapping[str, str]  # filled in
    at: float  # wall clock
    state: DeedState = DeedState.STARTED
    channel: str = ""
    undo: Undo = field(default_factory=lambda: Undo(UndoKind.NEVER))  # BEFORE only until it was read what there was
    restores: bool = False  # the rule wants back what there was before
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the planner knows between two runs of the daemon."""

    deeds: tuple[Deed, ...] = ()
    started_at: tuple[float, ...] = ()  # of what was done in the last hour
    last_id: int = 0
