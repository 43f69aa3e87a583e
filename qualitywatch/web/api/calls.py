"""Finished calls with all their legs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from qualitywatch.model import CallRecord, DirectionTotals, LinkedCall
from qualitywatch.ports import CallQuery
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, paged
from qualitywatch.web.api.spans import Since, Until, span, told
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant, maybe_instant
from qualitywatch.web.refusals import responses

router = APIRouter(tags=["past"])


class LegSide(BaseModel):
    """One direction of a whole leg; null: nobody measured it."""

    loss_percent: float | None = Field(description="Packets lost of packets expected, net of what the other leg lost before.")
    loss_percent_reported: float | None = Field(description="The same as the reports themselves say.")
    packets: float | None = Field(description="Packets expected.")
    jitter_max_ms: float | None = Field(description="The highest interarrival jitter, in milliseconds.")
    mos_min: float | None = Field(description="The lowest score, 1 to 4.5.")


class Leg(BaseModel):
    """One channel of a call."""

    subject: Text = Field(description="The peer or trunk it went to or came from.")
    channel: Text
    uniqueid: Text
    started: Instant
    answered: Instant | None
    ended: Instant
    talk_s: float | None = Field(description="Seconds from the answer to the end; null when nobody answered.")
    cause: int | None = Field(description="Why it ended (Q.850 cause).")
    codec: Text | None
    rtt_max_ms: float | None = Field(description="The longest round trip, in milliseconds.")
    to_peer: LegSide = Field(description="What the peer heard of us.")
    from_peer: LegSide = Field(description="What we heard of the peer.")


class Call(BaseModel):
    """One call: the finished legs that Asterisk linked, in the order they began."""

    pbx: Text
    linkedid: Text
    started: Instant
    ended: Instant
    legs: list[Leg]


def _side(totals: DirectionTotals) -> LegSide:
    counted, reported = totals.expected > 0, totals.expected_reported > 0
    return LegSide(
        loss_percent=100 * totals.lost / totals.expected if counted else None,
        loss_percent_reported=100 * totals.lost_reported / totals.expected_reported if reported else None,
        packets=totals.expected if counted else None,
        jitter_max_ms=totals.jitter_max_ms,
        mos_min=totals.mos_min,
    )


def _leg(leg: CallRecord) -> Leg:
    return Leg(
        subject=leg.subject,
        channel=leg.channel,
        uniqueid=leg.uniqueid,
        started=instant(leg.started_at),
        answered=maybe_instant(leg.answered_at),
        ended=instant(leg.ended_at),
        talk_s=None if leg.answered_at is None else max(0.0, leg.ended_at - leg.answered_at),
        cause=leg.cause,
        codec=leg.codec,
        rtt_max_ms=leg.rtt_max_ms,
        to_peer=_side(leg.to_peer),
        from_peer=_side(leg.from_peer),
    )


def _call(call: LinkedCall) -> Call:
    return Call(
        pbx=call.pbx,
        linkedid=call.linkedid,
        started=instant(min(leg.started_at for leg in call.legs)),
        ended=instant(max(leg.ended_at for leg in call.legs)),
        legs=[_leg(leg) for leg in call.legs],
    )


@router.get("/calls", response_model=Page[Call], responses=responses(), summary="Finished calls with all their legs")
async def calls(
    sources: Seen,
    since: Since = None,
    until: Until = None,
    pbx: Name = None,
    subject: Name = None,
    linkedid: Name = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return calls with a leg that began in this time, the call whose leg began last first."""
    first, last = span(sources.room, pbx, since, until)
    found = await sources.series.calls(CallQuery(first, last, pbx, subject, linkedid, limit + 1, offset))
    return await told(lambda: paged(found, limit, offset, _call))
