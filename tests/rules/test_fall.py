"""Fall rules: what used to go well and does not; what never did is no news."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.document import Problems, load_document
from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, AlertState, Evaluation, Severity, Signal, Tally, TallyObservation, Transition
from qualitywatch.rules.kinds.fall import FORGET_AFTER_S, FallRule, parse
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import Common, Selection

KEY = AlertKey("rtcp-coverage", "office", "SIP/6117")
CALL_S = 100.0


def rule(text: str = "from: 80") -> FallRule:
    problems = Problems()
    section = load_document(text, "rule.yml", problems)
    assert section is not None
    _, build = parse(Common(KEY.rule, Selection()), section)
    section.close()
    problems.raise_if_any()
    return build()


class Line:
    """One phone, call after call, and the alert of its rule."""

    def __init__(self, working: FallRule) -> None:
        self.rule = working
        self.alerts = Lifecycle()
        self.at = 1000.0

    def calls(self, *reported: bool, detail: str | None = None) -> list[Transition]:
        told: list[Transition | None] = []
        for good in reported:
            self.at += CALL_S
            observed = TallyObservation(self.at, Tally.COVERED, KEY.pbx, KEY.subject, good, 1, None if good else detail)
            told.extend(self.alerts.apply(self.opinion(key)) for key in self.rule.observe(observed))
        return [transition for transition in told if transition is not None]

    def opinion(self, key: AlertKey = KEY) -> Evaluation:
        found = self.rule.evaluate(key, self.at)
        assert found is not None
        return found

    def signal(self) -> Signal:
        return self.opinion().levels[0].signal


def test_a_phone_that_stops_reporting_is_told_after_five_calls_and_once() -> None:
    line = Line(rule("severity: warning"))
    assert line.calls(*[True] * 24, False, *[True] * 25) == []
    assert line.calls(*[False] * 4) == []
    (fired,) = line.calls(False)
    assert fired.new_state is AlertState.FIRING
    assert (fired.alert.severity, fired.alert.value) == (Severity.WARNING, 0)
    assert fired.alert.details == {"good": "0", "total": "5", "before": "98"}
    assert line.calls(*[False] * 200) == [], "the memory of better times must not fade while it lasts"
    assert line.calls(True, True) == []
    (resolved,) = line.calls(True)
    assert (resolved.new_state, resolved.resolved_because) == (AlertState.INACTIVE, "clear")


def test_a_phone_that_never_reported_is_no_news() -> None:
    assert Line(rule()).calls(*[False] * 500) == []


def test_few_calls_prove_nothing() -> None:
    line = Line(rule("learn: 10"))
    assert line.calls(*[True] * 14, *[False] * 5) != [], "ten before, of which five were still recent"
    line = Line(rule("learn: 10"))
    assert line.calls(*[True] * 7, *[False] * 50) == []


def test_direct_media_is_said_where_all_the_calls_had_it() -> None:
    line = Line(rule())
    line.calls(*[True] * 20)
    (fired,) = line.calls(*[False] * 5, detail="direct_media")
    assert fired.alert.details["state"] == "direct_media"
    line = Line(rule())
    line.calls(*[True] * 20, False)
    (fired,) = line.calls(*[False] * 4, detail="direct_media")
    assert "state" not in fired.alert.details


def test_what_lasts_for_a_week_is_the_new_usual_and_is_not_said_to_be_well() -> None:
    line = Line(rule("accept_after: 1d"))
    (fired,) = line.calls(*[True] * 40, *[False] * 5)
    line.at += 86_400
    (ended,) = line.calls(*[False] * 60)
    assert (fired.new_state, ended.resolved_because) == (AlertState.FIRING, "no_data")
    assert line.calls(*[False] * 60) == [], "and it stays quiet"


def test_a_gap_in_what_we_see_forgets_no_calls_and_a_month_of_silence_does() -> None:
    line = Line(rule())
    line.calls(*[True] * 40)
    line.rule.forget()
    assert len(line.calls(*[False] * 5)) == 1
    line.rule.expire(line.at + FORGET_AFTER_S - 1)
    assert line.signal() is Signal.BREACH
    line.rule.expire(line.at + FORGET_AFTER_S + 1)
    assert line.signal() is Signal.UNKNOWN, "an alert from before stays until there is something to judge"


def test_other_counts_and_other_peers_are_not_mixed_in() -> None:
    working = rule()
    line = Line(working)
    line.calls(*[True] * 40)
    for _ in range(20):
        assert working.observe(TallyObservation(line.at, Tally.ANSWERED, KEY.pbx, KEY.subject, 0, 1)) == ()
        working.observe(TallyObservation(line.at, Tally.COVERED, KEY.pbx, "SIP/6118", 0, 1))
    assert line.signal() is Signal.CLEAR


@given(st.lists(st.booleans(), max_size=300), st.integers(5, 12), st.integers(2, 60))
def test_it_speaks_only_of_a_fall(reported: list[bool], last: int, memory: int) -> None:
    """Whatever the calls: a breach means so few lately, and so many among all calls before them that better times were real."""
    line = Line(rule(f"{{last: {last}, memory: {memory}, from: 80, to: 20}}"))
    for index, good in enumerate(reported):
        line.calls(good)
        found = line.opinion()
        recent = reported[max(0, index + 1 - last) : index + 1]
        if len(recent) < last:
            assert found.value is None, "too few is unknown, never 0 %"
            continue
        assert found.value == pytest.approx(100 * sum(recent) / last)
        if found.levels[0].signal is Signal.BREACH:
            assert sum(recent) <= 0.2 * last
            assert sum(reported[: index + 1 - last]) >= 2
            assert float(found.details["before"]) >= 79.5
        if sum(recent) >= 0.5 * last:
            assert found.levels[0].signal is Signal.CLEAR


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{from: 20, to: 20}", "to: must be below from (20)"),
        ("{from: 90, to: 20, clear: 20}", "clear: must be above to (20)"),
        ("last: 4", "last: must be between 5 and 1000, not 4"),
    ],
)
def test_mistakes_are_told(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(f"rules: [{{name: r, kind: fall, {text.strip('{}')}}}]", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rules([tmp_path])
    assert [problem for problem in caught.value.problems if reason in problem], caught.value.problems
