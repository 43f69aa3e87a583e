"""The arithmetic of what is usual."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.rules.usual import Baseline, Usual

VALUES = st.floats(-1e6, 1e6)
MEMORIES = st.integers(2, 500)


def usual_of(values: list[float], memory: int) -> Usual:
    first, *others = values
    usual = Usual(first)
    for value in others:
        usual = usual.and_also(value, memory)
    return usual


@given(values=st.lists(VALUES, min_size=1, max_size=200), memory=MEMORIES)
@settings(max_examples=200)
def test_the_mean_lies_among_what_was_seen_and_the_deviation_within_its_spread(values: list[float], memory: int) -> None:
    usual = usual_of(values, memory)
    spread = max(values) - min(values)
    assert min(values) <= usual.mean <= max(values)
    assert 0 <= usual.deviation <= spread * (1 + 1e-9)
    assert usual.count == len(values)


@given(value=VALUES, count=st.integers(1, 300), memory=MEMORIES)
@settings(max_examples=50)
def test_what_never_changes_does_not_deviate(value: float, count: int, memory: int) -> None:
    assert usual_of([value] * count, memory) == Usual(value, 0.0, count)


@given(values=st.lists(VALUES, min_size=1, max_size=50))
@settings(max_examples=50)
def test_until_the_memory_is_full_all_count_alike(values: list[float]) -> None:
    assert usual_of(values, 50).mean == pytest.approx(sum(values) / len(values), abs=1e-3)


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=50))
@settings(max_examples=50)
def test_what_is_older_than_the_memory_has_faded(values: list[float]) -> None:
    usual = usual_of([*values, *[7.0] * 100], 10)
    assert usual.mean == pytest.approx(7.0, abs=0.01)
    assert usual.deviation < 0.1


BASELINES = st.builds(
    Baseline,
    first_at=st.floats(0, 1e10),
    latest_at=st.floats(0, 1e10),
    hours=st.dictionaries(
        st.integers(0, 23), st.builds(Usual, st.floats(-1e9, 1e9), st.floats(0, 1e9), st.integers(1, 10**9)), max_size=24
    ),
    day=st.none() | st.builds(Usual, st.floats(-1e9, 1e9), st.floats(0, 1e9), st.integers(1, 10**9)),
    unusual_since=st.none() | st.floats(0, 1e10),
)


@given(BASELINES)
@settings(max_examples=100)
def test_what_is_remembered_is_what_was_known(baseline: Baseline) -> None:
    assert Baseline.recall(baseline.memory("jitter_ms weighted"), "jitter_ms weighted") == baseline
    assert Baseline.recall(baseline.memory("jitter_ms weighted"), "rtt_ms median") is None
    assert len(baseline.memory("jitter_ms weighted")) < 3000


@given(
    st.text(max_size=80) | st.recursive(st.none() | st.floats() | st.text(max_size=5), st.lists, max_leaves=8).map(json.dumps)
)
@settings(max_examples=100)
def test_nonsense_is_not_remembered(text: str) -> None:
    assert Baseline.recall(text, "x") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[1.0,2.0,null]", "[1.0,2.0]"),
        ("[1.0,2.0,null]", "[null,2.0,null]"),
        ("[1.0,2.0,null]", "[NaN,2.0,null]"),
        ('"9":', '"24":'),
        ('"9":', '"nine":'),
        ("[6.0,1.0,30]", "[6.0,-1.0,30]"),
        ("[6.0,1.0,30]", "[6.0,1.0,0]"),
        ("[6.0,1.0,30]", '["6",1.0,30]'),
        ("[6.0,1.0,30]", "{}"),
    ],
)
def test_a_damaged_memory_is_none(old: str, new: str) -> None:
    text = Baseline(1.0, 2.0, {9: Usual(6.0, 1.0, 30)}, Usual(6.0, 1.0, 30)).memory("x")
    assert Baseline.recall(text, "x") is not None
    assert old in text
    assert Baseline.recall(text.replace(old, new), "x") is None


def test_a_clock_set_back_leaves_nothing_in_the_future() -> None:
    baseline = Baseline(100.0, 200.0, unusual_since=150.0)
    baseline.not_after(120.0)
    assert baseline == Baseline(100.0, 120.0, unusual_since=120.0)


def test_a_young_hour_borrows_and_an_old_one_does_not() -> None:
    known = Baseline(0.0, 0.0, {9: Usual(6.0, 1.0, 30)}, Usual(6.0, 1.0, 30))
    assert known.at_hour(9, 30) == (Usual(6.0, 1.0, 30), True)
    assert known.at_hour(10, 30) == (Usual(6.0, 1.0, 30), False)
    assert known.at_hour(9, 31) == (None, False)
