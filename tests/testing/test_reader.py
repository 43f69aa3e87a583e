"""What whoever writes tests reads when a file is wrong: everything, at once, with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.cli import main
from qualitywatch.document import Problems
from qualitywatch.rules.loader import load_rules
from qualitywatch.testing.reader import read_suite

RULES = Path(__file__).parents[2] / "rules"
CALL = "{call: {peer: SIP/6117, until: 1m}}"


def problems_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "t.yml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    read_suite(path, problems, load_rules([RULES]), RULES)
    return [line.replace(f"{tmp_path}/", "") for line in problems.lines()]


def with_event(event: str) -> str:
    return f"tests:\n  - name: x\n    events:\n      - {event}\n    expect:\n      - {{messages: 0}}\n"


def with_expectation(expectation: str) -> str:
    return f"tests:\n  - name: x\n    events:\n      - {CALL}\n    expect:\n      - {expectation}\n"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("{at: 0s}", "t.yml:4: tests[0].events[0]: an item says one thing, an AMI event such as Registry or one of call,"),
        ("{at: 0s, cal: {peer: SIP/1, until: 1m}}", 't.yml:4: tests[0].events[0].cal: unknown key, did you mean "call"?'),
        ("{call: {peer: 6117, until: 1m}}", "tests[0].events[0].call.peer: must be text"),
        ("{call: {peer: '6117', until: 1m}}", "must begin with its technology, such as SIP/6117 or PJSIP/701"),
        ("{call: {peer: SIP/6117}}", "call.until: a call has either until or lasts, so that it ends"),
        ("{call: {peer: SIP/6117, until: 1m, lasts: 1m}}", "call.until: a call has either until or lasts"),
        ("{call: {peer: SIP/6117, until: 1m, los_to: 3%}}", 'call.los_to: unknown key, did you mean "loss_to"?'),
        ("{call: {peer: SIP/6117, until: 1m, loss_to: 101}}", "call.loss_to: must be between 0 and 100"),
        ("{call: {peer: SIP/6117, until: 1m, jitter: much}}", "call.jitter: must be milliseconds, such as 20ms"),
        ("{call: {peer: SIP/6117, until: 1m, codec: ulow}}", "call.codec: must be one of ulaw"),
        ("{every: 1s, Registry: {Username: a}}", "events[0].until: missing"),
        ("{every: 0.1s, until: 1d, Registry: {Username: a}}", "every: more than 10000 times"),
        ("{at: 1s, every: 1s, until: 2s, Registry: {Username: a}}", "at: an item has either at, or every with from and until"),
        ("{at: 1s, Registry: {Timestamp: 1}}", "Registry.Timestamp: is written by the test itself, from at"),
        ("{at: 1s, registry: {trunk: provider, status: Rejected}}", "registry.trunk: must"),
        ("{at: 1s, registry: {trunk: SIP/u@h, status: rejected}}", "status: must be one of Registered"),
        ("{at: 1s, manager: {state: away}}", "manager.state: must be one of lost, back"),
    ],
)
def test_a_wrong_event(event: str, problem: str, tmp_path: Path) -> None:
    found = problems_of(tmp_path, with_event(event))
    assert len(found) == 1, found
    assert found[0].startswith("t.yml:4: ")
    assert problem in found[0]


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("{at: 1m}", "one of state, never, messages, message and remedy says what is expected"),
        ("{at: 1m, state: fired, rule: loss}", "state: must be one of pending, firing, resolved, none"),
        ("{state: firing, rule: loss}", "at: a state is expected at some time"),
        ("{at: 1m, state: firing, rule: los}", "rule: there is no rule named los; there are"),
        ("{at: 1m, state: firing}", "rule: missing"),
        ("{between: [2m, 1m], state: firing, rule: loss}", "between: must be two times of the story, the earlier first"),
        ("{between: 2m, state: firing, rule: loss}", "between: must be two times of the story"),
        ("{at: 1m, between: [1m, 2m], state: firing, rule: loss}", "between: an expectation has either at or between"),
        ("{at: 1m, state: firing, rule: loss, value: high}", "value: must be a number, a range such as 5..7"),
        ("{at: 1m, state: firing, rule: loss, direction: up}", "direction: must be one of to_peer, from_peer"),
        ("{at: 1m, never: {rule: loss}}", "at: what never happens has no instant"),
        ("{messages: few}", "messages: must be a number"),
        ("{message: '/(/'}", "message: is not a regular expression"),
        ("{never: {rule: loss, sbject: SIP/1}}", 'never.sbject: unknown key, did you mean "subject"?'),
    ],
)
def test_a_wrong_expectation(expectation: str, problem: str, tmp_path: Path) -> None:
    found = problems_of(tmp_path, with_expectation(expectation))
    assert len(found) == 1, found
    assert found[0].startswith("t.yml:6: tests[0].expect[0]")
    assert problem in found[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: []", "t.yml:1: tests: is empty"),
        ("tests: [{name: x, expect: [{messages: 0}]}]", "tests[0].events: a test has either events or a recording"),
        ("tests: [{name: x, recording: none.ami, expect: [{messages: 0}]}]", "tests[0].recording: there is no"),
        (f"tests: [{{name: x, events: [{CALL}]}}]", "tests[0].expect: missing"),
        (f"timezone: Mars\ntests: [{{name: x, events: [{CALL}], expect: [{{messages: 0}}]}}]", "timezone: is not the name"),
        (
            f"rules: [nowhere]\ntests: [{{name: x, events: [{CALL}], expect: [{{messages: 0}}]}}]",
            "is not a directory with rule",
        ),
        (f"rules: [{{name: x, kind: y}}]\ntests: [{{name: x, events: [{CALL}], expect: [{{messages: 0}}]}}]", "rules[0].kind"),
        (f"tests: [{{name: x, start: noon, events: [{CALL}], expect: [{{messages: 0}}]}}]", "start: must be a date and a time"),
    ],
)
def test_a_wrong_file(text: str, problem: str, tmp_path: Path) -> None:
    found = problems_of(tmp_path, text)
    assert any(problem in line for line in found), found


def test_every_mistake_is_told_at_once_and_nothing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yml").write_text(with_event("{at: soon, peer: {peer: SIP/1, status: Gone}}"), encoding="utf-8")
    (tmp_path / "b.yml").write_text(with_expectation("{at: 1m, state: firing, rule: los}"), encoding="utf-8")
    assert main(["rules", "test", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split(":")[0].rpartition("/")[2] for line in captured.err.splitlines()] == ["a.yml", "a.yml", "b.yml"]


def test_a_folder_without_tests_is_a_mistake(tmp_path: Path) -> None:
    assert main(["rules", "test", str(tmp_path)]) == 2
