"""Trunks as they stand, and queues as they were read last."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from qualitywatch.model import Gauge, Severity, TrunkState
from qualitywatch.room import PbxView, TrunkView
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, cut
from qualitywatch.web.api.peers import severities
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant
from qualitywatch.web.refusals import responses
from qualitywatch.web.sources import Sources

router = APIRouter(tags=["state"])
_IN_BETWEEN: Final = frozenset({TrunkState.RETRYING, TrunkState.UNKNOWN})


class Trunk(BaseModel):
    """One outbound registration."""

    pbx: Text
    trunk: Text = Field(description="Its name as alerts show it.", examples=["SIP/74995555@192.0.2.1"])
    name: Text | None = Field(description="What people call it.")
    state: TrunkState
    is_up: bool | None = Field(description="Whether it is registered; null while that is being found out.")
    since: Instant = Field(description="Since when it is in this state.")
    cause: Text | None = Field(description="What the provider or the PBX said.")
    severity: Severity | None = Field(description="The highest severity of its alerts that fire.")


class Queue(BaseModel):
    """One queue as it was read last; null: it could not be read."""

    pbx: Text
    queue: Text
    read: Instant = Field(description="When it was read.")
    callers: int | None = Field(description="Callers who wait now.")
    longest_hold_s: float | None = Field(description="How long the one who waits longest has waited, in seconds.")
    agents_available: int | None = Field(description="Agents who could take a call now.")
    agents_logged_in: int | None = Field(description="Agents who are reachable, also if they talk or pause.")
    callers_unattended: int | None = Field(description="Callers who wait while no agent is logged in.")


def is_up(state: TrunkState) -> bool | None:
    """Whether a registration stands; None while nobody knows."""
    return None if state in _IN_BETWEEN else state is TrunkState.REGISTERED


def shown(pbx: PbxView, trunk: TrunkView) -> Trunk:
    """A trunk as the API tells of it."""
    return Trunk(
        pbx=pbx.name,
        trunk=trunk.trunk,
        name=trunk.name,
        state=trunk.state,
        is_up=is_up(trunk.state),
        since=instant(trunk.since_at),
        cause=trunk.cause,
        severity=severities(pbx).get(trunk.trunk),
    )


def all_queues(sources: Sources) -> list[Queue]:
    """Queues of the PBXes that are seen: what was read before a PBX went out of sight says nothing of now."""
    seen = {pbx.name: pbx.now for pbx in sources.room.pbxes() if pbx.is_seen}
    found = []
    for observed in sources.recent.levels(seen):
        levels = observed.levels
        if any(gauge is not Gauge.CONCURRENT_CALLS for gauge in levels):
            found.append(
                Queue(
                    pbx=observed.pbx,
                    queue=observed.subject,
                    read=instant(observed.at),
                    callers=_whole(levels.get(Gauge.QUEUE_CALLERS)),
                    longest_hold_s=levels.get(Gauge.QUEUE_LONGEST_HOLD_S),
                    agents_available=_whole(levels.get(Gauge.QUEUE_AGENTS_AVAILABLE)),
                    agents_logged_in=_whole(levels.get(Gauge.QUEUE_AGENTS_LOGGED_IN)),
                    callers_unattended=_whole(levels.get(Gauge.QUEUE_CALLERS_UNATTENDED)),
                )
            )
    return found


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


@router.get("/trunks", responses=responses(), summary="Outbound registrations")
async def trunks(
    sources: Seen,
    pbx: Name = None,
    trunk: Name = None,
    state: Annotated[list[TrunkState] | None, Query(max_length=10, description="Only those in one of these states.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[Trunk]:
    """Return how trunks stand."""
    found = [
        (view, each)
        for view in sources.room.pbxes()
        for each in view.trunks
        if pbx in (None, view.name) and trunk in (None, each.trunk) and (not state or each.state in state)
    ]
    return cut(found, limit, offset, lambda each: shown(*each))


@router.get("/queues", responses=responses(), summary="Queues")
async def queues(sources: Seen, pbx: Name = None, limit: Limit = 100, offset: Offset = 0) -> Page[Queue]:
    """Return how queues stood when they were read last."""
    found = [queue for queue in all_queues(sources) if pbx in (None, queue.pbx)]
    return cut(found, limit, offset, lambda queue: queue)
