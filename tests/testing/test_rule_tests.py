"""The tests that travel with the shipped rules are good, and each of them can fail."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from qualitywatch.commands.rules_test import RunOptions, rules_test
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped

RULES = Path(__file__).parents[2] / "rules"
# What a call made up in YAML cannot tell: reports that the PBX cannot split between two legs.
PROVEN_ELSEWHERE = {"trunk-loss": "test_pipeline_sites.py"}
FILES = sorted((RULES / "tests").glob("*.yml"))


def ran(*files: Path, rules: Path | None = None) -> tuple[int, str]:
    out = io.StringIO()
    code = rules_test(RunOptions(files, None, rules), out)
    return code, out.getvalue()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_shipped_rules_pass_their_tests(file: Path) -> None:
    code, text = ran(file)
    assert code == 0, text
    assert "FAILED" not in text


@cache
def every_expected() -> list[dict[str, object]]:
    suites = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES]
    return [expected for suite in suites for test in suite["tests"] for expected in test["expect"]]


def expected_of(rule: str) -> list[dict[str, object]]:
    """What the tests of the shipped rules expect of one of them."""
    return [each for each in every_expected() if rule in {each.get("rule"), _never(each).get("rule")}]


def _never(expected: dict[str, object]) -> dict[str, object]:
    never = expected.get("never", {})
    assert isinstance(never, dict)
    return never


@pytest.mark.parametrize("spec", load_rules([RULES]), ids=lambda spec: spec.name)
def test_every_shipped_rule_is_proven_to_fire_and_to_be_quiet(spec: RuleSpec) -> None:
    if spec.name in PROVEN_ELSEWHERE:
        assert f'"{spec.name}"' in (Path(__file__).parents[1] / PROVEN_ELSEWHERE[spec.name]).read_text(encoding="utf-8")
        return
    expected = expected_of(spec.name)
    assert any(each.get("state") == "firing" for each in expected), f"no test in rules/tests in which {spec.name} fires"
    quiet = any(_never(each) for each in expected) or any(each.get("state") == "none" for each in expected)
    assert quiet, f"no test in rules/tests in which {spec.name} is quiet"


def test_tests_are_not_loaded_as_rules() -> None:
    assert not [spec for spec in load_rules([shipped("rules")]) if "/tests/" in spec.source]


@cache
def shipped_rules() -> dict[str, dict[str, object]]:
    document = yaml.safe_load((RULES / "default.yml").read_text(encoding="utf-8"))
    return {rule["name"]: rule for rule in document["rules"]}


def only(told_of: str, file: Path, folder: Path) -> Path:
    """A file with those of its tests that have this in their name."""
    suite = yaml.safe_load(file.read_text(encoding="utf-8"))
    suite["tests"] = [test for test in suite["tests"] if told_of in test["name"]]
    assert suite["tests"]
    (folder / "tests").mkdir()
    (folder / "tests" / file.name).write_text(yaml.safe_dump(suite, allow_unicode=True), encoding="utf-8")
    return folder / "tests" / file.name


@pytest.mark.parametrize(
    ("name", "changed", "told_of"),
    [
        ("loss", {"warning": {"enter": 7, "clear": 1.5, "for": "20s"}}, "6 % lost on the way to the phone"),
        ("loss", {"warning": {"enter": 2, "clear": 1.5, "for": "20s"}}, "just below 3 % nobody is told"),
        ("loss", {"warning": {"enter": 3, "clear": 1.5, "for": "90s"}}, "6 % lost on the way to the phone"),
        ("loss", {"critical": {"enter": 30, "clear": 5, "for": "10s"}}, "20 % lost on the way from the phone"),
        ("loss", {"min_expected": 100}, "a call of 14 s proves nothing"),
        ("loss", {"clear_hold": "20m"}, "when the line gets well"),
        ("loss", {"warning": {"enter": 1, "clear": 0.5}}, "a burst that is over"),
        ("jitter", {"warning": {"enter": 25, "clear": 20, "for": "20s"}}, "just below 30 ms"),
        ("jitter", {"critical": {"enter": 90, "clear": 35, "for": "10s"}}, "70 ms is critical"),
        ("rtt", {"warning": {"enter": 280, "clear": 240, "for": "20s"}}, "just below 300 ms"),
        ("rtt", {"critical": {"enter": 900, "clear": 450, "for": "20s"}}, "700 ms is critical"),
        ("mos", {"yields_to": []}, "where loss says it already"),
        ("mos", {"warning": {"enter": 3.0, "clear": 3.2, "for": "20s"}, "critical": {"enter": 2}}, "G.729 with a little"),
        ("trunk-down", {"critical": {"for": "60s"}}, "a refused registration"),
        ("trunk-down", {"bad": ["retrying", "rejected"], "critical": {"for": "1s"}}, "the usual refresh is no trouble"),
        ("peer-down", {"info": {"for": "1m"}}, "back within 4 minutes"),
        ("peer-down", {"bad": ["lagged"]}, "a slow answer is not an absent one"),
        ("pbx-blind", {"warning": {"for": "10s"}}, "a restart of Asterisk"),
        ("user-agent", {"allowed": ["Zoiper*"], "critical_patterns_file": None}, "another device under"),
        ("user-agent", {"critical_patterns_file": None}, "a scanner under"),
    ],
)
def test_each_can_fail(name: str, changed: dict[str, object], told_of: str, tmp_path: Path) -> None:
    rule = {key: value for key, value in {**shipped_rules()[name], **changed}.items() if value is not None}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    code, text = ran(only(told_of, RULES / "tests" / f"{name}.yml", tmp_path), rules=tmp_path)
    assert code == 1
    assert re.search(rf"^  FAILED  .*{re.escape(told_of)}", text, re.MULTILINE), text


def test_what_the_readme_shows_is_good(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (RULES / "tests/README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    for index, block in enumerate(blocks):
        (tmp_path / f"{index}.yml").write_text(block, encoding="utf-8")
    code, text = ran(tmp_path)
    assert code == 0, text
