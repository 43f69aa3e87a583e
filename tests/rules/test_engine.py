"""The engine: every observation to every rule, every key to its own."""

from __future__ import annotations

from pathlib import Path

from qualitywatch.model import AlertKey, Direction, Metric, Sample, Signal, StatusObservation, Verdict
from qualitywatch.rules.engine import EXPIRE_EVERY_S, Engine
from qualitywatch.rules.loader import load_rules

NOW = 1000.0
RULES = """
rules:
  - {name: loss, kind: threshold, metric: loss_percent, warning: {enter: 3}}
  - {name: bad-loss, kind: threshold, metric: loss_percent, critical: {enter: 10}}
  - {name: jitter, kind: threshold, metric: jitter_ms, warning: {enter: 30}}
  - {name: peer-down, kind: state, entity: peer, warning: {for: 5m}}
"""


def engine(folder: Path) -> Engine:
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    return Engine(load_rules([folder]))


def sample(at: float = NOW, subject: str = "SIP/6117") -> Sample:
    return Sample(
        at, Metric.LOSS_PERCENT, 5.45, "office", subject, Direction.TO_PEER, f"{subject}-1", "1.1", Verdict.OK, 500, "alaw"
    )


def key(rule: str) -> AlertKey:
    return AlertKey(rule, "office", "SIP/6117", Direction.TO_PEER)


def test_every_rule_that_listens_gives_its_opinion(tmp_path: Path) -> None:
    found = {each.key.rule: each.levels[0].signal for each in engine(tmp_path).observe(sample(), NOW)}
    assert found == {"loss": Signal.BREACH, "bad-loss": Signal.CLEAR}


def test_a_key_is_judged_by_its_own_rule(tmp_path: Path) -> None:
    working = engine(tmp_path)
    tuple(working.observe(sample(), NOW))
    (found,) = working.evaluate([key("loss"), key("deleted")], NOW + 1)
    assert (found.key.rule, found.at) == ("loss", NOW + 1)


def test_it_knows_its_rules(tmp_path: Path) -> None:
    assert engine(tmp_path).knows("loss")
    assert not engine(tmp_path).knows("deleted")


def test_after_a_gap_every_rule_begins_anew(tmp_path: Path) -> None:
    working = engine(tmp_path)
    tuple(working.observe(sample(), NOW))
    tuple(working.observe(StatusObservation(NOW, "peer", "office", "SIP/6117", "unreachable", NOW), NOW))
    working.forget()
    keys = [key("loss"), AlertKey("peer-down", "office", "SIP/6117")]
    assert [each.levels[0].signal for each in working.evaluate(keys, NOW + 1)] == [Signal.UNKNOWN, Signal.UNKNOWN]


def test_memory_is_released_now_and_then(tmp_path: Path) -> None:
    working = engine(tmp_path)
    tuple(working.observe(sample(), NOW))
    working.expire(NOW + 1)
    (kept,) = working.evaluate([key("loss")], NOW + 1)
    assert kept.value == 5.45
    working.expire(NOW + 1 + EXPIRE_EVERY_S)
    working.expire(NOW + 2 + 2 * EXPIRE_EVERY_S)
    rule = working._rules["loss"]
    assert not rule._windows  # type: ignore[attr-defined]
