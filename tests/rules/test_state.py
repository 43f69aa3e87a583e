"""State rules: trunks, peers and whole PBXes that are not well for some time."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.errors import ConfigError
from qualitywatch.model import (
    AlertKey,
    AudioState,
    Evaluation,
    Metric,
    PeerState,
    Sample,
    StatusObservation,
    TrunkState,
    Verdict,
)
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules

NOW = 1000.0
TRUNK_DOWN = (
    "entity: trunk, bad: [rejected, failed, unregistered, silent], warning: {for: 30s},"
    " critical: {for: 60s, at_once: [rejected, failed]}, clear_hold: 5s"
)


def rule(folder: Path, text: str) -> RuleKind:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: state, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def status(
    state: str,
    *,
    entity: str = "trunk",
    subject: str = "SIP/74993801@sip.example",
    since_at: float = NOW,
    cause: str | None = None,
) -> StatusObservation:
    return StatusObservation(NOW, entity, "office", subject, state, since_at, cause)


def opinion(working: RuleKind, observation: StatusObservation, now: float = NOW) -> Evaluation:
    (key,) = working.observe(observation)
    found = working.evaluate(key, now)
    assert found is not None
    return found


def signals(evaluation: Evaluation) -> dict[str, str]:
    return {str(level.severity): str(level.signal) for level in evaluation.levels}


@pytest.mark.parametrize(
    ("state", "signal"),
    [
        (TrunkState.REGISTERED, "clear"),
        (TrunkState.RETRYING, "keep"),
        (TrunkState.REJECTED, "breach"),
        (TrunkState.FAILED, "breach"),
        (TrunkState.UNREGISTERED, "breach"),
        (TrunkState.SILENT, "breach"),
        (TrunkState.UNKNOWN, "keep"),
    ],
)
def test_every_state_of_a_trunk_is_good_bad_or_undecided(tmp_path: Path, state: TrunkState, signal: str) -> None:
    assert signals(opinion(rule(tmp_path, TRUNK_DOWN), status(state))) == {"warning": signal, "critical": signal}


@pytest.mark.parametrize(
    ("state", "signal"),
    [
        (PeerState.REGISTERED, "clear"),
        (PeerState.REACHABLE, "clear"),
        (PeerState.LAGGED, "clear"),
        (PeerState.UNREACHABLE, "breach"),
        (PeerState.UNREGISTERED, "breach"),
        (PeerState.UNKNOWN, "keep"),
    ],
)
def test_every_state_of_a_peer_is_good_bad_or_undecided(tmp_path: Path, state: PeerState, signal: str) -> None:
    working = rule(tmp_path, "entity: peer, warning: {for: 5m}")
    assert signals(opinion(working, status(state, entity="peer", subject="SIP/105"))) == {"warning": signal}


def test_undecided_states_are_bad_when_the_rule_says_so(tmp_path: Path) -> None:
    working = rule(tmp_path, "entity: trunk, bad: [retrying], warning: {for: 30s}")
    assert signals(opinion(working, status(TrunkState.RETRYING))) == {"warning": "breach"}
    assert signals(opinion(working, status(TrunkState.REJECTED))) == {"warning": "clear"}


def test_lagged_is_bad_when_the_rule_says_so(tmp_path: Path) -> None:
    working = rule(tmp_path, "entity: peer, bad: lagged, warning: {for: 30s}")
    assert signals(opinion(working, status(PeerState.LAGGED, entity="peer"))) == {"warning": "breach"}


def test_the_time_counts_from_the_first_sign_of_trouble(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, TRUNK_DOWN), status(TrunkState.SILENT, since_at=NOW - 40))
    assert [(level.since_at, level.hold_s) for level in found.levels] == [(NOW - 40, 30), (NOW - 40, 60)]


def test_some_states_count_at_once_for_one_severity(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, TRUNK_DOWN), status(TrunkState.REJECTED))
    assert {str(level.severity): level.hold_s for level in found.levels} == {"warning": 30, "critical": 0}


def test_the_state_and_its_cause_are_told(tmp_path: Path) -> None:
    working = rule(tmp_path, TRUNK_DOWN)
    assert opinion(working, status(TrunkState.REJECTED, cause="forbidden")).details == {
        "state": "rejected",
        "cause": "forbidden",
    }
    assert opinion(working, status(TrunkState.SILENT)).details == {"state": "silent"}


def test_the_topic_names_the_entity(tmp_path: Path) -> None:
    assert opinion(rule(tmp_path, TRUNK_DOWN), status(TrunkState.SILENT)).topic == "trunk_state"


@pytest.mark.parametrize("entity", ["peer", "pbx"])
def test_other_entities_are_not_its_business(tmp_path: Path, entity: str) -> None:
    assert not tuple(rule(tmp_path, TRUNK_DOWN).observe(status("unregistered", entity=entity)))


def test_samples_are_not_its_business(tmp_path: Path) -> None:
    sample = Sample(NOW, Metric.LOSS_PERCENT, 9, "office", "SIP/105", None, "SIP/105-1", "1.1", Verdict.OK, 250)
    assert not tuple(rule(tmp_path, TRUNK_DOWN).observe(sample))


def test_selectors_choose_the_trunks(tmp_path: Path) -> None:
    working = rule(tmp_path, TRUNK_DOWN + ", subject: '*@sip.example', not_subject: SIP/backup@*")
    assert tuple(working.observe(status("silent")))
    assert not tuple(working.observe(status("silent", subject="SIP/backup@sip.example")))
    assert not tuple(working.observe(status("silent", subject="SIP/1@other.example")))


def test_without_a_state_nothing_is_known(tmp_path: Path) -> None:
    working = rule(tmp_path, TRUNK_DOWN)
    found = working.evaluate(AlertKey("r", "office", "SIP/74993801@sip.example"), NOW)
    assert found is not None
    assert signals(found) == {"warning": "unknown", "critical": "unknown"}
    assert working.evaluate(AlertKey("other", "office", "SIP/74993801@sip.example"), NOW) is None


def test_a_gap_makes_states_unknown_but_for_that_of_the_pbx_itself(tmp_path: Path) -> None:
    trunks = rule(tmp_path, TRUNK_DOWN)
    key = opinion(trunks, status(TrunkState.SILENT)).key
    trunks.forget()
    after = trunks.evaluate(key, NOW)
    assert after is not None
    assert set(signals(after).values()) == {"unknown"}

    blind = rule(tmp_path, "entity: pbx, warning: {for: 30s}")
    key = opinion(blind, status("blind", entity="pbx", subject="office")).key
    blind.forget()
    after = blind.evaluate(key, NOW)
    assert after is not None
    assert set(signals(after).values()) == {"breach"}


def test_whom_the_rule_no_longer_names_has_no_alert_for_ever(tmp_path: Path) -> None:
    """An administrator excludes a phone whose alert is firing, and restarts: the alert must not wait for what nobody reads."""
    working = rule(tmp_path, "entity: peer, not_subject: SIP/105, warning: {for: 5m}, clear_hold: 5s")
    found = working.evaluate(AlertKey("r", "office", "SIP/105"), NOW)
    assert found is not None
    assert signals(found) == {"warning": "gone"}


ONE_WAY = "entity: audio, warning: {for: 0s}, critical: {for: 0s, calls: 2}, clear_hold: 60s"


@pytest.mark.parametrize(
    ("state", "calls", "signal"),
    [
        (AudioState.OK, 0, {"warning": "clear", "critical": "clear"}),
        (AudioState.HEARS_NOTHING, 1, {"warning": "breach", "critical": "keep"}),
        (AudioState.SENDS_NOTHING, 2, {"warning": "breach", "critical": "breach"}),
        (AudioState.DEAD, 5, {"warning": "breach", "critical": "breach"}),
        (AudioState.UNKNOWN, 1, {"warning": "gone", "critical": "gone"}),
    ],
)
def test_sound_is_bad_in_so_many_calls_and_gone_with_the_last_one(
    tmp_path: Path, state: AudioState, calls: int, signal: dict[str, str]
) -> None:
    working = rule(tmp_path, ONE_WAY)
    observed = StatusObservation(NOW, "audio", "office", "PJSIP/706", state, NOW, "PJSIP/706-1", calls)
    assert signals(opinion(working, observed)) == signal


def test_an_alert_on_sound_does_not_outlive_a_restart_without_calls(tmp_path: Path) -> None:
    working = rule(tmp_path, ONE_WAY)
    key = AlertKey("r", "office", "PJSIP/706")
    found = [working.evaluate(key, NOW + after) for after in (0, 119, 120)]
    assert [signals(one)["warning"] for one in found if one is not None] == ["unknown", "unknown", "gone"]


def test_only_sound_is_counted_by_calls(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(
        "rules: [{name: r, kind: state, entity: trunk, warning: {for: 30s, calls: 2}}]", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_rules([tmp_path])
    assert "calls: only the sound of calls (entity: audio) is counted by calls" in str(caught.value)
