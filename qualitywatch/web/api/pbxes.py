"""PBXes as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sized

from fastapi import APIRouter
from pydantic import BaseModel, Field

from qualitywatch.model import AlertState
from qualitywatch.room import PbxView
from qualitywatch.web.asking import Seen
from qualitywatch.web.inside import PbxFigures
from qualitywatch.web.instants import Instant, Text, instant, maybe_instant
from qualitywatch.web.refusals import responses
from qualitywatch.web.sources import Sources
from qualitywatch.web.telling import Told
from qualitywatch.web.troubles import troubles

router = APIRouter(prefix="/pbxes", tags=["state"])


class Pbx(BaseModel):
    """One PBX as it stands."""

    name: Text
    is_seen: bool = Field(description="Whether its events reach us now.")
    blind_since: Instant | None = Field(description="Since when it cannot be seen; null while it can.")
    trouble: Text | None = Field(description="Why it cannot be seen, where that is known.")
    now: Instant = Field(description="What time it is at the PBX.")
    lag_s: float | None = Field(description="How far judging is behind its clock, in seconds.")
    calls: int | None = Field(description="Channels at present; null while it cannot be seen.")
    peers: int | None = Field(description="Peers that are known; null while none is and it cannot be seen.")
    trunks: int | None = Field(description="Outbound registrations that are known; null while none is and it cannot be seen.")
    firing: int = Field(description="Alerts that fire.")


class Pbxes(BaseModel):
    """Every PBX of the configuration, in its order."""

    items: list[Pbx]
    troubles: list[Told] = Field(
        description="What ails qualitywatch itself: a full disk, a chat or a database that takes nothing; a sentence each."
    )


def shown(pbx: PbxView, figures: PbxFigures | None) -> Pbx:
    """A PBX as the API tells of it."""
    return Pbx(
        name=pbx.name,
        is_seen=pbx.is_seen,
        blind_since=None if pbx.is_seen else maybe_instant(pbx.since_at),
        trouble=None if pbx.is_seen or figures is None else figures.trouble,
        now=instant(pbx.now),
        lag_s=None if figures is None else figures.lag_s,
        calls=pbx.calls if pbx.is_seen else None,
        peers=_count(pbx, pbx.peers),
        trunks=_count(pbx, pbx.trunks),
        firing=sum(alert.state is AlertState.FIRING for alert in pbx.alerts),
    )


def _count(pbx: PbxView, things: Sized) -> int | None:
    """How many there are; none at a PBX that was never seen is no news of it."""
    return len(things) if things or pbx.is_seen else None


def all_shown(sources: Sources, views: Iterable[PbxView]) -> list[Pbx]:
    """PBXes as the API tells of them."""
    inside = sources.inside()
    return [shown(view, inside.pbxes.get(view.name)) for view in views]


@router.get("", responses=responses(), summary="Every PBX of the configuration")
async def pbxes(sources: Seen) -> Pbxes:
    """Whether each PBX is seen, and what is going on there."""
    return Pbxes(items=all_shown(sources, sources.room.pbxes()), troubles=troubles(sources))
