"""The RTP clock measured from sender reports."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import SenderInfo
from qualitywatch.quality.clockrate import CLOCKS_HZ, ClockRate


def reports(clock: ClockRate, hz: float, *, count: int = 3, start: int = 0, step_s: float = 5.0) -> ClockRate:
    for index in range(count):
        clock.observe(SenderInfo(1000 + index * step_s, (start + round(index * step_s * hz)) % 2**32, index * 250, 0))
    return clock


def test_two_reports_are_not_enough() -> None:
    assert reports(ClockRate(), 8000, count=2).hz is None


@given(st.sampled_from(CLOCKS_HZ), st.integers(0, 2**32 - 1), st.floats(0.985, 1.015), st.floats(0.5, 60))
def test_three_agreeing_reports_are_snapped_to_a_real_clock(hz: int, start: int, drift: float, step_s: float) -> None:
    assert reports(ClockRate(), hz * drift, start=start, step_s=step_s).hz == hz


def test_a_bridged_stream_whose_timestamp_stands_still_says_nothing() -> None:
    assert reports(ClockRate(), 0).hz is None


def test_a_jump_does_not_unseat_what_was_agreed() -> None:
    clock = reports(ClockRate(), 48000)
    clock.observe(SenderInfo(2000, 7, 0, 0))
    clock.observe(SenderInfo(2005, 123_456_789, 0, 0))
    assert clock.hz == 48000


def test_g722_ticks_at_8000() -> None:
    assert reports(ClockRate(), 8000, count=4).hz == 8000
