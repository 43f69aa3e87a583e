"""A chart in one line of text: Unicode block elements (U+2581 to U+2588), a dot where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

from qualitywatch.charts.figures import SCALES, extreme, known
from qualitywatch.charts.words import words_of
from qualitywatch.model import Direction, HistoryPoint, Metric

UNKNOWN: Final = "·"
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 30


def sparkline(values: Sequence[float | None], *, low: float = 0.0, high: float | None = None) -> str:
    """Return one character for each value between ``low`` and ``high`` (None: the highest value known).

    Values beyond a bound look like the bound.  None, and what is no finite number, is a dot.
    """
    figures = [known(value) for value in values]
    top = high if high is not None else max((value for value in figures if value is not None), default=low)
    return "".join(UNKNOWN if value is None else _BLOCKS[_step(value, low, top)] for value in figures)


def summary_line(
    points: Sequence[HistoryPoint],
    metric: Metric,
    direction: Direction | None,
    language: str,
    *,
    since: float | None = None,
    until: float | None = None,
    columns: int = _COLUMNS,
) -> str:
    """Return a labelled line such as ``loss to it ▁▁▂▅█▃ max 12.4%``; times without calls are dots.

    The line shows [since, until), by default the extent of the points, in at most ``columns`` characters of equal time; where
    several points share one, the worst is shown.  Each block is a mean; the number behind them is the worst single report.
    """
    words, scale = words_of(language), SCALES[metric]
    own = [point for point in points if point.direction is direction and known(scale.mean(point)) is not None]
    label = " ".join(filter(None, (words.nouns[metric], words.to_and_from[direction] if direction is not None else "")))
    start = since if since is not None else min((point.at for point in own), default=0.0)
    end = until if until is not None else max((point.at + point.seconds for point in own), default=0.0)
    own = [point for point in own if start <= point.at < end]
    worst = extreme(scale, own)
    if worst is None:
        return f"{label}: {words.no_calls[0].lower()}{words.no_calls[1:]}"
    finest = min(point.seconds for point in own)
    # Never more columns than there are stretches, or every line would be full of holes.
    count = max(1, min(columns, round((end - start) / finest) if finest > 0 else columns))
    worse = min if scale.worse_is_lower else max
    shown: list[float | None] = [None] * count
    for point in own:
        column = min(count - 1, int((point.at - start) / (end - start) * count + 1e-6))
        value, other = known(scale.mean(point)), shown[column]
        if value is not None:
            shown[column] = value if other is None else worse(value, other)
    high = scale.high if scale.worse_is_lower else max(scale.high, *(value for value in shown if value is not None))
    line = sparkline(shown, low=scale.low, high=high)
    mark = words.lowest if scale.worse_is_lower else words.highest
    return f"{label} {line} {mark} {worst:{scale.form}}{words.units[metric]}"


def chart_lines(points: Sequence[HistoryPoint], language: str, *, since: float, until: float) -> tuple[str, ...]:
    """Return what stands for a chart of loss and jitter: a line for each metric and direction that is known."""
    directions = dict.fromkeys(point.direction for point in points)
    return tuple(
        summary_line(points, metric, direction, language, since=since, until=until)
        for metric, direction in product((Metric.LOSS_PERCENT, Metric.JITTER_MS), directions)
        if any(point.direction is direction and known(SCALES[metric].mean(point)) is not None for point in points)
    )


def _step(value: float, low: float, high: float) -> int:
    if high <= low:
        return 0
    share = (min(max(value, low), high) - low) / (high - low)
    return min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))
