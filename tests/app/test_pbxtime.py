"""The PBX's own time, whatever the clock of this machine shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.app.pbxtime import PbxTime

HERE, THERE = 1_700_000_000.0, 1_700_003_600.0  # the PBX is an hour ahead


def test_until_the_pbx_says_otherwise_its_time_is_ours() -> None:
    time = PbxTime(HERE, 50.0)
    assert not time.calibrated
    assert time.now(50.0) == HERE
    assert time.now(62.5) == HERE + 12.5


def test_a_stamp_tells_the_pbx_s_time_and_it_passes_as_everywhere() -> None:
    time = PbxTime(HERE, 50.0)
    time.stamp(THERE, 60.0)
    assert time.calibrated
    assert time.now(60.0) == THERE
    assert time.now(61.25) == THERE + 1.25


def test_the_last_stamp_counts_also_when_the_pbx_s_clock_was_set_back() -> None:
    time = PbxTime(HERE, 50.0)
    time.stamp(THERE, 60.0)
    time.stamp(THERE - 3600, 61.0)
    assert time.now(62.0) == THERE - 3599


def test_no_time_passes_backwards() -> None:
    time = PbxTime(HERE, 50.0)
    time.stamp(THERE, 60.0)
    assert time.now(59.0) == THERE


def test_a_recording_played_at_a_hundred_times_its_speed_is_lived_through_at_that_speed() -> None:
    time = PbxTime(HERE, 0.0)
    for second in range(0, 600, 5):
        time.stamp(THERE + second, second / 100)
        assert time.now(second / 100) == THERE + second
    assert time.now(6.0) == pytest.approx(THERE + 595, abs=1)


@given(st.lists(st.tuples(st.floats(0, 4e9), st.floats(0, 100)), min_size=1, max_size=20), st.floats(0, 1000))
def test_time_since_the_last_stamp_is_monotonic_time(stamps: list[tuple[float, float]], later: float) -> None:
    time, monotonic, at = PbxTime(HERE, 0.0), 0.0, HERE
    for at, pause in stamps:
        monotonic += pause
        time.stamp(at, monotonic)
    assert time.now(monotonic + later) == at + (monotonic + later - monotonic)


def steps(*stamps: tuple[float, float]) -> list[float]:
    """By how much the clock was set forward, stamp by stamp: seconds there, monotonic seconds here."""
    time = PbxTime(HERE, 0.0)
    return [round(time.stamp(THERE + there, here), 6) for there, here in stamps]


def test_a_clock_that_is_set_forward_is_told_by_how_much_and_once() -> None:
    assert steps((0, 0), (20, 20), (40, 40), (3660, 60), (3680, 80)) == [0, 0, 0, 3600, 0]


def test_a_machine_that_slept_is_told_as_well_as_a_second_step() -> None:
    assert steps((0, 0), (40, 40), (7240, 40.5), (7280, 80.5), (10_880, 81)) == [0, 0, 7199.5, 0, 3599.5]


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param([(0, 0), (50_000, 50_000), (50_020, 50_020)], id="a quiet night"),
        pytest.param([(0, 0), (40, 40), (99, 45)], id="less than a minute"),
        pytest.param([(0, 0), (40, 40), (41, 130), (130, 130)], id="a process that was stopped"),
        pytest.param([(0, 0), (40, 40), (-3560, 41), (-3500, 101)], id="a clock that was set back"),
        pytest.param([(second, 0.01 * second) for second in (0, 5, 10, 3000, 3005, 9000)], id="a recording played fast"),
        pytest.param([(second, 0.5 * second) for second in (*range(0, 400, 5), 900)], id="a recording played twice as fast"),
        pytest.param([(second, 0.0) for second in (0, 5, 10, 3000, 3005, 9000)], id="a recording played at once"),
    ],
)
def test_what_only_looks_like_it_is_no_step(stamps: list[tuple[float, float]]) -> None:
    assert not any(steps(*stamps))


@given(st.lists(st.tuples(st.floats(0, 100_000), st.floats(0, 50)), min_size=1, max_size=30))
def test_however_late_messages_come_a_steady_clock_has_no_step(pauses_and_delays: list[tuple[float, float]]) -> None:
    stamps, there, here = [], 0.0, 0.0
    for pause, delay in pauses_and_delays:
        there += pause
        here = max(here, there + delay)
        stamps.append((there, here))
    assert not any(steps(*stamps))
