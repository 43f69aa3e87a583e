"""Other rules take over from those at work: what did not change stays, what did knows what was known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from qualitywatch.model import (
    AlertKey,
    DialObservation,
    Direction,
    Gauge,
    LevelObservation,
    Metric,
    Observation,
    Sample,
    Signal,
    StatusObservation,
    Verdict,
)
from qualitywatch.rules.engine import Engine
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec

LOSS: dict[str, Any] = {"name": "loss", "kind": "threshold", "metric": "loss_percent", "warning": {"enter": 3, "clear": 1.5}}
TRUNK: dict[str, Any] = {"name": "trunk-down", "kind": "state", "entity": "trunk", "critical": {"for": "60s"}}
KEY = AlertKey("loss", "office", "SIP/6117", Direction.TO_PEER)


def rules(folder: Path, *documents: dict[str, Any]) -> tuple[RuleSpec, ...]:
    (folder / "own.yml").write_text(yaml.safe_dump({"rules": list(documents)}), encoding="utf-8")
    return tuple(load_rules([folder]))


def lossy(at: float) -> Sample:
    place = ("office", "SIP/6117", Direction.TO_PEER)
    return Sample(at, Metric.LOSS_PERCENT, 8.0, *place, "1.1", "", Verdict.OK, weight=500.0)


def at_work(specs: tuple[RuleSpec, ...]) -> Engine:
    engine = Engine(specs)
    seen: list[Observation] = [lossy(float(second)) for second in range(100, 130, 5)]
    seen.append(StatusObservation(120.0, "trunk", "office", "SIP/trunk", "rejected", 60.0))
    for observation in seen:
        list(engine.observe(observation, observation.at))
    return engine


def signal(engine: Engine, key: AlertKey) -> Signal:
    (found,) = engine.evaluate([key], 130.0)
    return found.levels[0].signal


def test_a_rule_that_judges_as_before_stays_at_work(tmp_path: Path) -> None:
    engine = at_work(rules(tmp_path, LOSS, TRUNK))
    before = [observation for observation, _ in engine.seen(KEY)]
    renewed, keys = engine.renewed(rules(tmp_path, TRUNK, LOSS), "office", {}, lambda engine: None)
    assert keys == []
    assert [observation for observation, _ in renewed.seen(KEY)] == before, "nothing is counted twice"
    list(renewed.observe(lossy(131.0), 131.0))
    assert len(list(renewed.seen(KEY))) == len(before) + 1


def test_a_rule_that_changed_judges_by_the_whole_window_at_once(tmp_path: Path) -> None:
    engine = at_work(rules(tmp_path, LOSS, TRUNK))
    assert signal(engine, KEY) is Signal.BREACH
    renewed, keys = engine.renewed(rules(tmp_path, LOSS | {"warning": {"enter": 20}}, TRUNK), "office", {}, lambda engine: None)
    assert keys == [KEY]
    assert signal(renewed, KEY) is Signal.CLEAR
    assert len(list(renewed.seen(KEY))) == len(list(engine.seen(KEY)))


def test_a_new_rule_knows_what_the_others_know(tmp_path: Path) -> None:
    engine = at_work(rules(tmp_path, LOSS, TRUNK))
    specs = rules(tmp_path, LOSS | {"name": "lost"}, TRUNK | {"name": "trunk-gone"})
    renewed, keys = engine.renewed(specs, "office", {}, lambda engine: None)
    assert keys == [AlertKey("lost", "office", "SIP/6117", Direction.TO_PEER), AlertKey("trunk-gone", "office", "SIP/trunk")]
    assert [signal(renewed, key) for key in keys] == [Signal.BREACH, Signal.BREACH]
    assert not renewed.knows("loss")


def test_a_forbidden_call_goes_on_under_the_longer_list(tmp_path: Path) -> None:
    calls: dict[str, Any] = {"name": "premium", "kind": "destination", "deny": ["+900"]}
    engine = Engine(rules(tmp_path, calls))
    dialled = DialObservation(100.0, "office", "SIP/6117", "+9001", "SIP/trunk", "SIP/6117-1", "1.1", is_new=True)
    list(engine.observe(dialled, 100.0))
    renewed, keys = engine.renewed(rules(tmp_path, calls | {"deny": ["+900", "+906"]}), "office", {}, lambda engine: None)
    assert keys == [AlertKey("premium", "office", "SIP/6117")]
    assert signal(renewed, keys[0]) is Signal.BREACH
    list(renewed.observe(replace(dialled, at=120.0, is_over=True), 120.0))
    assert signal(renewed, keys[0]) is Signal.CLEAR


def test_lines_in_use_are_judged_by_the_new_limit_at_once(tmp_path: Path) -> None:
    lines: dict[str, Any] = {"name": "full", "kind": "level", "gauge": "concurrent_calls", "warning": {"enter": 20}}
    engine = Engine(rules(tmp_path, lines))
    list(engine.observe(LevelObservation(100.0, "office", "SIP/trunk", {Gauge.CONCURRENT_CALLS: 8.0}), 100.0))
    renewed, keys = engine.renewed(rules(tmp_path, lines | {"warning": {"enter": 8}}), "office", {}, lambda engine: None)
    assert keys == [AlertKey("full", "office", "SIP/trunk")]
    assert signal(renewed, keys[0]) is Signal.BREACH


def test_what_was_learned_comes_back_under_the_same_name(tmp_path: Path) -> None:
    usual: dict[str, Any] = {"name": "odd", "kind": "baseline", "metric": "loss_percent", "info": {"deviations": 4}}
    (spec,) = rules(tmp_path, usual)
    name, text = spec.build.taught("SIP/6117", Direction.TO_PEER, 1.0, 0.2, {}, 100.0)  # type: ignore[attr-defined]
    renewed, _ = at_work((spec,)).renewed(
        rules(tmp_path, usual | {"info": {"deviations": 9}}), "office", {f"odd/{name}": text}, lambda engine: None
    )
    found = list(renewed.evaluate([AlertKey("odd", "office", "SIP/6117", Direction.TO_PEER)], 130.0))
    assert found, "it has an opinion, so it knows what is usual"
