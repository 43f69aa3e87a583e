"""The statements that read calls and events of ``rollup.db`` back; each page is read from its newest row on and no further."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Final

from qualitywatch.model import CallRecord, DirectionTotals, LogRecord
from qualitywatch.ports import CallQuery, EventQuery
from qualitywatch.store.codec import printable
from qualitywatch.store.leg_tables import FAR, NEAR_S, NUMBER_OF_LINK, SKEW_S, numbers
from qualitywatch.store.linked import CallId, newest

MIGRATION: Final = ("CREATE INDEX call_linked ON call(coalesce(linkedid, uniqueid))",)
"""What was indexed before the table became ``leg``, and moved there: what ``linked.call_id`` says."""

_CHUNK: Final = 300  # calls a statement, up to two parameters each: below what any SQLite takes
_FIRST_STRETCH_S: Final = 60
_LINKED: Final = "coalesce(call.linkedid, call.uniqueid)"
_TOTALS: Final = ("lost", "packets", "lost_reported", "packets_reported", "jitter_max", "mos_min")
_COLUMNS: Final = (
    *("peer.pbx", "peer.name", "channel", "uniqueid", "linkedid", "start", "answer", "stop", "cause", "codec", "rtt_max"),
    *(f"to_peer_{figure}" for figure in _TOTALS),
    *(f"from_peer_{figure}" for figure in _TOTALS),
)
_READ: Final = f"SELECT call.id, {', '.join(_COLUMNS)} FROM peer CROSS JOIN call ON call.peer = peer.id"  # noqa: S608


def select_newest(connection: sqlite3.Connection, query: CallQuery) -> dict[CallId, int]:
    """When the newest leg that is meant began, by call: as many calls as the page needs.

    Legs are in the order of peer and time, so they are looked for in a short stretch of all peers, then in one twice as long
    before it, each from the newest leg that there is.
    """
    if query.linkedid is not None:
        return newest([leg for _, leg in _linked_legs(connection, [query.linkedid])], _printable(query))
    where, named = _where({"peer.pbx": query.pbx, "peer.name": query.subject})
    found: dict[CallId, int] = {}
    until, stretch_s = query.until, _FIRST_STRETCH_S
    while len(found) < query.offset + query.limit:
        (last,) = connection.execute(
            f"""SELECT max((SELECT start FROM leg WHERE leg.peer = peer.id AND start >= ? AND start < ?
                ORDER BY start DESC LIMIT 1)) FROM peer WHERE true{where}""",  # noqa: S608 - constants
            (query.since, until, *named),
        ).fetchone()
        if last is None:
            break
        until = max(query.since, last + 1 - stretch_s)
        rows = connection.execute(
            f"""SELECT call.start, peer.pbx, {_LINKED} FROM peer CROSS JOIN call ON call.peer = peer.id
                WHERE call.start >= ? AND call.start <= ?{where} ORDER BY call.start DESC""",  # noqa: S608 - constants
            (until, last, *named),
        )
        for start, pbx, link in rows:
            # Calls that begin in the last second of the page are read to the end: their order is by name.
            if len(found) >= query.offset + query.limit and start != last:
                break
            found.setdefault((pbx, link), start)
            last = start
        rows.close()
        stretch_s *= 2
    return found


def _printable(query: CallQuery) -> CallQuery:
    pbx, subject, link = (None if it is None else printable(it) for it in (query.pbx, query.subject, query.linkedid))
    return replace(query, pbx=pbx, subject=subject, linkedid=link)


def select_legs(connection: sqlite3.Connection, calls: Sequence[CallId]) -> list[CallRecord]:
    """All legs of these calls, in the order they began."""
    return [leg for _, leg in _linked_legs(connection, sorted({link for _, link in calls}))]


def _linked_legs(connection: sqlite3.Connection, links: Sequence[str]) -> list[tuple[int, CallRecord]]:
    """Legs linked by these, with their ids, sorted: what began soon after its linkedid, and what an index leads to."""
    found: dict[int, CallRecord] = {}
    for start in range(0, len(links), _CHUNK):
        chunk = [printable(link) for link in links[start : start + _CHUNK]]
        known = [each for each in map(numbers, chunk) if each is not None]
        wanted = f"{_LINKED} IN ({', '.join('?' * len(chunk))})"
        for since, until in _stretches(sorted(made for made, _ in known)):
            near = f"{_READ} WHERE call.start >= ? AND call.start <= ? AND {wanted}"
            found |= {number: _leg(*row) for number, *row in connection.execute(near, (since, until, *chunk))}
        later = [number for _, number in known]
        keys = f"""SELECT peer, start FROM leg WHERE {FAR} AND {NUMBER_OF_LINK} IN ({", ".join("?" * len(later))}) UNION
            SELECT peer, start FROM leg_text WHERE coalesce(linkedid, uniqueid)
            IN ({", ".join("?" * len(chunk))})"""  # noqa: S608 - constants
        for key in connection.execute(keys, (*later, *chunk)).fetchall():
            at = f"{_READ} WHERE call.peer = ? AND call.start = ? AND {wanted}"
            found |= {number: _leg(*row) for number, *row in connection.execute(at, (*key, *chunk))}
    return sorted(found.items(), key=itemgetter(0))


def _stretches(made: Sequence[int]) -> list[tuple[int, int]]:
    """When legs began that are near these instants, in order; what overlaps is one."""
    found: list[tuple[int, int]] = []
    for at in made:
        since, until = at - SKEW_S, at + NEAR_S + SKEW_S
        if found and since <= found[-1][1]:
            since = found.pop()[0]
        found.append((since, until))
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
