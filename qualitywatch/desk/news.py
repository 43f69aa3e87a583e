"""News: when an incident is worth a message of its own, and when it is over.

``settle`` is asked after every change, ``nag`` when time alone may have made it due; ``next_due`` says when that will be.
A reader never sees the middle of a step, so a step tells at most one news of an incident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from qualitywatch.desk.case import Case
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.desk.routing import Escalation
from qualitywatch.model import Incident, NewsReason, Severity

_FIRST: Final = frozenset({NewsReason.OPENED, NewsReason.UNMUTED, NewsReason.FLAPPING})


def settle(case: Case, at: float, policy: DeskPolicy) -> None:
    """Draw the consequences of what happened to the members: news, severity, end."""
    loud = case.loud
    if loud is not None and case.was_quiet:  # nobody was to look at it until now
        wait_anew(case, at)
    heard = max((each for each in (loud, case.happened) if each is not None), key=_rank, default=None)
    if heard is not None:
        _tell_what_is_new(case, heard, at)
    if case.is_open and not case.fires_at_all:
        end = case.last_fire + policy.flap_within_s if case.incident.flapping else at
        if end <= at:
            case.incident = replace(case.incident, closed_at=end, flapping=False)
    if case.is_open:
        severity = loud or case.muted or case.incident.severity
    else:
        severity = case.incident.worst if case.incident.news else case.worst_member
    if severity is not case.incident.severity:
        case.incident = replace(case.incident, severity=severity)
    case.settled()


def wait_anew(case: Case, at: float) -> None:
    """From now on it waits for somebody to take it on: others are told of it when that has taken its whole time."""
    if case.incident.news:
        case.incident = replace(case.incident, waits_since=at)


def nag(case: Case, at: float, wall: float, policy: DeskPolicy) -> None:
    """Tell again, and tell others, when an incident has been left alone for too long."""
    if case.incident.flapping and case.fires_at_all and case.last_fire + policy.flap_within_s <= at:
        case.incident = replace(case.incident, flapping=False)  # it came to stay
    incident = case.incident
    if case.loud is None or not incident.news:
        return
    due = [step for step in _escalations(case) if _waits_since(incident) + step.after_s <= at]
    if due:
        for step in due:
            case.add_targets(step.targets)
        case.incident = incident = replace(incident, escalated_at=at)
    if incident.flapping:
        return
    if incident.ack is None:
        if _earliest(plan.repeat_s for plan in case.plans) + incident.news_at <= at:
            _tell(case, NewsReason.REPEATED, at)
    else:
        pause_s = _earliest(plan.remind_s for plan in case.plans)
        if incident.news_at + pause_s <= at and incident.ack.at + pause_s <= wall:
            _tell(case, NewsReason.REMINDER, at)


def next_due(case: Case, wall_ahead_s: float, policy: DeskPolicy) -> float:
    """When, on the PBX's clock, ``settle`` or ``nag`` may have something to do though nothing happens; inf for never."""
    incident = case.incident
    if not case.is_open:
        return math.inf
    steady_at = case.last_fire + policy.flap_within_s if incident.flapping else math.inf
    if not case.fires_at_all or case.loud is None or not incident.news:
        return steady_at
    due = _waits_since(incident) + _earliest(step.after_s for step in _escalations(case))
    if incident.flapping:
        return min(due, steady_at)
    if incident.ack is None:
        return min(due, incident.news_at + _earliest(plan.repeat_s for plan in case.plans))
    pause_s = _earliest(plan.remind_s for plan in case.plans)
    return min(due, max(incident.news_at, incident.ack.at - wall_ahead_s) + pause_s)


def _tell_what_is_new(case: Case, heard: Severity, at: float) -> None:
    incident = case.incident
    if not incident.news:
        opened = NewsReason.OPENED if case.spoke else NewsReason.UNMUTED
        _tell(case, NewsReason.FLAPPING if incident.flapping else opened, at)
    elif heard.rank > incident.worst.rank:
        if incident.ack is not None:  # somebody took a lesser trouble on, not this one, which has its whole time from now on
            case.incident = replace(incident, ack=None)
            wait_anew(case, at)
        _tell(case, NewsReason.WORSE, at)
    elif case.flapped:
        _tell(case, NewsReason.FLAPPING, at)
    elif not case.was_loud and incident.ack is None and not incident.flapping:
        if case.outlived:
            _tell(case, NewsReason.UNMUTED, at)
        elif case.spoke and case.was_muted:  # who asked for quiet about the others did not mean this one
            _tell(case, NewsReason.OPENED, at)
    if heard.rank > case.incident.worst.rank:
        case.incident = replace(case.incident, worst=heard)


def _tell(case: Case, reason: NewsReason, at: float) -> None:
    incident = case.incident
    if incident.first_news_at is None:
        incident = replace(incident, first_news_at=at)
    if incident.news > case.told_before:  # told in this very step already
        first = incident.news_reason if incident.news_reason in _FIRST and reason is NewsReason.WORSE else reason
        case.incident = replace(incident, news_reason=first, news_at=at)
    else:
        case.incident = replace(incident, news=incident.news + 1, news_reason=reason, news_at=at)


def _escalations(case: Case) -> Iterable[Escalation]:
    """The steps that are still to be taken while nobody acknowledges."""
    incident = case.incident
    if incident.ack is not None:
        return ()
    steps = (step for plan in case.plans for step in plan.escalations)
    return (step for step in steps if incident.escalated_at is None or case.lacks(step.targets))


def _waits_since(incident: Incident) -> float:
    """Since when it waits for somebody to acknowledge it."""
    since = incident.waits_since if incident.waits_since is not None else incident.first_news_at
    return math.inf if since is None else since


def _earliest(pauses: Iterable[float | None]) -> float:
    return min((pause_s for pause_s in pauses if pause_s is not None), default=math.inf)


def _rank(severity: Severity) -> int:
    return severity.rank
