"""Rule kind ``share``: a number and a share of it, both."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, Share, ShareObservation, Signal
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules

KEY = AlertKey("site-loss", "pbx", "Branch")
RULE = """
    rules:
      - name: site-loss
        kind: share
        share: site_loss
        min_peers: 3
        warning: {enter: 60, clear: 40, for: 10s}
        critical: {peers: ruined, enter: 60}
"""


def rule(tmp_path: Path, text: str = RULE) -> RuleKind:
    (tmp_path / "rule.yml").write_text(dedent(text), encoding="utf-8")
    return load_rules([tmp_path])[0].build()


def seen(lossy: int, total: int, *, ruined: int = 0, at: float = 100.0, share: Share = Share.SITE_LOSS) -> ShareObservation:
    return ShareObservation(at, share, "pbx", "Branch", lossy, ruined, total, ("SIP/1 8.0%",) if lossy else ())


def signals(at_work: RuleKind, now: float) -> list[Signal]:
    evaluation = at_work.evaluate(KEY, now)
    assert evaluation is not None
    return [level.signal for level in evaluation.levels]


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (seen(3, 5), [Signal.BREACH, Signal.CLEAR]),
        (seen(3, 5, ruined=3), [Signal.BREACH, Signal.BREACH]),
        (seen(5, 5, ruined=2), [Signal.BREACH, Signal.CLEAR]),
        (seen(2, 2), [Signal.KEEP, Signal.CLEAR]),
        (seen(1, 1, ruined=1), [Signal.KEEP, Signal.KEEP]),
        (seen(3, 6), [Signal.KEEP, Signal.CLEAR]),
        (seen(2, 4), [Signal.CLEAR, Signal.CLEAR]),
        (seen(3, 8), [Signal.CLEAR, Signal.CLEAR]),
        (seen(0, 4), [Signal.CLEAR, Signal.CLEAR]),
        (seen(0, 0), [Signal.GONE, Signal.GONE]),
    ],
)
def test_so_many_and_such_a_share_of_them(tmp_path: Path, observed: ShareObservation, expected: list[Signal]) -> None:
    at_work = rule(tmp_path)
    assert tuple(at_work.observe(observed)) == (KEY,)
    assert signals(at_work, 100) == expected


def test_what_is_told_is_how_many_of_how_many_and_the_worst(tmp_path: Path) -> None:
    at_work = rule(tmp_path)
    assert tuple(at_work.observe(seen(4, 5, ruined=1))) == (KEY,)
    evaluation = at_work.evaluate(KEY, 101)
    assert evaluation is not None
    assert (evaluation.value, evaluation.topic) == (80, "site_loss")
    assert dict(evaluation.details) == {"lossy": "4", "active": "5", "ruined": "1", "worst": "SIP/1 8.0%", "more": "3"}


def test_old_news_is_no_news_and_then_there_is_nothing_left_to_judge(tmp_path: Path) -> None:
    at_work = rule(tmp_path)
    assert tuple(at_work.observe(seen(4, 5)))
    assert signals(at_work, 120)[0] is Signal.BREACH
    assert signals(at_work, 121)[0] is Signal.UNKNOWN
    assert signals(at_work, 160)[0] is Signal.GONE
    at_work.expire(1000)
    assert signals(at_work, 1000)[0] is Signal.GONE


def test_after_a_restart_it_waits_before_it_says_that_all_is_over(tmp_path: Path) -> None:
    at_work = rule(tmp_path)
    assert signals(at_work, 500)[0] is Signal.UNKNOWN
    assert signals(at_work, 559)[0] is Signal.UNKNOWN
    assert signals(at_work, 560)[0] is Signal.GONE
    assert tuple(at_work.observe(seen(4, 5, at=561)))
    assert signals(at_work, 561)[0] is Signal.BREACH
    at_work.forget()
    assert signals(at_work, 562)[0] is Signal.UNKNOWN


def test_others_are_none_of_its_business(tmp_path: Path) -> None:
    at_work = rule(tmp_path, RULE.replace("min_peers: 3", "subject: Head*"))
    assert tuple(at_work.observe(seen(4, 5))) == ()
    assert tuple(rule(tmp_path).observe(seen(4, 5, share=Share.PBX_LOSS))) == ()
    assert rule(tmp_path).evaluate(AlertKey("other", "pbx", "Branch"), 1) is None


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("share: town_loss", "share"),
        ("warning: {clear: 40}", "enter: missing"),
        ("warning: {enter: 40, clear: 60}", "clear: must not be above enter"),
        ("warning: {enter: 0}", "warning.enter"),
        ("warning: {enter: 60, peers: some}", "peers"),
        ("min_peers: 1\n        warning: {enter: 60}", "min_peers"),
        ("min_peers: 3", "needs at least one of info, warning and critical"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, wrong: str, problem: str) -> None:
    text = f"""
    rules:
      - name: site-loss
        kind: share
        {wrong}
"""
    with pytest.raises(ConfigError) as raised:
        rule(tmp_path, text)
    assert any(problem in line for line in raised.value.problems), raised.value.problems
