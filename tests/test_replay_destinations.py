"""Destination rules on every recording: silent with a list an office would use, and at once with a number that was dialled."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.commands.replay import ReplayOptions, replay
from tests.conftest import CAPTURES

RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
TRUNK_CALLS = CAPTURES / "asterisk-20" / "trunk-calls"
SENSIBLE = """
rules:
  - {name: premium-destinations, kind: destination, deny_file: premium.txt, deny: ["+"], allow: [+49, +7]}
  - {name: call-burst, kind: destination, max_per_minute: 10, severity: warning}
"""
FORBIDDEN = 'rules: [{name: premium-destinations, kind: destination, deny: ["404", +882], clear_hold: 30s}]'
FIVE_IN_A_MINUTE = "rules: [{name: call-burst, kind: destination, max_per_minute: 4, severity: warning}]"


def told(recording: Path, folder: Path, rules: str, emit: str = "alerts", language: str = "en") -> str:
    (folder / "mine.yml").write_text(rules, encoding="utf-8")
    out = io.StringIO()
    json_or_text = "json" if emit == "alerts" else "text"
    options = ReplayOptions(files=(recording,), rules=folder, emit=emit, format=json_or_text, language=language)
    assert replay(options, out) == 0
    return out.getvalue()


def alerts(recording: Path, folder: Path, rules: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in told(recording, folder, rules).splitlines()]
    return [record for record in records if record["rule"] in {"premium-destinations", "call-burst"}]


@pytest.mark.parametrize("recording", RECORDINGS, ids=[f"{path.parent.name}/{path.name}" for path in RECORDINGS])
def test_no_recorded_call_is_one_that_an_office_would_forbid(recording: Path, tmp_path: Path) -> None:
    assert alerts(recording, tmp_path, SENSIBLE) == []


def test_a_forbidden_number_is_told_the_moment_it_is_dialled(tmp_path: Path) -> None:
    found = [(each["at"], each["state"], each["subject"]) for each in alerts(TRUNK_CALLS, tmp_path, FORBIDDEN)]
    dialled_at, second_over_at = 1795377739.518012, 1795377752.5
    assert [each[1:] for each in found] == [("firing", "SIP/6101"), ("resolved", "SIP/6101")]
    assert found[0][0] == pytest.approx(dialled_at, abs=0.2)
    assert found[1][0] == pytest.approx(second_over_at + 30, abs=2)


def test_the_fifth_call_within_a_minute(tmp_path: Path) -> None:
    found = alerts(TRUNK_CALLS, tmp_path, FIVE_IN_A_MINUTE)
    assert (found[0]["state"], found[0]["severity"], found[0]["subject"]) == ("firing", "warning", "SIP/6101")
    assert found[0]["at"] == pytest.approx(1795377765.524, abs=0.2)  # one every 13 s


def dialled_otherwise(folder: Path, number: bytes, otherwise: bytes) -> Path:
    """The recording, had somebody dialled something else over the trunks."""
    text = (TRUNK_CALLS / "input.ami").read_bytes()
    found = re.sub(rb"(\r\nDialString: [^\r]*?)" + number, rb"\g<1>" + otherwise, text)
    assert found != text
    (folder / "otherwise").mkdir()
    path = folder / "otherwise" / "input.ami"
    path.write_bytes(found)
    return path.parent


@pytest.mark.parametrize("spelling", [b"4-0.4", b"(40) 4", b"404" + 80 * b"0"])
def test_no_spelling_hides_a_forbidden_number(spelling: bytes, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    recording = dialled_otherwise(tmp_path, b"404", spelling)
    found = [(each["state"], each["subject"]) for each in alerts(recording, tmp_path / "rules", FORBIDDEN)]
    assert found == [("firing", "SIP/6101"), ("resolved", "SIP/6101")]


def test_calls_to_what_is_no_number_are_counted_and_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    recording = dialled_otherwise(tmp_path, b"(?:404|486|503)", b"x404y")
    found = alerts(recording, tmp_path / "rules", FIVE_IN_A_MINUTE)
    usual = alerts(TRUNK_CALLS, tmp_path / "rules", FIVE_IN_A_MINUTE)
    assert found[0]["subject"] == usual[0]["subject"] == "SIP/6101"
    assert "calls out too often: 5 calls in 1 min (to 100, ?)" in told(
        recording, tmp_path / "rules", FIVE_IN_A_MINUTE, emit="messages"
    )


@pytest.mark.parametrize(
    ("language", "first", "second", "end"),
    [
        (
            "en",
            "User 6101 SIP/6101 is calling 404, not allowed",
            "User 6101 SIP/6101 is calling 404: 2 calls in 1 min, not allowed",
            "User 6101 SIP/6101 no longer calls numbers that are not allowed after 13 s, 2 calls in all",
        ),
        (
            "ru",
            "User 6101 SIP/6101 звонит на 404, это запрещено",
            "User 6101 SIP/6101 звонит на 404: 2 звонка за 1 мин, это запрещено",
            "User 6101 SIP/6101 больше не звонит на запрещённые номера через 13 с, всего 2 звонка",
        ),
    ],
)
def test_what_a_chat_reads(tmp_path: Path, language: str, first: str, second: str, end: str) -> None:
    text = told(TRUNK_CALLS, tmp_path, FORBIDDEN, emit="messages", language=language)
    places = [text.index(line) for line in (f"🔴 {first}\n", f"🔴 {second}\n", f"🟢 {end}\n")]
    assert places == sorted(places)
