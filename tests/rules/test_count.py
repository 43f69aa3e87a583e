"""Count rules: failed logins, comings and goings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.errors import ConfigError
from qualitywatch.model import (
    AlertKey,
    ChangeObservation,
    Evaluation,
    Observation,
    Severity,
    Signal,
    StatusObservation,
    Tally,
    TallyObservation,
)
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules

NOW = 10_000.0
SCANNER = "203.0.113.9"
LOGINS = "tally: login_failed, window: 5m, warning: {enter: 5, clear: 2}, critical: {enter: 30, clear: 15}"
FLAPS = "changes_of: peer, window: 10m, warning: {enter: 4, clear: 2}"


def rule(folder: Path, text: str = LOGINS) -> RuleKind:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: count, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def failed(at: float, account: str = "100", address: str = SCANNER) -> TallyObservation:
    return TallyObservation(at, Tally.LOGIN_FAILED, "office", address, 0, 1, account)


def status(at: float, state: str, peer: str = "SIP/6117", entity: str = "peer") -> StatusObservation:
    return StatusObservation(at, entity, "office", peer, state, at)


def see(working: RuleKind, *observations: Observation) -> list[AlertKey]:
    return [key for observation in observations for key in working.observe(observation)]


def opinion(working: RuleKind, now: float, subject: str = SCANNER) -> Evaluation:
    found = working.evaluate(AlertKey("r", "office", subject), now)
    assert found is not None
    return found


def signals(found: Evaluation) -> dict[Severity, Signal]:
    return {level.severity: level.signal for level in found.levels}


def test_failed_logins_of_an_address_are_counted_within_the_window(tmp_path: Path) -> None:
    working = rule(tmp_path)
    see(working, *(failed(NOW + second, str(100 + second % 7)) for second in range(12)))
    found = opinion(working, NOW + 12)
    assert (found.value, found.topic) == (12, "login_failed")
    assert signals(found) == {Severity.WARNING: Signal.BREACH, Severity.CRITICAL: Signal.UNKNOWN}
    assert found.details["names"] == "104, 103, 102, 101, 100, ..."


def test_addresses_are_counted_apart(tmp_path: Path) -> None:
    working = rule(tmp_path)
    keys = see(working, failed(NOW), failed(NOW, address="198.51.100.7"))
    assert [key.subject for key in keys] == [SCANNER, "198.51.100.7"]
    assert [opinion(working, NOW, key.subject).value for key in keys] == [None, None]


def test_between_enter_and_clear_it_stays_and_below_it_is_over(tmp_path: Path) -> None:
    working = rule(tmp_path)
    see(working, failed(NOW - 1000), *(failed(NOW + second) for second in range(5)))
    assert signals(opinion(working, NOW + 5))[Severity.WARNING] is Signal.BREACH
    assert signals(opinion(working, NOW + 302))[Severity.WARNING] is Signal.KEEP
    over = opinion(working, NOW + 303.5)
    assert signals(over) == {Severity.WARNING: Signal.CLEAR, Severity.CRITICAL: Signal.CLEAR}
    assert opinion(working, NOW + 400).value == 0


def test_after_a_restart_nothing_is_over_before_the_window_has_been_open(tmp_path: Path) -> None:
    working = rule(tmp_path)
    assert set(signals(opinion(working, NOW)).values()) == {Signal.UNKNOWN}
    assert set(signals(opinion(working, NOW + 299)).values()) == {Signal.UNKNOWN}
    assert set(signals(opinion(working, NOW + 300)).values()) == {Signal.CLEAR}


def test_a_gap_is_not_bridged(tmp_path: Path) -> None:
    working = rule(tmp_path)
    see(working, *(failed(NOW + second) for second in range(8)))
    working.forget()
    see(working, failed(NOW + 20))
    assert signals(opinion(working, NOW + 20))[Severity.WARNING] is Signal.UNKNOWN


def test_a_peer_that_comes_and_goes(tmp_path: Path) -> None:
    working = rule(tmp_path, FLAPS)
    states = ["registered", "unreachable", "reachable", "unreachable", "reachable"]
    see(working, *(status(NOW + 60 * minute, state) for minute, state in enumerate(states)))
    found = opinion(working, NOW + 240, "SIP/6117")
    assert (found.value, found.topic, signals(found)) == (4, "peer_flaps", {Severity.WARNING: Signal.BREACH})


@pytest.mark.parametrize(
    "states",
    [
        ["registered", "reachable", "lagged", "reachable", "lagged", "reachable"],  # there all the time
        ["unregistered", "unreachable", "unregistered", "unreachable", "unregistered"],
        ["registered", "unknown", "registered", "unknown", "registered", "unknown"],  # nobody knows
        ["reachable", "reachable", "reachable", "reachable", "reachable"],  # a list that confirms
        ["unreachable", "reachable", "unreachable", "reachable"],  # three changes
    ],
)
def test_what_is_no_coming_and_going(tmp_path: Path, states: list[str]) -> None:
    working = rule(tmp_path, FLAPS)
    see(working, *(status(NOW + second, state) for second, state in enumerate(states)))
    assert signals(opinion(working, NOW + 10, "SIP/6117")) == {Severity.WARNING: Signal.UNKNOWN}


def test_a_trunk_that_is_asked_again_is_not_gone(tmp_path: Path) -> None:
    working = rule(tmp_path, FLAPS.replace("peer", "trunk"))
    states = ["registered", "retrying", "registered", "rejected", "retrying", "registered"]
    keys = see(working, *(status(NOW + second, state, "SIP/1@p", "trunk") for second, state in enumerate(states)))
    assert len(keys) == 2
    assert not see(working, status(NOW, "unreachable"), status(NOW + 1, "reachable")), "a peer is no trunk"


def test_other_observations_are_not_its_business(tmp_path: Path) -> None:
    working = rule(tmp_path, f"{LOGINS}, not_subject: 10.*")
    other = TallyObservation(NOW, Tally.ANSWERED, "office", "SIP/1@p", 0, 1)
    change = ChangeObservation(NOW, "office", "SIP/105", "user_agent", "a", "b")
    assert not see(working, other, change, status(NOW, "registered"), failed(NOW, address="10.0.0.1"))
    assert working.evaluate(AlertKey("other", "office", SCANNER), NOW) is None


def test_memory_of_addresses_that_gave_up_is_released(tmp_path: Path) -> None:
    working = rule(tmp_path)
    see(working, *(failed(NOW, address=f"10.0.0.{number}") for number in range(50)))
    working.expire(NOW + 301)
    assert not working._windows  # type: ignore[attr-defined]
    assert set(signals(opinion(working, NOW + 301)).values()) == {Signal.CLEAR}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.floats(0.1, 200), st.booleans()), min_size=1, max_size=40))
def test_the_figure_is_what_happened_within_the_window(tmp_path: Path, steps: list[tuple[float, bool]]) -> None:
    working = rule(tmp_path, "tally: login_failed, window: 5m, warning: {enter: 1}")
    now, happened = NOW, []
    for pause, is_failure in steps:
        now += pause
        if is_failure:
            see(working, failed(now))
            happened.append(now)
        expected = len([at for at in happened if at > now - 300])
        found = opinion(working, now)
        assert (found.value or 0) == expected
        assert (signals(found)[Severity.WARNING] is Signal.BREACH) is (expected >= 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("warning: {enter: 3}", "rules[0].tally: a count rule needs either tally (login_failed) or changes_of (peer, trunk)"),
        (f"{LOGINS}, changes_of: peer", "rules[0].tally: a count rule needs either tally"),
        ("tally: answered, warning: {enter: 3}", 'must be one of login_failed, not "answered"'),
        ("tally: login_failed", "rules[0].warning: a count rule needs at least one of info, warning and critical"),
        ("tally: login_failed, warning: {clear: 1}", "rules[0].warning.enter: missing"),
        ("tally: login_failed, warning: {enter: 3, clear: 4}", "rules[0].warning.clear: must not be above enter (3)"),
        ("tally: login_failed, warning: {enter: 9}, critical: {enter: 3}", "critical.enter: 3 is milder than the 9 of warning"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rule(tmp_path, text)
    assert reason in str(caught.value)
    assert str(caught.value).count("rules[0]") == 1
