"""``rules test --junit``: what a build server reads is what the terminal shows, whatever a test is called."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.cli import main
from qualitywatch.testing.junit import Verdict, junit

TESTS = """tests:
  - name: good
    events:
      - call: {peer: SIP/6117, until: 1m, loss_to: 6%}
    expect:
      - {between: [20s, 36s], state: firing, rule: loss}
  - name: a < b & "bad"
    events:
      - call: {peer: SIP/6117, until: 1m}
    expect:
      - {at: 30s, state: firing, rule: loss}
"""


def test_the_file_tells_what_the_terminal_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests, outcome = tmp_path / "mine.yml", tmp_path / "outcome.xml"
    tests.write_text(TESTS, encoding="utf-8")
    assert main(["rules", "test", str(tests), "--junit", str(outcome)]) == 1
    shown = capsys.readouterr().out
    root = ElementTree.fromstring(outcome.read_bytes())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (str(tests), "2", "1")
    good, bad = suite
    assert (good.get("name"), len(good)) == ("good", 0)
    assert bad.get("name") == 'a < b & "bad"'
    (failure,) = bad
    assert failure.get("message", "") in shown
    assert "expected loss" in failure.get("message", "")
    for line in (failure.text or "").splitlines():
        assert line.strip() in shown


def test_a_file_that_cannot_be_written_is_said_and_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = tmp_path / "mine.yml"
    tests.write_text(TESTS, encoding="utf-8")
    assert main(["rules", "test", str(tests), "--junit", str(tmp_path / "no" / "outcome.xml")]) == 2
    assert "cannot be written" in capsys.readouterr().err


texts = st.text(max_size=20)


@settings(max_examples=50)
@given(st.lists(st.builds(Verdict, texts, texts, st.lists(texts, max_size=3).map(tuple), st.floats(0, 1e6)), max_size=6))
def test_every_text_makes_a_document_that_counts_right(verdicts: list[Verdict]) -> None:
    root = ElementTree.fromstring(junit(verdicts))
    assert len(root.findall("*/testcase")) == len(verdicts) == int(root.get("tests", ""))
    assert len(root.findall("*/testcase/failure")) == sum(bool(verdict.report) for verdict in verdicts)
    assert sum(int(suite.get("failures", "")) for suite in root) == int(root.get("failures", ""))
