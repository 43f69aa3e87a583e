"""Things that happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from qualitywatch.model import LogRecord
from qualitywatch.ports import EventQuery
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, paged
from qualitywatch.web.api.spans import Since, Until, span, told
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant
from qualitywatch.web.refusals import responses

router = APIRouter(tags=["past"])


class Event(BaseModel):
    """Something that happened."""

    at: Instant
    pbx: Text
    subject: Text
    kind: Text = Field(description="`alert`, `user_agent`, `address`, `blind`, `seen`, `clock`, ...")
    text: Text


def _event(entry: LogRecord) -> Event:
    return Event(at=instant(entry.at), pbx=entry.pbx, subject=entry.subject, kind=entry.kind, text=entry.text)


@router.get("/events", response_model=Page[Event], responses=responses(), summary="What happened")
async def events(
    sources: Seen,
    since: Since = None,
    until: Until = None,
    pbx: Name = None,
    subject: Name = None,
    kind: Annotated[list[Annotated[str, Field(max_length=100)]] | None, Query(max_length=20)] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return alerts that came and went, changes of User-Agents, restarts; newest first."""
    first, last = span(sources.room, pbx, since, until)
    found = await sources.series.events(EventQuery(first, last, pbx, subject, tuple(kind or ()), limit + 1, offset))
    return await told(lambda: paged(found, limit, offset, _event))
