"""Remedies that are well written and yet do nothing, in a rule of that kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.model import UndoKind
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.remedies.templates import speaks_of_channels
from qualitywatch.rules.findings import Finding, Rule

NAMES_CHANNELS: Final = frozenset({"destination"})  # kinds whose alerts name the channels that break the rule
HAPPENS: Final = frozenset({"change"})  # kinds whose alerts have no end


def idle_remedies(rule: Rule) -> Iterator[Finding]:
    """What remedies of a rule can never do."""
    kind = rule.spec.kind
    for remedy in rule.spec.remedies:
        if kind not in NAMES_CHANNELS and (ACTIONS[remedy.action].per_channel or speaks_of_channels(remedy.values)):
            yield rule.finding(
                f"can never {remedy.action}",
                f"alerts of kind {kind} name no channels",
                f"give the remedy to a rule of kind {' or '.join(sorted(NAMES_CHANNELS))}",
            )
        if kind in HAPPENS and remedy.undo.kind in {UndoKind.VALUE, UndoKind.DELETE}:
            yield rule.finding(
                f"never undoes its {remedy.action}",
                f"what a rule of kind {kind} tells of has no end",
                "write undo: {never: true}",
            )
