"""Series for charts: the measured past of one subject."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from qualitywatch.model import Direction, HistoryPoint, KpiPoint
from qualitywatch.web.api.rules import LimitModel, shown_limit
from qualitywatch.web.api.spans import DAY_S, Since, Until, span, told
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant
from qualitywatch.web.refusals import responses

router = APIRouter(tags=["past"])

LONGEST_S: Final = 100 * DAY_S  # of series in one answer: some thousand points, more than a chart can show


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


def _point(point: HistoryPoint) -> Point:
    return Point.model_construct(**{name: getattr(point, name) for name in Point.model_fields})


def _kpi(point: KpiPoint) -> Kpi:
    return Kpi.model_construct(**{name: getattr(point, name) for name in Kpi.model_fields})


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
    limits = sources.room.limits(pbx, subject)

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
