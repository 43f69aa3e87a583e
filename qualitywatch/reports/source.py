"""What ``rollup.db`` holds of a stretch of whole hours, by peer and by trunk; the file is opened to be read and nothing else.

Hours are read, not minutes: their sums are the same, and they are kept for two years.  The reasons why calls were not answered,
with SIP codes, are in what was judged, which is kept for two weeks.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from qualitywatch.model import Tally, TallyObservation
from qualitywatch.quality.coverage import REPORTED_AFTER_S, RTP_TECHNOLOGIES
from qualitywatch.reports.tally import Calls, Subject, Voice
from qualitywatch.store.backends.rollup import ROLLUP_FILE
from qualitywatch.store.database import explain
from qualitywatch.store.journal import Journal, unpack
from qualitywatch.store.reading import open_history
from qualitywatch.store.rollup import HOUR_S

_FIRSTS: Final = (  # each by an index or key
    "SELECT min(ts) FROM event",
    "SELECT min(ts) FROM judged",
    "SELECT min((SELECT start FROM leg WHERE peer = peer.id ORDER BY start LIMIT 1)) FROM peer",
)
_INSIDE: Final = "Local/"  # halves of a way through the dialplan, not legs of anybody
_SIDES: Final = {1: "to_peer", 2: "from_peer"}


@dataclass(frozen=True, slots=True)
class Found:
    """Everybody who had calls in [since, until), which are full hours."""

    since: float
    until: float
    peers: tuple[Subject, ...]  # those that carry no trunk
    trunks: tuple[Subject, ...]
    causes_since: float | None = None  # from when on it is known why calls were not answered; None: nothing is


def whole_hours(since: float, until: float) -> tuple[float, float]:
    """The same stretch, widened to where hours begin and end."""
    return since // HOUR_S * HOUR_S, -(-until // HOUR_S) * HOUR_S


def read(directory: Path, since: float, until: float) -> Found:
    """Read the file of a state directory; raises StoreError."""
    path = directory / ROLLUP_FILE
    since, until = whole_hours(since, until)
    with closing(open_history(path, is_newest=True)) as file:
        try:
            return _found(file, since, until)
        except sqlite3.Error as exc:
            raise explain(path, exc) from exc


def known_since(directory: Path) -> float | None:
    """When the first thing was stored that still is; None: nothing is.  Raises StoreError."""
    path = directory / ROLLUP_FILE
    with closing(open_history(path, is_newest=True)) as file:
        try:
            firsts = [file.execute(query).fetchone()[0] for query in _FIRSTS]
        except sqlite3.Error as exc:
            raise explain(path, exc) from exc
    return min((first for first in firsts if first is not None), default=None)


def _found(file: sqlite3.Connection, since: float, until: float) -> Found:
    peers = {
        number: (pbx, name, trunk)
        for number, pbx, name, trunk in file.execute(
            "SELECT p.id, p.pbx, p.name, l.trunk FROM peer p LEFT JOIN place l ON l.peer = p.id WHERE p.pbx <> ''"
        )
    }
    subjects = {number: Subject(pbx, name) for number, (pbx, name, _) in peers.items()}
    for number, start_at, side, voice in _voices(file, since, until):
        if number in subjects:
            pair = (voice, Voice()) if side == "to_peer" else (Voice(), voice)
            one = Subject(*peers[number][:2], *pair, hours={start_at: pair})
            subjects[number] += one
    for number, calls in _calls(file, since, until, {number: name for number, (_, name, _) in peers.items()}):
        if number in subjects:
            subjects[number] += Subject("", "", calls=calls)
    causes, causes_since = _causes(file, since, until)
    by_name = {(pbx, name): number for number, (pbx, name, _) in peers.items()}
    for place, counted in causes.items():
        if place in by_name:
            subjects[by_name[place]] += Subject(*place, causes=dict(counted))
    carrying = {number for number, subject in subjects.items() if peers[number][2] is not None or subject.calls.attempts}
    trunks: dict[tuple[str, str], Subject] = {}
    for number in sorted(carrying):
        pbx, name, trunk = peers[number]
        place = pbx, trunk if trunk is not None else name
        renamed = replace(subjects[number], name=place[1])
        trunks[place] = trunks[place] + renamed if place in trunks else renamed
    alone = [subject for number, subject in subjects.items() if number not in carrying]
    return Found(since, until, _worst_first(alone), _worst_first(list(trunks.values())), causes_since)


def _worst_first(subjects: list[Subject]) -> tuple[Subject, ...]:
    spoke = [each for each in subjects if each.calls != Calls() or each.hours]
    return tuple(sorted(spoke, key=lambda each: (-(each.worse_percent or 0.0), each.pbx, each.name)))


def _voices(file: sqlite3.Connection, since: float, until: float) -> Iterator[tuple[int, int, str, Voice]]:
    rows = file.execute(
        """SELECT peer, ts, dir, coalesce(lost, 0), coalesce(packets, 0), jitter_n, coalesce(jitter_sum, 0), mos_n,
        coalesce(mos_sum, 0), mos_min FROM r1h WHERE ts >= ? AND ts < ?""",
        (since, until),
    ).fetchall()
    for peer, start_at, side, *sums in rows:
        if side in _SIDES:
            yield peer, start_at, _SIDES[side], Voice(*sums)


def _calls(file: sqlite3.Connection, since: float, until: float, names: Mapping[int, str]) -> Iterator[tuple[int, Calls]]:
    legs = file.execute(
        """SELECT peer, count(*), count(answer), coalesce(sum(stop - answer >= :least), 0), coalesce(sum(stop - answer >= :least
        AND (to_peer_packets IS NOT NULL OR from_peer_packets IS NOT NULL)), 0)
        FROM call WHERE start >= :since AND start < :until GROUP BY peer""",
        {"since": since, "until": until, "least": REPORTED_AFTER_S},
    ).fetchall()
    for peer, count, answered, long, measured in legs:
        name = names.get(peer, "")
        if not name.startswith(_INSIDE):
            yield peer, Calls(count, answered, *((long, measured) if name.startswith(RTP_TECHNOLOGIES) else (0, 0)))
    kpis = file.execute(
        "SELECT peer, kpi, sum(n), sum(total) FROM k1h WHERE ts >= ? AND ts < ? GROUP BY peer, kpi", (since, until)
    ).fetchall()
    for peer, kpi, count, total in kpis:
        if kpi == Tally.ANSWERED:
            yield peer, Calls(attempts=count, answered=total)
        elif kpi == Tally.DELIVERED:
            yield peer, Calls(judged=count, delivered=total)
        elif kpi == "call_duration_s":
            yield peer, Calls(talks=count, talk_s=total)


def _causes(file: sqlite3.Connection, since: float, until: float) -> tuple[dict[tuple[str, str], Counter[str]], float | None]:
    """Why calls were not answered, by PBX and peer, and from when on that is known."""
    (first,) = file.execute("SELECT min(ts) FROM judged").fetchone()
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in _judged(file, since, until):
        for each in unpack(Journal(*row), TallyObservation.__name__, "detail"):
            what = each.what
            if isinstance(what, TallyObservation) and what.tally is Tally.ANSWERED and since <= what.at < until:
                failed = what.total - what.good
                if failed > 0:
                    found.setdefault((what.pbx, what.subject), Counter())[what.detail or "-"] += round(failed)
    return found, None if first is None else max(since, float(first))


def _judged(file: sqlite3.Connection, since: float, until: float) -> Iterator[tuple[float, float, str, bytes]]:
    """Rows of that time, a few at once: whoever reads for long keeps the daemon from writing."""
    last = 0
    while rows := file.execute(
        "SELECT id, ts, until, pbx, observed FROM judged WHERE id > ? AND ts < ? AND until >= ? ORDER BY id LIMIT 200",
        (last, until, since),
    ).fetchall():
        for number, *row in rows:
            last = number
            yield row[0], row[1], row[2], row[3]
