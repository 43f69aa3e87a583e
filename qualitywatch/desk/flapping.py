"""Flapping: how often an alert fired lately, over incidents that ended in between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qualitywatch.model import AlertKey, Incident, Member

_SWEEP_FROM: Final = 256


def with_fire(fires: Iterable[float], at: float, within_s: float) -> tuple[float, ...]:
    """When it fired within the flap window, this time included."""
    return (*(fired for fired in fires if fired > at - within_s), at)


class RecentFires:
    """When the members of closed incidents fired."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._fires: dict[AlertKey, tuple[float, ...]] = {}
        self._sweep_at_size = _SWEEP_FROM

    def of(self, key: AlertKey) -> tuple[float, ...]:
        """The fires of the closed incident that held this key last."""
        return self._fires.get(key, ())

    def remember(self, members: Iterable[Member], at: float) -> None:
        """Take over the fires of an incident that has closed."""
        for member in members:
            if member.fires:
                self._fires[member.key] = member.fires
        if len(self._fires) > self._sweep_at_size:
            self._fires = {key: fires for key, fires in self._fires.items() if fires[-1] > at - self._within_s}
            self._sweep_at_size = max(_SWEEP_FROM, 2 * len(self._fires))

    def restore(self, closed: Iterable[Incident]) -> None:
        """Take over what was stored, in the order in which it closed."""
        for incident in sorted(closed, key=lambda each: (each.closed_at or 0.0, each.id)):
            self.remember(incident.members, incident.closed_at or 0.0)

    def not_after(self, now: float) -> None:
        """The clock was set back: what lies in the future is now."""
        self._fires = {key: tuple(min(fired, now) for fired in fires) for key, fires in self._fires.items()}
