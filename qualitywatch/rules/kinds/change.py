"""Rule kind ``change``: an attribute of a peer (User-Agent, address) is not what it was.

A change is a thing that happened, not a condition that lasts: it is told once and has no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from qualitywatch.document import Section, Selector
from qualitywatch.model import AlertKey, ChangeObservation, Evaluation, Level, Observation, Severity, Signal
from qualitywatch.rules.spec import Common


class Attribute(StrEnum):
    """What of a peer is watched."""

    USER_AGENT = "user_agent"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Options:
    attribute: Attribute
    severity: Severity
    new_peers: bool
    allowed: tuple[Selector, ...]


class ChangeRule:
    """One change rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._untold: dict[AlertKey, ChangeObservation] = {}

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a change of our attribute, unless the new value is an allowed one."""
        if not isinstance(observation, ChangeObservation) or observation.attribute != self._options.attribute:
            return ()
        if observation.old is None and not self._options.new_peers:
            return ()
        if not self._common.selection.matches(observation.pbx, observation.subject):
            return ()
        if any(selector.matches(observation.new) for selector in self._options.allowed):
            return ()
        key = AlertKey(self._common.name, observation.pbx, observation.subject)
        self._untold[key] = observation
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Tell an observed change, once."""
        change = self._untold.pop(key, None)
        if change is None:
            return None
        details = {"old": change.old or "", "new": change.new}
        if change.old is None:
            details["new_peer"] = "yes"
        if change.address:
            details["address"] = change.address
        return Evaluation(
            key,
            now,
            (Level(self._options.severity, Signal.BREACH, 0.0),),
            None,
            0.0,
            topic=self._options.attribute,
            one_shot=True,
            details=details,
            texts=self._common.texts,
        )

    def forget(self) -> None:
        """A change that was seen stays seen: nothing to drop."""

    def expire(self, now: float) -> None:
        """Changes are told at once: nothing to release."""


def parse(common: Common, section: Section) -> tuple[str, Callable[[], ChangeRule]]:
    """Read the keys of a change rule; problems go to the section's document."""
    options = Options(
        attribute=section.choice("attribute", Attribute, Attribute.USER_AGENT),
        severity=section.choice("severity", Severity, Severity.WARNING),
        new_peers=section.boolean("new_peers", True),
        allowed=section.patterns("allowed"),
    )
    return f"{options.attribute} of a peer changed: {options.severity}", partial(ChangeRule, common, options)
