"""Figures of a stretch of time: weighed by packets, unknown where nothing was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.chat.figures import summarize
from qualitywatch.model import Direction
from tests.chat.build import point

TO, FROM = Direction.TO_PEER, Direction.FROM_PEER


def test_nothing_measured_is_unknown_and_not_zero() -> None:
    assert not summarize([]).has_reports
    figures = summarize([point(0, TO, packets=None)])
    assert not figures.has_reports
    assert figures.calls == 1
    assert figures.packets is None
    assert figures.by_direction[TO].loss_percent is None


@given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 1)), min_size=1, max_size=20))
def test_loss_is_lost_over_expected_packets(minutes: list[tuple[int, float]]) -> None:
    points = [
        point(60.0 * index, TO, packets=float(packets), loss_percent=100 * share)
        for index, (packets, share) in enumerate(minutes)
    ]
    lost = sum(packets * share for packets, share in minutes)
    heard = summarize(points).by_direction[TO]
    assert heard.loss_percent == pytest.approx(100 * lost / sum(packets for packets, _ in minutes))


def test_extremes_are_the_worst_of_all() -> None:
    figures = summarize(
        [
            point(0, TO, loss_percent_max=3.0, jitter_ms_max=9.0, mos_min=4.0),
            point(60, TO, loss_percent_max=12.4, jitter_ms_max=5.0, mos_min=3.1),
            point(0, None, packets=None, rtt_ms=40.0, rtt_ms_max=120.0),
            point(60, None, packets=None, rtt_ms=60.0),
        ]
    )
    heard = figures.by_direction[TO]
    assert (heard.loss_percent_max, heard.jitter_ms_max, heard.mos_min) == (12.4, 9.0, 3.1)
    assert (figures.rtt_ms, figures.rtt_ms_max) == (50.0, 120.0)


@pytest.mark.parametrize(
    ("minutes", "calls"),
    [
        ([(0, 1), (60, 1), (120, 1)], 1),  # one call of three minutes
        ([(0, 1), (180, 1)], 2),  # a pause between two
        ([(0, 1), (60, 2), (120, 1)], 2),  # one more joins
        ([(0, 2), (60, 3), (120, 1), (180, 2)], 4),
    ],
)
def test_a_call_of_several_minutes_is_one(minutes: list[tuple[float, int]], calls: int) -> None:
    points = [point(at, direction, calls=count) for at, count in minutes for direction in (TO, FROM)]
    assert summarize(points).calls == calls


def test_hours_count_their_own_calls() -> None:
    assert summarize([point(0, TO, seconds=3600, calls=7), point(3600, TO, seconds=3600, calls=5)]).calls == 12
