"""Steps of the planner, what is said of them, and what tells one deed from another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from qualitywatch.model import Remedy, RemedyNote, RemedyOutcome, RemedyReason, UndoKind
from qualitywatch.remedies.deeds import Deed, DeedState
from qualitywatch.remedies.registry import ACTIONS

ACTIVE: Final = frozenset({DeedState.STARTED, DeedState.DONE})
_TAKEN_BACK: Final[Mapping[UndoKind, str]] = {
    UndoKind.VALUE: "_back",
    UndoKind.DELETE: "_delete",
    UndoKind.BEFORE: "_before",
    UndoKind.NEVER: "",
}


class Job(Enum):
    """What a step asks for."""

    DO = auto()
    UNDO = auto()
    SAY = auto()  # nothing is sent; the planner has taken note already


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do next; ``note`` is what to say at once, if anything."""

    job: Job
    deed: Deed
    note: RemedyNote | None = None


def mark_of(remedy: Remedy) -> str:
    """Name a remedy of a rule by what it says, so that it is known again whatever stands above it in the file."""
    return json.dumps([remedy.action, remedy.values, remedy.undo.kind, remedy.undo.value], sort_keys=True)


def same_switch(other: Deed, deed: Deed) -> bool:
    switch = ACTIONS[deed.action].switch
    if switch is None or other.state not in ACTIVE or (other.action, other.key.pbx) != (deed.action, deed.key.pbx):
        return False
    return bool(switch.address(deed.values)) and switch.address(other.values) == switch.address(deed.values)


def note_of(
    wall: float, outcome: RemedyOutcome, deed: Deed, why: RemedyReason = RemedyReason.NONE, detail: str = ""
) -> RemedyNote:
    return RemedyNote(wall, outcome, deed.action, deed.values, why, detail)


def undo_note_of(
    wall: float, outcome: RemedyOutcome, deed: Deed, why: RemedyReason = RemedyReason.NONE, detail: str = ""
) -> RemedyNote:
    kind = UndoKind.BEFORE if why is RemedyReason.HELD else deed.undo.kind
    values = {**deed.values, "value": deed.undo.value} if kind is UndoKind.VALUE else deed.values
    return RemedyNote(wall, outcome, f"{deed.action}{_TAKEN_BACK[kind]}", values, why, detail)
