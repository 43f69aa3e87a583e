"""The legs of calls as ``rollup.db`` kept them until ``leg_tables``: the statements that led there, for files from before.

Instants were seconds after the leg's start, ids and channels numbers where they had the usual form, losses the reports' own
counts and what was less in net ones, all other figures hundredths.
"""

from __future__ import annotations

from typing import Final

PER_UNIT: Final = 100  # of a millisecond, a score, a packet
_SIDES: Final = ("to_peer", "from_peer")

# What a call is found by: the number of its linkedid, which tells two calls apart that are not a restart apart, or its text.
_LINK: Final = "coalesce(nullif(linkedid, ''), number + link_number, uniqueid, number)"


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
    """Time and number of an id of Asterisk: both NULL for an id of another form."""
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
