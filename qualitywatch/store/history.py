"""From rows of counts and sums to points that can be drawn: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qualitywatch.model import Direction, HistoryPoint
from qualitywatch.store.rollup import Figures, Rollup


def points(rows: Iterable[Rollup], since: float, until: float) -> Sequence[HistoryPoint]:
    """Return one point for each stretch of one subject and direction that reaches into [since, until), oldest first.

    Rows of the same stretch, of which some are on the disk and some not yet, are added up.
    """
    merged: dict[tuple[int, Direction | None], tuple[int, Figures]] = {}
    for row in rows:
        start_at, direction = row.key.start_at, row.key.direction
        if start_at < until and start_at + row.width_s > since:
            _, known = merged.get((start_at, direction), (0, Figures()))
            merged[(start_at, direction)] = (row.width_s, known + row.figures)
    in_order = sorted(merged.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return [_point(start_at, direction, *values) for (start_at, direction), values in in_order]


def _point(start_at: int, direction: Direction | None, width_s: int, figures: Figures) -> HistoryPoint:
    return HistoryPoint(
        at=float(start_at),
        seconds=float(width_s),
        direction=direction,
        calls=figures.calls,
        packets=figures.packets,
        loss_percent=_percent(figures.lost, figures.packets),
        loss_percent_max=figures.loss_max,
        loss_percent_reported=_percent(figures.lost_reported, figures.packets_reported),
        jitter_ms=_mean(figures.jitter_sum, figures.jitter_n),
        jitter_ms_max=figures.jitter_max,
        rtt_ms=_mean(figures.rtt_sum, figures.rtt_n),
        rtt_ms_max=figures.rtt_max,
        mos=_mean(figures.mos_sum, figures.mos_n),
        mos_min=figures.mos_min,
    )


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100 * part / whole if part is not None and whole else None


def _mean(total: float | None, count: int) -> float | None:
    return total / count if total is not None and count else None
