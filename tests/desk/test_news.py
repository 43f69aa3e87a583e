"""Flapping, repeats, acknowledgements, reminders, escalation and routes."""

from __future__ import annotations

import pytest

from qualitywatch.desk.policy import Audience, Matcher, Route
from qualitywatch.document import compile_selector
from qualitywatch.model import NewsReason, Severity
from tests.desk.scene import BLIND, T0, Scene, policy

INFO, WARNING, CRITICAL = Severity
ANNA = "Anna (12345)"
HOUR_S = 3600.0


def rule(name: str) -> Matcher:
    return Matcher(rules=(compile_selector(name),))


def acknowledge(scene: Scene, incident_id: int = 1, by: str = ANNA) -> bool:
    return bool(scene.keep(scene.desk.acknowledge(incident_id, by, scene.wall)))


# --- flapping -----------------------------------------------------------------------------------------------------------


def flap(scene: Scene, times: int) -> None:
    for _ in range(times):
        scene.fire("loss", "SIP/1", after_s=60)
        scene.resolve("loss", "SIP/1", after_s=60)


def test_the_third_time_within_ten_minutes_is_flapping() -> None:
    scene = Scene()
    flap(scene, 2)
    assert [each.news_reason for each in scene.incidents.values()] == [NewsReason.OPENED] * 2
    third = scene.fire("loss", "SIP/1", after_s=60)
    assert (third.id, third.news, third.news_reason, third.flapping) == (3, 1, NewsReason.FLAPPING, True)
    assert len(third.members[0].fires) == 3
    down = scene.resolve("loss", "SIP/1", after_s=10)
    assert down.is_open
    again = scene.fire("loss", "SIP/1", after_s=500)
    assert (again.id, again.news) == (3, 1), "no more news of it"
    scene.resolve("loss", "SIP/1", after_s=10)
    assert scene.wait(589) == ()
    (closed,) = scene.wait(1)
    assert (closed.closed_at, closed.flapping, closed.news) == (again.members[0].fires[-1] + 600, False, 1)


def test_only_what_is_worse_is_told_of_what_flaps() -> None:
    """For five hours it is up again after nine minutes at most, which is what it is to come and go."""
    scene = Scene(policy(flap_fires=2))
    flap(scene, 2)
    for _ in range(34):
        scene.fire("loss", "SIP/1")
        assert scene.wait(530) == ()
        assert scene.resolve("loss", "SIP/1").news == 1, "no repeat"
    scene.fire("loss", "SIP/1")
    (worse,) = scene.severity("loss", "SIP/1", CRITICAL)
    assert (worse.news, worse.news_reason) == (2, NewsReason.WORSE)


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("beside", [True, False])
def test_what_came_and_went_and_then_stays_is_told_again(restarts: bool, beside: bool) -> None:
    scene = Scene()
    if beside:
        scene.fire("jitter", "SIP/1")
    flap(scene, 2)
    told = scene.fire("loss", "SIP/1")
    assert (told.flapping, told.news_reason) == (True, NewsReason.FLAPPING)
    if restarts:
        scene.restart()
    assert not any(incident.news > told.news for incident in scene.wait(599))
    assert scene.incidents[told.id].flapping
    (steady,) = scene.wait(1)
    assert (steady.flapping, steady.news) == (False, told.news), "it does not come and go any more, which rings nobody"
    assert scene.wait(4 * HOUR_S - 601) == ()
    (repeated,) = scene.wait(1)
    assert (repeated.news, repeated.news_reason) == (told.news + 1, NewsReason.REPEATED)
    if not beside:
        assert not scene.resolve("loss", "SIP/1", after_s=60).is_open, "and when it is over, it is"


def test_what_came_and_went_in_silence_and_stays_is_no_longer_said_to_come_and_go() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.mute_incident(1, T0 + HOUR_S, ANNA, scene.wall))
    for _ in range(2):
        scene.resolve("loss", "SIP/1", after_s=60)
        scene.fire("loss", "SIP/1", after_s=60)
    scene.wait(HOUR_S)
    (incident,) = scene.desk.open_incidents()
    assert (incident.flapping, incident.mute) == (False, None)


def test_flapping_inside_an_incident_is_told_once() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/2")
    flap(scene, 4)
    (incident,) = scene.incidents.values()
    assert (incident.news, incident.news_reason, incident.flapping) == (2, NewsReason.FLAPPING, True)


@pytest.mark.parametrize(("fires", "pause_s"), [(0, 60.0), (3, 500.0)])
def test_what_is_not_flapping(fires: int, pause_s: float) -> None:
    scene = Scene(policy(flap_fires=fires))
    for _ in range(5):
        scene.fire("loss", "SIP/1", after_s=pause_s)
        scene.resolve("loss", "SIP/1", after_s=1)
    assert [each.news_reason for each in scene.incidents.values()] == [NewsReason.OPENED] * 5


def test_flapping_survives_a_restart() -> None:
    scene = Scene()
    for _ in range(3):
        flap(scene, 1)
        scene.restart()
    assert scene.tell() == ()
    assert scene.incidents[3].flapping
    assert scene.wait(540)[0].closed_at == T0 + 300 + 600


# --- repeats, acknowledgements, reminders -------------------------------------------------------------------------------


def test_what_nobody_takes_on_is_told_again() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    assert scene.wait(4 * HOUR_S - 1) == ()
    (repeated,) = scene.wait(1)
    assert (repeated.news, repeated.news_reason, repeated.news_at) == (2, NewsReason.REPEATED, T0 + 4 * HOUR_S)
    scene.restart()
    assert scene.wait(4 * HOUR_S - 1) == ()
    assert scene.wait(1)[0].news == 3


def test_an_acknowledgement_is_given_once_and_can_be_taken_back() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    assert acknowledge(scene)
    assert not acknowledge(scene, by="Boris")
    ack = scene.incidents[1].ack
    assert ack is not None
    assert (ack.by, ack.at) == (ANNA, T0)
    assert scene.wait(5 * HOUR_S) == ()
    assert scene.keep(scene.desk.unacknowledge(1, "Boris", scene.wall)).incidents[0].ack is None
    assert not scene.desk.unacknowledge(1, "Boris", scene.wall)
    assert scene.tell()[0].news_reason is NewsReason.REPEATED
    assert [(row.action, row.by, row.incident) for row in scene.audit] == [
        ("acknowledge", ANNA, 1),
        ("unacknowledge", "Boris", 1),
    ]
    assert "loss SIP/1" in scene.audit[0].what


def test_nothing_that_is_over_or_unknown_is_acknowledged() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.resolve("loss", "SIP/1")
    assert not acknowledge(scene)
    assert not acknowledge(scene, 99)
    assert not scene.audit


def test_a_forgotten_acknowledgement_is_brought_to_mind() -> None:
    scene = Scene()
    scene.wall_ahead_s = 500
    scene.fire("loss", "SIP/1")
    scene.now += 600
    acknowledge(scene)
    assert scene.wait(8 * HOUR_S - 1) == ()
    (reminded,) = scene.wait(1)
    assert (reminded.news_reason, reminded.news, reminded.ack is not None) == (NewsReason.REMINDER, 2, True)
    assert scene.wait(8 * HOUR_S - 1) == ()
    assert scene.wait(1)[0].news == 3


def test_worse_than_what_was_acknowledged_is_nobodys_yet() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    acknowledge(scene)
    (worse,) = scene.severity("loss", "SIP/1", CRITICAL)
    assert (worse.ack, worse.news_reason) == (None, NewsReason.WORSE)


def test_nothing_muted_is_repeated() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.mute_incident(1, T0 + 10 * HOUR_S, ANNA, scene.wall))
    assert scene.wait(9 * HOUR_S) == ()


# --- escalation ---------------------------------------------------------------------------------------------------------

ESCALATING = policy(routes=(Route(escalate_after_s=900.0, escalate_to=("boss",)),))


def test_what_nobody_takes_on_in_time_goes_further() -> None:
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    assert scene.wait(899) == ()
    (further,) = scene.wait(1)
    assert (further.targets, further.escalated_at, further.news) == (("noc", "boss"), T0 + 900, 1)
    scene.restart()
    assert scene.wait(900) == ()


def test_who_takes_it_on_prevents_that() -> None:
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    scene.fire("jitter", "SIP/2")
    scene.wait(100)
    acknowledge(scene)
    scene.wait(100)
    scene.resolve("jitter", "SIP/2")
    scene.wait(HOUR_S)
    assert {each.targets for each in scene.incidents.values()} == {("noc",)}


def test_what_is_given_back_has_the_whole_time_again() -> None:
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    scene.wait(100)
    acknowledge(scene)
    scene.wait(HOUR_S)
    scene.keep(scene.desk.unacknowledge(1, ANNA, scene.wall))
    scene.restart()
    assert scene.wait(899) == ()
    assert scene.wait(1)[0].targets == ("noc", "boss")


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_was_muted_has_the_whole_time_when_that_ends(restarts: bool, by_hand: bool) -> None:
    """Nobody was to look at it meanwhile, and who is told of it now needs time to react."""
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    scene.wait(60)
    scene.keep(scene.desk.mute_incident(1, T0 + 60 + 6 * HOUR_S, ANNA, scene.wall))
    assert scene.wait(5 * HOUR_S) == ()
    if restarts:
        scene.restart()
    if by_hand:
        scene.keep(scene.desk.unmute_incident(1, ANNA, scene.wall))
        assert (scene.incidents[1].mute, scene.incidents[1].targets) == (None, ("noc",))
        scene.tell()
        assert "boss" not in scene.incidents[1].targets
    else:
        (told,) = scene.wait(HOUR_S)
        assert (told.mute, told.news_reason, told.targets) == (None, NewsReason.UNMUTED, ("noc",))
    if restarts:
        scene.restart()
    scene.wait(898)
    assert "boss" not in scene.incidents[1].targets
    scene.wait(2)
    assert "boss" in scene.incidents[1].targets


def test_what_another_alert_explained_has_the_whole_time_when_that_is_over() -> None:
    scene = Scene(policy(routes=ESCALATING.routes, inhibitions=(BLIND,)))
    scene.fire("loss", "SIP/1")
    scene.fire("blind", "office", after_s=800)
    scene.wait(HOUR_S)
    scene.resolve("blind", "office")
    scene.wait(600)  # its grace, and less than the time it takes
    assert scene.incidents[1].mute is None
    assert "boss" not in scene.incidents[1].targets
    scene.wait(900)
    assert "boss" in scene.incidents[1].targets


def test_time_runs_from_the_first_news() -> None:
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    scene.severity("loss", "SIP/1", CRITICAL, after_s=800)
    assert scene.wait(100)[0].escalated_at == T0 + 900


def test_every_further_step_has_its_time() -> None:
    routes = (
        Route(rule("loss"), escalate_after_s=900.0, escalate_to=("boss",), go_on=True),
        Route(escalate_after_s=3600.0, escalate_to=("director",)),
    )
    scene = Scene(policy(routes=routes))
    scene.fire("loss", "SIP/1")
    assert scene.wait(900)[0].targets == ("noc", "boss")
    scene.restart()
    assert scene.wait(2699) == ()
    (further,) = scene.wait(1)
    assert (further.targets, further.escalated_at) == (("noc", "boss", "director"), T0 + 3600)
    assert scene.wait(3600) == ()


def test_what_turns_critical_goes_where_critical_ones_go() -> None:
    critical = Route(Matcher(severities=frozenset({CRITICAL})), escalate_after_s=300.0, escalate_to=("director",))
    scene = Scene(policy(routes=(critical, Route(escalate_after_s=900.0, escalate_to=("boss",)))))
    scene.fire("loss", "SIP/1")
    scene.wait(900)
    scene.severity("loss", "SIP/1", CRITICAL, after_s=100)
    scene.tell()
    assert scene.incidents[1].targets == ("noc", "boss", "director")


def test_who_took_on_less_has_the_whole_time_again() -> None:
    scene = Scene(ESCALATING)
    scene.fire("loss", "SIP/1")
    scene.wait(100)
    acknowledge(scene)
    scene.severity("loss", "SIP/1", CRITICAL, after_s=HOUR_S)
    assert scene.wait(899) == ()
    assert scene.wait(1)[0].targets == ("noc", "boss")


# --- routes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "severity", "targets"),
    [
        ((), WARNING, ("noc", "all")),
        ((), INFO, ("all",)),
        ((), CRITICAL, ("noc", "duty", "all")),
        ((Route(rule("loss"), ("boss",)),), INFO, ("boss",)),
        ((Route(rule("jitter"), ("boss",)),), WARNING, ("noc", "all")),
        ((Route(rule("loss"), ("boss",)), Route(rule("*"), ("other",))), WARNING, ("boss",)),
        ((Route(rule("loss"), ("boss",), go_on=True), Route(rule("*"), ("other",))), WARNING, ("boss", "other")),
        ((Route(rule("loss"), ("boss",), go_on=True),), WARNING, ("boss", "noc", "all")),
        ((Route(Matcher(labels={"team": (compile_selector("voip"),)}), ("voip",)),), WARNING, ("voip",)),
        ((Route(Matcher(labels={"team": (compile_selector("web"),)}), ("web",)),), WARNING, ("noc", "all")),
        ((Route(Matcher(severities=frozenset({CRITICAL})), ("boss",)),), CRITICAL, ("boss",)),
    ],
)
def test_who_is_told(routes: tuple[Route, ...], severity: Severity, targets: tuple[str, ...]) -> None:
    audiences = (Audience("noc"), Audience("duty", CRITICAL), Audience("far", INFO, ("branch",)), Audience("all", INFO))
    scene = Scene(policy(audiences=audiences, routes=routes, labels={"loss": {"team": "voip"}}))
    assert scene.fire("loss", "SIP/1", severity).targets == targets


def test_who_is_told_once_stays_told() -> None:
    scene = Scene(policy(audiences=(Audience("noc"), Audience("duty", CRITICAL))))
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2", CRITICAL)
    scene.resolve("loss", "SIP/2")
    assert scene.wait(100) == ()
    assert scene.incidents[1].targets == ("noc", "duty")


@pytest.mark.parametrize("fires", [True, False])
def test_what_flaps_on_a_pbx_that_is_no_longer_configured_is_over(*, fires: bool) -> None:
    scene = Scene(policy())
    for _ in range(3):
        scene.fire("trunk-down", "mango", after_s=20)
        scene.resolve("trunk-down", "mango", after_s=20)
    if fires:
        scene.fire("trunk-down", "mango", after_s=20)
    (flapping,) = scene.desk.open_incidents()
    assert (flapping.is_open, flapping.flapping) == (True, True)
    scene.restart()
    scene.alerts.clear()
    scene.keep(scene.desk.abandon("office", scene.now, scene.wall))
    assert scene.desk.open_incidents() == []
    closed = scene.get(flapping)
    assert (closed.is_open, closed.flapping, closed.news) == (False, False, flapping.news)
    assert scene.wait(3600) == ()
