"""What a chat sees of three recorded troubles, in both languages, kept as files that people can read."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.commands.replay import ReplayOptions, replay
from tests.conftest import CAPTURES

TRANSCRIPTS = Path(__file__).parent / "transcripts"
RECORDINGS = ("trunk-outage", "sip-bridge-loss", "loss-storm")


def messages(recording: str, language: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    path = CAPTURES / "asterisk-20" / recording
    assert replay(ReplayOptions(files=(path,), emit="messages", format="json", language=language), out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def as_text(records: list[dict[str, Any]]) -> str:
    blocks = []
    for record in records:
        at = datetime.fromtimestamp(record["at"], UTC)
        what = "new message" if record["new"] else "edit of message"
        blocks.append(f"--- {at:%H:%M:%S} {what} {record['message_id']}\n{record['text']}\n")
    return "\n".join(blocks)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_chat_sees_this(recording: str, language: str, update_golden: bool) -> None:
    golden = TRANSCRIPTS / f"{recording}.{language}.txt"
    found = as_text(messages(recording, language))
    if update_golden:
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_records_are_what_machines_expect() -> None:
    records = messages("trunk-outage", "en")
    assert all(list(record) == ["at", "chat", "message_id", "new", "text"] for record in records)
    seen: set[int] = set()
    for record in records:
        assert record["new"] is (record["message_id"] not in seen), "an edit of a message that was never sent"
        seen.add(record["message_id"])
    assert [record["at"] for record in records] == sorted(record["at"] for record in records)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_storm_is_three_messages_at_most_and_names_everybody(language: str) -> None:
    records = messages("loss-storm", language)
    assert sum(record["new"] for record in records) <= 3
    final = "\n".join({record["message_id"]: record["text"] for record in records}.values())
    alerts = (CAPTURES / "asterisk-20/loss-storm/expected.jsonl").read_text(encoding="utf-8")
    told = [json.loads(line) for line in alerts.splitlines()]
    lossy = {record["subject"] for record in told if record["rule"] == "loss" and record["state"] == "firing"}
    assert len(lossy) == 14
    assert not [subject for subject in lossy if subject not in final]


def test_edits_of_one_message_are_ten_seconds_apart_but_for_its_end() -> None:
    for recording in RECORDINGS:
        last: dict[int, float] = {}
        for record in messages(recording, "en"):
            ends = record["text"].startswith(("🟢", "⚪")) or record["text"].endswith("continued below")
            since_s = record["at"] - last.get(record["message_id"], float("-inf"))
            assert ends or since_s >= 10 - 1e-6, f"{recording}: {since_s:.1f} s after the last edit: {record['text']}"
            last[record["message_id"]] = record["at"]
