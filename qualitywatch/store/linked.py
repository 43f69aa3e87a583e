"""From legs to calls: which legs a query means, which calls they belong to, which of these are on its page.

Strategy: a call is found by any of its legs and shown with all of them.  Calls are in the order of their newest leg that the
query means, so that whoever reads legs from the newest on can stop as soon as a page is full.  Instants count in whole
seconds, as they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from qualitywatch.model import CallRecord, LinkedCall, LogRecord
from qualitywatch.ports import CallQuery, EventQuery

CallId: TypeAlias = tuple[str, str]
"""PBX and linkedid, or the uniqueid of a leg that was linked to nothing."""


def call_id(leg: CallRecord) -> CallId:
    """Which call a leg belongs to."""
    return leg.pbx, leg.linkedid or leg.uniqueid


def is_meant(leg: CallRecord, query: CallQuery) -> bool:
    """Whether a query means this leg."""
    return (
        query.since <= int(leg.started_at) < query.until
        and query.pbx in (None, leg.pbx)
        and query.subject in (None, leg.subject)
        and query.linkedid in (None, call_id(leg)[1])
    )


def newest(legs: Iterable[CallRecord], query: CallQuery) -> dict[CallId, int]:
    """When the newest leg that is meant began, by call."""
    found: dict[CallId, int] = {}
    for leg in legs:
        if is_meant(leg, query):
            call = call_id(leg)
            found[call] = max(int(leg.started_at), found.get(call, 0))
    return found


def page(found: Mapping[CallId, int], query: CallQuery) -> list[CallId]:
    """The calls a query asks for, newest first."""
    ordered = sorted(found, key=lambda call: (-found[call], call))
    return ordered[query.offset : query.offset + query.limit]


def linked(calls: Sequence[CallId], legs: Iterable[CallRecord]) -> list[LinkedCall]:
    """Put legs to their calls, each call's in the order they began."""
    of_call: dict[CallId, list[CallRecord]] = {call: [] for call in calls}
    for leg in legs:
        if (known := of_call.get(call_id(leg))) is not None:
            known.append(leg)
    return [
        LinkedCall(*call, legs=tuple(sorted(found, key=lambda leg: (leg.started_at, leg.uniqueid, leg.channel))))
        for call, found in of_call.items()
        if found
    ]


def is_wanted(entry: LogRecord, query: EventQuery) -> bool:
    """Whether a query means this event."""
    return (
        query.since <= int(entry.at) < query.until
        and query.pbx in (None, entry.pbx)
        and query.subject in (None, entry.subject)
        and (not query.kinds or entry.kind in query.kinds)
    )


def newest_first(entries: Iterable[LogRecord], query: EventQuery) -> list[LogRecord]:
    """The events a query asks for; ``entries`` are in the order they happened, as far as they share a second."""
    wanted = [entry for entry in entries if is_wanted(entry, query)]
    wanted.reverse()
    wanted.sort(key=lambda entry: -int(entry.at))
    return wanted[query.offset : query.offset + query.limit]
