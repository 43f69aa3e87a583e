"""Charts of incidents: what the store knows of a subject, with the limits in force and the incident's time shaded."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from qualitywatch.charts.painter import Painter
from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import Incident
from qualitywatch.notify.members import charted
from qualitywatch.room import Room

SPAN_S: Final = 1800.0


class Pictures:
    """Draws charts of incidents; None where nothing can be drawn."""

    def __init__(self, painter: Painter, room: Room, language: str, zone: tzinfo) -> None:
        self._painter = painter
        self._room = room
        self._language = language
        self._zone = zone

    async def of_incident(self, incident: Incident) -> bytes | None:
        """A chart of the last half hour of the first subject that has something to show, in PNG."""
        member = charted(incident)
        if member is None or not self._painter.available:
            return None
        key, name = member.key, member.alert.display_name
        now = next((view.now for view in self._room.pbxes() if view.name == incident.pbx), incident.opened_at)
        since = now - SPAN_S
        points = await self._room.history(incident.pbx, key.subject, since, now)
        if not points:
            return None
        request = ChartRequest(
            title=f"{name} {key.subject}" if name else key.subject,
            points=tuple(points),
            since=since,
            until=now,
            language=self._language,
            zone=zone_name(self._zone),
            limits=tuple(self._room.limits(key.subject)),
            shaded=((incident.opened_at, incident.closed_at),),
        )
        return await self._painter.paint(request)


def zone_name(zone: tzinfo) -> str:
    """The IANA name of a zone, "UTC" where it has none."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"
