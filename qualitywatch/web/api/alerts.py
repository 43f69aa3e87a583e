"""Alerts that are pending or firing."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from qualitywatch.model import Alert, AlertState, Direction, Severity
from qualitywatch.web.api.paging import Limit, Name, Offset, Page, cut
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Instant, Text, instant, maybe_instant
from qualitywatch.web.refusals import responses
from qualitywatch.web.telling import Told, alert_told, where_told

router = APIRouter(tags=["alerts"])


class AlertModel(BaseModel):
    """One rule that one subject breaks."""

    rule: Text
    pbx: Text
    subject: Text = Field(description="The peer, trunk, queue or PBX it is about.")
    name: Text | None = Field(description="What people call the subject.")
    direction: Direction | None = Field(description="Which way the sound suffers; null where that does not matter.")
    state: AlertState
    severity: Severity
    topic: Text = Field(description="What it is about: a metric, `trunk_state`, `peer_state`, `user_agent`, ...")
    since: Instant = Field(description="When the condition began.")
    fired: Instant | None = Field(description="When it began to fire; null while it is pending.")
    value: float | None = Field(description="The figure as it is now, in the unit of the topic.")
    peak: float | None = Field(description="The worst figure so far.")
    details: dict[str, Text] = Field(description="What else is known, by name.")
    is_own_wording: bool = Field(description="Whether the rule brings its own words for `text`.")
    text: Told = Field(description="The trouble in one sentence, by language: `en`, `ru`.")
    where: Told = Field(description="Where the loss arises, in one sentence by language; empty where that is not known.")


def shown(alert: Alert, zone: tzinfo) -> AlertModel:
    """An alert as the API tells of it."""
    return AlertModel(
        rule=alert.key.rule,
        pbx=alert.key.pbx,
        subject=alert.key.subject,
        name=alert.display_name,
        direction=alert.key.direction,
        state=alert.state,
        severity=alert.severity,
        topic=alert.topic,
        since=instant(alert.since_at),
        fired=maybe_instant(alert.fired_at),
        value=alert.value,
        peak=alert.peak,
        details=dict(alert.details),
        is_own_wording=bool(alert.texts),
        text=alert_told(alert, zone),
        where=where_told(alert),
    )


@router.get("/alerts", responses=responses(), summary="Alerts that are pending or firing")
async def alerts(
    sources: Seen,
    pbx: Name = None,
    subject: Name = None,
    rule: Name = None,
    severity: Annotated[list[Severity] | None, Query(max_length=3)] = None,
    state: Annotated[AlertState | None, Query(description="`pending` or `firing`; both when not given.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page[AlertModel]:
    """Return alerts, most urgent first."""
    found = [
        alert
        for view in sources.room.pbxes()
        for alert in view.alerts
        if pbx in (None, alert.key.pbx)
        and subject in (None, alert.key.subject)
        and rule in (None, alert.key.rule)
        and (not severity or alert.severity in severity)
        and state in (None, alert.state)
    ]
    found.sort(key=lambda alert: alert.urgency)
    return cut(found, limit, offset, lambda alert: shown(alert, sources.zone))
