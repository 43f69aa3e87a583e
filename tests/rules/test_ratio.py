"""Ratio rules: windows, minimum counts, rows of failures, causes."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, Evaluation, NotifyReason, Signal, StatusObservation, Tally, TallyObservation
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules
from qualitywatch.shipped import shipped

NOW = 10_000.0
TRUNK = "PJSIP/trunk-a"
KEY = AlertKey("r", "office", TRUNK)
PERCENT = "min_total: 4, warning: {enter: 90, clear: 95}, critical: {enter: 50, clear: 75, for: 30s}"
ROW = "min_total: 20, warning: {enter: 90, clear: 95, consecutive: 3}, critical: {enter: 50, clear: 75}"


def rule(folder: Path, text: str) -> RuleKind:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: ratio, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def counted(
    good: float,
    at: float = NOW,
    *,
    total: float = 1,
    tally: Tally = Tally.DELIVERED,
    subject: str = TRUNK,
    pbx: str = "office",
    detail: str | None = None,
) -> TallyObservation:
    return TallyObservation(at, tally, pbx, subject, good, total, detail)


def opinion(working: RuleKind, *observations: TallyObservation, now: float | None = None) -> Evaluation:
    keys: list[AlertKey] = []
    for each in observations:
        keys += working.observe(each)
    found = working.evaluate(keys[-1], observations[-1].at if now is None else now)
    assert found is not None
    return found


def signals(evaluation: Evaluation) -> dict[str, str]:
    return {str(level.severity): str(level.signal) for level in evaluation.levels}


def calls(pattern: str, start: float = NOW, every_s: float = 10.0) -> list[TallyObservation]:
    """One call for each letter: g good, b bad."""
    return [
        counted(letter == "g", start + place * every_s, detail=None if letter == "g" else "34 congestion")
        for place, letter in enumerate(pattern)
    ]


# --- The percentage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "warning", "critical"),
    [
        (0, "breach", "breach"),
        (10, "breach", "breach"),
        (11, "breach", "keep"),
        (14, "breach", "keep"),
        (15, "breach", "clear"),
        (18, "breach", "clear"),
        (19, "clear", "clear"),
        (20, "clear", "clear"),
    ],
)
def test_few_good_ones_are_bad_and_entry_and_exit_differ(tmp_path: Path, good: int, warning: str, critical: str) -> None:
    found = opinion(rule(tmp_path, PERCENT), *calls("b" * (20 - good) + "g" * good))
    assert signals(found) == {"warning": warning, "critical": critical}
    assert found.value == pytest.approx(5 * good)
    assert found.worse_is_lower
    assert found.topic == "delivered"


def test_below_the_minimum_nothing_is_said(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, PERCENT), *calls("bbb"))
    assert signals(found) == {"warning": "unknown", "critical": "unknown"}
    assert (found.value, dict(found.details)) == (None, {})


def test_what_is_counted_by_the_dozen_weighs_a_dozen(tmp_path: Path) -> None:
    assert opinion(rule(tmp_path, PERCENT), counted(1), counted(2, NOW + 1, total=11)).value == pytest.approx(25)


def test_holds_are_the_rule_s(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, PERCENT + ", clear_hold: 5m"), *calls("bbbb"))
    assert [(level.severity, level.hold_s) for level in found.levels] == [("warning", 0), ("critical", 30)]
    assert found.clear_hold_s == 300


def test_details_name_the_most_frequent_causes(tmp_path: Path) -> None:
    causes = ["21 call rejected, SIP 401"] * 3 + ["34 congestion"] * 2 + ["38 network out of order", None]
    found = opinion(rule(tmp_path, PERCENT + ", worst_causes: 2"), *(counted(0, NOW, detail=cause) for cause in causes))
    assert found.details == {"calls": "7", "window_s": "3600", "causes": "3 × 21 call rejected, SIP 401; 2 × 34 congestion"}
    assert "causes" not in opinion(rule(tmp_path, PERCENT + ", worst_causes: 0"), *calls("bbbb")).details


# --- The window --------------------------------------------------------------------------------------------------------


def test_a_call_counts_until_it_is_as_old_as_the_window(tmp_path: Path) -> None:
    working = rule(tmp_path, PERCENT + ", window: 10m")
    found = opinion(working, *calls("bbgggg", every_s=100))
    assert found.value == pytest.approx(100 * 4 / 6)
    later = working.evaluate(KEY, NOW + 700)
    assert later is not None
    assert later.value == 100
    few = working.evaluate(KEY, NOW + 800)
    assert few is not None
    assert set(signals(few).values()) == {"unknown"}
    none = working.evaluate(KEY, NOW + 1100)
    assert none is not None
    assert set(signals(none).values()) == {"gone"}


def test_trunks_and_pbxes_are_judged_apart(tmp_path: Path) -> None:
    working = rule(tmp_path, PERCENT)
    opinion(working, *calls("bbbb"))
    assert opinion(working, *(counted(1, subject="SIP/other") for _ in range(4))).value == 100
    assert opinion(working, *(counted(1, pbx="branch") for _ in range(4))).value == 100


def test_other_tallies_and_other_observations_are_not_heard(tmp_path: Path) -> None:
    working = rule(tmp_path, PERCENT + ', subject: "PJSIP/*"')
    assert not list(working.observe(counted(0, tally=Tally.ANSWERED)))
    assert not list(working.observe(counted(0, subject="SIP/other")))
    assert not list(working.observe(counted(0, total=0)))
    assert not list(working.observe(StatusObservation(NOW, "trunk", "office", TRUNK, "rejected", NOW)))
    assert list(working.observe(counted(0))) == [KEY]


def test_a_window_is_not_bridged_over_a_gap(tmp_path: Path) -> None:
    working = rule(tmp_path, ROW)
    opinion(working, *calls("bb"))
    working.forget()
    assert signals(opinion(working, counted(0, NOW + 30))) == {"warning": "keep", "critical": "unknown"}


def test_a_key_from_before_a_restart_is_unknown_until_a_window_has_passed(tmp_path: Path) -> None:
    working = rule(tmp_path, PERCENT)
    told = [working.evaluate(KEY, NOW + after) for after in (0, 3599, 3600)]
    assert [set(signals(each).values()) for each in told if each is not None] == [{"unknown"}, {"unknown"}, {"gone"}]
    assert working.evaluate(AlertKey("other", "office", TRUNK), NOW) is None


def test_memory_of_idle_trunks_is_released_and_what_is_gone_stays_gone(tmp_path: Path) -> None:
    working = rule(tmp_path, PERCENT)
    opinion(working, *calls("bbbb"))
    working.expire(NOW + 20_000)
    found = working.evaluate(KEY, NOW + 20_000)
    assert found is not None
    assert set(signals(found).values()) == {"gone"}


# --- Rows of failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "warning", "critical"),
    [
        ("b", "keep", "unknown"),
        ("bb", "keep", "unknown"),
        ("bbb", "breach", "unknown"),
        ("gbbb", "breach", "unknown"),
        ("bbbg", "clear", "unknown"),
        ("bgbb", "keep", "unknown"),
        ("bbbgbb", "keep", "unknown"),
        ("g" * 97 + "bbb", "breach", "clear"),
        ("g" * 16 + "bbbg", "breach", "clear"),  # the percentage goes on where the row ends
        ("g" * 97 + "bbbg", "clear", "clear"),
    ],
)
def test_so_many_in_a_row_are_bad_whatever_was_before(tmp_path: Path, pattern: str, warning: str, critical: str) -> None:
    assert signals(opinion(rule(tmp_path, ROW), *calls(pattern))) == {"warning": warning, "critical": critical}


def test_of_a_row_the_row_alone_is_told_from_its_first_call_on(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, ROW), *calls("g" * 30 + "bbbb"))
    assert found.value == 0
    assert found.details == {"calls": "4", "in_a_row": "yes", "causes": "4 × 34 congestion"}
    assert found.levels[0].since_at == NOW + 300


def test_a_row_grows_old_with_its_calls(tmp_path: Path) -> None:
    working = rule(tmp_path, ROW + ", window: 10m")
    assert signals(opinion(working, *calls("bbbb", every_s=100)))["warning"] == "breach"
    for now, warning in ((NOW + 699, "breach"), (NOW + 700, "keep"), (NOW + 900, "gone")):
        found = working.evaluate(KEY, now)
        assert found is not None
        assert signals(found)["warning"] == warning


def test_what_the_percentage_raised_does_not_end_because_there_were_fewer_calls(tmp_path: Path) -> None:
    working = rule(tmp_path, "window: 10m, min_total: 4, warning: {enter: 60, clear: 80, consecutive: 3}")
    assert signals(opinion(working, *calls("gbgb")))["warning"] == "breach"
    late = opinion(working, *calls("bg", NOW + 640, every_s=5))
    assert late.value is None, "two calls are no percentage"
    assert signals(late)["warning"] == "unknown", "half of them still fail"
    assert signals(opinion(working, *calls("g" * 8, NOW + 650, every_s=1)))["warning"] == "clear", "until it is good again"


def test_when_nothing_is_left_to_judge_the_percentage_is_forgotten(tmp_path: Path) -> None:
    working = rule(tmp_path, "window: 10m, min_total: 5, warning: {enter: 60, clear: 80, consecutive: 3}")
    assert signals(opinion(working, *calls("gbgbb")))["warning"] == "breach"
    assert signals(working.evaluate(KEY, NOW + 700) or pytest.fail("no opinion"))["warning"] == "gone"
    assert signals(opinion(working, *calls("bbb", NOW + 800)))["warning"] == "breach"
    assert signals(opinion(working, *calls("g", NOW + 840)))["warning"] == "clear", "a row ends with one good call"


def test_a_row_alone_may_be_the_rule(tmp_path: Path) -> None:
    working = rule(tmp_path, "critical: {consecutive: 2}")
    assert signals(opinion(working, *calls("bb"))) == {"critical": "breach"}
    assert signals(opinion(working, *calls("g" * 5 + "bgbb" * 20, NOW + 50))) == {"critical": "breach"}
    assert signals(opinion(working, *calls("g", NOW + 5000))) == {"critical": "clear"}


@given(
    script=st.lists(
        st.tuples(st.floats(0, 400), st.sampled_from([(0, 1), (1, 1), (1, 1), (0, 2), (1, 3)])), min_size=1, max_size=40
    ),
    wait=st.floats(0, 1000),
)
def test_it_is_what_a_naive_count_says(script: list[tuple[float, tuple[int, int]]], wait: float) -> None:
    text = (
        "window: 20m, min_total: 5, warning: {enter: 80, clear: 90}, critical: {enter: 40, clear: 60, consecutive: 3, for: 10s}"
    )
    with TemporaryDirectory() as folder:
        working = rule(Path(folder), text)
    at, observations = NOW, []
    for step, (good, total) in script:
        at += step
        observations.append(counted(good, at, total=total))
        working.observe(observations[-1])
        working.evaluate(KEY, at)  # as it is in life: every step is judged
    now = at + wait
    found = working.evaluate(KEY, now)
    assert found is not None
    window = [each for each in observations if each.at > now - 1200]
    in_all, well = sum(each.total for each in window), sum(each.good for each in window)
    row = list(takewhile(lambda each: each.good == 0, reversed(window)))
    in_a_row = sum(each.total for each in row)
    warning, critical = (level.signal for level in found.levels)
    if not window:
        assert {warning, critical} == {Signal.GONE}
    elif in_all < 5:
        assert warning is Signal.UNKNOWN
    else:
        percent = 100 * well / in_all
        expected = Signal.BREACH if percent <= 80 else Signal.CLEAR if percent >= 90 else Signal.KEEP
        assert warning is expected
    if in_a_row >= 3:
        assert (critical, found.value, found.details["calls"]) == (Signal.BREACH, 0, f"{in_a_row:.0f}")
        assert found.levels[1].since_at == row[-1].at
    elif in_all < 5:
        assert found.value is None, "no ratio of too few"
        assert critical is not Signal.BREACH
    else:
        assert found.value == pytest.approx(100 * well / in_all)
        assert found.details["calls"] == f"{in_all:.0f}"


# --- The default rule --------------------------------------------------------------------------------------------------


def told(pattern: str, every_s: float) -> list[tuple[str, str, float]]:
    """What the default rule tells of calls at even intervals: reason, severity, seconds after the first call."""
    (spec,) = (spec for spec in load_rules([shipped("rules")]) if spec.name == "trunk-delivery")
    working, lifecycle, found = spec.build(), Lifecycle(), []
    observations = {each.at: each for each in calls(pattern, every_s=every_s)}
    for second in range(int(len(pattern) * every_s) + 600):
        now = NOW + second
        keys = set(lifecycle.active()) | set(working.observe(observations[now]) if now in observations else ())
        for key in keys:
            evaluation = working.evaluate(key, now)
            assert evaluation is not None
            transition = lifecycle.apply(evaluation)
            if transition is not None and transition.reason is not NotifyReason.NONE:
                found.append((str(transition.reason), str(transition.alert.severity), transition.at - NOW))
    return found


def test_three_in_a_row_warn_four_are_critical_and_one_that_gets_through_is_the_end() -> None:
    assert told("ggbbbbbg", 60) == [
        ("firing", "warning", 240),
        ("severity_increased", "critical", 300),
        ("resolved", "critical", 540),
    ]


def test_a_moment_of_congestion_on_a_busy_trunk_wakes_nobody() -> None:
    assert told("g" * 60 + "bbbbb" + "g" * 60, 3) == []


def test_a_failure_now_and_then_is_no_news_a_tenth_is_a_warning_and_a_third_critical() -> None:
    assert told(("g" * 19 + "b") * 5, 60) == []
    assert [told_so[:2] for told_so in told(("g" * 8 + "b") * 6, 60)] == [("firing", "warning")]
    assert [told_so[:2] for told_so in told("ggb" * 20, 60)] == [("firing", "critical")]


# --- Mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("window: 1h", "needs at least one of warning and critical"),
        ("warning: {clear: 95}", "enter: missing"),
        ("warning: {for: 10s}", "enter: missing"),
        ("warning: {enter: 90, clear: 80}", "must not be below enter (90)"),
        ("warning: {consecutive: 3, clear: 80}", "means nothing without enter"),
        ("warning: {consecutive: 1}", "consecutive"),
        ("warning: {enter: 101}", "enter"),
        ("warning: {enter: 80}, critical: {enter: 90}", "enter 90 is milder than the warning's 80"),
        ("warning: {consecutive: 5}, critical: {consecutive: 3}", "consecutive 3 is fewer than the warning's 5"),
        ("tally: deliverd, warning: {enter: 80}", "tally"),
        ("min_total: 0, warning: {enter: 80}", "min_total"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rule(tmp_path, text)
    assert problem in str(caught.value)
