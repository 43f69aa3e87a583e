"""Change rules: another device, another address; told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.model import AlertKey, ChangeObservation, Severity, StatusObservation
from qualitywatch.ports import RuleKind
from qualitywatch.rules.loader import load_rules

NOW = 1000.0


def rule(folder: Path, text: str = "attribute: user_agent") -> RuleKind:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: change, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def change(
    old: str | None = "None", new: str = "Cisco-CP7960G/8.0", *, attribute: str = "user_agent", peer: str = "SIP/105"
) -> ChangeObservation:
    return ChangeObservation(NOW, "office", peer, attribute, old, new, "37.110.158.23:5060")


def test_a_change_is_a_thing_that_happened(tmp_path: Path) -> None:
    working = rule(tmp_path, "attribute: user_agent, severity: critical")
    (key,) = working.observe(change())
    found = working.evaluate(key, NOW)
    assert found is not None
    assert found.one_shot
    assert [level.severity for level in found.levels] == [Severity.CRITICAL]
    assert found.topic == "user_agent"
    assert found.details == {"old": "None", "new": "Cisco-CP7960G/8.0", "address": "37.110.158.23:5060"}


def test_it_is_told_once(tmp_path: Path) -> None:
    working = rule(tmp_path)
    (key,) = working.observe(change())
    assert working.evaluate(key, NOW) is not None
    assert working.evaluate(key, NOW) is None
    working.forget()
    working.expire(NOW + 1e6)
    assert working.evaluate(key, NOW) is None


def test_a_peer_never_seen_before_is_marked_as_one(tmp_path: Path) -> None:
    working = rule(tmp_path)
    (key,) = working.observe(change(None))
    found = working.evaluate(key, NOW)
    assert found is not None
    assert (found.details["new_peer"], found.details["old"]) == ("yes", "")


@pytest.mark.parametrize(
    ("text", "observed", "told"),
    [
        ("attribute: user_agent", change(), True),
        ("attribute: user_agent", change("1.2.3.4:5060", "5.6.7.8:5060", attribute="address"), False),
        ("attribute: address", change("1.2.3.4:5060", "5.6.7.8:5060", attribute="address"), True),
        ("attribute: user_agent, new_peers: false", change(None), False),
        ("attribute: user_agent, new_peers: false", change("None"), True),
        ("attribute: user_agent, allowed: ['Yealink*', 'Cisco*']", change(), False),
        ("attribute: user_agent, allowed: ['Yealink*']", change(), True),
        ("attribute: user_agent, subject: SIP/1*", change(), True),
        ("attribute: user_agent, subject: PJSIP/*", change(), False),
        ("attribute: user_agent, not_subject: SIP/105", change(), False),
        ("attribute: user_agent, pbx: branch", change(), False),
    ],
)
def test_what_is_worth_a_word(tmp_path: Path, text: str, observed: ChangeObservation, told: bool) -> None:
    assert bool(tuple(rule(tmp_path, text).observe(observed))) is told


def test_other_observations_are_not_its_business(tmp_path: Path) -> None:
    assert not tuple(rule(tmp_path).observe(StatusObservation(NOW, "peer", "office", "SIP/105", "unreachable", NOW)))


def test_what_it_never_saw_means_nothing(tmp_path: Path) -> None:
    assert rule(tmp_path).evaluate(AlertKey("r", "office", "SIP/105"), NOW) is None
