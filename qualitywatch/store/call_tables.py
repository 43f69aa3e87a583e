"""The legs of calls in ``rollup.db``, small: figures in hundredths (see ``voice_tables``), no text that another column tells.

The view ``call`` shows them whole and in their units, and all reading goes through it; SQLite looks through it into the
indexes of the table ``leg``.  A channel that begins with its peer's name is kept without it, a linkedid that is the uniqueid
as ''; what calls are found by is indexed by its last characters, the ones that differ.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from qualitywatch.model import CallRecord, DirectionTotals
from qualitywatch.store.codec import printable

PER_UNIT: Final = 100  # of a millisecond, a score
_COUNTED: Final = ("lost", "packets", "lost_reported", "packets_reported")
_SCALED: Final = ("jitter_max", "mos_min")
_FIGURES: Final = (
    *(f"{side}_{figure}" for side in ("to_peer", "from_peer") for figure in (*_COUNTED, *_SCALED)),
    "rtt_max",
)
_IS_SCALED: Final = frozenset(figure for figure in _FIGURES if figure.endswith(("jitter_max", "mos_min", "rtt_max")))
_KEPT: Final = ("id", "peer", "uniqueid", "start", "answer", "stop", "cause", "codec")
_LINKEDID: Final = "CASE {leg}linkedid WHEN '' THEN {leg}uniqueid ELSE {leg}linkedid END"
_LINK_ENDS: Final = 7  # characters; of "1763942400.12345" these tell two calls apart that are not a day and a restart apart
_SHORTENED: Final = "-"  # what a channel is called after its peer: SIP/6118-0000002a

_LINK_END: Final = f"substr(coalesce({_LINKEDID.format(leg='')}, uniqueid), -{_LINK_ENDS})"  # as it is indexed


def may_be_linked(links: Sequence[str]) -> tuple[str, list[str]]:
    """A condition on ``call`` that legs of these calls fulfil, and few others, and its values; found by index."""
    # Asked of the table itself: through a view SQLite does not recognise an indexed expression.
    places = ", ".join("?" * len(links))
    ends = [link[-_LINK_ENDS:] for link in links]
    return f"call.id IN (SELECT id FROM leg WHERE {_LINK_END} IN ({places}))", ends  # noqa: S608 - constants


def _create_legs() -> str:
    figures = ", ".join(f"{figure} {'INTEGER' if figure in _IS_SCALED else 'REAL'}" for figure in _FIGURES)
    return f"""CREATE TABLE leg(id INTEGER PRIMARY KEY, peer INTEGER NOT NULL, channel TEXT NOT NULL, uniqueid TEXT NOT NULL,
        linkedid TEXT, start INTEGER NOT NULL, answer INTEGER, stop INTEGER NOT NULL, cause INTEGER, codec TEXT,
        {figures}) STRICT"""


def _moved() -> str:
    figures = ", ".join(f"CAST(round({each} * 100) AS INTEGER)" if each in _IS_SCALED else each for each in _FIGURES)
    columns = ", ".join((*_KEPT, "channel", "linkedid", *_FIGURES))
    linked = "CASE linkedid WHEN uniqueid THEN '' ELSE linkedid END"
    return f"INSERT INTO leg({columns}) SELECT {', '.join(_KEPT)}, channel, {linked}, {figures} FROM call"  # noqa: S608 - constants


def _create_view() -> str:
    figures = ", ".join(f"leg.{each} / 100.0 AS {each}" if each in _IS_SCALED else f"leg.{each}" for each in _FIGURES)
    kept = ", ".join(f"leg.{column}" for column in _KEPT)
    return f"""CREATE VIEW call AS SELECT {kept}, CASE WHEN substr(leg.channel, 1, 1) = '-'
        THEN (SELECT name FROM peer WHERE id = leg.peer) || leg.channel ELSE leg.channel END AS channel,
        {_LINKEDID.format(leg="leg.")} AS linkedid, {figures}
        FROM leg"""  # noqa: S608 - constants


MIGRATION: Final = (
    _create_legs(),
    _moved(),
    "DROP TABLE call",
    "CREATE INDEX leg_peer_start ON leg(peer, start)",
    "CREATE INDEX leg_start ON leg(start)",
    f"CREATE INDEX leg_linked ON leg({_LINK_END})",
    _create_view(),
)


def insert_call(connection: sqlite3.Connection, peer: int, call: CallRecord) -> None:
    """Write one leg."""
    subject, channel = printable(call.subject), printable(call.channel)
    uniqueid, linkedid = printable(call.uniqueid), None if call.linkedid is None else printable(call.linkedid)
    values = {
        "peer": peer,
        "channel": channel.removeprefix(subject) if channel.startswith(subject + _SHORTENED) else channel,
        "uniqueid": uniqueid,
        "linkedid": "" if linkedid == uniqueid else linkedid,
        "start": int(call.started_at),
        "answer": None if call.answered_at is None else int(call.answered_at),
        "stop": int(call.ended_at),
        "cause": call.cause,
        "codec": None if call.codec is None else printable(call.codec),
        **_totals("to_peer", call.to_peer),
        **_totals("from_peer", call.from_peer),
        "rtt_max": _scaled(call.rtt_max_ms),
    }
    names, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO leg({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608 - our own names


def _totals(side: str, totals: DirectionTotals) -> dict[str, object]:
    counted, reported = totals.expected > 0, totals.expected_reported > 0  # of no packets, no loss is known
    return {
        f"{side}_lost": totals.lost if counted else None,
        f"{side}_packets": totals.expected if counted else None,
        f"{side}_lost_reported": totals.lost_reported if reported else None,
        f"{side}_packets_reported": totals.expected_reported if reported else None,
        f"{side}_jitter_max": _scaled(totals.jitter_max_ms),
        f"{side}_mos_min": _scaled(totals.mos_min),
    }


def _scaled(value: float | None) -> int | None:
    return None if value is None else round(value * PER_UNIT)
