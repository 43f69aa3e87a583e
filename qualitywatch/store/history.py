"""From rows of counts and sums to points that can be drawn: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import TypeAlias

from qualitywatch.model import Direction, HistoryPoint
from qualitywatch.store.rollup import Figures, Rollup
from qualitywatch.store.voice_tables import Stored

_Merged: TypeAlias = dict[tuple[int, Direction | None], tuple[int, Figures]]


def points(rows: Iterable[Rollup], since: float, until: float) -> Sequence[HistoryPoint]:
    """Return one point for each stretch of one subject and direction that reaches into [since, until), oldest first.

    Rows of the same stretch, of which some are on the disk and some not yet, are added up.
    """
    merged: _Merged = {}
    _add(merged, rows, since, until)
    return sorted(_points(merged), key=_order)


def with_stored(
    done: Sequence[HistoryPoint], stored: Iterable[Stored], width_s: int, rows: Iterable[Rollup], since: float, until: float
) -> Sequence[HistoryPoint]:
    """As ``points``: of points on the disk, of rows there that may have to be added to, and of rows that are not there yet.

    Those on the disk come in order, and are before all others.
    """
    merged: _Merged = {(start_at, direction): (width_s, Figures(*figures)) for start_at, direction, figures in stored}
    _add(merged, rows, since, until)
    return [*done, *sorted(_points(merged), key=_order)]


def _add(merged: _Merged, rows: Iterable[Rollup], since: float, until: float) -> None:
    for row in rows:
        start_at, direction = row.key.start_at, row.key.direction
        if start_at < until and start_at + row.width_s > since:
            known = merged.get((start_at, direction))
            merged[(start_at, direction)] = row.width_s, row.figures if known is None else known[1] + row.figures


def _points(merged: _Merged) -> list[HistoryPoint]:
    return [_point(*key, width_s, *astuple(figures)) for key, (width_s, figures) in merged.items()]


def _order(point: HistoryPoint) -> tuple[float, str]:
    return point.at, point.direction or ""


def _point(
    start_at: int,
    direction: Direction | None,
    width_s: int,
    n: int,
    calls: int,
    lost: float | None,
    packets: float | None,
    lost_reported: float | None,
    packets_reported: float | None,
    loss_max: float | None,
    jitter_n: int,
    jitter_sum: float | None,
    jitter_max: float | None,
    rtt_n: int,
    rtt_sum: float | None,
    rtt_max: float | None,
    mos_n: int,
    mos_sum: float | None,
    mos_min: float | None,
) -> HistoryPoint:
    """The figures are those of ``Figures``, in their order; positions are quicker than names."""
    return HistoryPoint(
        float(start_at),
        float(width_s),
        direction,
        calls,
        packets,
        100 * lost / packets if lost is not None and packets else None,
        loss_max,
        100 * lost_reported / packets_reported if lost_reported is not None and packets_reported else None,
        jitter_sum / jitter_n if jitter_sum is not None and jitter_n else None,
        jitter_max,
        rtt_sum / rtt_n if rtt_sum is not None and rtt_n else None,
        rtt_max,
        mos_sum / mos_n if mos_sum is not None and mos_n else None,
        mos_min,
    )
