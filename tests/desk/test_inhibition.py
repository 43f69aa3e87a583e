"""A trunk that is down explains its loss, a PBX that cannot be seen explains everything."""

from __future__ import annotations

import pytest

from qualitywatch.desk.inhibition import GRACE_S
from qualitywatch.desk.policy import Audience, Inhibition, Matcher
from qualitywatch.document import compile_selector
from qualitywatch.model import Incident, Member, MemberState, MuteKind, NewsReason, Severity
from qualitywatch.room import SilenceRequest
from tests.desk.scene import BLIND, T0, TRUNK_DOWN, Scene, key, policy, subjects

CRITICAL = Severity.CRITICAL
TRUNKS = {"SIP/mango": "mango"}


def scene_with(*inhibitions: Inhibition) -> Scene:
    return Scene(policy(inhibitions=inhibitions), trunks=TRUNKS)


def member(scene: Scene, incident: Incident, rule: str, subject: str) -> Member:
    found = scene.member(incident, rule, subject)
    assert found is not None
    return found


def test_what_a_trunk_explains_is_listed_with_it_and_counts_for_nothing() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    incident = scene.fire("loss", "SIP/mango", CRITICAL, after_s=1)
    assert subjects(incident) == ["mango", "SIP/mango"]
    assert (incident.severity, incident.worst, incident.news) == (Severity.WARNING, Severity.WARNING, 1)
    mute = incident.members[1].mute
    assert mute is not None
    assert (mute.kind, mute.name, mute.parent, mute.until) == (MuteKind.INHIBITED, "mango", key("trunk-down", "mango"), None)
    assert scene.fire("loss", "SIP/6117").id == 2, "of another trunk"


def test_what_was_told_before_is_muted_where_it_is() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("loss", "SIP/mango")
    changed = scene.tell(scene.fired("trunk-down", "mango", CRITICAL, after_s=1))
    assert len(changed) == 2
    loss = scene.of("loss", "SIP/mango")
    assert (loss.id, loss.is_open, loss.mute is not None) == (1, True, True)
    scene.resolve("trunk-down", "mango", after_s=5)
    unmuted = scene.wait(GRACE_S)[-1]
    assert (unmuted.id, unmuted.mute, unmuted.news) == (1, None, 1), "it had been told, so that is only an edit"


def test_what_outlives_its_parent_speaks_for_itself() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango", after_s=1)
    waiting = scene.resolve("trunk-down", "mango", after_s=9)
    assert waiting.is_open
    mute = waiting.members[1].mute
    assert mute is not None
    assert mute.until == T0 + 10 + GRACE_S
    assert scene.wait(GRACE_S - 1) == ()
    old, new = sorted(scene.wait(1), key=lambda incident: incident.id)
    assert (old.closed_at, subjects(old)) == (T0 + 10 + GRACE_S, ["mango"])
    assert (subjects(new), new.news, new.news_reason, new.targets) == (["SIP/mango"], 1, NewsReason.OPENED, ("noc",))
    assert new.opened_at == T0 + 10 + GRACE_S


def test_what_recovers_with_its_parent_is_never_told() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango")
    scene.resolve("trunk-down", "mango", after_s=10)
    closed = scene.resolve("loss", "SIP/mango", after_s=GRACE_S - 1)
    assert (closed.closed_at, closed.news, len(scene.incidents)) == (T0 + 9 + GRACE_S, 1, 1)
    assert closed.members[1].state is MemberState.RESOLVED


def test_a_parent_that_comes_back_in_time_takes_its_own_back() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango")
    scene.resolve("trunk-down", "mango", after_s=10)
    incident = scene.fire("trunk-down", "mango", after_s=10)
    assert member(scene, incident, "loss", "SIP/mango").mute is not None
    assert scene.wait(GRACE_S * 3) == ()


def test_an_explained_alert_explains_nothing() -> None:
    scene = scene_with(BLIND, TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango")
    scene.tell(scene.fired("blind", "office", CRITICAL))
    blind = scene.of("loss", "SIP/mango")
    assert subjects(blind) == ["office", "SIP/mango"], "the PBX that cannot be seen explains it now"
    trunk = scene.of("trunk-down", "mango")
    assert trunk.mute is not None
    assert trunk.mute.name == "office"
    scene.resolve("blind", "office", after_s=1)
    scene.wait(GRACE_S)
    assert scene.of("trunk-down", "mango").mute is None
    assert scene.of("trunk-down", "mango").news == 1
    assert subjects(scene.of("loss", "SIP/mango")) == ["mango", "SIP/mango"]


def test_three_that_explain_each_other_in_a_circle_do_not_talk_for_ever() -> None:
    rules = ("stone", "scissors", "paper")
    circle = tuple(
        Inhibition(Matcher(rules=(compile_selector(one),)), Matcher(rules=(compile_selector(other),)))
        for one, other in zip(rules, (*rules[1:], rules[0]), strict=True)
    )
    scene = scene_with(*circle)
    for rule in rules:
        scene.fire(rule, "x")
    for _ in range(50):
        scene.wait(GRACE_S)
    assert len(scene.incidents) <= 3
    assert all(incident.news <= 1 for incident in scene.incidents.values())
    assert any(incident.mute is None for incident in scene.desk.open_incidents())


def test_a_happening_is_explained_as_well() -> None:
    scene = scene_with(BLIND)
    scene.fire("blind", "office")
    incident = scene.happen("agent", "SIP/1", CRITICAL)
    assert (subjects(incident), incident.news, incident.worst) == (["office", "SIP/1"], 1, Severity.WARNING)


def scene_with_a_boss(*inhibitions: Inhibition) -> Scene:
    audiences = (Audience("noc"), Audience("boss", CRITICAL))
    return Scene(policy(audiences=audiences, inhibitions=inhibitions), trunks=TRUNKS)


@pytest.mark.parametrize("trunk_first", [True, False])
def test_a_critical_alert_is_told_to_whom_a_milder_explanation_does_not_reach(*, trunk_first: bool) -> None:
    scene = scene_with_a_boss(TRUNK_DOWN)
    alerts = (("trunk-down", "mango", Severity.WARNING), ("loss", "SIP/mango", CRITICAL))
    for rule, subject, severity in alerts if trunk_first else reversed(alerts):
        scene.fire(rule, subject, severity, after_s=5)
    loss = scene.of("loss", "SIP/mango")
    assert (loss.severity, set(loss.targets)) == (CRITICAL, {"noc", "boss"})
    told = loss.news
    scene.restart()
    scene.severity("trunk-down", "mango", CRITICAL, after_s=30)
    muted = scene.member(scene.of("loss", "SIP/mango"), "loss", "SIP/mango")
    assert muted is not None and muted.mute is not None, "now its trunk tells everybody of it"
    if trunk_first:
        assert (scene.get(loss).news, scene.get(loss).severity) == (told, CRITICAL), "one message, which rang once"


def test_what_a_milder_explanation_tells_nobody_of_has_rung_when_it_only_happened() -> None:
    scene = scene_with_a_boss(BLIND)
    scene.fire("blind", "office")
    incident = scene.happen("forbidden", "SIP/1", CRITICAL)
    assert (set(incident.targets), incident.worst) == ({"noc", "boss"}, CRITICAL)


def test_quiet_about_a_cause_is_quiet_about_what_follows_of_it() -> None:
    scene = scene_with_a_boss(TRUNK_DOWN)
    request = SilenceRequest(scene.wall + 3600, subjects=("mango",))
    scene.keep(scene.desk.silence(request, "Anna", scene.wall)[1])
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango", CRITICAL, after_s=5)
    assert scene.of("loss", "SIP/mango").news == 0


@pytest.mark.parametrize("trunk_first", [True, False])
def test_quiet_about_warnings_does_not_hide_something_critical_that_a_warning_explains(*, trunk_first: bool) -> None:
    scene = scene_with_a_boss(TRUNK_DOWN)
    request = SilenceRequest(scene.wall + 3600, severities=("warning",))
    scene.keep(scene.desk.silence(request, "Anna", scene.wall)[1])
    alerts = (("trunk-down", "mango", Severity.WARNING), ("loss", "SIP/mango", CRITICAL))
    for rule, subject, severity in alerts if trunk_first else reversed(alerts):
        scene.fire(rule, subject, severity, after_s=5)
    loss = scene.of("loss", "SIP/mango")
    assert (loss.news, loss.severity, set(loss.targets)) == (1, CRITICAL, {"noc", "boss"})


@pytest.mark.parametrize(("equal", "explained"), [(("subject",), ["SIP/1"]), ((), ["SIP/1", "SIP/2"]), (("direction",), [])])
def test_what_must_be_shared(equal: tuple[str, ...], explained: list[str]) -> None:
    rule = Inhibition(Matcher(rules=(compile_selector("unreachable"),)), Matcher(rules=(compile_selector("loss"),)), equal)
    scene = scene_with(rule)
    scene.fire("unreachable", "SIP/1")
    for subject in ("SIP/1", "SIP/2"):
        fired = scene.fired("loss", subject)
        if "direction" in equal:
            del scene.alerts[fired.alert.key]
            continue
        scene.tell(fired)
    found = [each.key.subject for incident in scene.desk.open_incidents() for each in incident.members if each.mute]
    assert found == explained


def test_pending_alerts_explain_nothing() -> None:
    scene = scene_with(BLIND)
    scene.pend("blind", "office")
    assert scene.fire("loss", "SIP/1").mute is None


def test_a_silence_is_the_reason_that_is_shown() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    _, change = scene.desk.silence(SilenceRequest(scene.wall + 100, subjects=("SIP/mango",)), "Anna", scene.wall)
    scene.keep(change)
    incident = scene.fire("loss", "SIP/mango")
    shown = member(scene, incident, "loss", "SIP/mango").mute
    assert shown is not None
    assert (shown.kind, shown.by) == (MuteKind.SILENCE, "Anna")
    scene.wait(101)
    shown = member(scene, scene.get(incident), "loss", "SIP/mango").mute
    assert shown is not None
    assert shown.kind is MuteKind.INHIBITED
    assert scene.get(incident).news == 1


@pytest.mark.parametrize("ends_later", [True, False])
def test_after_a_restart_a_peer_whose_trunk_is_not_known_yet_is_still_explained(*, ends_later: bool) -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango", CRITICAL, after_s=1)
    scene.trunks = {}  # the PBX has not told where its peers are
    scene.restart()
    scene.wait(3600)
    (incident,) = scene.desk.open_incidents()
    assert (subjects(incident), incident.news) == (["mango", "SIP/mango"], 1)
    if ends_later:
        scene.trunks = TRUNKS
        scene.resolve("trunk-down", "mango")
        scene.fire("trunk-down", "mango", after_s=GRACE_S / 2)
        scene.wait(GRACE_S)
        assert len(scene.desk.open_incidents()) == 1, "its trunk is known by now"
        scene.resolve("trunk-down", "mango")
        scene.wait(GRACE_S)
        assert [each.news for each in scene.desk.open_incidents()] == [1]
        assert scene.of("loss", "SIP/mango").id == 2


def test_a_restart_changes_nothing_of_it() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango", after_s=1)
    scene.restart()
    assert scene.tell() == ()
    scene.resolve("trunk-down", "mango", after_s=9)
    scene.restart()
    assert scene.wait(GRACE_S - 1) == ()
    assert len(scene.wait(1)) == 2


def test_an_inhibition_that_is_no_longer_configured_lets_go() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("loss", "SIP/mango", after_s=1)
    scene.policy = policy()
    scene.restart()
    scene.tell()
    assert (scene.of("loss", "SIP/mango").id, scene.of("loss", "SIP/mango").news) == (2, 1)


def test_a_guest_that_fires_again_alone_is_no_guest() -> None:
    scene = scene_with(TRUNK_DOWN)
    scene.fire("trunk-down", "mango")
    scene.fire("trunk-down", "other")
    scene.fire("loss", "SIP/mango")
    scene.resolve("loss", "SIP/mango", after_s=1)
    scene.resolve("trunk-down", "mango", after_s=1)
    alone = scene.fire("loss", "SIP/mango", after_s=1)
    assert (subjects(alone), alone.news) == (["SIP/mango"], 1)


def test_a_thousand_explained_alerts_are_no_trouble() -> None:
    scene = scene_with(BLIND)
    for number in range(1000):
        scene.fired("loss", f"SIP/{number}")
    scene.tell()
    scene.tell(scene.fired("blind", "office", CRITICAL, after_s=1))
    scene.tell(scene.resolved("blind", "office", after_s=1))
    (incident,) = [each for each in scene.wait(GRACE_S) if each.is_open]
    assert (len(incident.firing), incident.mute, incident.news) == (1000, None, 1)
