"""Baseline rules: what is usual is learned by hour, is not learned from trouble, and survives a restart."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.commands.rules_test import RunOptions, rules_test
from qualitywatch.commands.transcripts import Transcripts
from qualitywatch.document import Problems
from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, Direction, Evaluation, Metric, Sample, Severity, Signal, Verdict
from qualitywatch.rules.kinds.baseline import BaselineRule
from qualitywatch.rules.learner import FORGET_AFTER_S, MAX_BASELINES
from qualitywatch.rules.loader import load_rules
from qualitywatch.shipped import shipped
from qualitywatch.testing.account import account, last_word
from qualitywatch.testing.reader import read_suite
from qualitywatch.testing.runner import PBX, play

START = datetime(2026, 1, 5, tzinfo=UTC).timestamp()  # a Monday, midnight
HOUR, DAY = 3600.0, 86_400.0
JITTER = "metric: jitter_ms, warning: {deviations: 4, clear: 2, for: 60s}"
QUICK = f"{JITTER}, learning: 0, learn: 10"
STORY = """
tests:
  - name: fails on purpose
    start: 2026-01-05T12:00:00
    learned:
      - {rule: jitter-unusual, subject: SIP/6117, direction: from_peer, usual: 9, deviation: 1, hours: {12: 6}}
      - {rule: jitter-unusual, subject: SIP/6118, direction: from_peer, usual: 6, deviation: 1}
    events:
      - call: {peer: SIP/6117, until: 3m, jitter: 24ms}
      - call: {peer: SIP/6118, until: 3m, jitter: 12ms}
    expect:
      - {never: {rule: jitter-unusual, subject: SIP/6117}}
      - {at: 1m, state: firing, rule: jitter-unusual, subject: SIP/6118}
"""
KEY = AlertKey("r", "office", "SIP/6117", Direction.FROM_PEER)


def rule(folder: Path, text: str = QUICK) -> BaselineRule:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: baseline, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    working = spec.build()
    assert isinstance(working, BaselineRule)
    return working


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], BaselineRule]:
    """A rule at work, for tests that make many."""
    specs: dict[str, Callable[[], object]] = {}

    def made(text: str = QUICK) -> BaselineRule:
        if text not in specs:
            folder = tmp_path_factory.mktemp("rules")
            (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: baseline, {text}}}]", encoding="utf-8")
            (spec,) = load_rules([folder])
            specs[text] = spec.build
        working = specs[text]()
        assert isinstance(working, BaselineRule)
        return working

    return made


def sample(at: float, value: float, metric: Metric = Metric.JITTER_MS, weight: float = 250.0) -> Sample:
    direction = None if metric is Metric.RTT_MS else Direction.FROM_PEER
    return Sample(at, metric, value, "office", "SIP/6117", direction, "SIP/6117-01", "1.1", Verdict.OK, weight)


def talk(
    working: BaselineRule,
    since: float,
    minutes: float,
    value: float,
    metric: Metric = Metric.JITTER_MS,
    weight: float = 250.0,
) -> Iterator[Evaluation]:
    """A call with a report every 5 s; yields what the rule says at each."""
    at = since
    while at < since + 60 * minutes:
        for key in working.observe(sample(at, value, metric, weight)):
            found = working.evaluate(key, at)
            assert found is not None
            yield found
        at += 5.0


def signals(said: Iterator[Evaluation]) -> list[Signal]:
    return [each.levels[0].signal for each in said]


def learned(working: BaselineRule, minutes: int = 30, value: float = 6.0, since: float = START) -> BaselineRule:
    """A rule that knows a quiet line."""
    assert Signal.BREACH not in signals(talk(working, since, minutes, value))
    working.expire(since + 60 * minutes + HOUR)
    return working


def test_a_figure_far_from_what_is_usual_is_told_with_what_is_usual(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    *_, last = talk(working, START + DAY, 1, 25.0)
    assert (last.levels[0].signal, last.topic, round(last.value or 0)) == (Signal.BREACH, Metric.JITTER_MS, 25)
    assert (last.details["usual"], last.details["hour"], last.details["limit"]) == ("6", "00", "20")
    assert int(last.details["learned"]) == 30


def test_below_the_floor_nothing_is_unusual(tmp_path: Path) -> None:
    working = learned(rule(tmp_path), value=0.2)
    assert set(signals(talk(working, START + DAY, 5, 19.9))) == {Signal.UNKNOWN, Signal.CLEAR, Signal.KEEP} - {Signal.CLEAR}


def test_a_little_more_of_much_is_not_unusual(tmp_path: Path) -> None:
    working = learned(rule(tmp_path), value=40.0)
    assert Signal.BREACH not in signals(talk(working, START + DAY, 5, 47.0))
    working = learned(rule(tmp_path), value=40.0)
    assert Signal.BREACH in signals(talk(working, START + DAY, 5, 48.1))


def test_the_more_it_varies_the_more_it_takes(tmp_path: Path) -> None:
    for value, signal in ((65.0, Signal.KEEP), (80.0, Signal.BREACH)):
        working = rule(tmp_path)
        for minute in range(60):
            list(talk(working, START + 60 * minute, 1, 20.0 if minute % 2 else 40.0))  # 30, give or take some 10
        assert signals(talk(working, START + DAY, 1, value))[-1] is signal


def test_it_is_well_again_at_fewer_deviations_than_it_took(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    list(talk(working, START + DAY, 1, 30.0))
    assert signals(talk(working, START + DAY + 120, 2, 14.0))[-1] is Signal.KEEP  # 13 is half-way from 6 to 20
    assert signals(talk(working, START + DAY + 240, 2, 12.0))[-1] is Signal.CLEAR


def test_a_low_score_is_the_unusual_one(tmp_path: Path) -> None:
    working = learned(rule(tmp_path, "metric: mos, learning: 0, learn: 10, info: {deviations: 4}"), value=0.0, minutes=0)
    for minute in range(30):
        list(talk(working, START + 60 * minute, 1, 4.3, metric=Metric.MOS))
    *_, last = talk(working, START + DAY, 1, 3.8, metric=Metric.MOS)
    assert (last.levels[0].signal, last.worse_is_lower, last.details["usual"]) == (Signal.BREACH, True, "4.3")
    assert signals(talk(working, START + 2 * DAY, 2, 4.4, metric=Metric.MOS))[-1] is Signal.CLEAR


def test_how_many_reports_there_are_does_not_matter(tmp_path: Path) -> None:
    working = rule(tmp_path)
    for second in range(0, 1800, 1):
        working.observe(sample(START + second, 6.0, weight=50.0))
    working.expire(START + DAY)
    *_, last = talk(working, START + DAY, 1, 25.0)
    assert last.details["learned"] == "30"


def test_a_window_with_few_packets_teaches_nothing(tmp_path: Path) -> None:
    working = rule(tmp_path)
    for minute in range(60):
        working.observe(sample(START + 60 * minute, 6.0, weight=499.0))
    working.expire(START + DAY)
    assert working.memories(10) == {}


def test_short_calls_teach_too(tmp_path: Path) -> None:
    working = rule(tmp_path)
    for call in range(12):
        list(talk(working, START + DAY * call, 0.4, 6.0))
        working.expire(START + DAY * call + HOUR)
    assert Signal.BREACH in signals(talk(working, START + DAY * 12, 1, 25.0))


def test_nothing_is_judged_in_the_first_days(tmp_path: Path) -> None:
    working = rule(tmp_path, JITTER)
    for day in range(7):
        assert set(signals(talk(working, START + day * DAY, 60, 6.0))) == {Signal.UNKNOWN}
    *_, early = talk(working, START + 6 * DAY + 2 * HOUR, 3, 25.0)
    assert early.details["learning_goes_on_for"] == "21h59m5s"
    assert Signal.BREACH in signals(talk(working, START + 7 * DAY + 2 * HOUR, 2, 30.0))


def test_trouble_is_not_learned_nor_is_the_window_before_it(tmp_path: Path) -> None:
    working = rule(tmp_path)
    trouble = False
    working.settle(UTC, lambda subject: trouble and subject == "SIP/6117")
    list(talk(working, START, 20, 6.0))
    list(talk(working, START + 20 * 60, 1, 90.0))  # what leads to the alert
    trouble = True
    list(talk(working, START + 21 * 60, 100, 90.0))
    working.expire(START + DAY)
    trouble = False
    *_, last = talk(working, START + DAY, 1, 25.0)
    assert (last.details["usual"], last.details["learned"]) == ("6", "19")


def test_a_step_is_not_learned_while_it_lasts(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    said = [each for day in range(1, 13) for each in signals(talk(working, START + day * DAY, 60, 25.0))]
    assert said.count(Signal.BREACH) > 12 * 700
    *_, last = talk(working, START + 13 * DAY, 1, 25.0)
    assert last.details["usual"] == "6"


def test_what_stays_for_a_fortnight_is_what_is_usual_now(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    for day in range(1, 15):
        assert Signal.BREACH in signals(talk(working, START + day * DAY, 5, 25.0))
    assert Signal.GONE in signals(talk(working, START + 15 * DAY + HOUR, 5, 25.0))
    assert Signal.BREACH not in signals(talk(working, START + 16 * DAY, 60, 25.0))
    *_, last = talk(working, START + 17 * DAY, 1, 40.0)
    assert (last.levels[0].signal, last.details["usual"]) == (Signal.BREACH, "25")


def test_a_gap_in_what_we_saw_is_not_bridged_and_what_is_usual_stays(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    working.observe(sample(START + DAY, 90.0, weight=499.0))
    working.forget()
    working.observe(sample(START + DAY + 5, 90.0, weight=499.0))
    found = working.evaluate(KEY, START + DAY + 5)
    assert found is not None and found.levels[0].signal is Signal.UNKNOWN
    assert Signal.BREACH in signals(talk(working, START + 2 * DAY, 1, 25.0))


def test_a_fortnight_with_a_daily_rhythm(tmp_path: Path) -> None:
    """The line is full at noon: 30 ms are usual then, and nobody is told; the same 30 ms at night are news."""
    working = rule(tmp_path, JITTER)
    berlin = ZoneInfo("Europe/Berlin")
    working.settle(berlin, lambda subject: False)
    begin = datetime(2026, 3, 22, tzinfo=berlin)  # summer time begins on the 29th

    def usual(hour: int, day: int) -> float:
        return {11: 20.0, 12: 30.0, 13: 22.0}.get(hour, 5.0) * (1 + 0.1 * ((day * 7 + hour) % 3 - 1))

    for day in range(14):
        for hour in (*range(7, 20), 23):
            local = datetime(begin.year, begin.month, begin.day, hour, 2, tzinfo=berlin) + timedelta(days=day)
            said = list(talk(working, local.timestamp(), 12, usual(hour, day)))
            assert Signal.BREACH not in signals(iter(said)), (day, hour)
            if day >= 8 and hour == 12:
                assert {each.details.get("hour") for each in said if each.value is not None} == {"12"}
    night = datetime(2026, 4, 5, 23, 2, tzinfo=berlin).timestamp()
    *_, last = talk(working, night, 2, 30.0)
    assert last.levels[0].signal is Signal.BREACH
    assert last.details["hour"] == "23" and 4.5 < float(last.details["usual"]) < 5.6
    noon = datetime(2026, 4, 6, 12, 2, tzinfo=berlin).timestamp()
    assert signals(talk(working, noon, 2, 30.0))[-1] is Signal.CLEAR


def test_a_young_hour_borrows_from_the_others(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    *_, last = talk(working, START + DAY + 5 * HOUR, 1, 25.0)
    assert (last.levels[0].signal, last.details["hour"]) == (Signal.BREACH, "any")


def test_a_zone_of_its_own_goes_before_the_pbx(tmp_path: Path) -> None:
    working = rule(tmp_path, f"{QUICK}, timezone: Asia/Kolkata")
    working.settle(ZoneInfo("Europe/Berlin"), lambda subject: False)
    learned(working)
    *_, last = talk(working, START + DAY, 1, 25.0)
    assert last.details["hour"] == "05"


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    found = working.memories(10)
    assert list(found) == ["from_peer:SIP/6117"]
    assert working.memories(10) == {}  # told once
    after = rule(tmp_path)
    after.recall("office", found)
    assert list(talk(after, START + DAY, 2, 25.0)) == list(talk(working, START + DAY, 2, 25.0))


def test_a_restart_does_not_put_off_what_is_accepted_in_the_end(tmp_path: Path) -> None:
    working, kept = learned(rule(tmp_path)), dict[str, str]()
    for day in range(1, 15):
        assert Signal.BREACH in signals(talk(working, START + day * DAY, 5, 25.0))
        memories = working.memories(10)
        assert bool(memories) is (day == 1)  # what is learned, and since when it has been unusual; then nothing new
        if day == 1:
            kept = dict(memories)
        working = rule(tmp_path)
        working.recall("office", kept)
    assert Signal.GONE in signals(talk(working, START + 15 * DAY + HOUR, 5, 25.0))
    assert '"day":[25.0,0.0,2]' in working.memories(10)["from_peer:SIP/6117"]


def test_a_changed_rule_keeps_what_is_still_true(tmp_path: Path) -> None:
    found = learned(rule(tmp_path)).memories(10)
    stricter = rule(tmp_path, "metric: jitter_ms, learning: 0, learn: 5, floor: 10, critical: {deviations: 3}")
    stricter.recall("office", found)
    assert Signal.BREACH in signals(talk(stricter, START + DAY, 1, 15.0))
    other = rule(tmp_path, "metric: rtt_ms, learning: 0, learn: 5, info: {deviations: 3}")
    other.recall("office", found)
    assert other.memories(10) == {"from_peer:SIP/6117": ""}  # of another figure: forgotten


def test_a_good_line_is_looked_at_once_a_window(make: Callable[[str], BaselineRule]) -> None:
    working = make(QUICK)
    list(talk(working, START, 30, 6.0))
    assert len(list(talk(working, START + DAY, 30, 6.0))) == 30
    assert len(list(talk(working, START + 2 * DAY, 3, 19.9))) == 3
    assert len(list(talk(working, START + 3 * DAY, 3, 20.0))) == 36


def test_who_has_long_been_silent_is_forgotten(tmp_path: Path) -> None:
    working = learned(rule(tmp_path))
    working.memories(10)
    working.expire(START + FORGET_AFTER_S)
    assert working.memories(10) == {}
    working.expire(START + FORGET_AFTER_S + 2 * HOUR)
    assert working.memories(10) == {"from_peer:SIP/6117": ""}


def met(working: BaselineRule, subject: str, at: float) -> Mapping[str, str]:
    """A short call of somebody at ``at``; returns what is remembered of it."""
    for second in (0, 30, 65):
        one = sample(at + second, 6.0, weight=600.0)
        told = {field.name: getattr(one, field.name) for field in fields(Sample)}
        working.observe(Sample(**{**told, "subject": subject}))
    working.expire(at + 2 * HOUR)
    return working.memories(10)


def test_there_are_only_so_many(tmp_path: Path) -> None:
    working = rule(tmp_path)
    (first,) = met(working, "SIP/first", START).values()
    (second,) = met(working, "SIP/second", START + 600).values()
    crowded = rule(tmp_path)
    others = dict.fromkeys((f"from_peer:SIP/{number}" for number in range(MAX_BASELINES - 1)), second)
    crowded.recall("office", {**others, "from_peer:SIP/first": first, "from_peer:SIP/one-too-many": second})
    assert crowded.memories(10) == {"from_peer:SIP/one-too-many": ""}
    found = met(crowded, "SIP/new", START + 1200)  # the one unheard of for longest makes room
    assert {name: bool(text) for name, text in found.items()} == {"from_peer:SIP/new": True, "from_peer:SIP/first": False}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("metric: jitter_ms", "needs at least one of info, warning and critical"),
        ("metric: jitter, info: {deviations: 4}", "metric"),
        ("metric: jitter_ms, info: {deviations: 0}", "deviations"),
        ("metric: jitter_ms, info: {deviations: 4, clear: 5}", "must not be above deviations (4)"),
        ("metric: jitter_ms, warning: {deviations: 6}, critical: {deviations: 5}", "5 deviations are milder"),
        ("metric: jitter_ms, info: {deviations: 4}, timezone: Europe/Moskow", 'did you mean "Europe/Moscow"'),
        ("metric: jitter_ms, info: {deviations: 4}, lern: 5", 'did you mean "learn"'),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
        rule(tmp_path, text)


def test_explain_and_failed_tests_say_what_was_usual(tmp_path: Path) -> None:
    (tmp_path / "t.yml").write_text(STORY, encoding="utf-8")
    out = io.StringIO()
    assert rules_test(RunOptions((tmp_path / "t.yml",)), out) == 1
    told = " ".join(out.getvalue().split())
    assert "the highest value was 12 ms at" in told
    assert "and what is usual at any hour: 6 ms, give or take 1 ms, from 7200 windows; unusual begins at 20 ms" in told
    assert "SIP/6118 to_peer never fired: what is usual was not known yet (packets 3000," in told
    assert "learned 1 of 30 windows, learning goes on for 7d)" in told

    specs = load_rules([shipped("rules")])
    suite = read_suite(tmp_path / "t.yml", Problems(), specs, shipped("rules"))
    assert suite is not None
    run = play(suite.cases[0], specs, Transcripts(None, specs, None, UTC), {})
    key = AlertKey("jitter-unusual", PBX, "SIP/6117", Direction.FROM_PEER)
    spec = run.specs["jitter-unusual"]
    first, *_ = last_word(account(spec, key, run.witness.evaluations, run.transitions, ()), lambda at: "then")
    assert "24 ms is far from what is usual at 12 h: 6 ms, give or take 1 ms, from 300 windows" in first
    assert "unusual begins at 20 ms" in first


@pytest.mark.parametrize(
    ("learned", "problem"),
    [
        ("{rule: loss, subject: SIP/1, usual: 6}", "loss is no rule that learns"),
        ("{rule: nobody, subject: SIP/1, usual: 6}", "there is no rule named nobody"),
        ("{rule: jitter-unusual, subject: SIP/1, usual: 6, hours: {24: 3}}", "must be an hour of the day, 0 to 23"),
        ("{rule: jitter-unusual, subject: SIP/1}", "usual: missing"),
    ],
)
def test_mistakes_in_what_a_test_knows_are_told(tmp_path: Path, learned: str, problem: str) -> None:
    text = f"tests: [{{name: t, learned: [{learned}], events: [], expect: [{{messages: 0}}]}}]"
    (tmp_path / "t.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        rules_test(RunOptions((tmp_path / "t.yml",)), io.StringIO())


@given(value=st.floats(0, 900), days=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_what_never_changes_is_never_unusual(make: Callable[[str], BaselineRule], value: float, days: int) -> None:
    working = make(QUICK)
    said = [each for day in range(days) for each in signals(talk(working, START + day * DAY, 40, value))]
    assert Signal.BREACH not in said


@given(
    before=st.floats(0, 100),
    by=st.floats(0.5, 400),
    hours=st.lists(st.integers(1, 300), min_size=1, max_size=8, unique=True).map(sorted),
)
@settings(max_examples=40, deadline=None)
def test_a_step_beyond_floor_and_deviations_is_unusual_as_long_as_it_lasts(
    make: Callable[[str], BaselineRule], before: float, by: float, hours: list[int]
) -> None:
    working = make(QUICK)
    list(talk(working, START, 30, before))
    after = max(before + 8.0, 20.0) + by
    for hour in hours:
        said = signals(talk(working, START + 30 * 60 + hour * HOUR, 3, after))
        assert said[-1] is Signal.BREACH
        assert set(said) <= {Signal.BREACH, Signal.UNKNOWN, Signal.KEEP, Signal.CLEAR}


def test_severities_have_limits_of_their_own(tmp_path: Path) -> None:
    working = learned(rule(tmp_path, f"{QUICK}, critical: {{deviations: 100}}"))
    list(talk(working, START + DAY, 30, 10.0))  # on average 2 away from the mean
    *_, last = talk(working, START + 2 * DAY, 1, 40.0)
    assert {level.severity: level.signal for level in last.levels} == {
        Severity.WARNING: Signal.BREACH,
        Severity.CRITICAL: Signal.CLEAR,
    }
