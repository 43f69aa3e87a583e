"""From a subject and what is known of it to a chart's request: limits, shaded times and the other end are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo

from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import HistoryPoint, Incident, Member, MemberState
from qualitywatch.room import Room


def order(
    room: Room,
    pbx: str,
    subject: str,
    title: str,
    points: Sequence[HistoryPoint],
    since: float,
    until: float,
    language: str,
    zone: tzinfo,
    incidents: Iterable[Incident],
) -> ChartRequest:
    """Return the request for a chart of [since, until); the subject's part in the incidents is shaded."""
    members = [member for incident in incidents for member in incident.members if member.key.subject == subject]
    peers = [peer for view in room.pbxes() if view.name == pbx for peer in view.peers]
    return ChartRequest(
        title=title,
        points=tuple(points),
        since=since,
        until=until,
        language=language,
        zone=zone.key if isinstance(zone, ZoneInfo) else "UTC",
        limits=tuple(room.limits(pbx, subject)),
        is_trunk=any(peer.subject == subject and peer.trunk is not None for peer in peers),
        shaded=tuple((member.alert.since_at, _ended(member)) for member in members),
    )


def _ended(member: Member) -> float | None:
    """When the trouble ended; it is found to be over only later."""
    if member.state is MemberState.FIRING:
        return None
    return member.alert.clear_since if member.alert.clear_since is not None else member.ended_at
