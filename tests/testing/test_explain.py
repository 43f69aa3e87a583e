"""Why it fired, and why it did not: the account given of the recordings agrees with their alerts."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from qualitywatch.cli import main
from qualitywatch.commands.explain import ExplainOptions, explain
from qualitywatch.commands.replay import ReplayOptions, replay
from qualitywatch.errors import QualitywatchError
from tests.accuracy.findings import SLOWLY
from tests.conftest import CAPTURES

BRIDGE = CAPTURES / "asterisk-20" / "sip-bridge-loss"
OUTAGE = CAPTURES / "asterisk-20" / "trunk-outage"
AGENTS = CAPTURES / "asterisk-20" / "peer-reachability-user-agent"


def told(recording: Path, rule: str, subject: str, at: str | None = None, rules: Path | None = None) -> str:
    out = io.StringIO()
    explain(ExplainOptions((recording,), rule, subject, at, None, rules), out)
    return out.getvalue()


def test_why_it_fired() -> None:
    text = told(BRIDGE, "loss", "SIP/6118")
    assert re.search(r"SIP/6118 to_peer\n", text)
    assert re.search(r"8\.975 %  warning breach 0s of 20s, critical keep +pending +packets 495, window s 60, calls 1", text)
    fired = "=> fired at 19:54:29 as warning because 8.887 % >= 3 %, bad for 21s since 19:54:08 (at least 20s needed)"
    assert fired in text
    assert "=> was still firing at the end" in text


def test_why_it_did_not() -> None:
    text = told(BRIDGE, "loss", "SIP/6118")
    assert "=> never fired: the highest value was 0 % at 19:54:00, warning begins at 3 %" in text
    text = told(BRIDGE, "mos", "SIP/6118")
    assert "left out: 9 samples, unknown_codec: nobody told the codec: the score is a guess" in text
    assert "=> never fired: nothing it could judge was seen" in text


def test_what_was_bad_for_too_short_a_time(tmp_path: Path) -> None:
    rule = "{name: patient, kind: threshold, metric: loss_percent, warning: {enter: 3, clear: 1.5, for: 10m}}"
    (tmp_path / "mine.yml").write_text(f"rules: [{rule}]", encoding="utf-8")
    text = told(BRIDGE, "patient", "SIP/6118", rules=tmp_path)
    assert re.search(r"never fired: bad enough for warning from 19:54:08 for 59s, it must last 10m and still be bad", text)


def test_what_was_explained_by_another_rule(tmp_path: Path) -> None:
    rule = "{name: shy, kind: threshold, metric: loss_percent, yields_to: loss, warning: {enter: 3, clear: 1.5, for: 10s}}"
    (tmp_path / "mine.yml").write_text(f"rules: [{rule}]", encoding="utf-8")
    text = told(BRIDGE, "shy", "SIP/6118", rules=tmp_path)
    assert "quiet, explained by loss" in text
    assert "never fired: its condition held, but loss had an alert on the same subject and it yields to that one" in text


def test_a_state_and_its_end() -> None:
    text = told(OUTAGE, "trunk-down", "SIP/*")
    assert "=> fired at 19:59:39 as warning because state silent, bad for 30.3s since 19:59:08 (at least 30s needed)" in text
    assert "=> ended at 20:00:04 because all was well for 5s" in text
    assert "well 0s of 5s" in text


def test_how_things_stood_at_a_time() -> None:
    text = told(OUTAGE, "trunk-down", "SIP/*", at="19:59:50")
    assert "at 19:59:50 it was firing: - warning breach" in text
    assert told(OUTAGE, "trunk-down", "SIP/*", at="2026-11-22 19:59:50") == text
    assert "it had not been judged yet" in told(OUTAGE, "trunk-down", "SIP/*", at="19:58:55")


def test_things_that_happened() -> None:
    text = told(AGENTS, "user-agent", "SIP/6103")
    assert len(re.findall(r"=> happened at", text)) == 4
    assert re.search(r"happened at 20:04:41, \w+: old Yealink .*, new friendly-scanner", text)


def test_who_is_not_there() -> None:
    text = told(BRIDGE, "loss", "SIP/9")
    assert "nothing that loss could judge was seen of SIP/9." in text
    assert "it was asked about SIP/6117, SIP/6118." in text
    with pytest.raises(QualitywatchError, match="there is no rule named los; there are loss, "):
        told(BRIDGE, "los", "SIP/6117")
    with pytest.raises(QualitywatchError, match="--at must be a time such as"):
        told(BRIDGE, "loss", "SIP/6117", at="noon")


@pytest.mark.parametrize("recording", SLOWLY, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_account_agrees_with_the_alerts(recording: Path) -> None:
    """The account of every rule that had an alert, and of one that may have had none, tells exactly what replay tells."""
    out = io.StringIO()
    replay(ReplayOptions((recording,), format="json"), out)
    records = [json.loads(line) for line in out.getvalue().splitlines()]
    happened = {"user-agent", "transport"}
    for rule in sorted({"loss", *(record["rule"] for record in records)} - happened):
        changes = [record["state"] for record in records if record["rule"] == rule and record["state"] != "pending"]
        text = told(recording, rule, "*")
        assert len(re.findall(r"=> (?:fired|rose) at", text)) == changes.count("firing"), rule
        assert len(re.findall(r"=> ended at", text)) == changes.count("resolved"), rule


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(BRIDGE), "--rule", "loss", "--subject", "SIP/61*"]) == 0
    assert "SIP/6117 from_peer" in capsys.readouterr().out
    assert main(["explain", str(BRIDGE), "--rule", "los", "--subject", "SIP/61*"]) == 1
    assert "there is no rule named los" in capsys.readouterr().err
