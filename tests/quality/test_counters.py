"""RFC 3550 counter arithmetic: every trap by name, and the properties that hold for any stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import ReportBlock, Verdict
from qualitywatch.quality.counters import Counters, Interval, interval, signed24, signed32


def block(extended: int, lost: int, fraction: int = 0) -> ReportBlock:
    return ReportBlock(0x1234, fraction, lost, extended, 0, 0, None)


def after(previous: Counters, seconds: float, extended: int, lost: int, fraction: int = 0) -> Interval:
    found = interval(previous, previous.at + seconds, block(extended, lost, fraction))
    assert found is not None
    return found


def test_six_of_110_lost_is_5_45_percent() -> None:
    found = after(Counters(0, 1000, 4), 2.2, 1110, 10)
    assert (found.verdict, found.expected, found.lost) == (Verdict.OK, 110, 6)
    assert found.lost is not None and found.expected is not None
    assert 100 * found.lost / found.expected == pytest.approx(5.4545, abs=0.0001)


@pytest.mark.parametrize(("raw", "value"), [(0xFFFFFF, -1), (16777213, -3), (0x7FFFFF, 8388607), (0, 0)])
def test_cumulative_lost_is_signed_24_bits(raw: int, value: int) -> None:
    assert signed24(raw) == value


def test_late_packets_count_as_no_loss_with_a_verdict() -> None:
    found = after(Counters(0, 100, 0), 5, 350, -1)
    assert (found.verdict, found.lost) == (Verdict.NEGATIVE_LOSS, 0)


def test_a_stream_that_stands_still_is_a_stall_and_not_zero_loss() -> None:
    found = after(Counters(0, 100, 3), 5, 100, 3)
    assert (found.verdict, found.expected, found.lost) == (Verdict.SEQ_FROZEN, None, None)


def test_the_farewell_pair_at_hangup_is_one_report() -> None:
    assert interval(Counters(10.0, 500, 3), 10.00003, block(500, 3)) is None


def test_reordering_is_ignored_and_keeps_the_baseline() -> None:
    assert interval(Counters(0, 1000, 0), 5, block(990, 0)) is None


def test_a_wrap_counted_twice_is_a_new_baseline_and_no_sample() -> None:
    found = after(Counters(0, 65530, 0), 5, 65530 + 250 + 65536, 65536)
    assert (found.verdict, found.expected) == (Verdict.SSRC_RESET, None)
    assert found.baseline is not None
    assert found.baseline.extended_highest_sequence == 65530 + 250 + 65536


def test_an_honest_wrap_is_seamless() -> None:
    found = after(Counters(0, 0xFFFFFF00, 5), 5, 0xFFFFFF00 + 250 - 2**32, 7)
    assert (found.verdict, found.expected, found.lost) == (Verdict.OK, 250, 2)


def test_more_lost_than_expected_falls_back_to_the_fraction() -> None:
    found = after(Counters(0, 100, 0), 5, 350, 400, fraction=64)
    assert (found.verdict, found.lost) == (Verdict.ABSURD, 250 * 64 / 256)


def test_more_lost_than_expected_with_a_saturated_fraction_has_no_figure() -> None:
    assert after(Counters(0, 100, 0), 5, 350, 400, fraction=255).lost is None


def test_a_phone_that_freezes_its_counter_is_read_by_fraction_from_the_second_time_on() -> None:
    first = after(Counters(0, 100, 7), 5, 350, 7, fraction=26)
    assert first.lost == 0
    assert first.baseline is not None
    second = after(first.baseline, 5, 600, 7, fraction=26)
    assert second.lost == pytest.approx(250 * 26 / 256)


@given(
    st.integers(0, 2**32 - 1), st.integers(-(2**23), 2**23 - 1), st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 255)
)
def test_loss_of_an_interval_is_between_none_and_all(
    start: int, lost_before: int, expected: int, lost: int, fraction: int
) -> None:
    lost = min(lost, expected)
    previous = Counters(0.0, start, lost_before)
    after_lost = signed24(lost_before + lost)
    found = interval(previous, 10.0, block((start + expected) % 2**32, after_lost, fraction))
    assert found is not None
    assert found.expected == expected
    assert found.lost is not None
    if not (lost == 0 and fraction):
        assert found.lost == lost
    assert 0 <= found.lost <= expected


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(-(2**23), 2**23 - 1), st.integers(-(2**23), 2**23 - 1))
def test_any_pair_of_reports_gives_a_figure_in_range_or_none(a: int, b: int, c: int, d: int) -> None:
    found = interval(Counters(0.0, a, c), 5.0, block(b, d, 17))
    if found is not None and found.expected is not None:
        assert 0 < found.expected <= 1200
        assert found.lost is None or 0 <= found.lost <= found.expected


@given(st.integers())
def test_signed32_is_two_s_complement(value: int) -> None:
    assert -(2**31) <= signed32(value) < 2**31
    assert (signed32(value) - value) % 2**32 == 0
