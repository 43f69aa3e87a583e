"""What is said to be different between two configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from qualitywatch.app.differences import differences, fixed
from qualitywatch.config import Config, read_config_and_rules
from qualitywatch.rules.spec import RuleSpec

PBX = {"name": "office", "host": "192.0.2.1", "username": "u", "secret": "s"}
BASE: dict[str, Any] = {
    "pbx": [PBX],
    "notify": [{"name": "terminal", "kind": "console"}],
    "timezone": "UTC",
}
ALWAYS = "rules:\n- name: always\n  kind: threshold\n  metric: rtt_ms\n  warning: {enter: 300}\n"


def read(folder: Path, changed: dict[str, Any], rules: str = "") -> tuple[Config, tuple[RuleSpec, ...]]:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "own.yml").write_text(ALWAYS + rules, encoding="utf-8")
    document = {**BASE, "store": {"directory": str(folder)}, "rules": {"directory": str(folder / "rules")}, **changed}
    path = folder / "qualitywatch.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    path.chmod(0o600)
    return read_config_and_rules(path, {})


CHANGES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "secret": ({"pbx": [{**PBX, "secret": "t"}]}, ("pbx office: changed, is connected anew",)),
    "another": ({"pbx": [PBX, {**PBX, "name": "branch"}]}, ("pbx branch: added",)),
    "renamed": ({"pbx": [{**PBX, "name": "main"}]}, ("pbx office: removed", "pbx main: added")),
    "chat": (
        {"notify": [{"name": "terminal", "kind": "console", "min_severity": "critical"}]},
        ("notify terminal: changed",),
    ),
    "names": ({"names": {"SIP/1": "A"}}, ("names: changed",)),
    "sites": ({"sites": {"North": ["10.0.0.0/8"]}}, ("sites: changed",)),
    "grouping": ({"incidents": {"within": "30s"}}, ("routes, incidents or maintenance: changed",)),
    "zone": ({"timezone": "Europe/Moscow"}, ("timezone: changed",)),
    "lamps": ({"lamps": {"SIP/a@b": "lamp"}}, ("lamps: changed",)),
    "level": ({"log_level": "debug"}, ("log_level: changed",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_named_once(tmp_path: Path, name: str) -> None:
    changed, expected = CHANGES[name]
    old, rules = read(tmp_path, {})
    new, others = read(tmp_path, changed)
    assert differences(old, new, rules, others) == expected
    assert fixed(old, new) == ()


def test_rules_are_told_by_name_and_where_they_stand_is_no_change(tmp_path: Path) -> None:
    own = "- name: own\n  kind: threshold\n  metric: jitter_ms\n  warning: {enter: 30}\n"
    config, rules = read(tmp_path, {}, own)
    _, moved = read(tmp_path, {}, "# a remark\n\n" + own)
    assert differences(config, config, rules, moved) == ()
    _, changed = read(tmp_path, {}, own.replace("30", "40"))
    assert differences(config, config, rules, changed) == ("rule own: changed",)
    _, labelled = read(tmp_path, {}, own + "  labels: {team: voip}\n")
    assert differences(config, config, rules, labelled) == ("rule own: changed",)
    _, gone = read(tmp_path, {})
    assert differences(config, config, rules, gone) == ("rule own: removed",)


def test_another_directory_cannot_be_taken_over(tmp_path: Path) -> None:
    old, _ = read(tmp_path, {})
    new, _ = read(tmp_path, {"store": {"directory": str(tmp_path / "elsewhere")}})
    (problem,) = fixed(old, new)
    assert "store.directory" in problem
    assert "restart" in problem
