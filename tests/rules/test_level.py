"""The rule kind ``level``: the newest reading against its limits, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, Gauge, LevelObservation, Severity, Signal
from qualitywatch.model.levels import STALE_AFTER_S
from qualitywatch.ports import RuleKind
from qualitywatch.rules.kinds.level import GONE_AFTER_S, LevelRule, Options
from qualitywatch.rules.limits import Limit
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import Common, Selection

KEY = AlertKey("waiting", "office", "support")


def rule(gauge: Gauge = Gauge.QUEUE_LONGEST_HOLD_S, enter: float = 180, clear: float = 120) -> LevelRule:
    limits = {Severity.WARNING: Limit(enter, clear, 0.0)}
    return LevelRule(Common("waiting", Selection()), Options(gauge, limits, 0.0))


def read(at: float, value: float | None, gauge: Gauge = Gauge.QUEUE_LONGEST_HOLD_S) -> LevelObservation:
    return LevelObservation(at, "office", "support", {} if value is None else {gauge: value})


def signal(subject: RuleKind, now: float) -> Signal:
    evaluation = subject.evaluate(KEY, now)
    assert evaluation is not None
    return evaluation.levels[0].signal


@settings(max_examples=100)
@example(value=120, enter=180, less=60)  # neither below clear nor from enter on
@given(st.integers(0, 1000), st.integers(1, 500), st.integers(0, 499))
def test_high_is_bad_from_enter_on_and_good_below_clear(value: int, enter: int, less: int) -> None:
    clear = max(1, enter - less)
    one = rule(enter=enter, clear=clear)
    assert tuple(one.observe(read(0, value))) == (KEY,)
    expected = Signal.BREACH if value >= enter else Signal.CLEAR if value < clear else Signal.KEEP
    assert signal(one, 0) is expected


@settings(max_examples=100)
@example(value=3, enter=1, more=2)
@given(st.integers(0, 30), st.integers(0, 20), st.integers(0, 10))
def test_few_agents_are_bad_from_enter_down_and_good_from_clear_up(value: int, enter: int, more: int) -> None:
    gauge = Gauge.QUEUE_AGENTS_AVAILABLE
    one = rule(gauge, enter=enter, clear=enter + more)
    list(one.observe(read(0, value, gauge)))
    expected = Signal.BREACH if value <= enter else Signal.CLEAR if value >= enter + more else Signal.KEEP
    assert signal(one, 0) is expected


def test_an_old_reading_is_unknown_and_a_very_old_one_nothing_to_judge() -> None:
    one = rule()
    list(one.observe(read(0, 500)))
    assert signal(one, STALE_AFTER_S - 1) is Signal.BREACH
    assert signal(one, STALE_AFTER_S) is Signal.UNKNOWN
    assert signal(one, GONE_AFTER_S) is Signal.GONE
    list(one.observe(read(GONE_AFTER_S + 1, 10)))
    assert signal(one, GONE_AFTER_S + 1) is Signal.CLEAR


def test_a_queue_that_is_gone_is_neither_good_nor_bad_until_it_is_read_again() -> None:
    one = rule()
    list(one.observe(read(0, 500)))
    assert tuple(one.observe(read(30, None))) == (KEY,)
    assert signal(one, 30) is Signal.UNKNOWN
    list(one.observe(read(60, 500)))
    assert signal(one, 60) is Signal.BREACH


def test_after_a_gap_there_is_time_to_read_again() -> None:
    one = rule()
    list(one.observe(read(0, 500)))
    one.forget()
    assert signal(one, 1000) is Signal.UNKNOWN
    assert signal(one, 1000 + GONE_AFTER_S) is Signal.GONE


def test_what_is_idle_is_released_and_stays_gone() -> None:
    one = rule()
    list(one.observe(read(0, 500)))
    one.expire(GONE_AFTER_S + 1)
    assert signal(one, GONE_AFTER_S + 1) is Signal.GONE


def test_other_gauges_and_other_queues_are_no_business_of_it() -> None:
    one = rule()
    assert tuple(one.observe(read(0, 500, Gauge.QUEUE_CALLERS))) == ()
    assert one.evaluate(AlertKey("other", "office", "support"), 0) is None


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("gauge: queue_callers", "warning: a level rule needs at least one of info, warning and critical"),
        ("gauge: callers\n    warning: {enter: 3}", "gauge: "),
        ("gauge: queue_callers\n    warning: {clear: 3}", "warning.enter: missing"),
        ("gauge: queue_callers\n    warning: {enter: 0}", "warning.enter: "),
        ("gauge: queue_callers\n    warning: {enter: 3, clear: 4}", "warning.clear: must not be above enter (3)"),
        (
            "gauge: queue_agents_logged_in\n    warning: {enter: 3, clear: 2}",
            "warning.clear: must not be below enter (3): a low queue_agents_logged_in is the bad one",
        ),
        (
            "gauge: queue_callers\n    warning: {enter: 9}\n    critical: {enter: 5}",
            "critical.enter: 5 is milder than the 9 of warning",
        ),
        (
            "gauge: queue_agents_available\n    warning: {enter: 1}\n    critical: {enter: 2}",
            "critical.enter: 2 is milder than the 1 of warning",
        ),
    ],
)
def test_mistakes_are_told(tmp_path: Path, keys: str, problem: str) -> None:
    (tmp_path / "rules.yml").write_text(f"rules:\n  - name: one\n    kind: level\n    {keys}\n")
    with pytest.raises(ConfigError) as caught:
        load_rules([tmp_path])
    (found,) = caught.value.problems
    assert problem in found


def test_a_time_may_be_written_as_a_duration(tmp_path: Path) -> None:
    text = "rules: [{name: one, kind: level, gauge: queue_longest_hold_s, warning: {enter: 3m, for: 1m}}]"
    (tmp_path / "rules.yml").write_text(text)
    (spec,) = load_rules([tmp_path])
    assert spec.summary == "queue_longest_hold_s: warning >= 180 for 60 s"


def test_what_is_told_with_every_change_never_grows_old_until_there_is_a_gap() -> None:
    gauge = Gauge.CONCURRENT_CALLS
    one = rule(gauge, enter=8, clear=6)
    list(one.observe(read(0, 9, gauge)))
    one.expire(10 * GONE_AFTER_S)
    assert signal(one, 10 * GONE_AFTER_S) is Signal.BREACH
    one.forget()
    assert signal(one, 10 * GONE_AFTER_S) is Signal.UNKNOWN
    list(one.observe(read(11 * GONE_AFTER_S, 2, gauge)))
    assert signal(one, 11 * GONE_AFTER_S) is Signal.CLEAR
