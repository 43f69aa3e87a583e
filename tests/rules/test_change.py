"""Change rules: another device, another address; told once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, ChangeObservation, Severity, StatusObservation
from qualitywatch.ports import RuleKind
from qualitywatch.rules.kinds.change import moved as is_moved
from qualitywatch.rules.loader import load_rules

NOW = 1000.0
RULES = Path(__file__).parents[2] / "rules"


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


# --- Networks, transports ------------------------------------------------------------------------------------------------


def moved(old: str | None, new: str) -> ChangeObservation:
    return change(old, new, attribute="address")


@pytest.mark.parametrize(
    ("options", "old", "new", "told"),
    [
        ("", "37.110.158.23:5060", "37.110.158.99:61234", False),  # the same /24
        ("", "37.110.158.23:5060", "37.110.159.23:5060", True),
        ("", "10.0.4.7:5060", "185.53.88.1:5060", True),
        ("", "10.0.4.7", "10.0.4.8", False),  # without ports
        ("", "[2001:db8:1:2::1]:5060", "[2001:db8:1:2:ffff::9]:5060", False),  # the same /64
        ("", "[2001:db8:1:2::1]:5060", "[2001:db8:1:3::1]:5060", True),
        ("", "10.0.4.7:5060", "[2001:db8:1:3::1]:5060", True),
        ("", "10.0.4.7:5060", "[::ffff:10.0.4.9]:5060", False),  # the same host's other spelling
        ("", "10.0.4.7:5060", "phone.example:5060", True),
        ("", "phone.example:5060", "phone.example:5061", True),
        (", networks: [10.0.0.0/8]", "10.0.4.7:5060", "10.9.9.9:5060", False),  # among ours
        (", networks: [10.0.0.0/8]", "185.53.88.1:5060", "10.9.9.9:5060", False),  # home again
        (", networks: [10.0.0.0/8]", "10.0.4.7:5060", "185.53.88.1:5060", True),
        (", networks: [10.0.0.0/8, 2001:db8::/32]", "10.0.4.7:5060", "[2001:db8:1:3::1]:5060", False),
        (", allowed: '185.53.*'", "10.0.4.7:5060", "185.53.88.1:5060", False),
    ],
)
def test_what_is_another_network(tmp_path: Path, options: str, old: str, new: str, told: bool) -> None:
    working = rule(tmp_path, f"attribute: network{options}")
    keys = tuple(working.observe(moved(old, new)))
    assert bool(keys) is told
    if keys:
        found = working.evaluate(keys[0], NOW)
        assert found is not None
        assert found.topic == "network"


@given(
    old=st.one_of(st.ip_addresses(), st.text(max_size=20)),
    new=st.one_of(st.ip_addresses(), st.text(max_size=20)),
    port=st.one_of(st.none(), st.integers(1, 65535)),
)
def test_no_address_makes_it_raise_and_none_moves_to_itself(old: object, new: object, port: int | None) -> None:
    def written(host: object) -> str:
        text = f"[{host}]" if ":" in str(host) else str(host)
        return f"{text}:{port}" if port is not None else text

    is_moved(written(old), written(new), ())
    assert not is_moved(written(new), written(new), ())


def test_a_transport_that_changed(tmp_path: Path) -> None:
    working = rule(tmp_path, "attribute: transport, allowed: tls")
    assert not tuple(working.observe(change("udp", "tls", attribute="transport")))
    (key,) = working.observe(change("tls", "udp", attribute="transport"))
    found = working.evaluate(key, NOW)
    assert found is not None
    assert (found.topic, found.details["old"], found.details["new"]) == ("transport", "tls", "udp")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("attribute: network, networks: [10.0.0.0/33]", "rules[0].networks: 10.0.0.0/33: must be a network such as"),
        ("attribute: address, networks: [10.0.0.0/8]", "rules[0].networks: is for attribute: network"),
        ("critical_patterns_file: nowhere.txt", "nowhere.txt: No such file or directory"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rule(tmp_path, text)
    assert reason in str(caught.value)


# --- Learning, scanners --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known_for_s", "told"), [(6 * 86_400, False), (7 * 86_400, True), (None, True)])
def test_who_is_being_learnt_may_change(tmp_path: Path, known_for_s: float | None, told: bool) -> None:
    working = rule(tmp_path, "learning: 7d")
    known_since = None if known_for_s is None else NOW - known_for_s
    assert bool(tuple(working.observe(replace(change(), known_since=known_since)))) is told


SCANNERS = [
    "friendly-scanner",
    "FRIENDLY-SCANNER/1.0",
    "sipvicious",
    "sipcli/v1.8",
    "pplsip",
    "sip-scan",
    "VaxSIPUserAgent/3.1",
]
PHONES = [
    *("Yealink SIP-T46U 108.86.0.70", "Cisco-CP7960G/8.0", "Zoiper for Windows 2.43 r24984", "Grandstream GXP2170 1.0.11.6"),
    *("snomD785/10.1.64.14", "PolycomVVX-VVX_410-UA/5.9.5", "Linphone/3.12.0", "MicroSIP/3.21.3", "Asterisk PBX 20.20.1"),
    *("Fanvil X4U 2.4.5", "Gigaset N510 IP PRO", "baresip v1.0.0", "PJSUA v2.14 Linux", "FPBX-16.0.40", "3CXPhone 6.0"),
    *("Bria 5 release 5.8.3", "AVM FRITZ!Box 7590", "Panasonic-MPR08B-KX-HDV130", "Htek UC926E", "Obihai/OBi202"),
]


@pytest.mark.parametrize("agent", SCANNERS)
def test_a_scanner_is_critical_at_once(agent: str) -> None:
    (spec,) = [spec for spec in load_rules([RULES]) if spec.name == "user-agent"]
    working = spec.build()
    (key,) = working.observe(replace(change(new=agent), known_since=NOW))
    found = working.evaluate(key, NOW)
    assert found is not None
    assert [level.severity for level in found.levels] == [Severity.CRITICAL]


@pytest.mark.parametrize("agent", PHONES)
def test_a_phone_is_no_scanner(agent: str) -> None:
    (spec,) = [spec for spec in load_rules([RULES]) if spec.name == "user-agent"]
    working = spec.build()
    (key,) = working.observe(change(new=agent))
    found = working.evaluate(key, NOW)
    assert found is not None
    assert [level.severity for level in found.levels] == [Severity.WARNING]


def test_neither_learning_nor_what_is_allowed_excuses_a_scanner(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("# tools\n\n*scanner*\n/^sip/\n", encoding="utf-8")
    working = rule(tmp_path, "learning: 7d, new_peers: false, allowed: '*', critical_patterns_file: bad.txt")
    for agent in ("friendly-scanner", "sipcli"):
        assert tuple(working.observe(replace(change(None, agent), known_since=NOW)))
    assert not tuple(working.observe(change(None, "Sipura")))


def test_our_list_is_found_from_a_rule_of_your_own(tmp_path: Path) -> None:
    text = "rules: [{name: user-agent, kind: change, critical_patterns_file: scanners.txt}]"
    (tmp_path / "own.yml").write_text(text, encoding="utf-8")
    (spec,) = [spec for spec in load_rules([RULES, tmp_path]) if spec.name == "user-agent"]
    assert spec.common is not None
    assert "*friendly-scanner*" in map(str, spec.common.critical_patterns)


def test_a_pattern_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("good\n/(/\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        rule(tmp_path, "critical_patterns_file: bad.txt")
    assert "bad.txt:2: is not a regular expression" in str(caught.value)
