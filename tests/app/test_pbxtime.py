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
