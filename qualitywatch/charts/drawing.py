"""Draws loss, jitter and, where it is known, MOS of one subject as a picture for a phone's screen.

Panels share the time axis; a trifle is shown on a scale on which it looks like one; where nobody spoke, no line is drawn.

Together with ``charts.panel`` the only place that knows matplotlib, by its object interface: no global state, no window.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from qualitywatch.charts.figures import SCALES, extreme
from qualitywatch.charts.ink import COLOURS, DAY_S, DOTS, DPI, INK, MARKERS, PALE_INK, SHADE, SHADE_EDGE, pt
from qualitywatch.charts.panel import INCIDENT, REPORTED, draw_panel, shade
from qualitywatch.charts.request import ChartRequest
from qualitywatch.charts.series import coarser
from qualitywatch.charts.timeaxis import span, tick, zone_of
from qualitywatch.charts.words import Words, words_of
from qualitywatch.model import Direction, Metric

WIDTH_PX: Final = 1080
HEIGHT_PX: Final = 900
HEIGHT_WITH_MOS_PX: Final = 1080
_TOP_PX: Final = 186  # title, time and legend
_BOTTOM_PX: Final = 64
_SHARES: Final = {Metric.LOSS_PERCENT: 3.0, Metric.JITTER_MS: 2.2, Metric.MOS: 1.8}
_TITLE_PX: Final = 40
_SMALL_TITLE_PX: Final = 28
_SHORTEST_S: Final = 60.0


def draw(request: ChartRequest) -> bytes:
    """Return the chart as PNG, 1080 pixels wide."""
    output = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # a letter no font has becomes a box
        figure(request).savefig(output, format="png", metadata={"Software": None})
    return output.getvalue()


def figure(request: ChartRequest) -> Figure:
    """Return the chart as a figure: panels of loss, jitter and perhaps MOS; one that says so when nobody spoke."""
    since, until = request.since, max(request.until, request.since + _SHORTEST_S)
    words, zone = words_of(request.language), zone_of(request.zone)
    points = coarser(request.points, since, until)
    metrics = [metric for metric in _SHARES if metric is not Metric.MOS or extreme(SCALES[metric], points) is not None]
    height = HEIGHT_WITH_MOS_PX if Metric.MOS in metrics else HEIGHT_PX
    chart = Figure(figsize=(WIDTH_PX / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(chart)
    grid = chart.add_gridspec(
        len(metrics),
        1,
        height_ratios=[_SHARES[metric] for metric in metrics],
        left=0.085,
        right=0.955,
        top=1 - _TOP_PX / height,
        bottom=_BOTTOM_PX / height,
        hspace=0.3,
    )
    panels: list[Axes] = []
    for index, metric in enumerate(metrics):
        axes = chart.add_subplot(grid[index], sharex=panels[0] if panels else None)
        draw_panel(axes, metric, points, request.limits, words)
        shade(axes, request.shaded, since, until)
        axes.set_xlim(since / DAY_S, until / DAY_S)
        axes.tick_params(axis="x", labelbottom=metric is metrics[-1])
        panels.append(axes)
    _time_axis(panels[-1], until - since, zone, words)
    _heading(chart, request.title, span(since, until, zone, words), height)
    if any(extreme(SCALES[metric], points) is not None for metric in metrics):
        _legend(chart, panels[0], words.trunk_legend if request.is_trunk else words.legend, words, height)
    else:
        _say(panels[0], words.no_calls)
    return chart


def _time_axis(axes: Axes, span_s: float, zone: tzinfo, words: Words) -> None:
    def label(value: float, _: int | None) -> str:
        return tick(datetime.fromtimestamp(round(value * DAY_S), zone), span_s, words)

    axes.xaxis.set_major_locator(AutoDateLocator(tz=zone, minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(FuncFormatter(label))


def _heading(chart: Figure, title: str, when: str, height: int) -> None:
    # A name may hold a dollar sign, which would begin a formula.
    text = chart.text(
        0.02, 1 - 16 / height, title, fontsize=pt(_TITLE_PX), fontweight="bold", color=INK, va="top", parse_math=False
    )
    _fit(text, _TITLE_PX, WIDTH_PX * 0.96)
    chart.text(0.02, 1 - 70 / height, when, fontsize=pt(27), color=PALE_INK, va="top", parse_math=False)


def _fit(text: Text, size_px: float, room_px: float) -> None:
    """Make a text smaller, and where that is not enough, shorter in the middle: names begin and numbers end it."""
    width = text.get_window_extent().width
    if width > room_px:
        text.set_fontsize(pt(max(_SMALL_TITLE_PX, size_px * room_px / width)))
    width, whole = text.get_window_extent().width, text.get_text()
    kept = len(whole)
    while width > room_px and kept > 1:
        kept = min(kept - 1, int(kept * room_px / width))
        text.set_text(f"{whole[: kept - kept // 2].rstrip()}…{whole[len(whole) - kept // 2 :].lstrip()}")
        width = text.get_window_extent().width


def _say(axes: Axes, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": pt(24)}
    place = axes.transAxes
    axes.text(0.5, 0.5, text, transform=place, fontsize=pt(44), color=PALE_INK, ha="center", va="center", bbox=box, zorder=6)


def _legend(chart: Figure, axes: Axes, ends: Mapping[Direction, str], words: Words, height: int) -> None:
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=COLOURS[direction],
            marker=MARKERS[direction],
            linewidth=pt(4),
            markersize=pt(12),
            label=ends[direction],
        )
        for direction in Direction
    ]
    if any(str(line.get_label()).startswith(REPORTED) for line in axes.get_lines()):
        handles.append(Line2D([], [], color=PALE_INK, linewidth=pt(3), linestyle=DOTS, label=words.reported))
    if any(patch.get_label() == INCIDENT for patch in axes.patches):
        handles.append(Patch(facecolor=SHADE, edgecolor=SHADE_EDGE, label=words.incident))
    chart.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.016, 1 - 108 / height),
        ncols=len(handles),
        fontsize=pt(24),
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.2,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.2,
        labelcolor=INK,
    )
