"""Whom to ring about what, and when not to: the decision behind a phone call about an incident.  Pure.

A call wakes somebody, so it is made only for a critical incident that nobody has acknowledged although people were told, a few
times at most, and never more often in an hour than somebody can bear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import Incident, Severity

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """``after_s``: how long an incident may stay unacknowledged; ``attempts`` calls per incident, ``every_s`` apart."""

    after_s: float
    attempts: int
    every_s: float
    per_hour: int


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One call that was placed; ``at`` is wall time."""

    incident: int
    at: float


def waits_for_somebody(incident: Incident) -> bool:
    """Whether people were told of something critical and nobody has taken it on or asked for quiet."""
    if not incident.is_open or incident.news == 0 or incident.severity is not Severity.CRITICAL:
        return False
    return incident.ack is None and incident.mute is None


def since_when(known: Mapping[int, float], incidents: Iterable[Incident], now: float) -> dict[int, float]:
    """Since when each incident waits for somebody, by id; ``known`` is what this said before.

    None waits since the future: where the clock was set back, the time begins anew, and does not wait for it to catch up.
    """
    return {incident.id: min(known.get(incident.id, now), now) for incident in incidents if waits_for_somebody(incident)}


def call_due(policy: CallPolicy, incident: Incident, waits_since: float, attempts: Iterable[CallAttempt], now: float) -> bool:
    """Whether an incident is worth a call now; all instants are wall time."""
    if not waits_for_somebody(incident) or not incident.firing:
        return False
    tried = sorted(attempt.at for attempt in attempts if attempt.incident == incident.id)
    if not tried:
        return now - waits_since >= policy.after_s
    # An attempt in the future is one from before the clock was set back: it must not keep the phone quiet.
    return len(tried) < policy.attempts and not 0 <= now - tried[-1] < policy.every_s


def may_call(policy: CallPolicy, attempts: Iterable[CallAttempt], now: float) -> bool:
    """Whether the hour has room for another call, whatever it is about."""
    return sum(_is_recent(attempt, now) for attempt in attempts) < policy.per_hour


def worth_remembering(attempts: Iterable[CallAttempt], open_incidents: Iterable[int], now: float) -> list[CallAttempt]:
    """The attempts that still decide something: those of open incidents and of the last hour."""
    still_open = frozenset(open_incidents)
    return [attempt for attempt in attempts if attempt.incident in still_open or _is_recent(attempt, now)]


def _is_recent(attempt: CallAttempt, now: float) -> bool:
    return 0 <= now - attempt.at < HOUR_S


_REASONS: Final[Mapping[int, str]] = {3: "nobody answered", 5: "busy"}  # of OriginateResponse
_CAUSES: Final[Mapping[int, str]] = {  # Q.850, of Hangup
    1: "no such number",
    17: "busy",
    18: "nobody answered",
    19: "nobody answered",
    20: "the phone is not there",
    21: "rejected",
    27: "the phone cannot be reached",
    34: "no line is free",
    38: "the network is out of order",
}


def why_unanswered(reason: int | None, cause: int | None) -> str:
    """Say why a call was not answered, from what Asterisk gave as reason (OriginateResponse) and as cause (Hangup).

    chan_pjsip leaves the reason at 0 and tells by the cause; a Local channel does it the other way round.  With neither there
    never was a channel.
    """
    known = _REASONS.get(reason or 0) or _CAUSES.get(cause or 0)
    if known is not None:
        return known
    if reason == 8:
        return "congestion: rejected, no line is free, or no such number"
    if cause is None:
        return "Asterisk could not call at all: no such channel, or the phone is not registered"
    return f"failed (cause {cause})" if cause else "failed"
