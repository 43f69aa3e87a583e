"""The last minute of a peer, against the plain sums of all its samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import Direction, Gauge, LevelObservation, Metric, Sample, Verdict
from qualitywatch.model.observations import Observed
from qualitywatch.ports import SeriesBatch
from qualitywatch.web.recent import BUCKET_S, WINDOW_S, Figures, RecentFigures

START = 1_795_000_000.0


def a_sample(at: float, value: float, weight: float = 100.0, metric: Metric = Metric.LOSS_PERCENT, **more: Verdict) -> Sample:
    verdict = more.get("verdict", Verdict.OK)
    return Sample(at, metric, value, "office", "SIP/1", Direction.TO_PEER, "SIP/1-1", "1.1", verdict, weight)


def at_office(recent: RecentFigures, now: float) -> Figures:
    return recent.figures("office", "SIP/1", Direction.TO_PEER, now)


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 100), st.floats(1, 1000)), min_size=1, max_size=60), st.floats(0, 90))
def test_loss_is_packets_lost_over_packets_expected(steps: list[tuple[float, float, float]], later: float) -> None:
    recent, now, samples = RecentFigures(), START, []
    for pause, value, weight in steps:
        now += pause
        samples.append(a_sample(now, value, weight))
        recent.take_in(SeriesBatch((samples[-1],)))
    now += later
    # What is on the edge, within one bucket, may count or not.
    certain = [each for each in samples if each.at > now - WINDOW_S]
    possible = [each for each in samples if each.at >= now - WINDOW_S - 2 * BUCKET_S]
    found = at_office(recent, now).loss_percent
    if not possible:
        assert found is None
    if len(certain) == len(possible) and certain:
        lost = sum(each.value * each.weight for each in certain)
        assert found == pytest.approx(lost / sum(each.weight for each in certain))
    if found is not None:
        assert min(each.value for each in possible) - 1e-6 <= found <= max(each.value for each in possible) + 1e-6


def test_what_nobody_vouches_for_and_silence_are_unknown_not_zero() -> None:
    recent = RecentFigures()
    assert at_office(recent, START) == Figures()
    recent.take_in(SeriesBatch((a_sample(START, 50.0, verdict=Verdict.ABSURD),)))
    assert at_office(recent, START) == Figures()
    recent.take_in(SeriesBatch((a_sample(START, 3.0, metric=Metric.MOS), a_sample(START, 4.0, metric=Metric.MOS))))
    assert at_office(recent, START) == Figures(mos=3.0)
    assert at_office(recent, START + 120) == Figures()


def test_gauges_are_those_read_last_until_nothing_is_known() -> None:
    recent = RecentFigures()
    for levels in ({Gauge.QUEUE_CALLERS: 2.0}, {Gauge.QUEUE_CALLERS: 3.0}):
        read = LevelObservation(START, "office", "support", levels)
        recent.take_in(SeriesBatch(observed=(Observed(START, read),)))
    (newest,) = recent.levels({"office": START})
    assert (newest.subject, newest.levels) == ("support", {Gauge.QUEUE_CALLERS: 3.0})
    assert recent.levels({"branch": START}) == []
    recent.take_in(SeriesBatch(observed=(Observed(START, LevelObservation(START, "office", "support", {})),)))
    assert recent.levels({"office": START}) == []


def test_a_queue_that_was_read_long_ago_says_nothing_of_now_but_calls_are_told_whenever_they_change() -> None:
    recent = RecentFigures()
    for subject, gauge in (("support", Gauge.QUEUE_CALLERS), ("SIP/provider", Gauge.CONCURRENT_CALLS)):
        read = LevelObservation(START, "office", subject, {gauge: 3.0})
        recent.take_in(SeriesBatch(observed=(Observed(START, read),)))
    assert [each.subject for each in recent.levels({"office": START + 129})] == ["SIP/provider", "support"]
    assert [each.subject for each in recent.levels({"office": START + 130})] == ["SIP/provider"]
