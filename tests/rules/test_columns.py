"""A window in columns holds what a plain list of samples would."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import AlertKey, Direction, Metric, Sample, Verdict
from qualitywatch.rules.columns import SampleColumns

KEY = AlertKey("loss", "office", "SIP/1", Direction.TO_PEER)
SAMPLES = st.builds(
    Sample,
    st.floats(0, 200),
    st.just(Metric.LOSS_PERCENT),
    st.floats(0, 100),
    *(st.just("office"), st.just("SIP/1"), st.just(Direction.TO_PEER), st.just("SIP/1-0001")),
    st.sampled_from(["", *(f"1.{number}" for number in range(60))]),
    st.sampled_from([Verdict.OK, Verdict.NOT_SPLIT]),
    st.floats(0, 1000),
    st.sampled_from([None, "alaw", "opus"]),
)
MOVES = st.lists(st.one_of(SAMPLES, st.integers(0, 200)), max_size=200)


@settings(max_examples=200, deadline=None)
@given(MOVES)
def test_columns_are_a_list_of_samples(moves: list[Sample | int]) -> None:
    columns, plain = SampleColumns(), list[Sample]()
    for move in moves:
        if isinstance(move, Sample):
            columns.append(move)
            plain.append(move)
        else:
            columns.drop_until(move)
            while plain and plain[0].at <= move:
                del plain[0]
        assert len(columns) == len(plain)
        if plain:
            assert (columns.first_at, columns.last_at) == (plain[0].at, plain[-1].at)
            assert columns.last_codec == plain[-1].codec
    assert list(columns.rebuilt(Metric.LOSS_PERCENT, KEY)) == [replace(sample, channel="") for sample in plain]
    assert columns.packets() == sum((sample.weight for sample in plain), start=0.0)
    assert columns.weighted_total() == sum((sample.value * sample.weight for sample in plain), start=0.0)
    assert list(columns.values()) == [sample.value for sample in plain]
    assert columns.calls() == {sample.uniqueid for sample in plain}
    assert columns.has(Verdict.NOT_SPLIT) == any(sample.verdict is Verdict.NOT_SPLIT for sample in plain)


def test_a_day_of_a_large_trunk_has_room() -> None:
    columns = SampleColumns()
    for number in range(66_000):
        call = f"1.{number}"
        columns.append(Sample(1.0, Metric.CALL_DURATION_S, 9, "office", "SIP/1", None, "", call, Verdict.OK, 1))
    assert len(columns) == len(columns.calls()) == 66_000


def test_calls_that_came_and_went_leave_nothing() -> None:
    columns = SampleColumns()
    for number in range(100_000):
        at = float(number)
        columns.append(
            Sample(at, Metric.LOSS_PERCENT, 0, "office", "SIP/1", Direction.TO_PEER, "", f"1.{number}", Verdict.OK, 250)
        )
        columns.drop_until(at - 60)
    assert len(columns) == 60
    assert len(columns.calls()) == 60
    assert len(columns._calls) < 200


def test_ended_calls_of_a_busy_peer_leave_nothing() -> None:
    columns = SampleColumns()
    for number in range(20_000):  # ten calls at once, of a minute each, with a report of each every 5 s
        at, place = number * 0.5, number % 10
        call = f"1.{place}.{int(at // 60)}"
        columns.append(Sample(at, Metric.JITTER_MS, 1, "office", "SIP/1", Direction.TO_PEER, "", call, Verdict.OK, 250))
        columns.drop_until(at - 60)
    assert len(columns.calls()) <= 20
    assert len(columns._calls) < 50
