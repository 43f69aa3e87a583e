"""What is done about an alert: remedies as a rule asks for them, and notes of what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qualitywatch.model.words import Severity


class RemedyAction(StrEnum):
    """What a PBX may be told to do."""

    HANGUP = "hangup"
    REDIRECT = "redirect"
    SETVAR = "setvar"
    DBPUT = "dbput"
    ORIGINATE = "originate"


class UndoKind(StrEnum):
    BEFORE = "before"  # to what it was when the remedy was applied
    VALUE = "value"  # to a value of the rule
    DELETE = "delete"  # away with it
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Undo:
    """How a remedy is taken back when its alert is over."""

    kind: UndoKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy of a rule; texts of ``values`` are templates over the alert (see ``remedies.templates``)."""

    action: RemedyAction
    values: Mapping[str, str]
    severity: Severity = Severity.INFO  # the least its alert must have
    undo: Undo = Undo(UndoKind.NEVER)
    dry_run: bool = False


class RemedyOutcome(StrEnum):
    """What became of one order, or of taking it back."""

    DONE = "done"
    UNDONE = "undone"
    WOULD = "would"  # dry run
    WOULD_UNDO = "would_undo"
    NOT_DONE = "not_done"
    NOT_UNDONE = "not_undone"


class RemedyReason(StrEnum):
    """Why something was not done."""

    NONE = ""
    RIGHT = "right"  # the manager user lacks one of the rights named in the detail
    LIMIT = "limit"  # the detail says how many an hour
    REFUSED = "refused"  # Asterisk's own words in the detail
    SILENT = "silent"  # no answer
    GONE = "gone"  # the channel is no longer there
    LATE = "late"  # so late that the name may be another channel's
    HELD = "held"  # another alert still needs it so
    CHANGED = "changed"  # somebody else has set it meanwhile, to the detail
    UNFIT = "unfit"  # it cannot be filled in, or not be sent


@dataclass(frozen=True, slots=True)
class RemedyNote:
    """One line of what was done about an incident; ``at`` is wall-clock time.

    ``what`` names the sentence: an action, or one with ``_back``, ``_delete`` or ``_before`` after it where it was taken back.
    """

    at: float
    outcome: RemedyOutcome
    what: str
    values: Mapping[str, str] = field(default_factory=dict)
    why: RemedyReason = RemedyReason.NONE
    detail: str = ""
