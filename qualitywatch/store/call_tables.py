"""The legs of calls in ``rollup.db``, small: what another column tells is not said again, and numbers are no text.

Strategy: SQLite writes a whole number in as few bytes as it takes, 0 and 1 in none
(https://www.sqlite.org/fileformat.html section 2.1).  So instants are seconds after the leg's start, an id of Asterisk, which
is a time and a number ("1763942400.12345", main/channel.c), is kept as how far it is from what was told before, and of losses
the reports' own counts are kept, with what is less in net ones, in hundredths as all other figures (see ``voice_tables``).
Ids and channels of another form are kept as text.

The view ``call`` shows legs whole and in their units, and all reading goes through it; SQLite looks through it into the
indexes of the table ``leg``.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Final

from qualitywatch.model import CallRecord, DirectionTotals
from qualitywatch.store.codec import printable

PER_UNIT: Final = 100  # of a millisecond, a score, a packet
_SIDES: Final = ("to_peer", "from_peer")
_MOST: Final = 2**63
_ID: Final = re.compile(r"([0-9]+)\.([0-9]+)")
_CHANNEL_NUMBER: Final = re.compile(r"-([0-9a-f]{8})")  # after the peer: SIP/6118-0000002a (chan_sip.c, chan_pjsip.c)

# What a call is found by: the number of its linkedid, which tells two calls apart that are not a restart apart, or its text.
_LINK: Final = "coalesce(nullif(linkedid, ''), number + link_number, uniqueid, number)"


def may_be_linked(links: Sequence[str]) -> tuple[str, list[str | int]]:
    """A condition on ``call`` that legs of these calls fulfil, and few others, and its values; found by index."""
    # Asked of the table itself: through a view SQLite does not recognise an indexed expression.
    wanted: list[str | int] = [*links, *(known[1] for link in links if (known := _numbers(link)) is not None)]
    places = ", ".join("?" * len(wanted))
    return f"call.id IN (SELECT id FROM leg WHERE {_LINK} IN ({places}))", wanted  # noqa: S608 - constants


def _numbers(text: str) -> tuple[int, int] | None:
    """Time and number of an id of Asterisk; None for one of another form."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    made, number = int(found[1]), int(found[2])
    return (made, number) if f"{made}.{number}" == text and max(made, number) < _MOST else None


def _figures(side: str) -> tuple[str, ...]:
    counted = (f"{side}_lost_reported REAL", f"{side}_packets_reported REAL")
    scaled = ("lost_less", "packets_less", "jitter_max", "mos_min")
    return (*counted, *(f"{side}_{figure} INTEGER" for figure in scaled))


def _create_legs() -> str:
    figures = ", ".join((*_figures("to_peer"), *_figures("from_peer"), "rtt_max INTEGER"))
    return f"""CREATE TABLE leg(id INTEGER PRIMARY KEY, peer INTEGER NOT NULL, start INTEGER NOT NULL, answer INTEGER,
        stop INTEGER NOT NULL, made INTEGER, number INTEGER, link_made INTEGER, link_number INTEGER, channel_number INTEGER,
        cause INTEGER, codec INTEGER, {figures}, uniqueid TEXT, linkedid TEXT, channel TEXT) STRICT"""


def _moved() -> tuple[str, ...]:
    """Statements that bring the legs of the layout before over; SQLite reads no hexadecimals: old channels stay text."""
    columns, values = ["id", "peer", "start", "answer", "stop", "cause", "rtt_max"], ["c.id", "c.peer", "c.start"]
    values += ["c.answer - c.start", "c.stop - c.start", "c.cause", _hundredths("c.rtt_max")]
    for side in _SIDES:
        for figure in ("lost", "packets"):
            columns += [f"{side}_{figure}_reported", f"{side}_{figure}_less"]
            reported = f"c.{side}_{figure}_reported"
            values += [reported, _hundredths(f"coalesce({reported}, 0) - c.{side}_{figure}")]
        columns += [f"{side}_jitter_max", f"{side}_mos_min"]
        values += [_hundredths(f"c.{side}_jitter_max"), _hundredths(f"c.{side}_mos_min")]
    columns += ["made", "number", "link_made", "link_number", "uniqueid", "linkedid", "codec", "channel"]
    values += ["c.made - c.start", "c.number"]
    values += [f"CASE WHEN c.number IS NOT NULL THEN c.link_{part} - c.{part} END" for part in ("made", "number")]
    values.append("CASE WHEN c.number IS NULL THEN c.uniqueid END")
    values.append("""CASE WHEN c.number IS NOT NULL AND c.link_number IS NOT NULL THEN NULL
        WHEN c.linkedid = c.uniqueid AND c.number IS NULL THEN '' ELSE c.linkedid END""")
    values += ["(SELECT id FROM codec WHERE name = c.codec)", "c.channel"]
    read = ", ".join(
        _read_in_sql(text, *names)
        for text, *names in (("uniqueid", "made", "number"), ("linkedid", "link_made", "link_number"))
    )
    return (
        "INSERT INTO codec(name) SELECT DISTINCT codec FROM call WHERE codec IS NOT NULL",
        f"""INSERT INTO leg({", ".join(columns)}) SELECT {", ".join(values)}
            FROM (SELECT *, {read} FROM call) AS c ORDER BY c.id""",  # noqa: S608 - constants
        "DROP TABLE call",
    )


def _hundredths(value: str) -> str:
    return f"CAST(round(({value}) * {PER_UNIT}) AS INTEGER)"


def _read_in_sql(text: str, made: str, number: str) -> str:
    """The same as ``_numbers``: both NULL for an id of another form."""
    parts = (f"substr({text}, 1, instr({text}, '.') - 1)", f"substr({text}, instr({text}, '.') + 1)")
    first, second = (f"CAST({part} AS INTEGER)" for part in parts)
    fits = f"{text} NOT GLOB '*[^0-9.]*' AND {first} || '.' || {second} = {text}"
    return f"CASE WHEN {fits} THEN {first} END AS {made}, CASE WHEN {fits} THEN {second} END AS {number}"


def _create_view() -> str:
    uniqueid = "coalesce(leg.uniqueid, (leg.start + leg.made) || '.' || leg.number)"
    linked = "(leg.start + leg.made + leg.link_made) || '.' || (leg.number + leg.link_number)"
    name = "(SELECT name FROM peer WHERE id = leg.peer)"
    figures = [f"leg.rtt_max / {PER_UNIT}.0 AS rtt_max"]
    for side in _SIDES:
        for figure in ("lost", "packets"):
            reported = f"leg.{side}_{figure}_reported"
            figures += [reported, f"coalesce({reported}, 0) - leg.{side}_{figure}_less / {PER_UNIT}.0 AS {side}_{figure}"]
        figures += [f"leg.{side}_{figure} / {PER_UNIT}.0 AS {side}_{figure}" for figure in ("jitter_max", "mos_min")]
    return f"""CREATE VIEW call AS SELECT leg.id, leg.peer, {uniqueid} AS uniqueid,
        CASE leg.linkedid WHEN '' THEN leg.uniqueid ELSE coalesce(leg.linkedid, {linked}) END AS linkedid,
        leg.start, leg.start + leg.answer AS answer, leg.start + leg.stop AS stop, leg.cause,
        (SELECT name FROM codec WHERE id = leg.codec) AS codec,
        coalesce(leg.channel, {name} || printf('-%08x', leg.channel_number)) AS channel, {", ".join(figures)}
        FROM leg"""  # noqa: S608 - constants


MIGRATION: Final = (
    "CREATE TABLE codec(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    _create_legs(),
    *_moved(),
    "CREATE INDEX leg_peer_start ON leg(peer, start)",
    "CREATE INDEX leg_start ON leg(start)",
    f"CREATE INDEX leg_linked ON leg({_LINK})",
    _create_view(),
)


def insert_call(connection: sqlite3.Connection, peer: int, call: CallRecord) -> None:
    """Write one leg."""
    start = int(call.started_at)
    values: dict[str, object] = {
        "peer": peer,
        "start": start,
        "answer": None if call.answered_at is None else int(call.answered_at) - start,
        "stop": int(call.ended_at) - start,
        "cause": call.cause,
        "codec": None if call.codec is None else _codec_id(connection, printable(call.codec)),
        **_ids(start, printable(call.uniqueid), None if call.linkedid is None else printable(call.linkedid)),
        **_channel(printable(call.subject), printable(call.channel)),
        **_totals("to_peer", call.to_peer),
        **_totals("from_peer", call.from_peer),
        "rtt_max": _scaled(call.rtt_max_ms),
    }
    names, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO leg({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608 - our own names


def _codec_id(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT INTO codec(name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    (codec_id,) = connection.execute("SELECT id FROM codec WHERE name = ?", (name,)).fetchone()
    return int(codec_id)


def _ids(start: int, uniqueid: str, linkedid: str | None) -> dict[str, object]:
    own, link = _numbers(uniqueid), None if linkedid is None else _numbers(linkedid)
    if own is None:
        return {"uniqueid": uniqueid, "linkedid": "" if linkedid == uniqueid else linkedid}
    told: dict[str, object] = {"made": own[0] - start, "number": own[1]}
    if link is None:
        return {**told, "linkedid": linkedid}
    return {**told, "link_made": link[0] - own[0], "link_number": link[1] - own[1]}


def _channel(subject: str, channel: str) -> dict[str, object]:
    number = _CHANNEL_NUMBER.fullmatch(channel.removeprefix(subject)) if channel.startswith(subject) else None
    return {"channel": channel} if number is None else {"channel_number": int(number[1], 16)}


def _totals(side: str, totals: DirectionTotals) -> dict[str, object]:
    counted, reported = totals.expected > 0, totals.expected_reported > 0  # of no packets, no loss is known
    told: dict[str, object] = {f"{side}_jitter_max": _scaled(totals.jitter_max_ms), f"{side}_mos_min": _scaled(totals.mos_min)}
    figures = (("lost", totals.lost, totals.lost_reported), ("packets", totals.expected, totals.expected_reported))
    for name, net, of_reports in figures:
        if reported:
            told[f"{side}_{name}_reported"] = of_reports
        if counted:
            told[f"{side}_{name}_less"] = _scaled((of_reports if reported else 0.0) - net)
    return told


def _scaled(value: float | None) -> int | None:
    return None if value is None else round(value * PER_UNIT)
