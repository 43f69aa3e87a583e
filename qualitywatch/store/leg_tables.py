"""The legs of calls in ``rollup.db``, in the order of peer and time: what one leg costs is what a busy PBX costs.

Strategy: as minutes (``minute_tables``) legs keep differences and share columns; a byte a column is what is not said again.
Instants are seconds after the leg's start.  An id of Asterisk is a time and a number ("1763942400.12345", main/channel.c),
the end of a channel's name a number too (chan_sip.c, chan_pjsip.c), and all of them are near each other: ``number`` is the
uniqueid's, ``IDS`` how much greater it is than the linkedid's number, how much later the leg began than its uniqueid says,
and how much later that is than the linkedid.  Names of any other form stand in ``leg_text``; such a leg has no ``number``.
``SOUND`` is the lowest MOS as 1 + what it lacks of 5, and the highest jitter + 0.01 ms, both 0 where unknown.  Packets and
losses are those of the reports, from the peer as what there are more than to it; ``NET`` what is less of them in net ones.

There is no index: whoever asks for calls of a time looks it up peer by peer (SQLite itself does, told by ``sqlite_stat1``
that peers are few).  The legs of a call are looked for where its linkedid says that it began, but those that began much
later have an index.  The view ``call`` shows legs whole and in their units, and all reading by others goes through it.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from qualitywatch.model import CallRecord, DirectionTotals
from qualitywatch.store.codec import printable
from qualitywatch.store.minute_tables import HUNDREDTHS, NET
from qualitywatch.store.packing import Packed, scaled, scaled_in_sql

NEAR_S: Final = 60  # after what the linkedid says
_AHEAD_BITS: Final = 8  # of how much later a leg began than its uniqueid says: clocks differ
IDS: Final = Packed(12, _AHEAD_BITS, 43)
SOUND: Final = Packed(10, 53)
SKEW_S: Final = 1 << _AHEAD_BITS - 1
_BEST_MOS: Final = 500
_FIRST: Final = IDS.pack(-(1 << 11), -SKEW_S, 0)
_BEYOND: Final = IDS.pack(-(1 << 11), -SKEW_S, NEAR_S + 1)
FAR: Final = f"(ids < {_FIRST} OR ids >= {_BEYOND})"
NUMBER_OF_LINK: Final = f"number - {IDS.apart_in_sql('ids')[0]}"

_SIDES: Final = ("to_peer", "from_peer")
_MOST: Final = 2**62  # so that sums with it are whole numbers of SQLite, too
_ID: Final = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")
_CHANNEL_NUMBER: Final = re.compile(r"-([0-9a-f]{8})")  # after the peer: SIP/6118-0000002a
_OF_SIDE: Final = ("sound", "packets", "lost", "net")
_COLUMNS: Final = (
    *("answer", "stop", "cause", "codec", "number", "ids", "channel_less", "rtt_max"),
    *(f"{side}_{column}" for side in _SIDES for column in _OF_SIDE),
)
_TEXTS: Final = ("uniqueid", "linkedid", "channel")


def numbers(text: str) -> tuple[int, int] | None:
    """Time and number of an id of Asterisk; None for one of another form."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    made, number = int(found[1]), int(found[2])
    return (made, number) if f"{made}.{number}" == text and max(made, number) < _MOST else None


def insert_call(connection: sqlite3.Connection, peer: int, call: CallRecord) -> None:
    """Write one leg."""
    start = int(call.started_at)
    (nth,) = connection.execute(
        "SELECT coalesce(max(nth) + 1, 0) FROM leg WHERE (peer, start) = (?, ?)", (peer, start)
    ).fetchone()
    key: dict[str, object] = {"peer": peer, "start": start, "nth": nth}
    texts = (call.uniqueid, call.linkedid or None, call.channel)
    uniqueid, linkedid, channel = (None if text is None else printable(text) for text in texts)
    named = _named(start, str(uniqueid), linkedid, str(channel).removeprefix(printable(call.subject)))
    if not named:
        _insert(connection, "leg_text", {**key, "uniqueid": uniqueid, "linkedid": linkedid, "channel": channel})
    told: dict[str, object] = {
        "answer": None if call.answered_at is None else int(call.answered_at) - start,
        "stop": int(call.ended_at) - start,
        "cause": call.cause,
        "codec": None if call.codec is None else _codec_id(connection, printable(call.codec)),
        "rtt_max": scaled(call.rtt_max_ms, HUNDREDTHS),
        **_totals("to_peer", call.to_peer, 0.0),
        **_totals("from_peer", call.from_peer, call.to_peer.expected_reported),
    }
    _insert(connection, "leg", {**key, **named, **told})


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, object]) -> None:
    names, places = ", ".join(values), ", ".join("?" * len(values))
    # In place of names whose leg is deleted, while they are not yet.
    connection.execute(f"REPLACE INTO {table}({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608 - our own names


def _codec_id(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT INTO codec(name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    (codec_id,) = connection.execute("SELECT id FROM codec WHERE name = ?", (name,)).fetchone()
    return int(codec_id)


def _named(start: int, uniqueid: str, linkedid: str | None, suffix: str) -> dict[str, object]:
    """Names as numbers; nothing when they are no numbers."""
    own, link = numbers(uniqueid), None if linkedid is None else numbers(linkedid)
    channel = _CHANNEL_NUMBER.fullmatch(suffix)
    if own is None or link is None or channel is None:
        return {}
    ids = own[1] - link[1], start - own[0], own[0] - link[0]
    if not IDS.fits(*ids):
        return {}
    return {"number": own[1], "ids": IDS.pack(*ids), "channel_less": own[1] - int(channel[1], 16)}


def _totals(side: str, totals: DirectionTotals, other_packets: float) -> dict[str, object]:
    told: dict[str, object] = {}
    packets, lost = round(totals.expected_reported), round(totals.lost_reported * HUNDREDTHS)
    if packets > 0:  # of no packets, no loss is known
        told = {f"{side}_packets": packets - round(other_packets), f"{side}_lost": lost}
    else:
        packets = lost = 0
    if totals.expected > 0:
        less = packets * HUNDREDTHS - round(totals.expected * HUNDREDTHS), lost - round(totals.lost * HUNDREDTHS)
        told[f"{side}_net"] = NET.pack(*less)
    jitter, mos = scaled(totals.jitter_max_ms, HUNDREDTHS), scaled(totals.mos_min, HUNDREDTHS)
    if jitter is not None or mos is not None:
        told[f"{side}_sound"] = SOUND.pack(0 if mos is None else 1 + _BEST_MOS - mos, 0 if jitter is None else 1 + jitter)
    return told


def _create_legs() -> str:
    columns = ", ".join(f"{column} INTEGER{' NOT NULL' * (column == 'stop')}" for column in _COLUMNS)
    return f"""CREATE TABLE leg(peer INTEGER NOT NULL, start INTEGER NOT NULL, nth INTEGER NOT NULL, {columns},
        PRIMARY KEY(peer, start, nth)) WITHOUT ROWID, STRICT"""


def _create_view() -> str:
    number_more, ahead, later = IDS.apart_in_sql("leg.ids")
    own = f"(leg.start - {ahead})"
    name = "(SELECT name FROM peer WHERE id = leg.peer)"
    texts = {
        "uniqueid": f"{own} || '.' || leg.number",
        "linkedid": f"({own} - {later}) || '.' || (leg.number - {number_more})",
        "channel": f"{name} || printf('-%08x', leg.number - leg.channel_less)",
    }
    shown = {
        text: f"""CASE WHEN leg.number IS NOT NULL THEN {value} ELSE (SELECT {text} FROM leg_text t
            WHERE t.peer = leg.peer AND t.start = leg.start AND t.nth = leg.nth) END AS {text}"""  # noqa: S608 - constants
        for text, value in texts.items()
    }
    figures = [f"leg.rtt_max / {HUNDREDTHS}.0 AS rtt_max", *_shown_side("to_peer"), *_shown_side("from_peer")]
    return f"""CREATE VIEW call AS SELECT (leg.start << 30) + (leg.peer << 10) + leg.nth AS id, leg.peer, {shown["uniqueid"]},
        {shown["linkedid"]}, leg.start, leg.start + leg.answer AS answer, leg.start + leg.stop AS stop, leg.cause,
        (SELECT name FROM codec WHERE id = leg.codec) AS codec, {shown["channel"]}, {", ".join(figures)}
        FROM leg"""  # noqa: S608 - constants


def _shown_side(side: str) -> list[str]:
    mos, jitter = SOUND.apart_in_sql(f"leg.{side}_sound")
    packets_less, lost_less = NET.apart_in_sql(f"leg.{side}_net")
    others = "" if side == "to_peer" else " + coalesce(leg.to_peer_packets, 0)"
    packets = f"leg.{side}_packets{others}"
    shown = {
        "lost_reported": f"leg.{side}_lost / {HUNDREDTHS}.0",
        "lost": f"(coalesce(leg.{side}_lost, 0) - {lost_less}) / {HUNDREDTHS}.0",
        "packets_reported": f"({packets}) * 1.0",
        "packets": f"(coalesce({packets}, 0) * {HUNDREDTHS} - {packets_less}) / {HUNDREDTHS}.0",
        "jitter_max": f"(nullif({jitter}, 0) - 1) / {HUNDREDTHS}.0",
        "mos_min": f"({_BEST_MOS} + 1 - nullif({mos}, 0)) / {HUNDREDTHS}.0",
    }
    return [f"{value} AS {side}_{figure}" for figure, value in shown.items()]


def _moved() -> tuple[str, ...]:
    """Statements that bring the legs of the layout before over; names of another form go into ``leg_text``."""
    ahead, later, more = "-o.made", "-o.link_made", "-o.link_number"
    fits = " AND ".join(
        f"{value} BETWEEN {-(1 << bits - 1)} AND {(1 << bits - 1) - 1}" for value, bits in ((more, 12), (ahead, 8), (later, 43))
    )
    fits += f" AND o.number < {_MOST - (1 << 11)}"  # the number of the linkedid as well
    numbered = f"o.uniqueid IS NULL AND o.linkedid IS NULL AND o.channel_number IS NOT NULL AND {fits}"
    values = {
        "answer": "o.answer",
        "stop": "o.stop",
        "cause": "o.cause",
        "codec": "o.codec",
        "number": f"CASE WHEN {numbered} THEN o.number END",
        "ids": f"CASE WHEN {numbered} THEN {IDS.together_in_sql(more, ahead, later)} END",
        "channel_less": f"CASE WHEN {numbered} THEN o.number - o.channel_number END",
        "rtt_max": "o.rtt_max",
        **_moved_side("to_peer"),
        **_moved_side("from_peer"),
    }
    nth = "row_number() OVER (PARTITION BY peer, start ORDER BY id) - 1 AS nth"
    return (
        f"""INSERT INTO leg_text SELECT o.peer, o.start, o.nth, c.uniqueid, c.linkedid, c.channel
            FROM (SELECT *, {nth} FROM leg) o JOIN call c ON c.id = o.id
            WHERE CASE WHEN {numbered} THEN 0 ELSE 1 END""",  # noqa: S608 - constants
        "DROP VIEW call",
        "ALTER TABLE leg RENAME TO leg_apart",
        _create_legs(),
        f"""INSERT INTO leg(peer, start, nth, {", ".join(values)}) SELECT o.peer, o.start, o.nth, {", ".join(values.values())}
            FROM (SELECT *, {nth} FROM leg_apart) o""",  # noqa: S608 - constants
        "DROP TABLE leg_apart",
    )


def _moved_side(side: str) -> dict[str, str]:
    reported = {name: f"coalesce(o.{side}_{name}_reported, 0)" for name in ("lost", "packets")}
    lost, packets = scaled_in_sql(reported["lost"], HUNDREDTHS), f"CAST(round({reported['packets']}) AS INTEGER)"
    others = "" if side == "to_peer" else " - CAST(round(coalesce(o.to_peer_packets_reported, 0)) AS INTEGER)"
    is_known = f"o.{side}_packets_reported IS NOT NULL"
    jitter, mos = f"coalesce(1 + o.{side}_jitter_max, 0)", f"coalesce(1 + {_BEST_MOS} - o.{side}_mos_min, 0)"
    return {
        f"{side}_sound": f"nullif({SOUND.together_in_sql(mos, jitter)}, 0)",
        f"{side}_packets": f"CASE WHEN {is_known} THEN {packets}{others} END",
        f"{side}_lost": f"CASE WHEN {is_known} THEN {lost} END",
        f"{side}_net": NET.together_in_sql(f"o.{side}_packets_less", f"o.{side}_lost_less"),
    }


MIGRATION: Final = (
    """CREATE TABLE leg_text(peer INTEGER NOT NULL, start INTEGER NOT NULL, nth INTEGER NOT NULL, uniqueid TEXT NOT NULL,
        linkedid TEXT, channel TEXT NOT NULL, PRIMARY KEY(peer, start, nth)) WITHOUT ROWID, STRICT""",
    *_moved(),
    f"CREATE INDEX leg_far ON leg({NUMBER_OF_LINK}) WHERE {FAR}",
    "CREATE INDEX leg_text_linked ON leg_text(coalesce(linkedid, uniqueid))",
    _create_view(),
    "ANALYZE side",  # makes the table
    "INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES ('leg', 'leg', '10000000 10000 2 1')",
)
