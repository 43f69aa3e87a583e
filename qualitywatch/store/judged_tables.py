"""The table of what was judged, in ``rollup.db``: journals of one PBX after the other.

Strategy: a row takes a page of the file, or several whole ones and the rest on one it shares
(https://www.sqlite.org/fileformat.html section 1.6), so that a busy PBX's minute of 2 to 4 KB would cost 4 KB.  What comes
within some minutes is therefore put together in one row; together it is shorter, too.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Final

from qualitywatch.store.codec import printable
from qualitywatch.store.journal import Journal, joined

TOGETHER_S: Final = 600
TOGETHER_BYTES: Final = 16_000
_LOOKED_AT: Final = 32  # rows; more than PBXes


def insert_journal(connection: sqlite3.Connection, journal: Journal) -> None:
    """Add a journal to the last one of its PBX, or after it: never to an earlier one, so that rows stay in order."""
    first_at, last_at, pbx = int(journal.first_at), math.ceil(journal.last_at), printable(journal.pbx)
    last = connection.execute(
        """SELECT id, ts, until, observed FROM judged WHERE id > (SELECT max(id) FROM judged) - ? AND pbx = ?
            ORDER BY id DESC LIMIT 1""",
        (_LOOKED_AT, pbx),
    ).fetchone()
    if last is not None and last[1] <= first_at and last_at - last[1] <= TOGETHER_S:
        row, _, until, observed = last
        has_room = len(observed) + len(journal.packed) <= TOGETHER_BYTES
        if has_room and (together := joined(observed, journal.packed, pbx)) is not None:
            connection.execute("UPDATE judged SET until = ?, observed = ? WHERE id = ?", (max(until, last_at), together, row))
            return
    values = first_at, last_at, pbx, journal.packed
    connection.execute("INSERT INTO judged(ts, until, pbx, observed) VALUES (?, ?, ?, ?)", values)
