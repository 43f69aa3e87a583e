"""Silences, maintenance windows, the mute button; and what is told when they end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from qualitywatch.desk.policy import Audience, MaintenanceWindow, Matcher
from qualitywatch.document import Hours, compile_selector
from qualitywatch.model import MuteKind, NewsReason, Severity, Silence
from qualitywatch.room import SilenceRequest
from tests.desk.scene import T0, Scene, policy, subjects

INFO, WARNING, CRITICAL = Severity
ANNA = "Anna (12345)"


def silence(scene: Scene, seconds: float = 3600, **fields: object) -> Silence:
    request = replace(SilenceRequest(scene.wall + seconds), **fields)  # type: ignore[arg-type]
    made, change = scene.desk.silence(request, ANNA, scene.wall)
    scene.keep(change)
    return made


def test_what_is_silenced_from_the_start_is_told_when_the_silence_ends() -> None:
    scene = Scene()
    made = silence(scene, 60, subjects=("SIP/61*",), comment="works")
    incident = scene.fire("loss", "SIP/6117")
    mute = incident.mute
    assert mute is not None
    assert (mute.kind, mute.name, mute.until, mute.by, mute.comment) == (MuteKind.SILENCE, "1", T0 + 60, ANNA, "works")
    assert (incident.news, incident.targets) == (0, ())
    assert scene.wait(59) == ()
    (told,) = scene.wait(1)
    assert (told.mute, told.news, told.news_reason, told.news_at) == (None, 1, NewsReason.UNMUTED, T0 + 60)
    assert told.targets == ("noc",)
    assert (made.id, scene.audit[0].action, scene.audit[0].by, scene.audit[0].at) == (1, "silence", ANNA, T0)


def test_what_ends_in_silence_is_never_told() -> None:
    scene = Scene()
    silence(scene, 60, subjects=("SIP/61*",))
    scene.fire("loss", "SIP/6117", CRITICAL)
    closed = scene.resolve("loss", "SIP/6117", after_s=10)
    assert (closed.news, closed.targets, closed.severity) == (0, (), CRITICAL)
    assert scene.wait(60) == ()


@pytest.mark.parametrize(
    ("fields", "is_muted"),
    [
        ({"rules": ("loss",)}, True),
        ({"rules": ("jitter", "LO*")}, True),
        ({"rules": ("jitter",)}, False),
        ({"rules": ("loss",), "subjects": ("SIP/7*",)}, False),
        ({"subjects": ("/6.17/",), "severities": ("warning", "info")}, True),
        ({"severities": ("crit*",)}, False),
        ({"pbxes": ("office",)}, True),
        ({"pbxes": ("branch",)}, False),
        ({"subjects": ("*",), "starts_at": T0 + 10}, False),
    ],
)
def test_all_fields_of_a_silence_must_match(fields: dict[str, Any], *, is_muted: bool) -> None:
    scene = Scene()
    silence(scene, **fields)
    assert (scene.fire("loss", "SIP/6117").mute is not None) is is_muted


@pytest.mark.timeout(20)
@pytest.mark.parametrize("field", ["rules", "subjects", "pbxes"])
def test_an_expression_that_would_be_matched_for_ever_is_refused(field: str) -> None:
    """``(a+)+$`` tries two ways at each letter: a name of forty is a matter of hours, in which no alert is told."""
    scene = Scene()
    with pytest.raises(ValueError, match=r"may take too long to match: use wildcards \(\*\), or no repeat inside a repeat"):
        scene.desk.silence(replace(SilenceRequest(T0 + 3600), **{field: ("/(a+)+$/",)}), ANNA, T0)  # type: ignore[arg-type]
    assert scene.fire("a" * 40 + "!", "SIP/" + "a" * 40 + "!").mute is None
    assert (scene.desk.silences(scene.wall), scene.audit) == ((), [])


@pytest.mark.timeout(20)
def test_one_that_an_older_release_stored_keeps_nobody_from_being_told() -> None:
    scene = Scene()
    stored = Silence(1, T0 + 3600, ANNA, T0, subjects=("/(a+)+$/",))
    scene.silences[1] = stored
    scene.restart()
    assert scene.fire("loss", "SIP/" + "a" * 40 + "!").mute is None
    ((unread, why),) = scene.desk.unread_silences(scene.wall)
    assert (unread, why[:36]) == (stored, 'subject "/(a+)+$/" may take too long')
    scene.keep(scene.desk.expire_silence(1, ANNA, scene.wall))
    assert scene.desk.unread_silences(scene.wall) == ()


def test_an_expression_of_a_silence_means_no_name_that_is_too_long_to_be_one() -> None:
    scene = Scene()
    silence(scene, subjects=("/6.17/",))
    assert scene.fire("loss", "SIP/6117" + "x" * 92).mute is not None
    assert scene.fire("loss", "SIP/6117" + "x" * 93).mute is None


def test_a_silence_begins_when_it_says() -> None:
    scene = Scene()
    silence(scene, 100, subjects=("*",), starts_at=T0 + 50)
    scene.fire("loss", "SIP/1")
    assert scene.wait(50)[0].mute is not None
    (after,) = scene.wait(50)
    assert (after.mute, after.news_reason) == (None, NewsReason.UNMUTED), "it outlived its silence"


def test_a_silence_of_warnings_does_not_hide_what_becomes_critical() -> None:
    scene = Scene()
    silence(scene, severities=("warning",))
    assert scene.fire("loss", "SIP/1").news == 0
    (worse,) = scene.severity("loss", "SIP/1", CRITICAL)
    assert (worse.news, worse.worst) == (1, CRITICAL)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "everything"),
        ({"subjects": ("/(/",)}, r'subject "/\(/" is not a regular expression'),
        ({"rules": ("",)}, 'rule "" is empty'),
        ({"severities": ("urgent",)}, 'severity "urgent" is none of info, warning, critical'),
        ({"subjects": ("*",), "ends_at": T0}, "past"),
        ({"subjects": ("*",), "ends_at": math.inf}, "some time"),
        ({"subjects": ("*",), "ends_at": math.nan}, "some time"),
        ({"subjects": ("*",), "starts_at": T0 + 3600}, "before it begins"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(fields: dict[str, Any], reason: str) -> None:
    scene = Scene()
    with pytest.raises(ValueError, match=reason):
        silence(scene, **fields)
    assert not scene.desk.silences(scene.wall)
    assert silence(scene, subjects=("*",)).id == 1


def test_a_silence_applies_and_ends_at_once() -> None:
    scene = Scene()
    incident = scene.fire("loss", "SIP/1")
    made = silence(scene, subjects=("SIP/1",))
    assert scene.get(incident).mute is not None
    assert [each.id for each in scene.desk.silences(scene.wall)] == [1]
    ended = scene.keep(scene.desk.expire_silence(made.id, "Boris", scene.wall + 5))
    assert (ended.silences[0].expired_at, ended.audit[0].action, ended.audit[0].by) == (T0 + 5, "expire_silence", "Boris")
    assert (scene.get(incident).mute, scene.get(incident).news) == (None, 1), "who ended it knows"
    assert not scene.desk.expire_silence(made.id, "Boris", scene.wall + 6)
    assert not scene.desk.expire_silence(99, "Boris", scene.wall)
    assert not scene.desk.silences(scene.wall)
    assert scene.desk.known_silence(made.id) == ended.silences[0]


def test_what_was_never_told_is_told_when_its_silence_is_ended_by_hand() -> None:
    scene = Scene()
    made = silence(scene, subjects=("SIP/1",))
    incident = scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.expire_silence(made.id, ANNA, scene.wall))
    assert (scene.get(incident).news, scene.get(incident).news_reason) == (1, NewsReason.UNMUTED)


def test_the_silence_that_ends_last_is_the_reason() -> None:
    scene = Scene()
    silence(scene, 10, subjects=("*",))
    silence(scene, 30, subjects=("*",))
    silence(scene, 20, subjects=("*",))
    mute = scene.fire("loss", "SIP/1").mute
    assert mute is not None
    assert mute.name == "2"


def test_the_mute_button_means_this_incident_and_nothing_else() -> None:
    scene = Scene(policy(group_by=()))
    first = scene.fire("loss", "SIP/61*7")
    other = scene.fire("loss", "SIP/6117")
    scene.keep(scene.desk.mute_incident(first.id, scene.wall + 3600, ANNA, scene.wall))
    assert scene.get(first).mute is not None
    assert scene.get(other).mute is None, "a star in a name is no wildcard"
    assert scene.audit[-1].action == "mute"
    assert [(each.id, each.incident) for each in scene.desk.silences(scene.wall)] == [(1, first.id)]


def test_the_mute_button_means_no_other_mixture_of_its_rules_and_peers() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/100")
    scene.fire("peer-down", "SIP/100", after_s=5)
    muted = scene.fire("loss", "SIP/200", after_s=5)
    assert len(muted.members) == 3, "one incident"
    scene.keep(scene.desk.mute_incident(muted.id, scene.wall + 8 * 3600, ANNA, scene.wall))
    scene.restart()
    for which in (("loss", "SIP/100"), ("peer-down", "SIP/100"), ("loss", "SIP/200")):
        scene.resolve(*which, after_s=60)
    other = scene.fire("peer-down", "SIP/200", CRITICAL, after_s=3600)
    assert (other.mute, other.news, other.targets) == (None, 1, ("noc",)), "nobody asked for quiet about this one"
    again = scene.fire("loss", "SIP/200", after_s=600)
    mute = scene.member(again, "loss", "SIP/200", firing=True)
    assert mute is not None and mute.mute is not None and mute.mute.by == ANNA


def test_a_mute_that_an_older_release_stored_goes_on() -> None:
    scene = Scene()
    older = Silence(7, T0 + 60, ANNA, T0 - 60, rules=("loss",), subjects=("SIP/1",), pbxes=("office",), incident=1)
    scene.silences[7] = older
    scene.restart()
    assert scene.fire("loss", "SIP/1").mute is not None
    assert scene.fire("loss", "SIP/2").mute is None
    again = scene.keep(scene.desk.mute_incident(1, T0 + 60, "Boris", scene.wall))
    assert [(each.id, each.expired_at is None) for each in again.silences] == [(7, False), (8, True)]


def test_a_second_wish_takes_the_place_of_the_first() -> None:
    scene = Scene()
    incident = scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.mute_incident(incident.id, T0 + 3600, ANNA, scene.wall))
    assert not scene.desk.mute_incident(incident.id, T0 + 3600, "Boris", scene.wall), "the same again changes nothing"
    second = scene.keep(scene.desk.mute_incident(incident.id, T0 + 60, "Boris", scene.wall))
    assert [(each.id, each.expired_at) for each in second.silences] == [(1, T0), (2, None)]
    mute = scene.get(incident).mute
    assert mute is not None
    assert (mute.until, mute.by) == (T0 + 60, "Boris")
    ended = scene.keep(scene.desk.unmute_incident(incident.id, ANNA, scene.wall))
    assert (ended.audit[0].action, scene.get(incident).mute, scene.get(incident).news) == ("unmute", None, 1)
    assert not scene.desk.unmute_incident(incident.id, ANNA, scene.wall)


def test_nothing_can_be_muted_that_is_over_or_unknown() -> None:
    scene = Scene()
    incident = scene.fire("loss", "SIP/1")
    assert not scene.desk.mute_incident(incident.id, scene.wall, ANNA, scene.wall)
    scene.resolve("loss", "SIP/1")
    assert not scene.desk.mute_incident(incident.id, scene.wall + 60, ANNA, scene.wall)
    assert not scene.desk.mute_incident(99, scene.wall + 60, ANNA, scene.wall)


def test_an_incident_that_outlives_its_mute_is_told_again_unless_somebody_took_it_on() -> None:
    scene = Scene(policy(group_by=()))
    for subject in ("SIP/1", "SIP/2"):
        incident = scene.fire("loss", subject)
        scene.keep(scene.desk.mute_incident(incident.id, T0 + 60, ANNA, scene.wall))
    scene.keep(scene.desk.acknowledge(2, ANNA, scene.wall))
    assert [(each.id, each.news) for each in scene.wait(60)] == [(1, 2), (2, 1)]


def test_a_member_that_joins_a_muted_incident_is_heard() -> None:
    scene = Scene()
    silence(scene, subjects=("SIP/1",))
    scene.fire("loss", "SIP/1", CRITICAL)
    incident = scene.fire("loss", "SIP/2")
    assert (incident.news, incident.news_reason, incident.severity, incident.mute) == (1, NewsReason.OPENED, WARNING, None)


def test_what_is_silenced_is_not_told_in_the_company_of_others() -> None:
    scene = Scene()
    silence(scene, 30, subjects=("SIP/1", "SIP/2"))
    loud = scene.fire("loss", "SIP/7")
    quiet = scene.fire("loss", "SIP/1")
    assert (quiet.id, quiet.news) == (2, 0)
    assert subjects(scene.get(loud)) == ["SIP/7"]
    assert subjects(scene.fire("loss", "SIP/8")) == ["SIP/7", "SIP/8"]
    assert subjects(scene.fire("loss", "SIP/2")) == ["SIP/1", "SIP/2"], "one message when the silence ends"
    assert [(each.id, each.news, each.news_reason) for each in scene.wait(30)] == [(2, 1, NewsReason.UNMUTED)]


def test_what_nobody_asked_for_is_not_told_in_the_company_of_others() -> None:
    scene = Scene(policy(audiences=(Audience("noc"),)))
    for subject in ("SIP/1", "SIP/2"):
        assert scene.fire("peer-down", subject, INFO).targets == ()
    loud = scene.fire("loss", "SIP/1")
    assert subjects(loud) == ["SIP/1"], "not with all phones that are off"
    assert (loud.news, loud.targets) == (1, ("noc",))
    assert subjects(scene.fire("peer-down", "SIP/3", INFO)) == ["SIP/1", "SIP/2", "SIP/3"]
    scene.resolve("peer-down", "SIP/1")
    scene.fire("peer-down", "SIP/1", INFO)
    assert [member.key.rule for member in scene.get(loud).members] == ["loss"]


def test_what_happens_in_silence_is_not_told() -> None:
    scene = Scene()
    silence(scene, subjects=("SIP/1",))
    assert scene.happen("agent", "SIP/1").news == 0
    loud = scene.happen("agent", "SIP/2")
    assert (loud.id, loud.news, loud.news_reason, loud.targets) == (2, 1, NewsReason.OPENED, ("noc",))


def test_a_maintenance_window_mutes_and_ends() -> None:
    moscow = ZoneInfo("Europe/Moscow")
    start = int((T0 / 60 + 180) % 1440) + 1  # the next whole minute there
    trunks = Matcher(rules=(compile_selector("trunk*"),))
    scene = Scene(policy(windows=(MaintenanceWindow("night", Hours(start, start + 2, moscow), match=trunks),)))
    incident = scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/1")
    begins_s = 60 - T0 % 60
    (muted,) = scene.wait(begins_s)
    mute = muted.mute
    assert mute is not None
    assert (muted.id, mute.kind, mute.name, mute.until) == (incident.id, MuteKind.MAINTENANCE, "night", T0 + begins_s + 120)
    silence(scene, 60, subjects=("mango",))
    assert scene.get(incident).mute != mute
    assert [each.mute for each in scene.wait(60)] == [mute]
    assert [each.mute for each in scene.wait(60)] == [None]


def test_silences_live_on_the_wall_clock() -> None:
    scene = Scene()
    scene.wall_ahead_s = 7200
    silence(scene, 60, subjects=("*",))
    incident = scene.fire("loss", "SIP/1")
    (told,) = scene.wait(60)
    assert (told.id, told.news, told.news_at) == (incident.id, 1, T0 + 60)


def test_a_silence_survives_a_restart_and_can_end_meanwhile() -> None:
    scene = Scene()
    silence(scene, 60, subjects=("SIP/1",))
    scene.fire("loss", "SIP/1")
    scene.restart()
    assert scene.tell() == ()
    scene.now += 3600
    scene.restart()
    (told,) = scene.tell()
    assert (told.news, subjects(told)) == (1, ["SIP/1"])
    assert silence(scene, subjects=("*",)).id == 2


@pytest.mark.parametrize("has_taken_it_on", [False, True])
def test_what_nobody_silenced_is_told_though_all_else_of_its_incident_is_muted(*, has_taken_it_on: bool) -> None:
    scene = Scene()
    scene.fire("loss", "SIP/6117")
    if has_taken_it_on:
        scene.keep(scene.desk.acknowledge(1, ANNA, scene.wall))
    scene.keep(scene.desk.mute_incident(1, scene.wall + 3600, ANNA, scene.wall))
    scene.restart()
    joined = scene.fire("one-way", "SIP/6117", after_s=600)
    assert joined.id == 1
    assert (joined.news, joined.news_reason) == ((1 if has_taken_it_on else 2), NewsReason.OPENED)
    assert scene.fire("jitter", "SIP/6117", after_s=60).news == joined.news, "one of it is loud already"


def test_what_happens_often_and_now_in_silence_leaves_alone_what_was_told() -> None:
    scene = Scene(policy(flap_fires=2))
    told = scene.happen("agent", "SIP/6117")
    silence(scene, 60, subjects=("SIP/6117",))
    quiet = scene.happen("agent", "SIP/6117", after_s=1)
    assert (quiet.id, quiet.news, scene.incidents[told.id].members[0].mute) == (2, 0, None)
