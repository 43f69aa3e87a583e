"""Threshold rules: windows, weights, hysteresis, overrides, and which samples a rule listens to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import (
    AlertKey,
    Direction,
    Evaluation,
    Level,
    Metric,
    Sample,
    Severity,
    Signal,
    StatusObservation,
    Verdict,
)
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules

NOW = 1000.0
TO_PEER, FROM_PEER = Direction.TO_PEER, Direction.FROM_PEER


def rule(folder: Path, text: str) -> RuleKind:
    """A rule at work from its keys, the name ``r`` and the kind given."""
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: threshold, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def sample(
    value: float,
    at: float = NOW,
    *,
    metric: Metric = Metric.LOSS_PERCENT,
    subject: str = "SIP/6117",
    direction: Direction | None = TO_PEER,
    verdict: Verdict = Verdict.OK,
    weight: float = 500.0,
    pbx: str = "office",
    uniqueid: str = "1.1",
    codec: str | None = "alaw",
) -> Sample:
    return Sample(at, metric, value, pbx, subject, direction, f"{subject}-01", uniqueid, verdict, weight, codec)


def opinion(working: RuleKind, *samples: Sample, now: float | None = None) -> Evaluation:
    """What the rule says of the last sample's key after all of them."""
    keys: list[AlertKey] = []
    for each in samples:
        keys += working.observe(each)
        for key in keys:
            working.evaluate(key, each.at)
    found = working.evaluate(keys[-1], samples[-1].at if now is None else now)
    assert found is not None
    return found


def signals(evaluation: Evaluation) -> dict[str, str]:
    return {str(level.severity): str(level.signal) for level in evaluation.levels}


LOSS = "metric: loss_percent, warning: {enter: 3, clear: 1.5, for: 20s}, critical: {enter: 10, clear: 5, for: 10s}"


# --- Hysteresis --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "warning", "critical"),
    [
        (0, "clear", "clear"),
        (1.49, "clear", "clear"),
        (1.5, "keep", "clear"),
        (2.99, "keep", "clear"),
        (3, "breach", "clear"),
        (4.99, "breach", "clear"),
        (5, "breach", "keep"),
        (9.99, "breach", "keep"),
        (10, "breach", "breach"),
        (100, "breach", "breach"),
    ],
)
def test_entry_and_exit_differ(tmp_path: Path, percent: float, warning: str, critical: str) -> None:
    assert signals(opinion(rule(tmp_path, LOSS), sample(percent))) == {"warning": warning, "critical": critical}


@pytest.mark.parametrize(
    ("score", "warning", "critical"),
    [
        (4.4, "clear", "clear"),
        (3.81, "clear", "clear"),
        (3.8, "keep", "clear"),
        (3.61, "keep", "clear"),
        (3.6, "breach", "clear"),
        (3.4, "breach", "keep"),
        (3.1, "breach", "breach"),
        (1.0, "breach", "breach"),
    ],
)
def test_a_low_score_is_the_bad_one(tmp_path: Path, score: float, warning: str, critical: str) -> None:
    working = rule(tmp_path, "metric: mos, warning: {enter: 3.6, clear: 3.8}, critical: {enter: 3.1, clear: 3.4}")
    found = opinion(working, sample(score, metric=Metric.MOS))
    assert signals(found) == {"warning": warning, "critical": critical}
    assert found.worse_is_lower


def test_without_an_exit_the_entry_is_the_exit(tmp_path: Path) -> None:
    working = rule(tmp_path, "metric: jitter_ms, warning: {enter: 30}")
    assert signals(opinion(working, sample(30, metric=Metric.JITTER_MS))) == {"warning": "breach"}
    assert signals(opinion(working, sample(0, NOW + 61, metric=Metric.JITTER_MS))) == {"warning": "clear"}


def test_holds_are_the_rule_s(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, LOSS + ", clear_hold: 2m"), sample(5))
    assert [(level.severity, level.hold_s) for level in found.levels] == [("warning", 20), ("critical", 10)]
    assert found.clear_hold_s == 120


# --- The window --------------------------------------------------------------------------------------------------------


def test_loss_is_lost_packets_over_expected_ones(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, LOSS), sample(10, weight=100), sample(0, NOW + 5, weight=900))
    assert found.value == pytest.approx(1.0)


def test_a_sample_counts_until_it_is_as_old_as_the_window(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    both = sample(10), sample(0, NOW + 59.9)
    found = opinion(working, *both)
    assert found.value == pytest.approx(5)
    later = working.evaluate(found.key, NOW + 60)
    assert later is not None
    assert later.value == 0


def test_all_calls_of_a_peer_are_judged_together(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, LOSS), sample(6, uniqueid="1.1"), sample(0, NOW + 1, uniqueid="1.2"))
    assert found.value == pytest.approx(3)
    assert found.details["calls"] == "2"
    assert found.details["packets"] == "1000"


def test_directions_and_peers_are_judged_apart(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    assert opinion(working, sample(50), sample(50, subject="SIP/6118"), sample(1, direction=FROM_PEER)).value == 1
    assert opinion(working, sample(4, NOW + 1, pbx="branch")).value == 4


@pytest.mark.parametrize(("packets", "signal"), [(399, "unknown"), (400, "breach")])
def test_a_minimum_of_packets_must_have_been_expected(tmp_path: Path, packets: float, signal: str) -> None:
    found = opinion(rule(tmp_path, LOSS + ", min_expected: 400"), sample(50, weight=packets))
    assert signals(found)["warning"] == signal
    assert (found.value is None) is (signal == "unknown")


def test_old_data_says_nothing_and_no_data_less_than_nothing(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS + ", stale_after: 20s")
    assert signals(opinion(working, sample(50), now=NOW + 20))["warning"] == "breach"
    assert signals(opinion(working, sample(50), now=NOW + 20.1))["warning"] == "unknown"
    assert signals(opinion(working, sample(50), now=NOW + 59.9))["warning"] == "unknown"
    assert signals(opinion(working, sample(50), now=NOW + 60))["warning"] == "gone"


@pytest.mark.parametrize(
    ("aggregate", "value"), [("weighted", 4.0), ("mean", 25 / 3), ("median", 5.0), ("max", 20.0), ("min", 0.0)]
)
def test_a_window_becomes_one_figure(tmp_path: Path, aggregate: str, value: float) -> None:
    working = rule(tmp_path, f"metric: jitter_ms, aggregate: {aggregate}, warning: {{enter: 30}}")
    found = opinion(
        working,
        sample(20, metric=Metric.JITTER_MS, weight=100),
        sample(0, NOW + 5, metric=Metric.JITTER_MS, weight=500),
        sample(5, NOW + 10, metric=Metric.JITTER_MS, weight=400),
    )
    assert found.value == pytest.approx(value)


def test_round_trips_are_judged_by_their_median_and_without_a_direction(tmp_path: Path) -> None:
    working = rule(tmp_path, "metric: rtt_ms, direction: to_peer, warning: {enter: 300}")
    samples = [sample(ms, NOW + n, metric=Metric.RTT_MS, direction=None) for n, ms in enumerate((40, 9000, 50))]
    found = opinion(working, *samples)
    assert found.value == 50
    assert found.key.direction is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 5000), st.floats(0.1, 20)), min_size=1, max_size=20))
def test_the_figure_is_that_of_the_window_whatever_was_before(
    tmp_path_factory: pytest.TempPathFactory, series: list[tuple[float, float, float]]
) -> None:
    working = rule(tmp_path_factory.mktemp("rules"), LOSS + ", min_expected: 1")
    at, samples = NOW, []
    for value, weight, pause in series:
        at += pause
        samples.append(sample(value, at, weight=weight))
    found = opinion(working, *samples)
    inside = [each for each in samples if each.at > at - 60]
    expected = sum(each.value * each.weight for each in inside) / sum(each.weight for each in inside)
    assert found.value == pytest.approx(expected)


# --- What is listened to -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "heard"),
    [
        (Metric.LOSS_PERCENT, {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT}),
        (Metric.LOSS_PERCENT_REPORTED, {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT}),
        (Metric.JITTER_MS, {Verdict.OK}),
        (Metric.RTT_MS, {Verdict.OK}),
        (Metric.MOS, {Verdict.OK, Verdict.UNGROUNDED_CODEC}),
        (Metric.R_FACTOR, {Verdict.OK, Verdict.UNGROUNDED_CODEC}),
    ],
)
def test_only_what_can_be_vouched_for_is_heard(tmp_path: Path, metric: Metric, heard: set[Verdict]) -> None:
    working = rule(tmp_path, f"metric: {metric}, warning: {{enter: 3}}")
    assert {verdict for verdict in Verdict if tuple(working.observe(sample(3, metric=metric, verdict=verdict)))} == heard


def test_other_metrics_and_other_observations_are_not_heard(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    assert not tuple(working.observe(sample(50, metric=Metric.LOSS_PERCENT_REPORTED)))
    assert not tuple(working.observe(StatusObservation(NOW, "peer", "office", "SIP/6117", "unreachable", NOW)))


@pytest.mark.parametrize(
    ("keys", "subject", "pbx", "heard"),
    [
        ("subject: SIP/61*", "SIP/6117", "office", True),
        ("subject: 'sip/61??'", "SIP/6117", "office", True),
        ("subject: SIP/61*", "SIP/7117", "office", False),
        ("subject: [SIP/6118, SIP/6117]", "SIP/6117", "office", True),
        ("subject: '/^SIP.61[0-9]+$/'", "SIP/6117", "office", True),
        ("subject: '/^SIP.61[0-9]$/'", "SIP/6117", "office", False),
        ("not_subject: SIP/fax*", "SIP/fax1", "office", False),
        ("subject: SIP/*, not_subject: SIP/fax*", "SIP/6117", "office", True),
        ("pbx: office", "SIP/6117", "office", True),
        ("pbx: office", "SIP/6117", "branch", False),
    ],
)
def test_selectors(tmp_path: Path, keys: str, subject: str, pbx: str, heard: bool) -> None:
    working = rule(tmp_path, f"{LOSS}, {keys}")
    assert bool(tuple(working.observe(sample(5, subject=subject, pbx=pbx)))) is heard


def test_a_rule_may_listen_to_one_direction(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS + ", direction: from_peer")
    assert tuple(working.observe(sample(5, direction=FROM_PEER)))
    assert not tuple(working.observe(sample(5, direction=TO_PEER)))


# --- Overrides ---------------------------------------------------------------------------------------------------------

OVERRIDDEN = (
    "metric: loss_percent, warning: {enter: 3, clear: 1.5, for: 20s}, critical: {enter: 10, clear: 5, for: 10s},"
    " overrides: [{subject: SIP/gsm*, warning: {enter: 6, clear: 4}},"
    " {subject: 'SIP/*', pbx: branch, critical: {enter: 50}},"
    " {subject: SIP/gsm2, warning: {enter: 9}}]"
)


@pytest.mark.parametrize(
    ("subject", "pbx", "expected"),
    [
        ("SIP/6117", "office", {"warning": "breach", "critical": "keep"}),
        ("SIP/gsm1", "office", {"warning": "keep", "critical": "keep"}),
        ("SIP/gsm2", "office", {"warning": "keep", "critical": "keep"}),  # the first that fits
        ("SIP/6117", "branch", {"warning": "breach", "critical": "clear"}),
    ],
)
def test_an_override_changes_the_limits_of_those_it_names(
    tmp_path: Path, subject: str, pbx: str, expected: dict[str, str]
) -> None:
    assert signals(opinion(rule(tmp_path, OVERRIDDEN), sample(5.5, subject=subject, pbx=pbx))) == expected


def test_an_override_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, OVERRIDDEN), sample(5, subject="SIP/gsm1"))
    assert [(level.severity, level.hold_s) for level in found.levels] == [("warning", 20), ("critical", 10)]


# --- Scores on provisional constants -----------------------------------------------------------------------------------

MOS = "metric: mos, warning: {enter: 3.6, clear: 3.8}, critical: {enter: 3.1, clear: 3.4}"


def test_a_provisional_codec_is_never_critical(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, MOS), sample(1.2, metric=Metric.MOS, verdict=Verdict.UNGROUNDED_CODEC, codec="opus"))
    assert signals(found) == {"warning": "breach", "critical": "clear"}
    assert found.details["provisional"] == "yes"
    assert found.details["codec"] == "opus"


def test_a_grounded_codec_is(tmp_path: Path) -> None:
    found = opinion(rule(tmp_path, MOS), sample(1.2, metric=Metric.MOS))
    assert signals(found) == {"warning": "breach", "critical": "breach"}
    assert "provisional" not in found.details


# --- Memory ------------------------------------------------------------------------------------------------------------


def test_a_window_is_not_bridged_over_a_gap(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    key = opinion(working, sample(50)).key
    working.forget()
    found = working.evaluate(key, NOW + 1)
    assert found is not None
    assert signals(found)["warning"] == "unknown"


def test_a_key_from_before_a_restart_is_unknown_until_a_window_has_passed(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    key = AlertKey("r", "office", "SIP/6117", TO_PEER)
    said = {}
    for now in (NOW, NOW + 59.9, NOW + 60):
        found = working.evaluate(key, now)
        assert found is not None
        said[now] = signals(found)["warning"]
    assert said == {NOW: "unknown", NOW + 59.9: "unknown", NOW + 60: "gone"}


def test_another_rule_s_key_means_nothing(tmp_path: Path) -> None:
    assert rule(tmp_path, LOSS).evaluate(AlertKey("other", "office", "SIP/6117", TO_PEER), NOW) is None


def test_what_is_gone_stays_gone_when_its_memory_is_released(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    key = opinion(working, sample(50)).key
    for now in (NOW + 100, NOW + 3000):
        found = working.evaluate(key, now)
        assert found is not None
        assert signals(found)["warning"] == "gone"
        working.expire(now)


def test_memory_of_idle_peers_is_released(tmp_path: Path) -> None:
    working = rule(tmp_path, LOSS)
    for number in range(100):
        opinion(working, sample(5, subject=f"SIP/{number}"))
    opinion(working, sample(5, NOW + 590, subject="SIP/busy"))
    working.expire(NOW + 601)
    assert len(working._windows) == 1  # type: ignore[attr-defined]


def test_every_level_speaks_in_order_of_urgency(tmp_path: Path) -> None:
    working = rule(tmp_path, "metric: loss_percent, critical: {enter: 10}, info: {enter: 1}, warning: {enter: 3}")
    found = opinion(working, sample(5))
    assert [level.severity for level in found.levels] == [Severity.INFO, Severity.WARNING, Severity.CRITICAL]
    assert found.levels[0] == Level(Severity.INFO, Signal.BREACH, 0.0)
