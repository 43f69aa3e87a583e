"""Rules in force."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from qualitywatch.model import Metric, Severity
from qualitywatch.room import Limit as Threshold
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.web.asking import Seen
from qualitywatch.web.instants import Text
from qualitywatch.web.refusals import responses

router = APIRouter(prefix="/rules", tags=["alerts"])


class LimitModel(BaseModel):
    """One threshold."""

    metric: Metric
    severity: Severity
    enter: float = Field(description="The figure at which it is broken, in the unit of the metric.")


class RuleModel(BaseModel):
    """One rule."""

    name: Text
    kind: Text
    summary: Text = Field(description="What it says, in a sentence.")
    labels: dict[str, Text]
    limits: list[LimitModel] = Field(description="Its thresholds for subjects without an override.")
    yields_to: list[Text] = Field(description="Rules whose alert on the same subject explains one of this rule.")
    has_hours: bool = Field(description="Whether it is on duty at some hours only.")
    remedies: int = Field(description="How many remedies it may ask for.")


class Rules(BaseModel):
    """All rules, in the order they were loaded."""

    items: list[RuleModel]


def shown_limit(limit: Threshold) -> LimitModel:
    """A threshold as the API tells of it."""
    return LimitModel(metric=limit.metric, severity=limit.severity, enter=limit.enter)


def _shown(rule: RuleSpec) -> RuleModel:
    return RuleModel(
        name=rule.name,
        kind=rule.kind,
        summary=rule.summary,
        labels=dict(rule.labels),
        limits=[shown_limit(limit) for limit in rule.limits],
        yields_to=list(rule.yields_to),
        has_hours=rule.active is not None,
        remedies=len(rule.remedies),
    )


@router.get("", responses=responses(), summary="Rules in force")
async def rules(sources: Seen) -> Rules:
    """Return every rule that judges."""
    return Rules(items=[_shown(rule) for rule in sources.rules])
