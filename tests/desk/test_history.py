"""A peer that changes again and again: one incident that names all it was."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise

import pytest

from qualitywatch.model import Incident, NewsReason, Severity
from qualitywatch.notify.living import living
from tests.desk.scene import T0, Scene, policy

AGENTS = ("Zoiper", "Cisco-CP7960G/8.0", "Yealink SIP-T46U", "friendly-scanner")


def change(scene: Scene, old: str, new: str, severity: Severity = Severity.WARNING, *, after_s: float = 5.0) -> Incident:
    details = {"old": old, "new": new, **({} if old else {"new_peer": "yes"})}
    return scene.happen("user_agent", "SIP/6103", severity, after_s=after_s, details=details)


def text(incident: Incident, language: str = "en") -> list[str]:
    return [line.text for line in living(incident, language, UTC, show_pbx=False)[0]]


@pytest.mark.parametrize("restarts", [False, True])
def test_all_agents_of_a_peer_are_named_in_one_message(restarts: bool) -> None:
    scene = Scene()
    incident = change(scene, "", AGENTS[0])
    for old, new in pairwise(AGENTS):
        incident = change(scene, old, new)
        if restarts:
            scene.restart()
    assert (incident.id, incident.news, len(incident.members)) == (1, 1, 1)
    assert text(incident)[:2] == [
        'User-Agent on peer SIP/6103 changed 4 times: "New peer" → "Zoiper" → "Cisco-CP7960G/8.0" → "Yealink SIP-T46U" '
        '→ "friendly-scanner"',
        "from 2023-11-14 22:13:25 UTC to 2023-11-14 22:13:40 UTC",
    ]
    assert text(incident, "ru")[0] == (
        'User-Agent на SIP/6103 менялся, 4 раза: "Новый пир" → "Zoiper" → "Cisco-CP7960G/8.0" → "Yealink SIP-T46U" '
        '→ "friendly-scanner"'
    )


def test_one_change_reads_as_before() -> None:
    assert text(change(Scene(), "Zoiper", "Cisco"))[:2] == [
        'User-Agent on peer SIP/6103 changed from "Zoiper" to "Cisco"',
        "at 2023-11-14 22:13:25 UTC",
    ]


def test_a_scanner_is_not_forgotten_when_the_phone_is_back() -> None:
    scene = Scene()
    change(scene, "Yealink", "friendly-scanner", Severity.CRITICAL)
    after = change(scene, "friendly-scanner", "Yealink")
    assert (after.severity, after.members[0].alert.severity) == (Severity.CRITICAL, Severity.CRITICAL)
    assert '"Yealink" → "friendly-scanner" → "Yealink"' in text(after)[0]


def test_a_scanner_after_a_mere_change_is_worth_another_message() -> None:
    scene = Scene()
    assert change(scene, "", "Yealink").news == 1
    worse = change(scene, "Yealink", "friendly-scanner", Severity.CRITICAL)
    assert (worse.news, worse.news_reason) == (2, NewsReason.WORSE)


def test_of_very_many_changes_the_first_and_the_last_are_kept() -> None:
    scene = Scene()
    incident = change(scene, "agent 0", "agent 1")
    for number in range(1, 50):
        incident = change(scene, f"agent {number}", f"agent {number + 1}")
    assert 'changed 50 times: "agent 0" → "..." → "agent 47" → "agent 48" → "agent 49" → "agent 50"' in text(incident)[0]


def test_lines_of_a_stranger_s_name_do_not_look_like_several() -> None:
    scene = Scene()
    change(scene, "a\nb", "c\r\nd")
    assert '"a b" → "c d" → "e"' in text(change(scene, "c\r\nd", "e"))[0]


def test_a_change_long_after_is_an_incident_of_its_own() -> None:
    scene = Scene()
    change(scene, "a", "b")
    later = change(scene, "b", "c", after_s=61)
    assert later.id == 2
    assert text(later)[0] == 'User-Agent on peer SIP/6103 changed from "b" to "c"'


@pytest.mark.parametrize("group_by", [(), ("rule",), ("rule", "subject")])
def test_whatever_changed_of_a_peer_at_once_is_one_incident(group_by: tuple[str, ...]) -> None:
    scene = Scene(policy(group_by=group_by))
    first = change(scene, "Yealink", "Cisco", after_s=0)
    assert scene.happen("network", "SIP/6103", details={"old": "10.0.4.7:5060", "new": "185.53.88.1:5060"}).id == first.id
    assert scene.happen("network", "SIP/6104", details={"old": "10.0.4.7:5060", "new": "185.53.88.1:5060"}).id != first.id
    assert first.opened_at == T0
