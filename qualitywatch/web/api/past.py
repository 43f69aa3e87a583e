"""What was: calls with all their legs, things that happened, series for charts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from qualitywatch.model import CallRecord, Direction, DirectionTotals, HistoryPoint, KpiPoint, LinkedCall, LogRecord
from qualitywatch.ports import CallQuery, EventQuery
from qualitywatch.room import Room
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, paged
from qualitywatch.web.api.rules import LimitModel, shown_limit
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, When, instant, maybe_instant
from qualitywatch.web.refusals import responses

router = APIRouter(tags=["past"])

DAY_S: Final = 86_400.0
LONGEST_S: Final = 100 * DAY_S  # of series in one answer: some thousand points, more than a chart can show
Since = Annotated[When | None, Query(description="From when on; a day before `until` when not given.")]
Until = Annotated[When | None, Query(description="Until when, not included; now when not given.")]


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


class Event(BaseModel):
    """Something that happened."""

    at: Instant
    pbx: Text
    subject: Text
    kind: Text = Field(description="`alert`, `user_agent`, `address`, `blind`, `seen`, `clock`, ...")
    text: Text


class Point(BaseModel):
    """What is known of one direction in one stretch of time; null: nobody measured it."""

    at: float = Field(description="Where the stretch begins, in Unix seconds.")
    seconds: float = Field(description="How long it is.")
    direction: Direction | None = Field(description="null for figures of no direction (round trip).")
    calls: int
    packets: float | None
    loss_percent: float | None = Field(description="Over the whole stretch, net.")
    loss_percent_max: float | None
    loss_percent_reported: float | None
    jitter_ms: float | None
    jitter_ms_max: float | None
    rtt_ms: float | None
    rtt_ms_max: float | None
    mos: float | None
    mos_min: float | None


class Kpi(BaseModel):
    """What is known of one figure of a trunk or queue in one stretch of time."""

    at: float = Field(description="Where the stretch begins, in Unix seconds.")
    seconds: float = Field(description="How long it is.")
    kpi: Text = Field(description="`answered`, `delivered`, `call_duration_s`, `queue_callers`, ...")
    count: float = Field(description="How many things it is about.")
    mean: float = Field(description="The mean; of what is counted, the share of the good ones.")
    low: float
    high: float


class Series(BaseModel):
    """The measured past of one subject, oldest first."""

    pbx: Text
    subject: Text
    since: Instant
    until: Instant
    points: list[Point]
    kpis: list[Kpi]
    limits: list[LimitModel] = Field(description="Thresholds in force for it, to be drawn.")


def span(room: Room, pbx: str | None, since: float | None, until: float | None) -> tuple[float, float]:
    """The time that is asked for; one that ends before it begins holds nothing.

    "Now" is what the clock of the PBX says, because what was measured is stamped by it.
    """
    clocks = [view.now for view in room.pbxes() if pbx in (None, view.name)]
    # A second more, so that what happened within this one is told.
    last = max(clocks, default=room.now()) + 1.0 if until is None else until
    return last - DAY_S if since is None else since, last


async def told(build: Callable[[], BaseModel]) -> Response:
    """Build and write a long answer in a thread: a PBX cuts off whoever does not read for 100 ms."""
    return Response(await run_in_threadpool(lambda: build().model_dump_json()), media_type="application/json")


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


def _event(entry: LogRecord) -> Event:
    return Event(at=instant(entry.at), pbx=entry.pbx, subject=entry.subject, kind=entry.kind, text=entry.text)


def _point(point: HistoryPoint) -> Point:
    return Point.model_construct(**{name: getattr(point, name) for name in Point.model_fields})


def _kpi(point: KpiPoint) -> Kpi:
    return Kpi.model_construct(**{name: getattr(point, name) for name in Kpi.model_fields})


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


@router.get("/series", response_model=Series, responses=responses(), summary="The measured past of one subject")
async def series(
    sources: Seen,
    pbx: Annotated[str, Query(min_length=1, max_length=200)],
    subject: Annotated[str, Query(min_length=1, max_length=200)],
    since: Since = None,
    until: Until = None,
) -> Response:
    """Return what is known, as fine as it is kept: minutes of a short time, hours of a long one.

    The last 100 days of the time that is asked for; `since` of the answer says where it begins.
    """
    first, last = span(sources.room, pbx, since, until)
    first = max(first, last - LONGEST_S)
    points = await sources.series.history(pbx, subject, first, last)
    kpis = await sources.series.kpis(pbx, subject, first, last)
    limits = sources.room.limits(subject)

    def build() -> Series:
        return Series.model_construct(
            pbx=pbx,
            subject=subject,
            since=instant(first),
            until=instant(last),
            points=[_point(point) for point in points],
            kpis=[_kpi(point) for point in kpis],
            limits=[shown_limit(limit) for limit in limits],
        )

    return await told(build)
