"""A message for machines: JSON-able mappings for web hooks, version 1.  Figures are bare numbers, what is unknown is null."""

from __future__ import annotations

from datetime import tzinfo

from qualitywatch.model import Bulletin, Form, Incident, Member, MemberState
from qualitywatch.notify.legible import legible
from qualitywatch.notify.members import ended_at, urgency
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.notify.terms import finite

VERSION = 1


def payload_of(bulletin: Bulletin, text: str, language: str, zone: tzinfo) -> dict[str, object]:
    """Return the message as plain values; a digest holds those of its incidents under ``digest``."""
    if bulletin.form is not Form.DIGEST:
        return {**_incident(bulletin.incidents[0], language, zone), "text": text}
    return {
        "version": VERSION,
        "status": _worst_status(bulletin.incidents),
        "severity": str(max(map(urgency, bulletin.incidents), key=lambda severity: severity.rank)),
        "digest": [_incident(incident, language, zone) for incident in bulletin.incidents],
        "text": text,
    }


def _incident(incident: Incident, language: str, zone: tzinfo) -> dict[str, object]:
    return {
        "version": VERSION,
        "incident": incident.id,
        "pbx": _sound(incident.pbx),
        "status": _status(incident),
        "severity": str(urgency(incident)),
        "worst": str(incident.worst),
        "news": incident.news,
        "reason": str(incident.news_reason),
        "opened_at": finite(incident.opened_at),
        "closed_at": finite(incident.closed_at),
        "acknowledged_by": _sound(incident.ack.by) if incident.ack is not None else None,
        "flapping": incident.flapping,
        "members": [_member(member, language, zone) for member in incident.members],
    }


def _member(member: Member, language: str, zone: tzinfo) -> dict[str, object]:
    alert = member.alert
    return {
        "rule": _sound(alert.key.rule),
        "subject": _sound(alert.key.subject),
        "direction": str(alert.key.direction) if alert.key.direction is not None else None,
        "name": _sound(alert.display_name) if alert.display_name is not None else None,
        "topic": _sound(alert.topic),
        "state": str(member.state),
        "severity": str(alert.severity),
        "value": finite(alert.value),
        "peak": finite(alert.peak),
        "since_at": finite(alert.since_at),
        "ended_at": finite(ended_at(member)) if member.state is MemberState.RESOLVED else None,
        "text": member_sentence(member, language, zone),
    }


def _status(incident: Incident) -> str:
    if incident.firing:
        return "muted" if incident.mute is not None else "firing"
    return "resolved" if any(member.state is MemberState.RESOLVED for member in incident.members) else "happened"


def _worst_status(incidents: tuple[Incident, ...]) -> str:
    found = set(map(_status, incidents))
    return next(status for status in ("firing", "muted", "happened", "resolved") if status in found)


def _sound(text: str) -> str:
    """The text as people see it: what a machine is given ends in a ticket or a chat, where hidden characters mislead.

    Bytes that were never UTF-8 cannot be sent.
    """
    return legible(text.encode("utf-8", "replace").decode("utf-8"))
