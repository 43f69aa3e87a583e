"""What is one incident, what explains what, when morning is."""

from __future__ import annotations

import pytest

from qualitywatch.config import DEFAULT_INHIBITIONS
from qualitywatch.desk.policy import DeskPolicy, Inhibition, Matcher
from qualitywatch.document import compile_selector
from qualitywatch.model import Alert, AlertKey, AlertState, Metric, Severity, Share, Tally
from tests.config.conftest import ONE_PBX, Problems, Read, warnings_of


def alert(topic: str) -> Alert:
    key = AlertKey("r", "office", "PJSIP/provider")
    return Alert(key, AlertState.FIRING, Severity.CRITICAL, topic, since_at=0.0, level_since={})


def test_without_the_section_the_defaults_hold(read: Read) -> None:
    default = DeskPolicy()
    for section in ("", "incidents:\n", "incidents: {}\n"):
        config = read(ONE_PBX + section)
        desk = config.desk
        assert config.morning == (8, 0)
        assert (desk.group_by, desk.group_within_s, desk.refresh_s) == (("rule",), 60.0, 10.0)
        assert (desk.flap_fires, desk.flap_within_s) == (default.flap_fires, default.flap_within_s)
        assert desk.inhibitions == DEFAULT_INHIBITIONS
        assert (desk.windows, desk.labels) == ((), {})


def test_a_trunk_explains_its_figures_and_its_peer_and_a_blind_pbx_everything() -> None:
    trunk, pbx, *_ = DEFAULT_INHIBITIONS
    assert trunk.equal == ("trunk",)
    assert trunk.source.matches(alert("trunk_state"), {})
    explained = (*Metric, Tally.DELIVERED, Tally.COVERED, "peer_state", "audio_state")
    assert all(trunk.target.matches(alert(topic), {}) for topic in explained)
    unrelated = ("trunk_state", "pbx_state", "user_agent", Tally.LOGIN_FAILED)
    assert not any(trunk.target.matches(alert(topic), {}) for topic in unrelated)
    assert pbx.source.matches(alert("pbx_state"), {})
    assert not pbx.source.matches(alert("trunk_state"), {})
    assert pbx.target == Matcher()


def test_a_place_explains_the_sound_of_its_peers_and_tells_it_in_their_incident() -> None:
    _, _, everywhere, place = DEFAULT_INHIBITIONS
    sound = (Metric.LOSS_PERCENT, Metric.JITTER_MS, Metric.MOS, Metric.RTT_MS, "audio_state")
    assert (everywhere.equal, place.equal) == ((), ("site",))
    assert everywhere.merge
    assert place.merge
    assert all(place.source.matches(alert(topic), {}) for topic in (Share.SITE_LOSS, Share.TRUNK_LOSS))
    assert all(place.target.matches(alert(topic), {}) for topic in sound)
    assert not any(place.target.matches(alert(topic), {}) for topic in ("peer_state", "user_agent", Share.SITE_LOSS))
    assert all(everywhere.target.matches(alert(topic), {}) for topic in (*sound, Share.SITE_LOSS, Share.TRUNK_LOSS))


def test_everything_can_be_set(read: Read) -> None:
    config = read(
        ONE_PBX
        + """
incidents:
  group_by: [rule, direction]
  within: 2m
  refresh: 30s
  flap: {fires: 5, within: 1h}
  morning: "7:30"
  inhibit:
    - source: {rule: trunk-down, severity: critical}
      target: {subject: "SIP/*", topic: [mos, r_factor]}
      equal: [subject, direction]
    - {source: {topic: site_loss}, target: {topic: mos}, equal: [site], merge: true}
"""
    )
    desk = config.desk
    assert (desk.group_by, desk.group_within_s, desk.refresh_s) == (("rule", "direction"), 120.0, 30.0)
    assert (desk.flap_fires, desk.flap_within_s) == (5, 3600.0)
    assert config.morning == (7, 30)
    assert desk.inhibitions == (
        Inhibition(
            Matcher(rules=(compile_selector("trunk-down"),), severities=frozenset({Severity.CRITICAL})),
            Matcher(subjects=(compile_selector("SIP/*"),), topics=(compile_selector("mos"), compile_selector("r_factor"))),
            ("subject", "direction"),
        ),
        Inhibition(
            Matcher(topics=(compile_selector("site_loss"),)),
            Matcher(topics=(compile_selector("mos"),)),
            ("site",),
            merge=True,
        ),
    )


def test_grouping_flapping_and_inhibition_can_be_switched_off(read: Read) -> None:
    desk = read(ONE_PBX + "incidents: {group_by: [], flap: false, inhibit: []}").desk
    assert (desk.group_by, desk.flap_fires, desk.inhibitions) == ((), 0, ())


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            "group_by: [rules]",
            'group_by[0]: must be one of rule, topic, subject, direction, severity, not "rules", did you mean "rule"?',
        ),
        ("group_by: ", "group_by: is empty; fill it in or remove it"),
        ("within: 2h", "within: must be between 0s and 1h, not 2h"),
        ("refresh: 0s", "refresh: must be between 1s and 1h, not 0s"),
        ("flap: true", 'flap: must be a section of keys ("key: value"), not true/false'),
        ("flap: ", "flap: is empty; fill it in or remove it"),
        ("flap: {fires: 1}", "flap.fires: must be between 2 and 1000, not 1"),
        ("flap: {fire: 3}", 'flap.fire: unknown key, did you mean "fires"?'),
        ("morning: '25:00'", 'morning: must be a time of day such as "08:00" or "23:30"'),
        ("morning: '24:00'", 'morning: must be a time of day such as "08:00" or "23:30"'),
        ("morning: '8'", 'morning: must be a time of day such as "08:00" or "23:30"'),
        ("morning: 10:30", "morning: must be text, but YAML reads this as a number: put it in quotes"),
        ("inhibit: ", "inhibit: is empty; fill it in or remove it"),
        ("inhibit: false", 'inhibit: must be a list (each item begins with "- "), not true/false'),
        ("inhibit: [{target: {}}]", "inhibit[0].source: missing"),
        ("inhibit: [{source: {topic: mos}}]", "inhibit[0].target: missing"),
        ("inhibit: [{source: {topic: mos}, target: }]", "inhibit[0].target: is empty; fill it in or remove it"),
        (
            "inhibit: [{source: {}, target: {}}]",
            "inhibit[0].source: must say which alerts explain others, such as {topic: trunk_state}",
        ),
        (
            "inhibit: [{source: {topic: mos}, target: {}, equal: [peer]}]",
            'inhibit[0].equal[0]: must be one of subject, direction, trunk, site, not "peer"',
        ),
        (
            "inhibit: [{source: {topics: mos}, target: {}}]",
            'inhibit[0].source.topics: unknown key, did you mean "topic"?',
        ),
        (
            "inhibit: [{source: {rule: '/(/'}, target: {}}]",
            "inhibit[0].source.rule: is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_what_is_wrong_is_told_once_at_its_line(problems: Problems, section: str, expected: str) -> None:
    assert problems(f"{ONE_PBX}incidents:\n  {section}\n") == [f"3: incidents.{expected}"]


def test_a_topic_that_does_not_exist_is_warned_of(read: Read) -> None:
    config = read(ONE_PBX + "incidents: {inhibit: [{source: {topic: trunk_sate}, target: {topic: [mos, loss*]}}]}")
    (warning,) = warnings_of(config)
    assert warning.startswith(
        '2: incidents.inhibit[0].source.topic: there is no topic trunk_sate, did you mean "trunk_state"?; known are'
    )
