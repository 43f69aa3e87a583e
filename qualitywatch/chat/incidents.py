"""Open incidents: how many, and each in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from qualitywatch.chat.asking import Asking
from qualitywatch.chat.page import Page
from qualitywatch.model import AlertState, Bulletin, Form, Incident, Mute, MuteKind, Severity
from qualitywatch.notify.inbound import Answer
from qualitywatch.notify.render import notification
from qualitywatch.notify.texts import number


async def alerts(asking: Asking) -> Answer:
    """/alerts: open incidents, most urgent first."""
    texts, page = asking.texts, asking.page()
    incidents = asking.room.incidents()
    if not incidents:
        page.line(texts.no_incidents)
    for incident in incidents:
        add_incident(asking, page, incident)
        page.blank()
    pending = sum(alert.state is AlertState.PENDING for view in asking.room.pbxes() for alert in view.alerts)
    if pending:
        page.line(texts.pending.format(count=pending))
    return page.answer()


def add_incident(asking: Asking, page: Page, incident: Incident) -> None:
    """Add what it is, since when, and who has it."""
    texts = asking.texts
    now = pbx_now(asking, incident.pbx)
    page.line(headline(asking, incident), bold=f"#{incident.id}")
    parts = [texts.since.format(time=asking.time(incident.opened_at, now), lasted=asking.lasted(now - incident.opened_at))]
    if incident.ack is not None:
        parts.append(texts.taken.format(by=incident.ack.by, time=asking.time(incident.ack.at)))
    if incident.mute is not None:
        parts.append(mute_words(asking, incident.mute))
    page.line(", ".join(parts))


def headline(asking: Asking, incident: Incident) -> str:
    """Return the first line of the incident's message."""
    bulletin = Bulletin(Form.LIVING, (incident,))
    told = notification(bulletin, asking.language, show_pbx=asking.show_pbx, zone=asking.zone)
    return told.plain.partition("\n")[0]


def mute_words(asking: Asking, mute: Mute) -> str:
    """Return why nobody is told of it."""
    texts = asking.texts
    if mute.kind is MuteKind.INHIBITED:
        return texts.explained.format(name=mute.name)
    told = texts.muted if mute.kind is MuteKind.SILENCE else texts.maintained.format(name=mute.name)
    if mute.until is not None:
        told += " " + texts.until.format(time=asking.time(mute.until))
    return told + (f" ({mute.by})" if mute.by else "")


def tally(asking: Asking, incidents: Iterable[Incident]) -> str:
    """Return how many incidents are open, by severity, and how many of them somebody has seen to."""
    texts, found = asking.texts, list(incidents)
    if not found:
        return texts.no_incidents
    counts = (
        (severity, sum(one.severity is severity for one in found)) for severity in sorted(Severity, key=lambda one: -one.rank)
    )
    told = ", ".join(number(count, texts.severities[severity]) for severity, count in counts if count)
    acknowledged = sum(one.ack is not None for one in found)
    muted = sum(one.mute is not None for one in found)
    notes = [texts.acknowledged.format(count=acknowledged)] if acknowledged else []
    notes += [texts.muted_count.format(count=muted)] if muted else []
    return texts.open_incidents.format(told=told) + (f" ({', '.join(notes)})" if notes else "")


def pbx_now(asking: Asking, name: str) -> float:
    """Return the PBX's own time, or ours when it is not known any more."""
    return next((view.now for view in asking.room.pbxes() if view.name == name), asking.room.now())
