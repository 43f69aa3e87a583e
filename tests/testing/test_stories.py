"""Stories and expectations: what a made-up call measures, and what an administrator reads when a test fails."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.commands.rules_test import RunOptions, rules_test
from qualitywatch.model import Direction, Metric, Sample
from qualitywatch.pipeline import Pipeline
from qualitywatch.testing.calls import Call, Line, messages
from qualitywatch.testing.figures import parse_range
from tests.conftest import CAPTURES

START = 1_767_603_600.0


def ran(tmp_path: Path, text: str) -> tuple[int, str]:
    (tmp_path / "t.yml").write_text(textwrap.dedent(text), encoding="utf-8")
    out = io.StringIO()
    code = rules_test(RunOptions((tmp_path / "t.yml",)), out)
    return code, out.getvalue().replace(f"{tmp_path}/", "")


def samples_of(call: Call) -> list[Sample]:
    pipeline = Pipeline("pbx", ())
    return [
        sample
        for at, message in messages(call, 1, START)
        for event in translate(message, at)
        for sample in pipeline.feed(event).samples
    ]


@settings(max_examples=60, deadline=None)
@given(
    loss_to=st.floats(0, 60),
    loss_from=st.floats(0, 60),
    jitter_ms=st.integers(0, 900),
    rtt_ms=st.integers(1, 5000),
    codec=st.sampled_from(["ulaw", "g729", "g722", "opus"]),
)
def test_a_call_measures_what_it_was_made_of(loss_to: float, loss_from: float, jitter_ms: int, rtt_ms: int, codec: str) -> None:
    line = Line(loss_to=loss_to, loss_from=loss_from, jitter_ms=jitter_ms, rtt_ms=rtt_ms)
    found = samples_of(Call("SIP/6117", 302.0, (line,), codec))
    for direction, loss in ((Direction.TO_PEER, loss_to), (Direction.FROM_PEER, loss_from)):
        lost = [sample for sample in found if sample.metric is Metric.LOSS_PERCENT and sample.direction is direction]
        assert len(lost) == 59
        expected = sum(sample.weight for sample in lost)
        assert sum(sample.value * sample.weight for sample in lost) / expected == pytest.approx(loss, abs=0.05)
    assert {round(sample.value) for sample in found if sample.metric is Metric.JITTER_MS} == {jitter_ms}
    assert {round(sample.value) for sample in found if sample.metric is Metric.RTT_MS} == {rtt_ms}


def test_nothing_is_measured_of_what_does_not_arrive() -> None:
    found = samples_of(Call("SIP/6117", 60.0, (Line(silent=frozenset({"to_peer"})),)))
    assert {sample.direction for sample in found if sample.metric is Metric.LOSS_PERCENT} == {Direction.FROM_PEER}


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("5", [5, 4.6, 5.4], [5.6, 4.4]),
        ("5.0", [5.04], [5.1, 4.9]),
        ("5..7", [5, 6, 7], [4.9, 7.1]),
        (">= 3", [3, 4], [2.9]),
        ("> 3", [3.1], [3]),
        ("<= 3 %", [3, 0], [3.1]),
        ("<3", [2.9], [3]),
        ("-1..1", [-1, 0], [-1.1]),
    ],
)
def test_ranges(text: str, inside: list[float], outside: list[float]) -> None:
    found = parse_range(text)
    assert found is not None
    assert all(found.holds(value) for value in inside)
    assert not any(found.holds(value) for value in outside)


@pytest.mark.parametrize("text", ["", "x", "7..5", "3 4", "=> 3", "1e9", "nan"])
def test_what_is_no_range(text: str) -> None:
    assert parse_range(text) is None


def test_a_failure_shows_what_was_expected_and_what_happened(tmp_path: Path) -> None:
    code, text = ran(
        tmp_path,
        """\
        tests:
          - name: good
            events: [{call: {peer: SIP/6117, until: 1m}}]
            expect:
              - {never: {rule: loss, state: pending}}
          - name: a line that is not bad enough
            events: [{call: {peer: SIP/6117, until: 1m, loss_to: 2%}}]
            expect:
              - {between: [10s, 40s], state: firing, rule: loss, subject: SIP/6117, severity: warning}
              - {messages: 1}
          - name: a line that is
            events: [{call: {peer: SIP/6117, until: 1m, loss_to: 6%}}]
            expect:
              - {never: {rule: loss}}
        """,
    )
    assert code == 1
    assert text.splitlines()[:13] == [
        "t.yml",
        "  ok      good",
        "  FAILED  a line that is not bad enough",
        "          t.yml:9: expected loss (SIP/6117, warning) to become firing between 10s and 40s",
        "          t.yml:10: expected 1 new messages",
        "          what happened to loss:",
        "            SIP/6117 from_peer never fired: the highest value was 0 % at 15s, warning begins at 3 %",
        "            SIP/6117 to_peer never fired: the highest value was 2 % at 15s, warning begins at 3 %",
        "          what happened to the messages:",
        "            no message was shown",
        "  FAILED  a line that is",
        "          t.yml:14: expected loss never to be firing",
        "          what happened to loss:",
    ]
    assert "15s pending  warning  SIP/6117 to_peer 6" in text
    assert "35s firing   warning  SIP/6117 to_peer 6" in text
    assert text.endswith("3 tests, 2 failed.\n")


def test_a_rule_that_was_never_asked_is_told_so(tmp_path: Path) -> None:
    code, text = ran(
        tmp_path,
        """\
        tests:
          - name: nobody knows the codec
            events: [{call: {peer: SIP/6117, until: 1m, codec: unknown, loss_to: 40%}}]
            expect: [{at: 50s, state: firing, rule: mos}]
        """,
    )
    assert code == 1
    assert "it was never asked: the story tells nothing that it could judge" in text
    assert "left out: 10 samples of SIP/6117: unknown_codec" in text or "samples of SIP/6117: unknown_codec" in text


def test_a_recording_is_a_story_too(tmp_path: Path) -> None:
    code, text = ran(
        tmp_path,
        f"""\
        tests:
          - name: SIP/6117 loses upwards, SIP/6118 downwards, and nobody else
            recording: {CAPTURES}/asterisk-20/sip-bridge-loss
            expect:
              - {{between: [0s, 1m], state: firing, rule: loss, subject: SIP/6117, direction: from_peer, severity: warning}}
              - {{between: [0s, 1m], state: firing, rule: loss, subject: SIP/6118, direction: to_peer, value: 7..9}}
              - {{never: {{rule: loss, subject: SIP/6117, direction: to_peer}}}}
              - {{never: {{rule: loss, subject: SIP/6118, direction: from_peer}}}}
              - {{messages: ">= 1"}}
        """,
    )
    assert code == 0, text


def test_a_recording_that_cannot_be_played_fails_its_test_only(tmp_path: Path) -> None:
    (tmp_path / "broken.ami").write_bytes(b"no recording\r\n\r\n")
    code, text = ran(
        tmp_path,
        """\
        tests:
          - {name: broken, recording: broken.ami, expect: [{messages: 0}]}
          - {name: good, events: [{call: {peer: SIP/1, until: 1m}}], expect: [{messages: 0}]}
        """,
    )
    assert code == 1
    assert "t.yml:2: the recording cannot be played" in text
    assert "  ok      good" in text


def test_messages_speak_the_language_and_the_names_of_the_file(tmp_path: Path) -> None:
    code, text = ran(
        tmp_path,
        """\
        language: ru
        timezone: Asia/Tokyo
        names: {SIP/6117: Приёмная}
        tests:
          - name: named, in Russian, at local time
            start: 2026-01-05T09:00:00
            events: [{call: {peer: SIP/6117, until: 1m, loss_to: 6%}}]
            expect:
              - {message: Приёмная, at: 40s}
              - {message: "/2026-01-05 09:00:15/", at: 40s}
              - {message: Приёмная, between: [0s, 30s]}
        """,
    )
    assert code == 1
    assert "t.yml:11: expected a message with 'Приёмная' between 0s and 30s" in text
    assert text.count(": expected ") == 1
