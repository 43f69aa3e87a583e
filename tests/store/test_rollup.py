"""Arithmetic of minute and hour rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import Direction, Metric, Sample, Verdict
from qualitywatch.store.rollup import FIGURES, HOUR_S, LATE_S, MINUTE_S, Aggregator, Figures, Rollup, RollupKey, summed
from tests.store.model_values import NOW, a_sample

MINUTE = int(NOW) - 20
HOUR = MINUTE - 780


def rows_of(samples: Iterable[Sample], width_s: int = MINUTE_S) -> list[Rollup]:
    aggregator = Aggregator()
    aggregator.add(samples)
    return [row for row in aggregator.take(NOW, everything=True).rows() if row.width_s == width_s]


def the_row(*samples: Sample) -> Figures:
    (row,) = rows_of(samples)
    return row.figures


def test_loss_is_lost_over_expected_packets() -> None:
    row = the_row(a_sample(10.0, weight=100), a_sample(0.0, weight=300, uniqueid="1700000000.2"))
    assert row == Figures(n=2, calls=2, lost=10.0, packets=400.0, loss_max=10.0)  # 2.5 %, not the mean of 10 and 0


def test_every_metric_has_its_own_count() -> None:
    row = the_row(
        a_sample(5.0, metric=Metric.LOSS_PERCENT_REPORTED, weight=200),
        a_sample(12.0, metric=Metric.JITTER_MS),
        a_sample(8.0, metric=Metric.JITTER_MS),
        a_sample(3.9, metric=Metric.MOS),
        a_sample(4.1, metric=Metric.MOS),
        a_sample(90.0, metric=Metric.R_FACTOR),
    )
    assert row == Figures(
        calls=1,
        lost_reported=10.0,
        packets_reported=200.0,
        jitter_n=2,
        jitter_sum=20.0,
        jitter_max=12.0,
        mos_n=2,
        mos_sum=8.0,
        mos_min=3.9,
    )  # net loss and RTT were not measured: None, not 0


def test_rtt_has_a_row_without_direction() -> None:
    (row,) = rows_of([a_sample(41.0, metric=Metric.RTT_MS), a_sample(39.0, metric=Metric.RTT_MS)])
    assert row.key == RollupKey(MINUTE, "office", "SIP/6117", None)
    assert row.figures == Figures(calls=1, rtt_n=2, rtt_sum=80.0, rtt_max=41.0)


USABLE = {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT, Verdict.UNGROUNDED_CODEC, Verdict.UNKNOWN_CODEC}


@pytest.mark.parametrize("verdict", Verdict)
def test_only_trusted_samples_count(verdict: Verdict) -> None:
    samples = [a_sample(metric=metric, verdict=verdict) for metric in (Metric.LOSS_PERCENT, Metric.JITTER_MS, Metric.MOS)]
    assert bool(rows_of(samples)) == (verdict in USABLE)


def test_a_minute_waits_for_its_end_and_for_late_samples() -> None:
    aggregator = Aggregator()
    aggregator.add([a_sample()])
    assert aggregator.take(MINUTE + MINUTE_S + LATE_S - 0.1).rows() == []
    minute, hour = aggregator.take(MINUTE + MINUTE_S + LATE_S).rows()
    assert (minute.width_s, minute.key.start_at) == (MINUTE_S, MINUTE)
    assert (hour.width_s, hour.key.start_at) == (HOUR_S, HOUR)
    assert minute.figures == hour.figures == Figures(n=1, calls=1, lost=10.0, packets=250.0, loss_max=4.0)
    assert aggregator.take(MINUTE + 1000).rows() == []  # handed out once


def test_a_late_sample_is_added_and_its_call_not_counted_again() -> None:
    aggregator = Aggregator()
    aggregator.add([a_sample(4.0)])
    aggregator.take(MINUTE + 70).rows()
    aggregator.add([a_sample(8.0)])
    minute, hour = aggregator.take(MINUTE + 75).rows()
    assert minute.figures == hour.figures == Figures(n=1, calls=0, lost=20.0, packets=250.0, loss_max=8.0)


def test_a_call_of_many_minutes_counts_once_in_the_hour() -> None:
    aggregator = Aggregator()
    calls = []
    for number in range(10):
        at = MINUTE + number * MINUTE_S
        aggregator.add([a_sample(at=at), a_sample(at=at, uniqueid=f"1700000000.{number}")])
        rows = aggregator.take(at + MINUTE_S + LATE_S).rows()
        calls += [(row.width_s, row.figures.calls) for row in rows]
    assert sum(n for width_s, n in calls if width_s == HOUR_S) == 10  # "….1" and nine others
    assert sum(n for width_s, n in calls if width_s == MINUTE_S) == 19  # both in each minute, but the same in minute 1


@pytest.mark.parametrize("ahead_s", [7200.0, -7200.0])
def test_a_pbx_with_a_wrong_clock_is_neither_held_back_nor_counted_twice(ahead_s: float) -> None:
    aggregator = Aggregator()
    written: list[Rollup] = []
    for second in range(0, 600, 20):
        aggregator.add([a_sample(at=NOW + second + ahead_s)])
        written += aggregator.take(NOW + second).rows()
    hours = [row.figures for row in written if row.width_s == HOUR_S]
    assert sum(row.n for row in hours) == 30
    assert sum(row.calls for row in hours) == 1


def test_calls_counted_are_not_remembered_for_ever() -> None:
    aggregator = Aggregator()
    for hour in range(100):
        aggregator.add([a_sample(at=NOW + hour * HOUR_S, uniqueid=str(hour))])
        aggregator.take(NOW + hour * HOUR_S + 120).rows()
    assert len(aggregator._counted) <= 4


samples_strategy = st.lists(
    st.builds(
        a_sample,
        st.integers(0, 100).map(float),
        at=st.integers(0, 7200).map(lambda offset: NOW + offset),
        metric=st.sampled_from(Metric),
        weight=st.integers(1, 500).map(float),
        uniqueid=st.sampled_from("abc"),
        verdict=st.sampled_from(Verdict),
        subject=st.sampled_from(["SIP/1", "SIP/2"]),
    ),
    max_size=30,
)


def merged(rows: Iterable[Rollup]) -> dict[tuple[int, RollupKey], Figures]:
    table: dict[tuple[int, RollupKey], Figures] = {}
    for row in rows:
        known = table.get((row.width_s, row.key))
        table[(row.width_s, row.key)] = row.figures if known is None else known + row.figures
    return table


def assert_same(one: dict[tuple[int, RollupKey], Figures], other: dict[tuple[int, RollupKey], Figures]) -> None:
    assert one.keys() == other.keys()
    for place, figures in one.items():
        for name in FIGURES:
            left, right = getattr(figures, name), getattr(other[place], name)
            assert left == right or math.isclose(left, right), (place, name)


@given(samples_strategy, st.integers(0, 30), st.integers(0, 7200))
def test_rows_are_the_same_however_often_they_are_taken(samples: list[Sample], cut: int, flushed_after: int) -> None:
    at_once, in_steps = Aggregator(), Aggregator()
    at_once.add(samples)
    in_steps.add(samples[:cut])
    rows = in_steps.take(NOW + flushed_after).rows()
    in_steps.add(samples[cut:])
    rows += in_steps.take(NOW + flushed_after, everything=True).rows()
    assert_same(merged(rows), merged(at_once.take(NOW, everything=True).rows()))


@given(st.lists(samples_strategy, min_size=2, max_size=4), st.integers(0, 7200), st.sampled_from([MINUTE_S, HOUR_S]))
def test_adding_up_may_wait_while_more_is_heard(batches: list[list[Sample]], flushed_after: int, width_s: int) -> None:
    at_once, later = Aggregator(), Aggregator()
    rows, halves, seen, looks = [], [], [], []
    for number, batch in enumerate(batches):
        for aggregator in (at_once, later):
            aggregator.add(batch)
        now = NOW + number * flushed_after
        rows += at_once.take(now).rows()
        seen += at_once.held("office", "SIP/1", width_s)()
        halves += [later.take(now).rows, later.held("office", "SIP/1", width_s)]
    for take, look in zip(halves[::2], halves[1::2], strict=True):
        rows_later = take()
        assert rows[: len(rows_later)] == rows_later
        del rows[: len(rows_later)]
        looks += look()
    assert rows == []
    assert looks == seen


@given(samples_strategy)
def test_an_hour_is_the_sum_of_its_minutes_except_for_calls(samples: list[Sample]) -> None:
    rows = merged([*rows_of(samples), *rows_of(samples, HOUR_S)])
    hours = {key: figures for (width_s, key), figures in rows.items() if width_s == HOUR_S}
    for key, figures in hours.items():
        minutes = [
            minute
            for (width_s, place), minute in rows.items()
            if width_s == MINUTE_S and replace(place, start_at=place.start_at // HOUR_S * HOUR_S) == key
        ]
        total = reduce(Figures.__add__, minutes)
        assert max(minute.calls for minute in minutes) <= figures.calls <= total.calls
        assert_same({(0, key): replace(total, calls=0)}, {(0, key): replace(figures, calls=0)})


figures_strategy = st.builds(
    Figures,
    n=st.integers(0, 9),
    lost=st.none() | st.integers(0, 9).map(float),
    loss_max=st.none() | st.integers(0, 9).map(float),
    mos_min=st.none() | st.integers(1, 4).map(float),
)


@given(figures_strategy, figures_strategy, figures_strategy)
def test_adding_is_associative_and_commutative(a: Figures, b: Figures, c: Figures) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Figures() == a


def test_directions_are_apart() -> None:
    one = a_sample()
    other = replace(one, direction=Direction.FROM_PEER)
    assert [row.key.direction for row in rows_of([one, other])] == [Direction.TO_PEER, Direction.FROM_PEER]


@given(samples_strategy, st.integers(0, 30), st.integers(0, 7200), st.sampled_from([MINUTE_S, HOUR_S]))
def test_looking_at_what_is_held_shows_what_would_be_taken(
    samples: list[Sample], cut: int, flushed_after: int, width_s: int
) -> None:
    aggregator = Aggregator()
    aggregator.add(samples[:cut])
    aggregator.take(NOW + flushed_after).rows()
    aggregator.add(samples[cut:])
    held = merged(row for subject in ("SIP/1", "SIP/2") for row in aggregator.held("office", subject, width_s)())
    assert aggregator.held("office", "SIP/3", width_s)() == []
    taken = merged(row for row in aggregator.take(NOW, everything=True).rows() if row.width_s == width_s)
    assert_same(held, taken)


@given(samples_strategy)
def test_sums_of_any_width_are_those_of_their_minutes(samples: list[Sample]) -> None:
    assert_same(merged(rows_of(samples)), merged(summed(samples, MINUTE_S)))
    assert_same(merged(rows_of(samples, HOUR_S)), merged(summed(samples, HOUR_S)))
