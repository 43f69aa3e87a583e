"""Peers as they stand, with how they sounded in the last minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from qualitywatch.model import AlertState, Direction, PeerState, Severity
from qualitywatch.room import PbxView, PeerView
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, cut
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant
from qualitywatch.web.recent import Figures, RecentFigures
from qualitywatch.web.refusals import responses

router = APIRouter(prefix="/peers", tags=["state"])


class Heard(BaseModel):
    """How one direction sounded in the last minute; null: nobody measured it."""

    loss_percent: float | None = Field(description="Packets lost of packets expected, net of what the other leg lost before.")
    jitter_ms: float | None = Field(description="Mean interarrival jitter in milliseconds (RFC 3550).")
    mos: float | None = Field(description="The lowest score of the minute, 1 to 4.5 (E-model, ITU-T G.107).")


class Peer(BaseModel):
    """One phone, or one qualified trunk."""

    pbx: Text
    subject: Text = Field(description="Its name as alerts show it.", examples=["PJSIP/6117"])
    name: Text | None = Field(description="What people call it.")
    state: PeerState
    since: Instant = Field(description="Since when it is in this state.")
    address: Text | None
    user_agent: Text | None
    trunk: Text | None = Field(description="The registration whose calls go through it.")
    site: Text | None = Field(description="Where it stands: a name of the configuration, else its network.")
    qualify_rtt_ms: float | None = Field(description="How long it took to answer OPTIONS, in milliseconds.")
    rtt_ms: float | None = Field(description="Mean round trip of its calls in the last minute, in milliseconds.")
    to_peer: Heard = Field(description="What it heard of us.")
    from_peer: Heard = Field(description="What we heard of it.")
    is_direct_media: bool = Field(
        description="Whether nobody measured its last call, perhaps because the sound went past the PBX (direct media)."
    )
    severity: Severity | None = Field(description="The highest severity of its alerts that fire.")


class Order(StrEnum):
    """What comes first."""

    SUBJECT = "subject"
    LOSS = "loss"
    JITTER = "jitter"
    RTT = "rtt"
    MOS = "mos"


def heard(figures: Figures) -> Heard:
    """One direction as the API tells of it."""
    return Heard.model_construct(loss_percent=figures.loss_percent, jitter_ms=figures.jitter_ms, mos=figures.mos)


def severities(pbx: PbxView) -> dict[str, Severity]:
    """The highest severity that fires, by subject."""
    found: dict[str, Severity] = {}
    for alert in pbx.alerts:
        if alert.state is AlertState.FIRING:
            before = found.get(alert.key.subject, alert.severity)
            found[alert.key.subject] = max(before, alert.severity, key=lambda each: each.rank)
    return found


def shown(pbx: PbxView, peer: PeerView, recent: RecentFigures, severity: Mapping[str, Severity]) -> Peer:
    """A peer as the API tells of it."""

    def figures(direction: Direction | None) -> Figures:
        return recent.figures(pbx.name, peer.subject, direction, pbx.now)

    return Peer(
        pbx=pbx.name,
        subject=peer.subject,
        name=peer.name,
        state=peer.state,
        since=instant(peer.since_at),
        address=peer.address,
        user_agent=peer.user_agent,
        trunk=peer.trunk,
        site=peer.site,
        qualify_rtt_ms=peer.rtt_ms,
        rtt_ms=figures(None).rtt_ms,
        to_peer=heard(figures(Direction.TO_PEER)),
        from_peer=heard(figures(Direction.FROM_PEER)),
        is_direct_media=peer.subject in pbx.direct_media,
        severity=severity.get(peer.subject),
    )


def _largest(first: float | None, second: float | None) -> float:
    return max((each for each in (first, second) if each is not None), default=-math.inf)


def _smallest(first: float | None, second: float | None) -> float:
    return min((each for each in (first, second) if each is not None), default=math.inf)


# The worst first, those that nobody measured last; of the figures that belong to no direction, to the peer and from it.
_ORDERS: Final[Mapping[Order, Callable[[Figures, Figures, Figures], float]]] = {
    Order.LOSS: lambda _, to_peer, from_peer: -_largest(to_peer.loss_percent, from_peer.loss_percent),
    Order.JITTER: lambda _, to_peer, from_peer: -_largest(to_peer.jitter_ms, from_peer.jitter_ms),
    Order.RTT: lambda neither, *_: -_largest(neither.rtt_ms, None),
    Order.MOS: lambda _, to_peer, from_peer: _smallest(to_peer.mos, from_peer.mos),
}


@router.get("", responses=responses(), summary="Peers, with the last minute of their sound")
async def peers(
    sources: Seen,
    pbx: Name = None,
    subject: Name = None,
    state: Annotated[list[PeerState] | None, Query(max_length=10, description="Only those in one of these states.")] = None,
    trunk: Name = None,
    site: Name = None,
    text: Annotated[str | None, Query(max_length=200, description="Part of the name, address or User-Agent.")] = None,
    sort: Annotated[Order, Query(description="By name, or the worst of the last minute first.")] = Order.SUBJECT,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[Peer]:
    """Return how peers stand."""
    found: list[tuple[PbxView, PeerView]] = []
    for view in sources.room.pbxes():
        if pbx in (None, view.name):
            found += [
                (view, peer)
                for peer in view.peers
                if subject in (None, peer.subject)
                and (not state or peer.state in state)
                and trunk in (None, peer.trunk)
                and site in (None, peer.site)
                and (not text or _speaks_of(peer, text.casefold()))
            ]
    severity = {view.name: severities(view) for view, _ in found}

    def show(each: tuple[PbxView, PeerView]) -> Peer:
        return shown(*each, sources.recent, severity[each[0].name])

    def place(each: tuple[PbxView, PeerView]) -> tuple[float, str, str]:
        view, peer = each
        if sort is Order.SUBJECT:
            return 0.0, view.name, peer.subject
        sides = (sources.recent.figures(view.name, peer.subject, side, view.now) for side in (None, *Direction))
        return _ORDERS[sort](*sides), view.name, peer.subject

    return cut(sorted(found, key=place), limit, offset, show)


def _speaks_of(peer: PeerView, text: str) -> bool:
    words = (peer.subject, peer.name, peer.address, peer.user_agent)
    return any(text in word.casefold() for word in words if word is not None)
