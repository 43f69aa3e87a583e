"""Section ``remedies``: nothing unless asked for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from qualitywatch.commands.check import check
from qualitywatch.model import RemedyAction
from qualitywatch.remedies.policy import RemedyPolicy
from tests.config.conftest import ONE_PBX, TARGETS, Problems, Read

BASE = ONE_PBX + TARGETS
RULES = """rules:
  - name: mine
    kind: state
    critical: {for: 5s}
    remedies:
      - {action: hangup}
      - {action: dbput, family: f, key: k, value: v}
"""


def test_nothing_is_allowed_unless_configured(read: Read) -> None:
    assert read(BASE).remedies == RemedyPolicy(enabled=False)
    assert not any(read(BASE + "remedies: {max_per_hour: 5}\n").remedies.allows(action) for action in RemedyAction)


def test_everything_can_be_set(read: Read) -> None:
    policy = read(BASE + "remedies: {enabled: true, dry_run: true, max_per_hour: 3, only: [dbput]}\n").remedies
    assert policy == RemedyPolicy(True, True, 3, frozenset({RemedyAction.DBPUT}))
    assert [action for action in RemedyAction if policy.allows(action)] == [RemedyAction.DBPUT]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("{enabled: yes please}", "remedies.enabled: must be true or false"),
        ("{enabled: true, max_per_hour: 0}", "remedies.max_per_hour: must be"),
        ("{enabled: true, only: [reboot]}", "remedies.only"),
        ("{enabled: true, only: []}", "remedies.only: is empty"),
        ("", "remedies: is empty"),
    ],
)
def test_what_is_wrong_is_told(problems: Problems, section: str, expected: str) -> None:
    assert [problem for problem in problems(f"{BASE}remedies: {section}\n") if expected in problem]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("", ["hangup: off, remedies.enabled is not true", "dbput: off, remedies.enabled is not true"]),
        (
            "remedies: {enabled: true}",
            [
                "hangup: at most 10 an hour, needs call in write= of manager.conf",
                "dbput: at most 10 an hour, needs system in write= of manager.conf",
            ],
        ),
        ("remedies: {enabled: true, dry_run: true, only: [dbput]}", ["hangup: off, not among remedies.only", "dbput: dry run"]),
    ],
)
def test_check_says_what_would_be_done(tmp_path: Path, section: str, expected: list[str]) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yml").write_text(RULES, encoding="utf-8")
    path = tmp_path / "c.yml"
    path.write_text(f"{BASE}store: {{directory: {tmp_path}}}\nrules: {{directory: rules}}\n{section}\n", encoding="utf-8")
    path.chmod(0o600)
    out = io.StringIO()
    assert check(path, out) == 0, out.getvalue()
    assert [line.partition("mine: ")[2] for line in out.getvalue().splitlines() if "remedy " in line] == expected
