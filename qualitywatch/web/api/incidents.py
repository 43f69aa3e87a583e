"""Incidents: what people are told of, and who takes care of it."""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from qualitywatch.model import Incident, MemberState, MuteKind, RemedyOutcome, Severity
from qualitywatch.web.api.alerts import AlertModel, shown
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, cut
from qualitywatch.web.asking import By, Seen
from qualitywatch.web.instants import Instant, Text, instant, maybe_instant
from qualitywatch.web.refusals import RefusalError, responses
from qualitywatch.web.sources import Sources
from qualitywatch.web.telling import Told, incident_told, member_told, remedy_told

router = APIRouter(tags=["alerts"])

IncidentId = Annotated[int, Path(ge=1, le=2**53, description="The number of the incident.")]


class Muted(BaseModel):
    """Why nobody is told."""

    kind: MuteKind
    name: Text = Field(description="The silence's number, the window's name, or the subject that explains it.")
    until: Instant | None
    by: Text
    comment: Text


class MemberModel(BaseModel):
    """One alert of an incident, as it was known last."""

    alert: AlertModel
    state: MemberState
    joined: Instant
    ended: Instant | None
    mute: Muted | None
    text: Told = Field(description="What happened, or how it ended, in one sentence by language: `en`, `ru`.")


class Remedied(BaseModel):
    """What was done about an incident, or not."""

    at: Instant
    outcome: RemedyOutcome
    text: Told = Field(description="The same in one sentence by language: `en`, `ru`.")


class Ack(BaseModel):
    """Who has taken it on."""

    by: Text
    at: Instant


class IncidentModel(BaseModel):
    """One cause as people see it, with its alerts."""

    id: int
    pbx: Text
    is_open: bool
    opened: Instant
    closed: Instant | None
    text: Told = Field(description="All of it in one sentence by language: `en`, `ru`.")
    severity: Severity = Field(description="The worst of what fires and is not muted; once closed, the worst ever.")
    is_flapping: bool
    ack: Ack | None
    members: list[MemberModel] = Field(description="Its alerts, in the order they joined.")
    remedies: list[Remedied] = Field(description="What was done about it, the oldest first.")


class Openness(StrEnum):
    """Which incidents."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


def shown_incident(incident: Incident, zone: tzinfo) -> IncidentModel:
    """An incident as the API tells of it."""
    members = []
    for member in incident.members:
        mute = member.mute
        members.append(
            MemberModel(
                alert=shown(member.alert, zone),
                state=member.state,
                joined=instant(member.joined_at),
                ended=maybe_instant(member.ended_at),
                mute=None
                if mute is None
                else Muted(kind=mute.kind, name=mute.name, until=maybe_instant(mute.until), by=mute.by, comment=mute.comment),
                text=member_told(member, zone),
            )
        )
    return IncidentModel(
        id=incident.id,
        pbx=incident.pbx,
        is_open=incident.is_open,
        opened=instant(incident.opened_at),
        closed=maybe_instant(incident.closed_at),
        text=incident_told(incident, zone),
        severity=incident.severity,
        is_flapping=incident.flapping,
        ack=None if incident.ack is None else Ack(by=incident.ack.by, at=instant(incident.ack.at)),
        members=members,
        remedies=[Remedied(at=instant(note.at), outcome=note.outcome, text=remedy_told(note)) for note in incident.remedies],
    )


@router.get("/incidents", responses=responses(), summary="Incidents")
async def incidents(
    sources: Seen,
    state: Annotated[Openness, Query(description="Those that are open, those that ended lately, or both.")] = Openness.OPEN,
    pbx: Name = None,
    subject: Name = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[IncidentModel]:
    """Return incidents: the open ones most urgent first, then those that ended, the latest first."""
    known = [
        *(sources.room.incidents() if state is not Openness.CLOSED else ()),
        *(sources.room.closed_incidents() if state is not Openness.OPEN else ()),
    ]
    found = [
        incident
        for incident in known
        if pbx in (None, incident.pbx)
        and (subject is None or any(member.key.subject == subject for member in incident.members))
    ]
    return cut(found, limit, offset, lambda incident: shown_incident(incident, sources.zone))


def _found(sources: Sources, incident: Incident | None, incident_id: int) -> IncidentModel:
    if incident is None:
        raise RefusalError(404, "not_found", f"No incident {incident_id} is known.")
    return shown_incident(incident, sources.zone)


@router.get("/incidents/{incident_id}", responses=responses(404), summary="One incident")
async def incident(sources: Seen, incident_id: IncidentId) -> IncidentModel:
    """Return one incident, open or over."""
    return _found(sources, sources.room.incident(incident_id), incident_id)


@router.post("/incidents/{incident_id}/ack", responses=responses(404), summary="Take an incident on")
async def acknowledge(sources: Seen, by: By, incident_id: IncidentId) -> IncidentModel:
    """Tell everybody who is concerned that you take care of it; who did so before stays named."""
    return _found(sources, await sources.room.acknowledge(incident_id, by), incident_id)


@router.delete("/incidents/{incident_id}/ack", responses=responses(404), summary="Give an incident back")
async def give_back(sources: Seen, by: By, incident_id: IncidentId) -> IncidentModel:
    """Nobody takes care of it any more."""
    return _found(sources, await sources.room.unacknowledge(incident_id, by), incident_id)
