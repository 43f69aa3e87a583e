"""One panel of a chart: one metric in both directions, its limits, its worst figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from qualitywatch.charts.figures import SCALES, Scale, extreme, known
from qualitywatch.charts.ink import BASE, COLOURS, DASHES, DAY_S, DOTS, GRID, INK, LIMIT_COLOURS, MARKERS, PALE_INK, SHADE, pt
from qualitywatch.charts.series import series
from qualitywatch.charts.words import Words
from qualitywatch.model import Direction, HistoryPoint, Metric
from qualitywatch.room import Limit

REPORTED: Final = "reported "  # before a direction, as the label of a line
INCIDENT: Final = "incident"
_HEADROOM: Final = 1.12
_OTHER_LEG_PERCENT: Final = 0.1  # reported loss is drawn where it differs from net loss by more


def draw_panel(axes: Axes, metric: Metric, points: Sequence[HistoryPoint], limits: Sequence[Limit], words: Words) -> None:
    """Draw one metric; labels of lines are directions, with ``REPORTED`` in front where it is the loss as reported."""
    scale = SCALES[metric]
    own_limits = [limit for limit in dict.fromkeys(limits) if limit.metric is metric]
    drawn_beside = SCALES[Metric.LOSS_PERCENT_REPORTED] if metric is Metric.LOSS_PERCENT else scale
    axes.set_ylim(scale.low, _top(scale, drawn_beside, points, own_limits))
    for direction in Direction:
        own = [point for point in points if point.direction is direction]
        _worst(axes, own, scale, direction)
        _line(axes, own, scale, direction)
        if metric is Metric.LOSS_PERCENT:
            _reported(axes, own, direction)
    _limits(axes, own_limits, scale, words)
    _frame(axes)
    _heading(axes, metric, points, words)


def shade(axes: Axes, shaded: Sequence[tuple[float, float | None]], since: float, until: float) -> None:
    """Shade when an incident lasted, at least a few pixels wide: a short one is one too."""
    for start, end in shaded:
        left, right = max(start, since), min(end if end is not None else until, until)
        if left <= right:
            right = max(right, left + (until - since) / 250)
            axes.axvspan(left / DAY_S, right / DAY_S, facecolor=SHADE, edgecolor="none", zorder=0, label=INCIDENT)


def _top(scale: Scale, beside: Scale, points: Sequence[HistoryPoint], limits: Sequence[Limit]) -> float:
    """Where the scale ends: above every mean and the limits near it.

    One report that was very bad, and what is drawn ``beside``, are shown as far as they do not flatten all the rest; the figure
    of the worst stands in the heading.
    """
    if scale.worse_is_lower:
        return scale.high
    top = max([scale.high, *(value * _HEADROOM for point in points if (value := known(scale.mean(point))) is not None)])
    far = [value for value in (extreme(scale, points), extreme(beside, points)) if value is not None]
    if far:
        top = max(top, min(max(far) * _HEADROOM, 2 * top))
    for limit in sorted(limits, key=lambda limit: limit.enter):
        if limit.enter <= 2 * top:
            top = max(top, limit.enter * _HEADROOM)
    return top


def _line(axes: Axes, points: Sequence[HistoryPoint], scale: Scale, direction: Direction) -> None:
    drawn = series(points, scale.mean)
    if drawn.at:
        axes.plot(
            [at / DAY_S for at in drawn.at],
            drawn.values,
            color=COLOURS[direction],
            linewidth=pt(4),
            marker=MARKERS[direction],  # on every point, so that one minute of speech between two silences is seen
            markersize=pt(11),
            solid_capstyle="round",
            label=direction.value,
            zorder=4 if direction is Direction.TO_PEER else 3,
            clip_on=False,
        )


def _worst(axes: Axes, points: Sequence[HistoryPoint], scale: Scale, direction: Direction) -> None:
    """A thin stroke from the mean of each stretch to its worst report."""
    low, top = axes.get_ylim()
    strokes = []
    for point in points:
        mean, worst = known(scale.mean(point)), known(scale.worst(point))
        if mean is not None and worst is not None and worst != mean:
            at = (point.at + point.seconds / 2) / DAY_S
            strokes.append([(at, mean), (at, max(low, min(worst, top)))])
    axes.add_collection(
        LineCollection(strokes, colors=COLOURS[direction], linewidths=pt(4), alpha=0.3, zorder=2), autolim=False
    )


def _reported(axes: Axes, points: Sequence[HistoryPoint], direction: Direction) -> None:
    """The loss as the far end reports it, where gaps of the call's other leg make it differ."""
    differs = any(
        point.loss_percent is not None
        and point.loss_percent_reported is not None
        and abs(point.loss_percent_reported - point.loss_percent) > _OTHER_LEG_PERCENT
        for point in points
    )
    if differs:
        drawn = series(points, SCALES[Metric.LOSS_PERCENT_REPORTED].mean)
        axes.plot(
            [at / DAY_S for at in drawn.at],
            drawn.values,
            color=COLOURS[direction],
            linewidth=pt(3),
            linestyle=DOTS,
            label=REPORTED + direction.value,
            zorder=2,
        )


def _limits(axes: Axes, limits: Sequence[Limit], scale: Scale, words: Words) -> None:
    low, top = axes.get_ylim()
    for limit in limits:
        if low < limit.enter < top:
            colour = LIMIT_COLOURS[limit.severity]
            axes.axhline(limit.enter, color=colour, linewidth=pt(2.5), linestyle=DASHES, zorder=1.5)
            axes.text(
                0.995,
                limit.enter,
                words.limits[limit.severity],
                transform=axes.get_yaxis_transform(),
                fontsize=pt(22),
                color=colour,
                ha="right",
                va="top" if scale.worse_is_lower else "bottom",  # on the side that is too bad
                zorder=5,
            )


def _frame(axes: Axes) -> None:
    axes.grid(axis="both", color=GRID, linewidth=pt(1.5))
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(axis="both", labelsize=pt(25), labelcolor=INK, length=0, pad=pt(9))
    axes.tick_params(axis="x", pad=pt(18))  # clear of the zero of the other axis
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(BASE)


def _heading(axes: Axes, metric: Metric, points: Sequence[HistoryPoint], words: Words) -> None:
    """What is shown and in which unit, and the worst figure of each direction in its colour."""
    noun, unit, scale = words.nouns[metric], words.units[metric].strip(), SCALES[metric]
    heading = f"{noun[0].upper()}{noun[1:]}{', ' if unit else ''}{unit}"
    axes.set_title(heading, loc="left", fontsize=pt(30), color=INK, pad=pt(9))
    figures = []
    for direction in Direction:
        worst = extreme(scale, [point for point in points if point.direction is direction])
        if worst is not None:
            figures.append((f"{worst:{scale.form}}", COLOURS[direction], "bold"))
    if figures:
        figures.insert(0, (words.lowest if scale.worse_is_lower else words.highest, PALE_INK, "normal"))
    for place, (text, colour, weight) in enumerate(reversed(figures)):
        axes.annotate(
            text,
            (1.0 - 0.12 * place, 1.0),
            xytext=(0, pt(9)),
            textcoords="offset points",
            xycoords="axes fraction",
            fontsize=pt(30 if weight == "bold" else 26),
            fontweight=weight,
            color=colour,
            ha="right",
            va="baseline",
        )
