"""Baseline rules on the recordings: whoever was always perfect is told of when its line was made worse, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from qualitywatch.model import AlertState, Metric, PbxEvent, Transition
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec, Teachable
from tests.accuracy.faults import faults_of
from tests.accuracy.findings import RECORDINGS, events_of
from tests.conftest import CAPTURES

IDS = [f"{path.parent.name}/{path.name}" for path in RECORDINGS]
# What a line in a laboratory is like, and shorter holds than the shipped ones: the calls are short.
PERFECT = {Metric.LOSS_PERCENT: 0.0, Metric.JITTER_MS: 1.0, Metric.RTT_MS: 5.0}
RULES = "".join(
    f"  - {{name: {metric}, kind: baseline, metric: {metric}, info: {{deviations: 4, for: 20s}}}}\n" for metric in PERFECT
)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RuleSpec, ...]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "unusual.yml").write_text(f"rules:\n{RULES}", encoding="utf-8")
    return load_rules([folder])


def everybody(events: Iterable[PbxEvent], specs: Sequence[RuleSpec]) -> dict[str, str]:
    """Memories of all who are in the recording, as of people whose calls were always perfect."""
    pipeline = Pipeline("pbx", ())
    samples = [sample for event in events for sample in pipeline.feed(event).samples]
    seen = {(sample.metric, sample.subject, sample.direction) for sample in samples}
    memories = {}
    for spec in specs:
        build: object = spec.build
        assert isinstance(build, Teachable)
        for metric, subject, direction in seen:
            if metric == spec.name:
                name, text = build.taught(subject, direction, PERFECT[metric], 0.2, {}, 1e10)
                memories[f"{spec.name}/{name}"] = text
    return memories


def fired(events: Iterable[PbxEvent], specs: Sequence[RuleSpec], memories: Mapping[str, str]) -> set[tuple[str, str, str]]:
    pipeline = Pipeline("pbx", specs, rule_memories=memories)
    transitions: list[Transition] = [each for event in events for each in pipeline.feed(event).transitions]
    return {
        (each.alert.key.rule, each.alert.key.subject, str(each.alert.key.direction))
        for each in transitions
        if each.new_state is AlertState.FIRING
    }


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_only_what_was_made_worse_is_unusual(recording: Path, specs: tuple[RuleSpec, ...]) -> None:
    events = events_of(recording)
    topics = {"loss": "loss_percent", "jitter": "jitter_ms"}
    wrong = {(topics.get(fault.rule, ""), fault.subject, str(fault.direction)) for fault in faults_of(recording, events)}
    assert fired(events, specs, everybody(events, specs)) <= wrong


def test_what_was_made_worse_is_found(specs: tuple[RuleSpec, ...]) -> None:
    events = events_of(CAPTURES / "asterisk-20/sip-bridge-loss")
    assert fired(events, specs, everybody(events, specs)) == {
        ("loss_percent", "SIP/6117", "from_peer"),
        ("loss_percent", "SIP/6118", "to_peer"),
    }


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_of_whom_nothing_is_known_nothing_is_said(recording: Path, specs: tuple[RuleSpec, ...]) -> None:
    assert fired(events_of(recording), specs, {}) == set()
