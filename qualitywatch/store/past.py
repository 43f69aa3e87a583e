"""The stored past, read for ``backtest`` while the daemon goes on writing.

Strategy: the file is opened read-only and read in short queries whose results are fetched at once, so that the daemon's next
minute never waits for us.  A file of an older version has fewer tables; what is not there was not kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qualitywatch.errors import StoreError
from qualitywatch.model import Direction, Metric, Sample, StatusObservation, Verdict
from qualitywatch.model.observations import Belonging, Observed, Whereabouts
from qualitywatch.store import detail as details
from qualitywatch.store import journal as journals
from qualitywatch.store.database import explain
from qualitywatch.store.reading import open_history
from qualitywatch.store.rollup import FIGURES, MINUTE_S, Figures
from qualitywatch.store.voice_tables import DIRECTIONS

CHUNK_S: Final = 3600
_FIGURES: Final = ", ".join(FIGURES)
_PIECE_S: Final = 10  # a minute known by its sums becomes samples so far apart


@dataclass(frozen=True, slots=True)
class Extent:
    """What is stored of one PBX; None: nothing of the kind."""

    pbx: str
    first_at: float | None  # the first minute
    last_at: float | None
    judged_from: float | None  # since when everything that was judged is kept, single reports among it


@dataclass(frozen=True, slots=True)
class SummedMinute:
    """One minute of one subject and direction of which only the sums are known."""

    start_at: int
    samples: tuple[Sample, ...]


class Past:
    """The stored history, opened read-only; close it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        tables = {name for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self._has_judged = {"detail", "judged"} <= tables

    @classmethod
    def open(cls, path: Path) -> Past:
        """Open ``rollup.db``; raises StoreError, also when there is none."""
        connection = open_history(path, is_newest=False)
        try:
            return cls(path, connection)
        except StoreError:
            connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def extents(self) -> Sequence[Extent]:
        """What is stored of each PBX, by name."""
        names = {name for (name,) in self._rows("SELECT DISTINCT pbx FROM peer")}
        judged: dict[str, float] = {}
        if self._has_judged:
            judged = dict(self._rows("SELECT pbx, min(ts) FROM judged GROUP BY pbx"))
            last = dict(self._rows("SELECT pbx, max(until) FROM judged GROUP BY pbx"))
        else:
            last = {}
        found = []
        for pbx in sorted(names | judged.keys()):
            first_at, last_at = self._rows(
                # In the order of the key, which ends with the first row; min() would read them all.
                "SELECT min((SELECT ts FROM r1m WHERE peer = p.id ORDER BY ts LIMIT 1)),"
                " max((SELECT ts FROM r1m WHERE peer = p.id ORDER BY ts DESC LIMIT 1)) FROM peer p WHERE pbx = ?",
                pbx,
            )[0]
            firsts = [at for at in (first_at, judged.get(pbx)) if at is not None]
            lasts = [at for at in (None if last_at is None else last_at + MINUTE_S, last.get(pbx)) if at is not None]
            found.append(Extent(pbx, min(firsts, default=None), max(lasts, default=None), judged.get(pbx)))
        return found

    def standing(self, pbx: str, before: float) -> list[Observed]:
        """How everybody stood at an instant, as far as it was told before: the last state and trunk of each, oldest first."""
        last: dict[tuple[str, str], Observed] = {}
        if self._has_judged:
            query = "SELECT ts, until, pbx, observed FROM judged WHERE pbx = ? AND ts < ? ORDER BY ts, id"
            for observed in self._journals(query, pbx, before):
                if observed.at < before and isinstance(observed.what, StatusObservation | Belonging | Whereabouts):
                    entity = (
                        observed.what.entity if isinstance(observed.what, StatusObservation) else type(observed.what).__name__
                    )
                    known = last.get((entity, observed.what.subject))
                    # Rows hold some minutes each, which may overlap: the row that begins last need not tell the latest.
                    if entity != "audio" and (known is None or observed.at >= known.at):
                        last[(entity, observed.what.subject)] = observed
        return sorted(last.values(), key=lambda each: each.at)

    def observed(self, pbx: str, since: float, until: float) -> list[Observed]:
        """What was judged in [since, until) beside the reports' samples, in order."""
        if not self._has_judged:
            return []
        query = "SELECT ts, until, pbx, observed FROM judged WHERE pbx = ? AND ts < ? AND until >= ? ORDER BY ts, id"
        found = [each for each in self._journals(query, pbx, until, since) if since <= each.at < until]
        found.sort(key=lambda each: each.at)
        return found

    def samples(self, pbx: str, since: float, until: float) -> list[Sample]:
        """Samples in [since, until) of the minutes that are kept report by report, in order."""
        if not self._has_judged:
            return []
        rows = self._rows(
            "SELECT ts, name, samples FROM detail JOIN peer ON peer.id = peer WHERE pbx = ? AND ts > ? AND ts < ?"
            " ORDER BY detail.id",
            *(pbx, since - MINUTE_S, until),
        )
        found = [
            sample
            for start_at, subject, packed in rows
            for sample in details.unpack(details.Detail(start_at, pbx, subject, packed))
            if since <= sample.at < until
        ]
        found.sort(key=lambda sample: sample.at)
        return found

    def subjects(self, pbx: str) -> list[tuple[int, str]]:
        """Number and name of all subjects of a PBX."""
        return [(number, name) for number, name in self._rows("SELECT id, name FROM peer WHERE pbx = ? ORDER BY id", pbx)]

    def summed(
        self, pbx: str, peer: int, subject: str, since: float, until: float, *, all_of_them: bool
    ) -> Iterator[SummedMinute]:
        """Minutes of a subject kept as sums only, made into samples: all, or those that should have been kept whole."""
        rows = self._rows(
            f"SELECT ts, dir, {_FIGURES} FROM r1m WHERE peer = ? AND ts >= ? AND ts < ? ORDER BY ts",  # noqa: S608 - constants
            *(peer, since, until),
        )
        kept: set[int] = set()
        if self._has_judged and rows:
            span = (peer, rows[0][0], rows[-1][0])
            kept = {ts for (ts,) in self._rows("SELECT ts FROM detail WHERE peer = ? AND ts >= ? AND ts <= ?", *span)}
        near: set[int] = set()
        if not all_of_them:
            for ts, _, *values in rows:
                if ts not in kept and _is_notable(Figures(*values)):
                    near.update(range(ts - details.BEFORE * MINUTE_S, ts + (details.AFTER + 1) * MINUTE_S, MINUTE_S))
        for ts, direction, *values in rows:
            if ts not in kept and (all_of_them or ts in near):
                yield SummedMinute(ts, tuple(_spread(ts, pbx, subject, DIRECTIONS.get(direction), Figures(*values))))

    def _journals(self, query: str, *values: object) -> Iterator[Observed]:
        for first_at, last_at, pbx, packed in self._rows(query, *values):
            yield from journals.unpack(journals.Journal(first_at, last_at, pbx, packed))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as exc:
            raise explain(self._path, exc) from exc


def _is_notable(figures: Figures) -> bool:
    highest = {Metric.LOSS_PERCENT: figures.loss_max, Metric.JITTER_MS: figures.jitter_max, Metric.RTT_MS: figures.rtt_max}
    return any(value is not None and value >= details.FLOORS[metric] for metric, value in highest.items())


def _spread(start_at: int, pbx: str, subject: str, direction: Direction | None, figures: Figures) -> Iterator[Sample]:
    """Spread the sums of a minute evenly over it: no window and no second can be told any more.

    Round trips have no direction, whichever row of ``r1m`` they stand in (a row of their own in files of an older version).
    """
    loss = _percent(figures.lost, figures.packets)
    reported = _percent(figures.lost_reported, figures.packets_reported)
    jitter_ms, rtt_ms = _mean(figures.jitter_sum, figures.jitter_n), _mean(figures.rtt_sum, figures.rtt_n)
    series = (
        (Metric.LOSS_PERCENT, direction, loss, figures.packets, figures.n),
        (Metric.LOSS_PERCENT_REPORTED, direction, reported, figures.packets_reported, figures.n),
        (Metric.JITTER_MS, direction, jitter_ms, figures.packets_reported, figures.jitter_n),
        (Metric.RTT_MS, None, rtt_ms, None, figures.rtt_n),
    )
    for place in range(_PIECE_S // 2, MINUTE_S, _PIECE_S):
        for metric, of, value, packets, count in series:
            pieces = max(1, min(MINUTE_S // _PIECE_S, count))
            if value is not None and place // _PIECE_S < pieces:
                # Of round trips no packets are stored: as many as of a report every 5 s, of 50 packets a second.
                weight = (packets if packets is not None else 250.0 * count) / pieces
                yield Sample(float(start_at + place), metric, value, pbx, subject, of, "", "summed", Verdict.OK, weight)


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100 * part / whole if part is not None and whole else None


def _mean(total: float | None, count: int) -> float | None:
    return total / count if total is not None and count else None
