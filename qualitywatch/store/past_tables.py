"""The statements that read calls and events of ``rollup.db`` back; each page is read from its newest row on and no further."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from qualitywatch.model import CallRecord, DirectionTotals, LogRecord
from qualitywatch.ports import CallQuery, EventQuery
from qualitywatch.store.call_tables import may_be_linked
from qualitywatch.store.codec import printable
from qualitywatch.store.linked import CallId

MIGRATION: Final = ("CREATE INDEX call_linked ON call(coalesce(linkedid, uniqueid))",)
"""What was indexed before the table became ``leg``, and moved there: what ``linked.call_id`` says."""

_CHUNK: Final = 300  # calls a statement, up to three parameters each: below what any SQLite takes
_LINKED: Final = "coalesce(call.linkedid, call.uniqueid)"
_TOTALS: Final = ("lost", "packets", "lost_reported", "packets_reported", "jitter_max", "mos_min")
_COLUMNS: Final = (
    *("peer.pbx", "peer.name", "channel", "uniqueid", "linkedid", "start", "answer", "stop", "cause", "codec", "rtt_max"),
    *(f"to_peer_{figure}" for figure in _TOTALS),
    *(f"from_peer_{figure}" for figure in _TOTALS),
)


def select_newest(connection: sqlite3.Connection, query: CallQuery) -> dict[CallId, int]:
    """When the newest leg that is meant began, by call: as many calls as the page needs."""
    where, named = _where({"peer.pbx": query.pbx, "peer.name": query.subject, _LINKED: query.linkedid})
    values: list[str | int] = [*named]
    if query.linkedid is not None:
        near, wanted = may_be_linked([printable(query.linkedid)])
        where, values = f"{where} AND {near}", [*values, *wanted]
    rows = connection.execute(
        f"""SELECT call.start, peer.pbx, {_LINKED} FROM call JOIN peer ON peer.id = call.peer
            WHERE call.start >= ? AND call.start < ?{where} ORDER BY call.start DESC""",  # noqa: S608 - constants
        (query.since, query.until, *values),
    )
    found: dict[CallId, int] = {}
    last: int | None = None
    for start, pbx, link in rows:
        # Calls that begin in the last second of the page are read to the end: their order is by name.
        if len(found) >= query.offset + query.limit and start != last:
            break
        found.setdefault((pbx, link), start)
        last = start
    rows.close()
    return found


def select_legs(connection: sqlite3.Connection, calls: Sequence[CallId]) -> list[CallRecord]:
    """All legs of these calls, in the order they were written."""
    found: list[CallRecord] = []
    links = sorted({link for _, link in calls})
    for start in range(0, len(links), _CHUNK):
        chunk = links[start : start + _CHUNK]
        places = ", ".join("?" * len(chunk))
        near, wanted = may_be_linked(chunk)
        rows = connection.execute(
            f"""SELECT {", ".join(_COLUMNS)} FROM call JOIN peer ON peer.id = call.peer
                WHERE {near} AND {_LINKED} IN ({places}) ORDER BY call.id""",  # noqa: S608 - constants
            [*wanted, *chunk],
        )
        found += [_leg(*row) for row in rows]
    return found


def select_events(connection: sqlite3.Connection, query: EventQuery, count: int) -> list[LogRecord]:
    """The newest events that a query means, in the order they happened."""
    where, values = _where({"peer.pbx": query.pbx, "peer.name": query.subject})
    if query.kinds:
        where += f" AND event.kind IN ({', '.join('?' * len(query.kinds))})"
        values += [printable(kind) for kind in query.kinds]
    rows = connection.execute(
        f"""SELECT event.ts, peer.pbx, peer.name, event.kind, event.text FROM event JOIN peer ON peer.id = event.peer
            WHERE event.ts >= ? AND event.ts < ?{where} ORDER BY event.ts DESC, event.id DESC LIMIT ?""",  # noqa: S608 - constants
        (query.since, query.until, *values, count),
    ).fetchall()
    return [LogRecord(float(at), *texts) for at, *texts in reversed(rows)]


def _where(wanted: dict[str, str | None]) -> tuple[str, list[str]]:
    named = {column: printable(value) for column, value in wanted.items() if value is not None}
    return "".join(f" AND {column} = ?" for column in named), list(named.values())


def _leg(
    pbx: str,
    subject: str,
    channel: str,
    uniqueid: str,
    linkedid: str | None,
    start: int,
    answer: int | None,
    stop: int,
    cause: int | None,
    codec: str | None,
    rtt_max: float | None,
    *totals: float | None,
) -> CallRecord:
    return CallRecord(
        pbx=pbx,
        subject=subject,
        channel=channel,
        uniqueid=uniqueid,
        linkedid=linkedid,
        started_at=float(start),
        answered_at=None if answer is None else float(answer),
        ended_at=float(stop),
        cause=cause,
        codec=codec,
        to_peer=_totals(*totals[: len(_TOTALS)]),
        from_peer=_totals(*totals[len(_TOTALS) :]),
        rtt_max_ms=rtt_max,
    )


def _totals(
    lost: float | None,
    packets: float | None,
    lost_reported: float | None,
    packets_reported: float | None,
    jitter_max: float | None,
    mos_min: float | None,
) -> DirectionTotals:
    return DirectionTotals(lost or 0.0, lost_reported or 0.0, packets or 0.0, packets_reported or 0.0, jitter_max, mos_min)
