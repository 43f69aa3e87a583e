"""What an administrator decided about incidents, as frozen values; every default works without any configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.document import Hours, Selector
from qualitywatch.model import Alert, AlertKey, Severity

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts are meant: every part that is not empty must match, by one of its selectors."""

    rules: tuple[Selector, ...] = ()
    subjects: tuple[Selector, ...] = ()
    pbxes: tuple[Selector, ...] = ()
    topics: tuple[Selector, ...] = ()  # "loss_percent", "trunk_state", "pbx_state", ...
    severities: frozenset[Severity] = frozenset()
    labels: Mapping[str, tuple[Selector, ...]] = field(default_factory=dict)  # labels of the alert's rule
    keys: frozenset[AlertKey] = frozenset()  # these very alerts

    def matches(self, alert: Alert, labels: Mapping[str, str]) -> bool:
        """Whether the alert, whose rule has these labels, is meant."""
        key = alert.key
        if self.keys and key not in self.keys:
            return False
        parts = ((self.rules, key.rule), (self.subjects, key.subject), (self.pbxes, key.pbx), (self.topics, alert.topic))
        if not all(_one_matches(selectors, text) for selectors, text in parts):
            return False
        if self.severities and alert.severity not in self.severities:
            return False
        return all(name in labels and _one_matches(selectors, labels[name]) for name, selectors in self.labels.items())


@dataclass(frozen=True, slots=True)
class Audience:
    """One target and what it wants to hear at all; ``pbxes`` empty means every PBX."""

    target: str
    min_severity: Severity = Severity.WARNING
    pbxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts that match are told, and what happens when nobody reacts.  Durations in seconds, None: never."""

    match: Matcher = field(default_factory=Matcher)
    targets: tuple[str, ...] = ()  # empty: everybody whose audience it is
    repeat_s: float | None = 4 * HOUR_S  # told again while it fires and nobody has acknowledged it
    escalate_after_s: float | None = None
    escalate_to: tuple[str, ...] = ()
    remind_s: float | None = 8 * HOUR_S  # told again when it was acknowledged so long ago and still fires
    go_on: bool = False  # look at the next routes as well


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of ``source`` fires, those of ``target`` are explained by it.

    ``equal`` lists what both must share beside the PBX: "subject", "direction", "trunk" (the target's peer belongs to the
    source's trunk), or "site" (the target's peer stands at the source's site, or hears the gaps of the source's trunk).
    ``merge``: the source tells in other words what its targets told, so it goes on in their incident.
    """

    source: Matcher
    target: Matcher
    equal: tuple[str, ...] = ()
    merge: bool = False


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """A time of the week in which alerts that match are muted."""

    name: str
    hours: Hours
    match: Matcher = field(default_factory=Matcher)


@dataclass(frozen=True, slots=True)
class DeskPolicy:
    """Everything that decides how alerts become incidents and who is told of them."""

    audiences: tuple[Audience, ...] = ()
    routes: tuple[Route, ...] = (Route(),)  # the first that matches; one for everything else is always appended
    inhibitions: tuple[Inhibition, ...] = ()
    windows: tuple[MaintenanceWindow, ...] = ()
    group_by: tuple[str, ...] = ("rule",)  # of "rule", "topic", "subject", "direction", "severity"; empty: never group
    group_within_s: float = 60.0  # an alert joins so long after the last that joined
    refresh_s: float = 10.0  # figures of an open incident are brought up to date so often
    flap_fires: int = 3  # so often within ``flap_within_s`` is flapping; 0: never
    flap_within_s: float = 600.0
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of rules, by name


def _one_matches(selectors: tuple[Selector, ...], text: str) -> bool:
    return not selectors or any(selector.matches(text) for selector in selectors)
