"""The documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qualitywatch.cli import build_parser
from qualitywatch.model import Metric, PbxState, PeerState, TrunkState
from qualitywatch.rules.kinds.change import Attribute
from qualitywatch.rules.kinds.state import Entity
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.registry import RULE_KINDS
from qualitywatch.rules.windows import Aggregate

REPOSITORY = Path(__file__).parent.parent
RULES_TEXT = (REPOSITORY / "rules/README.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_every_rule_kind_has_a_chapter(kind: str) -> None:
    assert re.search(rf"^## `{kind}`", RULES_TEXT, re.MULTILINE)


@pytest.mark.parametrize("word", [*Metric, *PeerState, *TrunkState, *PbxState, *Entity, *Attribute, *Aggregate])
def test_every_word_a_rule_may_use_is_explained(word: str) -> None:
    assert f"`{word}`" in RULES_TEXT


def test_the_rules_shown_can_be_loaded(tmp_path: Path) -> None:
    for index, block in enumerate(re.findall(r"```yaml\n(.*?)```", RULES_TEXT + README, re.DOTALL)):
        text = block if block.startswith("rules:") else "rules:\n" + re.sub("^", "  ", block, flags=re.MULTILINE)
        (tmp_path / f"{index}.yml").write_text(text, encoding="utf-8")
    specs = load_rules([REPOSITORY / "rules", tmp_path])  # as on top of the shipped ones, whose lists they may name
    assert len([spec for spec in specs if spec.source.startswith(str(tmp_path))]) >= 3


def test_every_command_is_in_the_readme_and_has_help() -> None:
    help_text = build_parser().format_help()
    for command in ("run", "check", "demo", "replay", "serve-capture"):
        assert f"qualitywatch {command}" in help_text
        assert command in README


def test_every_link_leads_somewhere() -> None:
    for document in (README, RULES_TEXT):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document):
            assert (REPOSITORY / target).exists(), target


def test_the_changelog_has_an_open_section() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## Unreleased$", changelog, re.MULTILINE)
    for line in changelog.splitlines():
        assert not line.startswith("- ") or re.match(r"- \[(CHANGE|FEATURE|FIX)\] [a-z]+: ", line), line
