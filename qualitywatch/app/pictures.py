"""Charts that hang below messages: what the store knows of an incident's subject, drawn off the event loop.

Without the library that draws them they are lines of blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from qualitywatch.charts.order import order
from qualitywatch.charts.painter import Painter
from qualitywatch.charts.sparkline import chart_lines
from qualitywatch.model import Incident
from qualitywatch.notify.legible import legible
from qualitywatch.notify.members import charted
from qualitywatch.room import Room

SPAN_S: Final = 1800.0


class Pictures:
    """Draws charts of incidents; None where nothing can be drawn."""

    def __init__(self, painter: Painter, room: Room, language_of: Callable[[str], str], zone: tzinfo) -> None:
        """``language_of`` tells the language of a target."""
        self._painter = painter
        self._room = room
        self._language_of = language_of
        self._zone = zone

    async def of_incident(self, incident: Incident, target: str) -> bytes | str | None:
        """A chart of the last half hour of the first subject that has something to show: PNG, or lines of text."""
        member = charted(incident)
        if member is None:
            return None
        subject, name = member.key.subject, member.alert.display_name
        until = next((view.now for view in self._room.pbxes() if view.name == incident.pbx), incident.opened_at)
        since = until - SPAN_S
        points = await self._room.history(incident.pbx, subject, since, until)
        if not points:
            return None
        language = self._language_of(target)
        if not self._painter.available:
            return "\n".join(chart_lines(points, language, since=since, until=until)) or None
        title = legible(f"{name} {subject}" if name and name not in subject else subject)
        return await self._painter.paint(
            order(self._room, incident.pbx, subject, title, points, since, until, language, self._zone, [incident])
        )
