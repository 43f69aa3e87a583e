"""Charts in one line of text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.charts.sparkline import sparkline, summary_line
from qualitywatch.model import Metric
from tests.charts.build import FROM, SINCE, TO, minute

BLOCKS = "▁▂▃▄▅▆▇█"


def test_each_block_stands_for_one_value_and_a_dot_for_an_unknown_one() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, None, 8], high=8) == "▁▂▃▄▅▆▇█·█"


def test_without_a_bound_the_highest_value_is_the_full_block() -> None:
    assert sparkline([0.0, 6.2, 12.4]) == "▁▅█"


def test_values_beyond_the_bounds_look_like_the_bounds() -> None:
    assert sparkline([-5, 99], low=0, high=10) == "▁█"


def test_silence_everywhere_and_zero_everywhere_look_different() -> None:
    assert sparkline([None, math.nan, math.inf]) == "···"
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([]) == ""


@given(
    st.lists(st.none() | st.floats()),
    st.floats(-1e6, 1e6),
    st.none() | st.floats(-1e6, 1e6),
)
def test_there_is_one_character_for_each_value(values: list[float | None], low: float, high: float | None) -> None:
    line = sparkline(values, low=low, high=high)
    assert len(line) == len(values)
    assert set(line) <= set(BLOCKS + "·")
    unknown = [value is None or not math.isfinite(value) for value in values]
    assert [char == "·" for char in line] == unknown


@given(st.lists(st.floats(0, 100), min_size=2))
def test_a_higher_value_is_never_a_lower_block(values: list[float]) -> None:
    line = sparkline(sorted(values), high=50)
    assert list(line) == sorted(line)


def test_a_summary_names_the_metric_the_direction_and_the_worst_report() -> None:
    points = [minute(number, loss=loss, worst=12.4 if loss == 9 else loss) for number, loss in enumerate([0, 0, 2, 5, 9, 4])]
    assert summary_line(points, Metric.LOSS_PERCENT, TO, "en") == "loss to it ▁▁▂▅█▄ max 12.4%"


def test_a_summary_in_russian() -> None:
    points = [minute(0, FROM, jitter=12.0), minute(1, FROM, jitter=48.0)]
    assert summary_line(points, Metric.JITTER_MS, FROM, "ru") == "джиттер оттуда ▂█ макс. 48 мс"


def test_a_trifle_looks_like_one() -> None:
    points = [minute(0, loss=0.0), minute(1, loss=0.3)]
    assert summary_line(points, Metric.LOSS_PERCENT, TO, "en") == "loss to it ▁▁ max 0.3%"


def test_a_low_score_is_a_low_block_and_the_lowest_is_told() -> None:
    points = [minute(0, mos=4.4), minute(1, mos=2.1)]
    assert summary_line(points, Metric.MOS, TO, "en") == "MOS to it █▃ min 2.1"


def test_figures_without_a_direction_are_told_without_one() -> None:
    points = [minute(0, None, rtt=30.0), minute(1, TO, rtt=900.0)]
    assert summary_line(points, Metric.RTT_MS, None, "en") == "round trip ▁ max 30 ms"


def test_minutes_without_a_call_are_dots() -> None:
    points = [minute(1, loss=5.0), minute(3, loss=5.0), minute(2, FROM, loss=5.0)]
    line = summary_line(points, Metric.LOSS_PERCENT, TO, "en", since=SINCE, until=SINCE + 300)
    assert line == "loss to it ·█·█· max 5.0%"


def test_a_long_time_is_told_in_the_columns_there_are_and_keeps_its_worst_minute() -> None:
    points = [minute(number, loss=20.0 if number == 700 else 0.0) for number in range(1440)]
    line = summary_line(points, Metric.LOSS_PERCENT, TO, "en", since=SINCE, until=SINCE + 86_400, columns=24)
    assert line == "loss to it " + "▁" * 11 + "█" + "▁" * 12 + " max 20.0%"


def test_no_calls_are_said_in_words() -> None:
    assert summary_line([], Metric.LOSS_PERCENT, TO, "en") == "loss to it: no calls in this time"
    outside = [minute(90, loss=1.0)]
    line = summary_line(outside, Metric.LOSS_PERCENT, TO, "ru", since=SINCE, until=SINCE + 300)
    assert line == "потери туда: за это время звонков нет"


@given(
    st.lists(st.tuples(st.integers(0, 200), st.none() | st.floats(0, 100))),
    st.integers(1, 60),
    st.integers(-100, 300),
    st.integers(1, 300),
)
def test_a_summary_is_never_wider_than_asked(
    figures: list[tuple[int, float | None]], columns: int, first: int, length: int
) -> None:
    points = [minute(number, loss=loss) for number, loss in figures]
    since = SINCE + first * 60
    line = summary_line(points, Metric.LOSS_PERCENT, TO, "en", since=since, until=since + length * 60, columns=columns)
    assert sum(char in BLOCKS + "·" for char in line) <= columns
