"""The command itself, as an administrator types it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.cli import main
from qualitywatch.model import PeerState, TrunkState
from qualitywatch.store.backends.rollup import ROLLUP_FILE
from tests.backtest.office import fill
from tests.backtest.test_same_verdict import START, Talk, story_of
from tests.backtest.world import RECORDINGS, live, recorded

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded storm of loss, lived through by the production pipeline and store."""
    directory = tmp_path_factory.mktemp("storm")
    (recording,) = (each for each in RECORDINGS if each.name == "loss-storm")
    live(directory, recorded(recording), rest_s=400)
    return directory


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good day of an office with a few bad lines."""
    directory = tmp_path_factory.mktemp("office")
    asyncio.run(fill(directory, days=1.1, peers=4, share_talking=0.15, share_bad=0.06))
    return directory


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def told(capsys: Capture, *arguments: str, code: int = 0) -> str:
    assert main(["backtest", *arguments]) == code
    out, err = capsys.readouterr()
    return out if code == 0 else out + err


def asked(capsys: Capture, *arguments: str) -> Any:
    return json.loads(told(capsys, *arguments, "--json"))


def test_a_table_and_a_strip(storm: Path, capsys: Capture) -> None:
    text = told(capsys, "--store", str(storm))
    assert re.search(r"^2026-11-22 20:0\d to 2026-11-22 20:2\d \(\d+m\); asked for were 14d, more is not stored$", text, re.M)
    assert re.search(r"^rule +alerts +incidents +firing +flaps +messages$", text, re.M)
    assert re.search(r"^loss +14 +1 +\d\d min +0 +1$", text, re.M)
    assert re.search(r"^never fired: .*\btrunk-down\b", text, re.M)
    assert re.search(r"^  loss +█ +at most \d\d min$", text, re.M)
    assert re.search(r"^not judged: .*loss-unusual.*, because it learns from every call", text, re.M)


def test_every_alert_is_listed(storm: Path, capsys: Capture) -> None:
    text = told(capsys, "--store", str(storm), "--list", "--rule", "loss")
    rows = re.findall(r"^  2026-11-22 20:05:5\d  critical  loss +SIP/61\d\d to_peer +\d\d\.\d+ % +(\S+)$", text, re.M)
    assert len(rows) == 14
    assert all(re.fullmatch(r"\d+m\d+s|\d+m", lasted) for lasted in rows)


def test_other_rules_beside_the_present_ones(storm: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "mine.yml").write_text(
        "rules: [{name: loss, enabled: false},"
        " {name: drowned, kind: threshold, critical: {enter: 22, clear: 15, for: 10s}},"
        " {name: faint, kind: threshold, metric: jitter_ms, warning: {enter: 5, clear: 3}}]",
        encoding="utf-8",
    )
    text = told(capsys, "--store", str(storm), "--rules", str(tmp_path))
    assert re.search(r"^loss +14 -> 0 \(-14\) +1 -> 0 \(-1\) +\d+ -> 0 min \(-\d+\)", text, re.M)
    assert re.search(r"^drowned +0 -> \d+ \(\+\d+\) ", text, re.M)
    assert "judged to the minute only: faint: of minutes below 20 only the sums are stored" in text
    values = asked(capsys, "--store", str(storm), "--rules", str(tmp_path))
    assert [each["alerts"] for each in values["present"]["rules"] if each["rule"] == "loss"] == [14]
    assert {each["rule"] for each in values["proposed"]["fired"]} - {"peer-down"} == {"drowned"}


def test_it_agrees_with_the_daemon(tmp_path: Path, capsys: Capture) -> None:
    calls = [Talk(300 * place, 280, place % 2, loss, loss, 1, 20, "alaw") for place, loss in enumerate((4.0, 0.0, 12.0, 2.0))]
    others = [(100.0, ("trunk", TrunkState.REJECTED)), (700.0, ("trunk", TrunkState.REGISTERED))]
    lived = live(tmp_path, story_of(calls, [*others, (50.0, ("peer", 1, PeerState.REGISTERED))]), rest_s=400)
    fired = asked(capsys, "--store", str(tmp_path))["present"]["fired"]
    began = sorted((each["rule"], each["subject"], each["began_at"]) for each in fired)
    rules = {each["rule"] for each in fired}
    assert began == sorted((rule, subject, at) for rule, subject, reason, _, _, at in lived.told(rules) if reason == "firing")
    assert rules == {"loss", "trunk-down"}
    assert all(each["began_at"] >= START and each["ended_at"] > each["began_at"] for each in fired)


@pytest.mark.slow
def test_limits_that_meet_a_target(weeks: Path, tmp_path: Path, capsys: Capture) -> None:
    before = asked(capsys, "--store", str(weeks), "--rule", "loss")
    (present,) = (each for each in before["present"]["rules"] if each["rule"] == "loss")
    assert present["incidents"] > 4
    found = asked(capsys, "--store", str(weeks), "--target", "3/day", "--rule", "loss")
    assert found["present_incidents"] == present["incidents"]
    assert 0 <= found["proposed_incidents"] <= 3
    (tmp_path / "mine.yml").write_text(found["yaml"], encoding="utf-8")
    after = asked(capsys, "--store", str(weeks), "--rules", str(tmp_path), "--rule", "loss")
    (proposed,) = (each for each in after["proposed"]["rules"] if each["rule"] == "loss")
    assert proposed["incidents"] == found["proposed_incidents"]
    text = told(capsys, "--store", str(weeks), "--target", "3/day")
    assert re.search(r"^loss now: loss_percent over 60 s: warning >= 3 for 20 s", text, re.M)
    assert re.search(r"^with these limits: \d incidents, [\d.]+ a week", text, re.M)
    assert "present limits meet it" in told(capsys, "--store", str(weeks), "--target", "500/week")


@pytest.mark.slow
def test_history_of_an_older_version(weeks: Path, tmp_path: Path, capsys: Capture) -> None:
    """Sums of minutes are better than nothing, and what they cannot tell is said."""
    shutil.copy(weeks / ROLLUP_FILE, tmp_path / ROLLUP_FILE)
    whole = asked(capsys, "--store", str(weeks))["present"]
    connection = sqlite3.connect(tmp_path / ROLLUP_FILE)
    connection.executescript("DROP TABLE detail; DROP TABLE judged;")
    connection.close()
    text = told(capsys, "--store", str(tmp_path))
    assert "judged to the minute only: loss, jitter, rtt: only sums of minutes are stored" in text
    assert re.search(
        r"^not judged: .*trunk-down.*, because states, changes and counts are stored by newer versions only$", text, re.M
    )
    assert re.search(r"^not judged: mos, because sums of minutes do not tell whether a mos could be vouched for$", text, re.M)
    assert re.search(r"^\d+ minutes of a subject were known by their sums only$", text, re.M)
    by_sums = asked(capsys, "--store", str(tmp_path))["present"]
    exact = {(each["subject"], each["direction"], each["began_at"]) for each in whole["fired"] if each["rule"] == "loss"}
    found = {(each["subject"], each["direction"], each["began_at"]) for each in by_sums["fired"] if each["rule"] == "loss"}
    near = [one for one in exact if any(one[:2] == other[:2] and abs(one[2] - other[2]) <= 60 for other in found)]
    assert len(near) >= 0.8 * len(exact)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--since", "long"], "--since must be a duration such as 14d or 36h, not long"),
        (["--target", "few"], "--target must be so many a week or a day, such as 3/week, not few"),
        (["--rule", "nope"], "there is no rule named nope; there are "),
        (["--pbx", "branch"], "nothing is stored of a PBX named branch; stored are: office"),
        (["--target", "1/week"], "0.3 hours of history are too little to speak of a week: a day is the least"),
    ],
)
def test_what_cannot_be_done_is_said(storm: Path, arguments: list[str], reason: str, capsys: Capture) -> None:
    text = told(capsys, "--store", str(storm), *arguments, code=1)
    assert reason in text


@pytest.mark.slow
def test_only_thresholds_can_be_moved(weeks: Path, capsys: Capture) -> None:
    text = told(capsys, "--store", str(weeks), "--target", "1/week", "--rule", "trunk-down", code=1)
    assert "trunk-down is of kind state: only thresholds can be moved (loss, jitter, rtt, mos" in text


def test_without_history(tmp_path: Path, capsys: Capture) -> None:
    text = told(capsys, "--store", str(tmp_path), code=1)
    assert "there is no history yet; it is written by the daemon, once a minute" in text


def test_a_file_that_is_no_history(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / ROLLUP_FILE).write_bytes(b"not a database" * 100)
    assert "the file is damaged" in told(capsys, "--store", str(tmp_path), code=1)
    (tmp_path / ROLLUP_FILE).unlink()
    connection = sqlite3.connect(tmp_path / ROLLUP_FILE)
    connection.executescript("CREATE TABLE song(title TEXT);")
    connection.close()
    assert "a SQLite file of another program" in told(capsys, "--store", str(tmp_path), code=1)
    (tmp_path / ROLLUP_FILE).unlink()
    (tmp_path / ROLLUP_FILE).mkdir()
    assert "cannot be read: Is a directory" in told(capsys, "--store", str(tmp_path), code=1)


def test_a_history_without_a_minute(tmp_path: Path, capsys: Capture) -> None:
    asyncio.run(fill(tmp_path, days=0, peers=1))
    assert "the history is still empty" in told(capsys, "--store", str(tmp_path), code=1)


def test_the_command_as_it_is_typed(storm: Path) -> None:
    command = [sys.executable, "-m", "qualitywatch", "backtest", "--store", str(storm), "--since", "2h"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"^loss +14 ", ran.stdout, re.M)
    assert ran.stderr == ""  # no progress bar where nobody looks
    taught = subprocess.run([*command[:4], "--help"], capture_output=True, text=True, check=True).stdout
    assert "qualitywatch backtest --config F --target 3/week --rule loss" in taught
