"""``remedies`` of a rule: read once for rules of every kind."""

from __future__ import annotations

from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import Remedy, RemedyAction, Severity, Undo, UndoKind
from qualitywatch.remedies.registry import ACTIONS

_UNDO_ONE: Final = "say one of value: (set it to that), delete: true (delete it) and never: true (leave it)"


def read_remedies(section: Section) -> tuple[Remedy, ...]:
    """Read the list ``remedies`` of a rule; problems go to the section's document."""
    remedies = []
    for part in section.sections("remedies", required="remedies" in section):
        remedy = _remedy(part)
        if remedy is not None:
            remedies.append(remedy)
            part.close()
    for index, remedy in enumerate(remedies):
        if remedy in remedies[:index]:
            section.problem("remedies", f"{remedy.action} is there twice with the same words")
    return tuple(remedies)


def _remedy(section: Section) -> Remedy | None:
    word = section.text("action", choices=tuple(RemedyAction))
    if word not in tuple(RemedyAction):
        return None  # which keys it may have is not known
    action = RemedyAction(word)
    kind = ACTIONS[action]
    values = kind.parse(section)
    can_undo = kind.switch is not None and not values.get("channel")
    undo = _undo(section) if can_undo else Undo(UndoKind.NEVER)
    if not can_undo and "undo" in section:
        section.section("undo")
        section.problem(
            "undo", f"{action} cannot be undone" if kind.switch is None else "what a channel is set to ends with it"
        )
    severity = section.choice("severity", Severity, Severity.INFO)
    return Remedy(action, values, severity, undo, section.boolean("dry_run", False))


def _undo(parent: Section) -> Undo:
    """Return how it is taken back: without a word, to what it was before."""
    section = parent.section("undo", required="undo" in parent)
    if section is None:
        return Undo(UndoKind.BEFORE)
    words = [key for key in ("value", "delete", "never") if key in section]
    undo = Undo(UndoKind.BEFORE)
    if len(words) != 1:
        section.problem("", _UNDO_ONE)
    elif words == ["value"]:
        undo = Undo(UndoKind.VALUE, section.text("value"))
    else:
        if not section.boolean(words[0]):
            section.problem(words[0], "can only be true; leave it out otherwise")
        undo = Undo(UndoKind.DELETE if words == ["delete"] else UndoKind.NEVER)
    section.close()
    return undo
