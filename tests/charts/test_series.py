"""What becomes of points before a pen touches them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.charts.series import POINTS_SHOWN, coarser, series, within
from qualitywatch.model import HistoryPoint
from tests.charts.build import FROM, SINCE, TO, minute


def loss(point: HistoryPoint) -> float | None:
    return point.loss_percent


def pieces(points: list[HistoryPoint]) -> list[list[float]]:
    """Values between the places where the pen is lifted."""
    found: list[list[float]] = [[]]
    for value in series(points, loss).values:
        if math.isnan(value):
            found.append([])
        else:
            found[-1].append(value)
    return found


def test_minutes_in_a_row_are_one_line_through_their_middles() -> None:
    drawn = series([minute(0, loss=1.0), minute(1, loss=2.0)], loss)
    assert drawn.at == (SINCE + 30, SINCE + 90)
    assert drawn.values == (1.0, 2.0)


def test_a_missing_minute_lifts_the_pen() -> None:
    assert pieces([minute(0, loss=1.0), minute(2, loss=2.0), minute(3, loss=3.0)]) == [[1.0], [2.0, 3.0]]


def test_a_minute_without_a_figure_lifts_the_pen_and_is_not_zero() -> None:
    assert pieces([minute(0, loss=1.0), minute(1), minute(2, loss=2.0)]) == [[1.0], [2.0]]
    assert pieces([minute(0), minute(1, loss=math.nan)]) == [[]]


def test_points_are_cut_to_the_time_shown() -> None:
    shown = within([minute(0, loss=1.0), minute(1, loss=2.0), minute(2, loss=3.0)], SINCE + 30, SINCE + 90)
    assert [(point.at, point.seconds, point.loss_percent) for point in shown] == [
        (SINCE + 30, 30.0, 1.0),
        (SINCE + 60, 30.0, 2.0),
    ]


def test_half_an_hour_is_shown_minute_by_minute() -> None:
    points = [minute(number, loss=float(number)) for number in range(30)]
    assert coarser(points, SINCE, SINCE + 1800) == tuple(points)


def test_merged_means_are_weighted_by_packets_and_extremes_stay() -> None:
    points = [
        minute(0, loss=0.0, worst=0.0, mos=4.0, packets=9000),
        minute(1, loss=10.0, worst=40.0, mos=2.0, packets=1000),
        minute(2, packets=0),
    ]
    (merged,) = coarser(points, SINCE, SINCE + 86_400)
    assert (merged.loss_percent, merged.loss_percent_max, merged.mos_min) == (1.0, 40.0, 2.0)
    assert merged.mos == pytest.approx(3.8)
    assert (merged.packets, merged.jitter_ms, merged.seconds) == (10_000, None, 900.0)


def test_stretches_with_calls_in_each_are_one_line_however_few_the_minutes() -> None:
    points = [minute(number, loss=1.0) for number in range(0, 1440, 7)]
    assert len(pieces(list(coarser(points, SINCE, SINCE + 86_400)))) == 1


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from([TO, FROM]), st.floats(0, 100)), max_size=300),
    st.floats(60, 1.5e6),
)
def test_no_line_has_more_points_than_a_screen_shows(figures: list[tuple[int, object, float]], span_s: float) -> None:
    places = sorted({(number, direction): value for number, direction, value in figures}.items())
    points = [minute(number, direction, loss=value) for (number, direction), value in places]  # type: ignore[arg-type]
    shown = coarser(points, SINCE, SINCE + span_s)
    inside = within(points, SINCE, SINCE + span_s)
    for direction in (TO, FROM):
        own = [point for point in shown if point.direction is direction]
        assert len(own) <= POINTS_SHOWN + 1
        assert [point.at for point in own] == sorted(point.at for point in own)
        assert bool(own) == any(point.direction is direction for point in inside)
        assert all(point.at >= SINCE and point.at + point.seconds <= SINCE + span_s + 1e-3 for point in own)
