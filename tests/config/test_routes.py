"""Who hears what: routes, and the matchers they share with inhibitions and windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.config.checks import thing_problem
from qualitywatch.desk.policy import Matcher, Route
from qualitywatch.document import compile_selector
from qualitywatch.model import Severity
from tests.config.conftest import ONE_PBX, TARGETS, TWO_PBXES, Problems, Read, warnings_of


def test_without_routes_everything_goes_to_everybody(read: Read) -> None:
    assert read(ONE_PBX).desk.routes == (Route(),)
    assert read(ONE_PBX + "routes: []").desk.routes == (Route(),)
    assert Route().targets == ()


def test_everything_can_be_set(read: Read) -> None:
    config = read(
        TWO_PBXES
        + TARGETS
        + """
routes:
  - match:
      severity: [warning, critical]
      rule: trunk-*
      subject: ["SIP/*", "/^PJSIP/"]
      pbx: office
      topic: trunk_state
      labels: {team: voip, site: [north, south]}
    to: [ops, duty]
    repeat: 1h
    escalate: {after: 10m, to: duty}
    remind: never
    continue: true
  - match: {severity: info}
    repeat: never
    remind: 1d
    escalate: {to: [ops]}
"""
    )
    first, second, everything_else = config.desk.routes
    assert first == Route(
        match=Matcher(
            rules=(compile_selector("trunk-*"),),
            subjects=(compile_selector("SIP/*"), compile_selector("/^PJSIP/")),
            pbxes=(compile_selector("office"),),
            topics=(compile_selector("trunk_state"),),
            severities=frozenset({Severity.WARNING, Severity.CRITICAL}),
            labels={"team": (compile_selector("voip"),), "site": (compile_selector("north"), compile_selector("south"))},
        ),
        targets=("ops", "duty"),
        repeat_s=3600.0,
        escalate_after_s=600.0,
        escalate_to=("duty",),
        remind_s=None,
        go_on=True,
    )
    assert (second.targets, second.repeat_s, second.remind_s) == ((), None, 86_400.0)
    assert (second.escalate_after_s, second.escalate_to) == (900.0, ("ops",))
    assert everything_else == Route()


def test_a_route_for_everything_is_the_last(read: Read) -> None:
    assert read(ONE_PBX + TARGETS + "routes: [{to: [ops]}]").desk.routes == (Route(targets=("ops",)),)
    going_on = Route(targets=("ops",), go_on=True)
    assert read(ONE_PBX + TARGETS + "routes: [{to: [ops], continue: true}]").desk.routes == (going_on, Route())


def test_a_route_that_is_never_reached_is_warned_of(read: Read) -> None:
    config = read(
        ONE_PBX
        + TARGETS
        + """routes:
  - {match: {severity: critical}, to: duty}
  - {to: duty, continue: true}
  - {match: {}, to: ops}
  - {match: {severity: info}, to: ops}
  - to: duty
"""
    )
    assert warnings_of(config) == [
        "7: routes[3]: is never reached: the route in line 6 takes everything; move it up",
        "8: routes[4]: is never reached: the route in line 6 takes everything; move it up",
    ]


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("to: [opps]", 'to[0]: must be one of ops, duty, not "opps", did you mean "ops"?'),
        ("to: []", "to: is empty; fill it in or remove it"),
        ("escalate: {after: 5m}", "escalate.to: missing"),
        ("escalate: {to: []}", "escalate.to: is empty; fill it in or remove it"),
        ("escalate: {to: dutty}", 'escalate.to: must be one of ops, duty, not "dutty", did you mean "duty"?'),
        ("escalate: 5m", 'escalate: must be a section of keys ("key: value"), not text'),
        ("escalate: ", "escalate: is empty; fill it in or remove it"),
        ("repeat: 4", "repeat: must be at least 1m, not 4s"),
        ("repeat: false", "repeat: write never to switch it off"),
        ("repeat: nevr", 'repeat: must be a duration such as 30s, 2m, 1h or 1m30s, not "nevr"'),
        ("remind: none", "remind: write never to switch it off"),
        ("continue: 1", "continue: must be true or false, not a number"),
        ("match: ", "match: is empty; fill it in or remove it"),
        ("match: {severity: []}", "match.severity: is empty; fill it in or remove it"),
        (
            "match: {severity: [crit]}",
            'match.severity[0]: must be one of info, warning, critical, not "crit", did you mean "critical"?',
        ),
        ("match: {rule: }", "match.rule: is empty; fill it in or remove it"),
        ("match: {pbx: ofice}", 'match.pbx: no PBX is called ofice, did you mean "office"?'),
        ("match: {pbx: [office, x*]}", "match.pbx: no PBX is called x*"),
        ("match: {labels: {team: }}", "match.labels.team: is empty; fill it in or remove it"),
        ("match: {labels: [voip]}", 'match.labels: must be a section of keys ("key: value"), not a list'),
        ("match: {severty: info}", 'match.severty: unknown key, did you mean "severity"?'),
        ("matches: {}", 'matches: unknown key, did you mean "match"?'),
    ],
)
def test_what_is_wrong_is_told_once_at_its_line(problems: Problems, route: str, expected: str) -> None:
    assert problems(f"{ONE_PBX}{TARGETS}routes:\n  - {route}\n") == [f"4: routes[0].{expected}"]


def test_every_mistake_is_told_at_once(problems: Problems) -> None:
    text = "routes: [{to: x, repeat: 1s}, {to: ops, escalate: {to: y}}]\nmaintenance: [{}]\ncall: {}\nlamps: {x: y z}\n"
    assert [problem.split(": ")[1] for problem in problems(ONE_PBX + TARGETS + text)] == [
        "routes[0].to",
        "routes[0].repeat",
        "routes[1].escalate.to",
        "maintenance[0].from",
        "maintenance[0].to",
        "maintenance[0].name",
        "call.channel",
        "lamps.x",
        "lamps.x",
    ]


def test_selectors_that_select_no_rule_are_warned_of_once_the_rules_are_known(read: Read, read_with_rules: Read) -> None:
    text = ONE_PBX + "routes: [{match: {rule: [trunk-dwn, loss*], labels: {team: voip}}}]\n"
    assert read(text).warnings == ()
    assert warnings_of(read_with_rules(text)) == [
        '2: routes[0].match.rule: no rule is called trunk-dwn, did you mean "trunk-down"?',
        "2: routes[0].match.labels.team: no rule has a label team like voip",
    ]


def test_labels_of_rules_are_found(read_with_rules: Read, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "r.yml").write_text("rules: [{name: x, kind: change, labels: {team: voip}}]")
    config = read_with_rules(ONE_PBX + "rules: {directory: own}\nroutes: [{match: {rule: x, labels: {team: vo*}}}]\n")
    assert config.warnings == ()


@given(st.text(max_size=30))
def test_no_name_of_a_trunk_smuggles_in_another_line_or_argument(junk: str) -> None:
    if thing_problem(f"SIP/{junk}") is None:
        assert not set(junk) & set("\r\n,() \t")
