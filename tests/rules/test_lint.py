"""Rules that load and yet cannot work are found; rules that can are left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.cli import main
from qualitywatch.document import Selector, compile_selector
from qualitywatch.rules.covering import covers, within
from qualitywatch.rules.lint import lint
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import Selection

SHIPPED = Path(__file__).parents[2] / "rules"
LOSS = "name: a, kind: threshold, metric: loss_percent, warning: {enter: 3, clear: 1.5, for: 20s}"


def findings(tmp_path: Path, *rules: str, shipped: bool = False) -> list[str]:
    (tmp_path / "mine.yml").write_text("rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules), encoding="utf-8")
    specs = load_rules([SHIPPED, tmp_path] if shipped else [tmp_path])
    return [str(finding).replace(f"{tmp_path}/", "").replace(f"{SHIPPED}/", "") for finding in lint(specs)]


UNUSUAL = "name: u, kind: baseline, metric: jitter_ms, info: {deviations: 4}"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([f"{UNUSUAL}, floor: 1200"], "can never fire: floor is 1200 and jitter_ms is never judged beyond 1000; set another"),
        (
            ["name: u, kind: baseline, metric: mos, info: {deviations: 4}, floor: 0.9"],
            "can never fire: floor is 0.9 and mos never falls below 1",
        ),
        (["name: u, kind: baseline, metric: mos, info: {deviations: 4}, rise: 3.5"], "no mos differs by 3.5"),
        ([f"{UNUSUAL}, window: 5s"], "a window of 5s holds 250 packets of a call, min_expected wants 500; make the window"),
        ([f"{UNUSUAL}, learn: 400"], "has faded before it is known: it takes 400 windows to know an hour and 300 are"),
        ([UNUSUAL.replace("4}", "4, for: 2h}")], "can hardly ever fire (info): it must be unusual for 2h"),
        ([f"{UNUSUAL.replace('4}', '4, for: 59m}')}, accept_after: 1h"], ""),
        ([f"{UNUSUAL}, warning: {{deviations: 4}}"], "never tells of info: warning begins at 4 deviations too, and no later"),
        (["name: u, kind: baseline, metric: rtt_ms, direction: to_peer, info: {}"], "a round trip goes both ways"),
        (
            ["name: j, kind: threshold, metric: jitter_ms, warning: {enter: 20}", f"{UNUSUAL}, yields_to: [j]"],
            "u can never fire: it yields to j (mine.yml:2), which has an alert whenever this one would",
        ),
        ([UNUSUAL, UNUSUAL.replace("name: u", "name: v")], "u always fires together with v"),
    ],
)
def test_a_baseline_that_cannot_work_is_found(tmp_path: Path, rules: list[str], expected: str) -> None:
    found = findings(tmp_path, *rules)
    assert expected in "\n".join(found)
    assert bool(found) is bool(expected)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("deny: [+882], allow: [+49]", "d allows +49 for nothing: it denies no number that begins with +49; deny what it is"),
        ("deny: [+882], allow: [+88]", "d allows +88 for nothing"),
        ("deny: [+88, +882], allow: [+8821, +49]", "d allows +49 for nothing"),
        ("deny: [+882], allow: [112]", "d allows 112 for nothing"),
        ("deny: [+882], allow: [+88216]", ""),
        ('deny: ["+"], allow: [+49]', ""),
        ("deny: [+88], allow: [882]", ""),
        ("allow: [+49, 112]", ""),
        ("max_per_minute: 5, allow: [112]", ""),
    ],
)
def test_an_exception_of_nothing_is_found(tmp_path: Path, keys: str, expected: str) -> None:
    found = findings(tmp_path, f"name: d, kind: destination, {keys}")
    assert expected in "\n".join(found)
    assert len(found) == bool(expected)


def test_the_shipped_rules_are_clean() -> None:
    assert lint(load_rules([SHIPPED])) == []
    assert main(["rules", "lint"]) == 0


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([f"{LOSS}, subject: SIP/6117, not_subject: SIP/6117"], "mine.yml:2: a can never fire: not_subject takes back"),
        ([f"{LOSS}, subject: [SIP/6117, SIP/6118], not_subject: SIP/61*"], "can never fire: not_subject"),
        ([f"{LOSS}, not_subject: '*'"], "can never fire: not_subject takes back all that subject names (everybody)"),
        (
            [f"{LOSS}, window: 5s"],
            "can hardly ever fire: a window of 5s holds 250 packets of a call, min_expected wants 400; make",
        ),
        ([LOSS.replace("for: 20s", "for: 2h")], "few calls last so long"),
        ([LOSS.replace("enter: 3, clear: 1.5", "enter: 0, clear: 0")], "fires on every call (warning)"),
        ([LOSS.replace("clear: 1.5", "clear: 0")], "does not end while calls go on (warning)"),
        (["name: j, kind: threshold, metric: jitter_ms, warning: {enter: 2000}"], "more than 1000 is left out as absurd"),
        (["name: m, kind: threshold, metric: mos, warning: {enter: 0.5}"], "mos never falls below 1"),
        (["name: m, kind: threshold, metric: mos, warning: {enter: 4.5}"], "fires on every call (warning)"),
        (
            ["name: r, kind: threshold, metric: rtt_ms, direction: to_peer, warning: {enter: 300}"],
            "a round trip goes both ways",
        ),
        ([f"{LOSS}, critical: {{enter: 3, for: 10s}}"], "never tells of warning: critical begins at 3 too"),
        (
            [f"{LOSS}, overrides: [{{subject: 'SIP/*', warning: {{enter: 5}}}}, {{subject: SIP/6117, warning: {{enter: 9}}}}]"],
            "never uses its override for SIP/6117: the one for SIP/* stands before it",
        ),
        (
            [f"{LOSS}, not_subject: SIP/6117, overrides: [{{subject: SIP/6117, warning: {{enter: 5}}}}]"],
            "never uses its override for SIP/6117: not_subject",
        ),
        (["name: s, kind: state, entity: trunk, bad: [registered, failed], warning: {for: 1m}"], "fires while all is well"),
        (["name: s, kind: state, entity: trunk, bad: [unknown], warning: {for: 1m}"], "says nothing of a real outage"),
        (["name: s, kind: state, entity: trunk, warning: {for: 1m}, critical: {for: 30s}"], "never tells of warning"),
        ([LOSS, LOSS.replace("name: a", "name: b").replace("enter: 3", "enter: 5")], "b always fires together with a"),
        ([LOSS, f"{LOSS.replace('name: a', 'name: b')}, subject: SIP/6117"], "mine.yml:3: b always fires together with a"),
        ([LOSS, f"{LOSS.replace('name: a', 'name: b')}, yields_to: a"], "b can never fire: it yields to a (mine.yml:2)"),
        (
            [f"{LOSS}, critical: {{enter: 10}}", LOSS.replace("name: a", "name: b").replace("enter: 3", "enter: 12")],
            "b contradicts a (mine.yml:2): it warns of 12 where the other is critical from 10 on",
        ),
        (
            ["name: s, kind: state, warning: {for: 1m}", "name: t, kind: state, bad: [failed], warning: {for: 2m}"],
            "t always fires together with s",
        ),
        (
            ["name: r, kind: ratio, warning: {enter: 100}"],
            "fires all the time (warning): enter 100 is met by any percentage of",
        ),
        (
            ["name: r, kind: ratio, warning: {enter: 90}, critical: {enter: 90}"],
            "never tells of warning: critical begins no later",
        ),
        (
            ["name: r, kind: ratio, warning: {enter: 90}", "name: q, kind: ratio, warning: {enter: 80, for: 1m}"],
            "q always fires together with r (mine.yml:2): both look at the percentage of delivered of the same subjects",
        ),
        (
            ["name: r, kind: ratio, critical: {enter: 90, for: 5m}", "name: q, kind: ratio, warning: {enter: 80}"],
            "q contradicts r (mine.yml:2): it warns of 80 where the other is critical from 90 on",
        ),
        (
            ["name: c, kind: count, changes_of: peer, info: {enter: 4}, warning: {enter: 4}"],
            "never tells of info: warning begins no later, whatever number of comings and goings of a peer does",
        ),
        (
            [
                "name: c, kind: count, tally: login_failed, warning: {enter: 5}",
                "name: d, kind: count, tally: login_failed, subject: 192.0.2.7, warning: {enter: 9}, yields_to: c",
            ],
            "d can never fire: it yields to c",
        ),
        (["name: l, kind: level, gauge: queue_callers, warning: {enter: 9}, critical: {enter: 9}"], "never tells of warning"),
        (
            [
                "name: l, kind: level, gauge: queue_agents_logged_in, warning: {enter: 1, clear: 2}",
                "name: m, kind: level, gauge: queue_agents_logged_in, subject: hotline, warning: {enter: 0, clear: 1}",
            ],
            "m always fires together with l",
        ),
        (["name: f, kind: fall, tally: login_failed"], "can never fire: no failed login is ever good"),
        (["name: f, kind: fall, accept_after: 0s"], "hardly lasts a call: accept_after 0"),
        (
            ["name: k, kind: threshold, metric: post_dial_delay_s, direction: to_peer, warning: {enter: 15}"],
            "has a direction for nothing: post_dial_delay_s has none",
        ),
        (
            ["name: u, kind: change", "name: v, kind: change, allowed: 'Yealink*'"],
            "v contradicts u (mine.yml:2): it allows Yealink*, the other tells of it all the same",
        ),
    ],
)
def test_what_cannot_work_is_found_once(rules: list[str], expected: str, tmp_path: Path) -> None:
    found = findings(tmp_path, *rules)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    "rules",
    [
        [LOSS, f"{LOSS.replace('name: a', 'name: b')}, direction: to_peer".replace("enter: 3", "enter: 2")],
        [f"{LOSS}, subject: SIP/61*", f"{LOSS.replace('name: a', 'name: b')}, subject: SIP/62*"],
        [f"{LOSS}, not_subject: SIP/62*", f"{LOSS.replace('name: a', 'name: b')}, subject: SIP/62*"],
        [f"{LOSS}, pbx: north", f"{LOSS.replace('name: a', 'name: b')}, pbx: south"],
        [LOSS, f"{LOSS.replace('name: a', 'name: b')}, window: 10m"],
        [f"{LOSS}, direction: to_peer", f"{LOSS.replace('name: a', 'name: b')}, direction: from_peer"],
        [LOSS, "name: b, kind: threshold, metric: jitter_ms, warning: {enter: 30, clear: 20}, yields_to: a"],
        [f"{LOSS}, subject: 'SIP/*', not_subject: SIP/6117"],
        [
            "name: s, kind: state, entity: trunk, warning: {for: 1m}, critical: {for: 1m, at_once: rejected}, yields_to: p",
            "name: p, kind: state, entity: peer, bad: lagged, warning: {for: 1m}",
        ],
        [f"{LOSS}, overrides: [{{subject: SIP/6117, warning: {{enter: 5}}}}, {{subject: 'SIP/*', warning: {{enter: 9}}}}]"],
        ["name: k, kind: threshold, metric: call_duration_s, window: 4h, min_count: 5, warning: {enter: 20, for: 2h}"],
        [
            "name: r, kind: ratio, warning: {enter: 90, consecutive: 3}",
            "name: q, kind: ratio, warning: {enter: 80, consecutive: 2}",
        ],
        ["name: r, kind: ratio, warning: {enter: 90, clear: 100}", "name: q, kind: ratio, window: 2h, warning: {enter: 80}"],
        ["name: r, kind: ratio, critical: {consecutive: 4}", "name: q, kind: ratio, warning: {enter: 80}"],
        [
            "name: c, kind: count, changes_of: peer, info: {enter: 4}",
            "name: d, kind: count, changes_of: trunk, info: {enter: 4}",
        ],
        ["name: s, kind: share, warning: {enter: 60}, critical: {peers: ruined, enter: 60}"],
        ["name: l, kind: level, gauge: queue_agents_logged_in, warning: {enter: 1, clear: 2}, critical: {enter: 0, clear: 1}"],
    ],
)
def test_what_works_is_left_in_peace(rules: list[str], tmp_path: Path) -> None:
    found = [finding for finding in findings(tmp_path, *rules) if "never tells of warning" not in finding]
    assert found == []


def test_a_rule_beside_a_shipped_one_is_found_and_one_in_its_place_is_not(tmp_path: Path) -> None:
    beside = LOSS.replace("name: a", "name: my-loss").replace("enter: 3", "enter: 5")
    found = findings(tmp_path, f"{beside}, subject: SIP/6117, min_expected: 400", shipped=True)
    assert len(found) == 1
    assert "my-loss always fires together with loss (default.yml:" in found[0]
    assert "use overrides of loss, name it loss to replace that one, or keep them apart with not_subject" in found[0]
    assert findings(tmp_path, LOSS.replace("name: a", "name: loss"), shipped=True) == []


def test_the_command_says_where_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = {"rules": [{"name": "short", "kind": "threshold", "window": "5s", "warning": {"enter": 3}}]}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    assert main(["rules", "lint", "--rules", str(tmp_path)]) == 1
    assert f"{tmp_path}/mine.yml:" in capsys.readouterr().out
    (tmp_path / "mine.yml").write_text("rules: [{name: x, kind: nothing}]", encoding="utf-8")
    assert main(["rules", "lint", "--rules", str(tmp_path)]) == 2


SELECTORS = st.text("SIP61*?", min_size=1, max_size=8).map(compile_selector)
SUBJECTS = st.text("SIP61", max_size=8)


@given(SELECTORS, SELECTORS, SUBJECTS)
def test_what_lies_within_selects_nothing_else(inner: Selector, outer: Selector, subject: str) -> None:
    if within(inner, outer) and inner.matches(subject):
        assert outer.matches(subject)


LISTS = st.lists(SELECTORS, max_size=2).map(tuple)


@given(st.builds(Selection, LISTS, LISTS), st.builds(Selection, LISTS, LISTS), SUBJECTS)
def test_what_is_covered_is_selected(inner: Selection, outer: Selection, subject: str) -> None:
    if covers(outer, inner) and inner.matches("pbx", subject):
        assert outer.matches("pbx", subject)
