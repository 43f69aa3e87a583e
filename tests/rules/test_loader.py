"""What an administrator reads when a rule file is wrong: everything, at once, with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.errors import ConfigError
from qualitywatch.model import Metric, Severity
from qualitywatch.room import Limit
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.registry import RULE_KINDS


def written(folder: Path, text: str, name: str = "rules.yml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def problems(*folders: Path) -> list[str]:
    """The problems, without the folder's own path."""
    with pytest.raises(ConfigError) as caught:
        load_rules(folders)
    return [line.replace(f"{folders[0]}/", "") for line in caught.value.problems]


def problems_of(folder: Path, text: str) -> list[str]:
    return problems(written(folder, text))


# --- Good files --------------------------------------------------------------------------------------------------------


def test_the_shipped_rules_load() -> None:
    specs = load_rules([Path(__file__).parents[2] / "rules"])
    assert [spec.name for spec in specs] == [
        "loss",
        "jitter",
        "rtt",
        "mos",
        "loss-unusual",
        "jitter-unusual",
        "rtt-unusual",
        "rtcp-coverage",
        "site-loss",
        "trunk-loss",
        "pbx-loss",
        "trunk-delivery",
        "post-dial-delay",
        "one-way-audio",
        "queue-unattended",
        "queue-waiting",
        "trunk-down",
        "peer-down",
        "pbx-blind",
        "pbx-half-blind",
        "user-agent",
        "transport",
        "login-failures",
        "flapping-peer",
        "flapping-trunk",
    ]


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (
            "kind: threshold, metric: loss_percent, warning: {enter: 3, for: 20s}, critical: {enter: 10, for: 10s}",
            "loss_percent over 60 s: warning >= 3 for 20 s, critical >= 10 for 10 s",
        ),
        (
            "kind: threshold, metric: loss_percent, direction: to_peer, warning: {enter: 3}",
            "loss_percent to_peer over 60 s: warning >= 3 for 0 s",
        ),
        ("kind: threshold, metric: mos, window: 2m, warning: {enter: 3.6}", "mos over 120 s: warning <= 3.6 for 0 s"),
        ("kind: state, entity: trunk, bad: [silent], warning: {for: 30s}", "trunk is silent: warning after 30 s"),
        ("kind: change, attribute: address, severity: info", "address of a peer changed: info"),
    ],
)
def test_a_rule_says_in_a_line_what_it_does(tmp_path: Path, text: str, summary: str) -> None:
    (spec,) = load_rules([written(tmp_path, f"rules: [{{name: r, {text}}}]")])
    assert spec.summary == summary


def test_a_rule_knows_where_it_stands(tmp_path: Path) -> None:
    folder = written(tmp_path, "rules:\n  - description: x\n    name: r\n    kind: change\n")
    assert load_rules([folder])[0].source == f"{tmp_path}/rules.yml:3"


def test_each_pbx_gets_windows_of_its_own(tmp_path: Path) -> None:
    (spec,) = load_rules([written(tmp_path, "rules: [{name: r, kind: change}]")])
    assert spec.build() is not spec.build()


def test_a_later_rule_of_the_same_name_replaces_the_earlier_one(tmp_path: Path) -> None:
    shipped = written(tmp_path / "shipped", "rules: [{name: a, kind: change}, {name: b, kind: change}]")
    own = written(tmp_path / "own", "rules: [{name: a, kind: change, severity: critical}]")
    specs = {spec.name: spec.summary for spec in load_rules([shipped, own])}
    assert specs == {"b": "user_agent of a peer changed: warning", "a": "user_agent of a peer changed: critical"}


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    written(tmp_path, "rules: [{name: a, kind: change, severity: critical}]", "20-own.yaml")
    written(tmp_path, "rules: [{name: a, kind: change, severity: info}]", "10-base.yml")
    written(tmp_path, "this is no rule file: [", "README.md")
    assert [spec.summary for spec in load_rules([tmp_path])] == ["user_agent of a peer changed: critical"]


def test_a_rule_is_switched_off_by_its_name_alone(tmp_path: Path) -> None:
    shipped = written(tmp_path / "shipped", "rules: [{name: a, kind: change}, {name: b, kind: change}]")
    own = written(tmp_path / "own", "rules: [{name: a, enabled: false}]")
    assert [spec.name for spec in load_rules([shipped, own])] == ["b"]


def test_a_switched_off_rule_may_stay_as_it_is_and_is_still_checked(tmp_path: Path) -> None:
    assert not load_rules([written(tmp_path, "rules: [{name: a, enabled: no, kind: change, attribute: address}]")])
    assert problems_of(tmp_path, "rules: [{name: a, enabled: no, kind: change, attribute: adress}]") == [
        "rules.yml:1: rules[0].attribute: must be one of user_agent, address, network, transport, "
        'not "adress", did you mean "address"?'
    ]


def test_yielding_to_a_rule_that_is_switched_off_is_no_mistake(tmp_path: Path) -> None:
    folder = written(
        tmp_path, "rules: [{name: a, enabled: false}, {name: b, kind: threshold, warning: {enter: 3}, yields_to: [a]}]"
    )
    assert [spec.yields_to for spec in load_rules([folder])] == [("a",)]


# --- Every kind of mistake ---------------------------------------------------------------------------------------------

FIELDS = "{peer}, {name}, {subject}, {pbx}, {direction}, {severity}, {since}, {value}, {peak}"
MISTAKES = [
    # The rule as such.
    ("- {kind: change}", ["2: rules[0].name: missing"]),
    ("- {name: r}", ["2: rules[0].kind: missing"]),
    ("- {name: '', kind: change}", ["2: rules[0].name: is empty"]),
    (
        "- {name: r, kind: treshold}",
        [f'2: rules[0].kind: must be one of {", ".join(RULE_KINDS)}, not "treshold", did you mean "threshold"?'],
    ),
    (
        "- {name: r, kind: change, atribute: address}",
        ['2: rules[0].atribute: unknown key, did you mean "attribute"?'],
    ),
    (
        "- {name: r, kind: change, enabled: 'no'}",
        ["2: rules[0].enabled: must be true or false, not text: take the quotes away"],
    ),
    ("- {name: r, kind: change}\n- {name: r, kind: change}", ["3: rules[1].name: r is defined twice in this file"]),
    ("- {name: r, kind: change}\n- loss", ['3: rules[1]: must be a section of keys ("key: value"), not text']),
    (
        "- {name: r, kind: change, subject: /SIP(/}",
        [
            "2: rules[0].subject: is not a regular expression: missing ), unterminated subpattern at position 3",
        ],
    ),
    (
        "- {name: r, kind: change, subject: [SIP/*, '']}",
        ["2: rules[0].subject[1]: is empty; write * to select everything"],
    ),
    (
        "- {name: r, kind: threshold, direction: down, warning: {enter: 3}}",
        ['2: rules[0].direction: must be one of to_peer, from_peer, not "down"'],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, yields_to: [los]}",
        ["2: yields_to: there is no rule named los"],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, yields_to: [r]}",
        ["2: rules[0].yields_to: a rule cannot yield to itself: it would never fire"],
    ),
    # Thresholds.
    (
        "- {name: r, kind: threshold}",
        ["2: rules[0].warning: a threshold rule needs at least one of warning and critical, such as {enter: 3, clear: 1.5}"],
    ),
    ("- {name: r, kind: threshold, warning: {clear: 1}}", ["2: rules[0].warning.enter: missing"]),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, critical: {enter: ten, clear: 5}}",
        ['2: rules[0].critical.enter: must be a number, not "ten"'],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3, clear: 4}}",
        ["2: rules[0].warning.clear: must not be above enter (3)"],
    ),
    (
        "- {name: r, kind: threshold, metric: mos, warning: {enter: 3.6, clear: 3}}",
        ["2: rules[0].warning.clear: must not be below enter (3.6): a low mos is the bad one"],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 10}, critical: {enter: 3}}",
        ["2: rules[0].critical: enter 3 is milder than the warning's 10"],
    ),
    (
        "- {name: r, kind: threshold, metric: mos, warning: {enter: 3}, critical: {enter: 3.5}}",
        ["2: rules[0].critical: enter 3.5 is milder than the warning's 3"],
    ),
    ("- {name: r, kind: threshold, warning: {enter: 101}}", ["2: rules[0].warning.enter: must be between 0 and 100, not 101"]),
    (
        "- {name: r, kind: threshold, metric: mos, warning: {enter: 5}}",
        ["2: rules[0].warning.enter: must be between 0 and 4.5, not 5"],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3%}}",
        ['2: rules[0].warning.enter: must be a number, not "3%"'],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3, for: 20}}\n"
        "- {name: s, kind: threshold, warning: {enter: 3, for: 20 s}}",
        ['3: rules[1].warning.for: must be a duration such as 30s, 2m, 1h or 1m30s, not "20 s"'],
    ),
    (
        "- {name: r, kind: threshold, window: 2s, warning: {enter: 3}}",
        ["2: rules[0].window: must be between 5s and 1d, not 2s"],
    ),
    (
        "- {name: r, kind: threshold, min_expected: 0, warning: {enter: 3}}",
        ["2: rules[0].min_expected: must be at least 1, not 0"],
    ),
    (
        "- {name: r, kind: threshold, aggregate: average, warning: {enter: 3}}",
        ['2: rules[0].aggregate: must be one of weighted, mean, median, max, min, not "average"'],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3, hold: 20s}}",
        ["2: rules[0].warning.hold: unknown key; known here: enter, clear, for"],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, overrides: [{warning: {enter: 5}}]}",
        ["2: rules[0].overrides[0].subject: missing"],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, overrides: [{subject: x, window: 5m}]}",
        ['2: rules[0].overrides[0].window: unknown key, did you mean "info"?'],
    ),
    (
        "- {name: r, kind: threshold, warning: {enter: 3}, critical: {enter: 10},"
        " overrides: [{subject: x, warning: {enter: 20}}]}",
        ["2: rules[0].overrides[0].critical: enter 10 is milder than the warning's 20"],
    ),
    # States.
    (
        "- {name: r, kind: state}",
        ["2: rules[0].warning: a state rule needs at least one of info, warning and critical, such as {for: 60s}"],
    ),
    (
        "- {name: r, kind: state, entity: peer, bad: [rejected], warning: {for: 1m}}",
        [
            "2: rules[0].bad[0]: must be one of registered, unregistered, reachable, lagged, unreachable, unknown, "
            'not "rejected"'
        ],
    ),
    (
        "- {name: r, kind: state, warning: {for: 1m, at_once: [down]}}",
        [
            "2: rules[0].warning.at_once[0]: must be one of registered, retrying, rejected, failed, unregistered, silent, "
            'unknown, not "down"'
        ],
    ),
    (
        "- {name: r, kind: state, bad: [silent], warning: {for: 1m, at_once: [rejected]}}",
        ["2: rules[0].warning.at_once: rejected is not among the bad states of this rule: silent"],
    ),
    # Changes.
    (
        "- {name: r, kind: change, severity: fatal}",
        ['2: rules[0].severity: must be one of info, warning, critical, not "fatal"'],
    ),
    (
        "- {name: r, kind: change, allowed: '/[/'}",
        ["2: rules[0].allowed: is not a regular expression: unterminated character set at position 0"],
    ),
    # The rule's own wording.
    (
        "- {name: r, kind: change, text: {en: '{who} changed'}}",
        [
            "2: rules[0].text: unknown field {who}; known are " + FIELDS,
        ],
    ),
    (
        "- {name: r, kind: change, text: {en: '{peer'}}",
        ["2: rules[0].text: expected '}' before end of string; write {{ and }} for braces of the text itself"],
    ),
    ("- {name: r, kind: change, text: {de: '{peer}'}}", ["2: rules[0].text.de: unknown key; known here: en, ru"]),
    ("- {name: r, kind: change, text: {en: ''}}", ["2: rules[0].text.en: is empty"]),
    (
        "- {name: r, kind: change, text: {en: '{value:.2q}'}}",
        ["2: rules[0].text: cannot be filled in: unknown format code 'q' for object of type 'float'"],
    ),
    (
        "- {name: r, kind: change, text: {en: '{peer:.2f}'}}",
        ["2: rules[0].text: cannot be filled in: unknown format code 'f' for object of type 'str'"],
    ),
    ("- {name: r, kind: change, text: {en: '{}'}}", ["2: rules[0].text: unknown field {}; known are " + FIELDS]),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[expected[0] for _, expected in MISTAKES])
def test_a_mistake_is_told_with_its_line_and_key(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = problems_of(tmp_path, f"rules:\n{text}\n")
    assert found == [f"rules.yml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["rules.yml:1: rules: missing"]),
        ("rules:", ["rules.yml:1: rules: is empty; fill it in or remove it"]),
        ("rules: []", ["rules.yml:1: rules: is empty; fill it in or remove it"]),
        ("rules: loss", ['rules.yml:1: rules: must be a list (each item begins with "- "), not text']),
        ("rule: []", ["rules.yml:1: rules: missing", 'rules.yml:1: rule: unknown key, did you mean "rules"?']),
        ("rules:\n  - name: r\n   kind: change", ["rules.yml:3: the indentation does not fit the lines above"]),
    ],
)
def test_a_file_that_is_no_rule_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems_of(tmp_path, text) == expected


def test_everything_wrong_with_every_file_is_told_at_once(tmp_path: Path) -> None:
    first = written(
        tmp_path / "a",
        "rules:\n"
        "  - name: loss\n"
        "    kind: threshold\n"
        "    metrik: loss_percent\n"
        "    window: 2s\n"
        "    warning: {enter: three}\n"
        "  - kind: change\n",
    )
    second = written(
        tmp_path / "b", "rules:\n  - {name: mos, kind: threshold, metric: mos, warning: {enter: 3}, yields_to: lost}\n"
    )
    assert [line.replace(str(tmp_path), "") for line in problems(first, second, tmp_path / "c")] == [
        'rules.yml:4: rules[0].metrik: unknown key, did you mean "metric"?',
        "rules.yml:5: rules[0].window: must be between 5s and 1d, not 2s",
        'rules.yml:6: rules[0].warning.enter: must be a number, not "three"',
        "rules.yml:7: rules[1].name: missing",
        "/b/rules.yml:2: yields_to: there is no rule named lost",
        "/c: is not a directory with rule files",
    ]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules([tmp_path / "nowhere"])
    assert caught.value.problems == [f"{tmp_path}/nowhere: is not a directory with rule files"]


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_bytes("rules: [{name: Потери, kind: change}]".encode("cp1251"))
    assert problems(tmp_path) == ["rules.yml: cannot be read: is not UTF-8 text"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").mkdir()
    assert problems(tmp_path) == ["rules.yml: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    "template", ["{peer} {value:.2f}%", "Потери до {name}", "{{literally}}", "plain", "{value:>8.1f} {peak:.0f} {since}"]
)
def test_wordings_that_can_be_used(tmp_path: Path, template: str) -> None:
    (spec,) = load_rules([written(tmp_path, f"rules: [{{name: r, kind: change, text: {{en: '{template}'}}}}]")])
    assert spec.name == "r"


# --- Labels and limits -------------------------------------------------------------------------------------------------


def test_every_kind_of_rule_may_have_labels(tmp_path: Path) -> None:
    text = """rules:
  - {name: a, kind: change, labels: {team: voip, site: north}}
  - {name: b, kind: state, warning: {for: 1m}, labels: {team: net}}
  - {name: c, kind: threshold, warning: {enter: 3}}
"""
    labels = {spec.name: spec.labels for spec in load_rules([written(tmp_path, text)])}
    assert labels == {"a": {"team": "voip", "site": "north"}, "b": {"team": "net"}, "c": {}}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("voip", 'labels: must be a section of keys ("key: value"), not text'),
        ("{team: 5}", "labels.team: must be text, but YAML reads this as a number: put it in quotes"),
        ("{a b: c}", "labels: the name of a label is letters, digits, - and _ only, not a b"),
    ],
)
def test_wrong_labels(tmp_path: Path, labels: str, expected: str) -> None:
    found = problems_of(tmp_path, f"rules:\n- {{name: r, kind: change, labels: {labels}}}\n")
    assert found == [f"rules.yml:2: rules[0].{expected}"]


def test_a_threshold_says_its_limits_for_each_subject(tmp_path: Path) -> None:
    text = """rules:
  - name: loss
    kind: threshold
    subject: SIP/*
    not_subject: SIP/fax
    pbx: office
    warning: {enter: 3, clear: 1}
    critical: {enter: 10}
    overrides:
      - {subject: SIP/62*, warning: {enter: 6}}
      - {subject: SIP/620, warning: {enter: 9}}
"""
    (spec,) = load_rules([written(tmp_path, text)])
    usual = (Limit(Metric.LOSS_PERCENT, Severity.WARNING, 3), Limit(Metric.LOSS_PERCENT, Severity.CRITICAL, 10))
    lenient = (Limit(Metric.LOSS_PERCENT, Severity.WARNING, 6), Limit(Metric.LOSS_PERCENT, Severity.CRITICAL, 10))
    assert spec.limits == usual
    assert spec.limits_for("office", "SIP/6117") == usual
    assert spec.limits_for("office", "SIP/620") == lenient
    assert spec.limits_for("office", "SIP/fax") == ()
    assert spec.limits_for("office", "PJSIP/1") == ()
    assert spec.limits_for("depot", "SIP/6117") == ()


def test_other_kinds_have_no_limits(tmp_path: Path) -> None:
    (spec,) = load_rules([written(tmp_path, "rules: [{name: a, kind: change}]")])
    assert spec.limits == ()
    assert spec.limits_for("office", "SIP/1") == ()
