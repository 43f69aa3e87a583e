"""Remedies that can do nothing are found; those that can are left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.rules.lint import lint
from qualitywatch.rules.loader import load_rules

TRUNK = "name: a, kind: state, critical: {for: 5s}, remedies: "
AGENT = "name: a, kind: change, attribute: user_agent, severity: info, remedies: "


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (TRUNK + "[{action: hangup}]", ["a can never hangup: alerts of kind state name no channels; give the remedy to"]),
        (
            TRUNK + '[{action: setvar, variable: X, value: v, channel: "{channel}"}]',
            ["a can never setvar: alerts of kind state name no channels"],
        ),
        (TRUNK + "[{action: dbput, family: f, key: k, value: v}]", []),
        ('name: a, kind: destination, deny: ["+882"], remedies: [{action: hangup}]', []),
        (
            AGENT + "[{action: dbput, family: f, key: k, value: v, undo: {delete: true}}]",
            ["a never undoes its dbput: what a rule of kind change tells of has no end; write undo: {never: true}"],
        ),
        (AGENT + "[{action: dbput, family: f, key: k, value: v, undo: {never: true}}]", []),
    ],
)
def test_what_can_do_nothing_is_found(tmp_path: Path, rule: str, expected: list[str]) -> None:
    (tmp_path / "mine.yml").write_text(f"rules:\n  - {{{rule}}}\n", encoding="utf-8")
    found = [str(finding) for finding in lint(load_rules([tmp_path]))]
    assert len(found) == len(expected)
    assert all(wanted in finding for wanted, finding in zip(expected, found, strict=True)), found
