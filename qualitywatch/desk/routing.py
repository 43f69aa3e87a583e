"""Routing: who is told of an alert, how often, and who when nobody reacts."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.desk.policy import DeskPolicy, Route
from qualitywatch.model import Alert


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told as well when nobody has acknowledged for so long."""

    after_s: float
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the routes say of one alert."""

    targets: tuple[str, ...]
    repeat_s: float | None
    remind_s: float | None
    escalations: tuple[Escalation, ...]


class Router:
    """The routes of a policy, and one for everything else, so that nothing is lost."""

    def __init__(self, policy: DeskPolicy) -> None:
        self._policy = policy
        self._routes = (*policy.routes, Route())

    def plan(self, alert: Alert) -> Plan:
        """What is to become of an alert with the severity it has now."""
        labels = self._policy.labels.get(alert.key.rule, {})
        routes: list[Route] = []
        for route in self._routes:
            if route.match.matches(alert, labels):
                routes.append(route)
                if not route.go_on:
                    break
        targets = dict.fromkeys(target for route in routes for target in route.targets or self._listeners(alert))
        return Plan(
            tuple(targets),
            min((route.repeat_s for route in routes if route.repeat_s is not None), default=None),
            min((route.remind_s for route in routes if route.remind_s is not None), default=None),
            tuple(
                Escalation(route.escalate_after_s, route.escalate_to)
                for route in routes
                if route.escalate_after_s is not None and route.escalate_to
            ),
        )

    def _listeners(self, alert: Alert) -> tuple[str, ...]:
        """Everybody who wants to hear of alerts of this severity and PBX."""
        return tuple(
            audience.target
            for audience in self._policy.audiences
            if audience.min_severity.rank <= alert.severity.rank and (not audience.pbxes or alert.key.pbx in audience.pbxes)
        )
