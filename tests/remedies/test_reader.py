"""How remedies read in a rule, and what is wrong with those that cannot be."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import encode_action
from qualitywatch.errors import ConfigError
from qualitywatch.model import Remedy, RemedyAction, Severity, Undo, UndoKind
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.remedies.templates import FIELDS, fill_all
from qualitywatch.rules.loader import load_rules

RULE = "rules:\n  - name: r\n    kind: state\n    warning: {for: 5s}\n    remedies:\n"


def remedies(tmp_path: Path, text: str) -> tuple[Remedy, ...]:
    (tmp_path / "mine.yml").write_text(RULE + textwrap.indent(textwrap.dedent(text), "      "), encoding="utf-8")
    (spec,) = load_rules([tmp_path])
    return spec.remedies


def test_each_action_is_read_with_its_defaults(tmp_path: Path) -> None:
    found = remedies(
        tmp_path,
        """
        - {action: hangup}
        - {action: redirect, context: announcements, exten: "900"}
        - {action: setvar, variable: TRUNK_OUT, value: backup, severity: critical, dry_run: true}
        - {action: dbput, family: trunk, key: "{trunk}", value: backup, undo: {value: main}}
        - {action: originate, channel: PJSIP/100, context: alarms, variables: {WHO: "{subject}"}}
        """,
    )
    assert [remedy.action for remedy in found] == list(RemedyAction)
    assert found[2].severity is Severity.CRITICAL
    assert found[2].dry_run
    assert [remedy.undo for remedy in found[2:4]] == [Undo(UndoKind.BEFORE), Undo(UndoKind.VALUE, "main")]
    fields = dict.fromkeys(FIELDS, "SIP/6117-1")
    sent = [ACTIONS[each.action].request(fill_all(each.values, fields) or {}) for each in found]
    assert [(request.action, dict(request.headers)) for request in sent] == [
        ("Hangup", {"Channel": "SIP/6117-1"}),
        ("Redirect", {"Channel": "SIP/6117-1", "Context": "announcements", "Exten": "900", "Priority": "1"}),
        ("Setvar", {"Variable": "TRUNK_OUT", "Value": "backup"}),
        ("DBPut", {"Family": "trunk", "Key": "SIP/6117-1", "Val": "backup"}),
        (
            "Originate",
            {
                "Channel": "PJSIP/100",
                "Context": "alarms",
                "Exten": "s",
                "Priority": "1",
                "CallerID": "qualitywatch <100>",
                "Timeout": "30000",
                "Async": "true",
                "Variable": "WHO=SIP/6117-1",
            },
        ),
    ]


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("{}", "remedies[0].action: missing"),
        ("{action: reboot}", "remedies[0].action: must be one of"),
        ("{action: hangup, undo: {never: true}}", "remedies[0].undo: hangup cannot be undone"),
        ("{action: hangup, cause: 900}", "remedies[0].cause: must be between 1 and 127"),
        ("{action: dbput, family: trunk, key: main}", "remedies[0].value: missing"),
        ("{action: dbput, family: trunk, key: main, value: '{nobody}'}", "remedies[0].value: unknown field {nobody}"),
        ("{action: dbput, family: f, key: k, value: v, undo: {value: a, delete: true}}", "remedies[0].undo: say one of value"),
        ("{action: dbput, family: f, key: k, value: v, undo: {delete: false}}", "remedies[0].undo.delete: can only be true"),
        ("{action: dbput, family: f, key: k, value: v, dryrun: true}", "did you mean"),
        ("{action: setvar, variable: 'SHELL(rm)', value: v}", "remedies[0].variable: must be a variable"),
        ("{action: setvar, variable: 'DB(trunk/main)', value: v}", "DB is dbput"),
        ("{action: setvar, variable: 'FILE(/etc/passwd)', value: v}", "remedies[0].variable: must be a variable"),
        ("{action: redirect, context: 'a,b', exten: s}", "remedies[0].context: must be a context"),
        ("{action: originate, channel: PJSIP/100}", "remedies[0]: say what whoever picks up shall hear"),
        ("{action: originate, channel: 'PJSIP/1,2', sound: a}", "remedies[0].channel: must be one channel"),
        ("{action: originate, channel: PJSIP/1, sound: a, variables: {'A,B': x}}", "must be the name of a variable"),
    ],
)
def test_a_wrong_remedy_is_told_at_its_line(tmp_path: Path, remedy: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        remedies(tmp_path, f"- {remedy}")
    told = [problem for problem in caught.value.problems if expected in problem]
    assert told, caught.value.problems
    assert "mine.yml:6" in told[0]


def test_the_same_remedy_twice_and_an_empty_list_are_slips(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hangup is there twice"):
        remedies(tmp_path, "- {action: hangup}\n- {action: hangup}")
    with pytest.raises(ConfigError, match="remedies: is empty"):
        (tmp_path / "mine.yml").write_text(RULE.replace("remedies:\n", "remedies: []\n"), encoding="utf-8")
        load_rules([tmp_path])


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_name_from_the_network_becomes_another_line_or_another_variable(name: str) -> None:
    """What a template is filled with is one argument of one header, or nothing is sent."""
    originate = ACTIONS[RemedyAction.ORIGINATE]
    templates = {
        "to": "PJSIP/1",
        "context": "c",
        "exten": "s",
        "sound": "",
        "caller_id": "",
        "ring_ms": "1",
        "variable WHO": "{name}",
    }
    values = fill_all(templates, dict.fromkeys(FIELDS, name))
    if values is None or originate.unfit(values):
        assert not name.isprintable() or set(name) & set(',"\\')
        return
    wire = encode_action("Originate", originate.request(values).headers, "1").decode()
    assert wire.count("\r\n") == 11
    assert f"Variable: WHO={name}\r\n" in wire
    assert "," not in wire
