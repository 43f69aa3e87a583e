"""From alerts to incidents: opening, joining, ending, severity, figures."""

from __future__ import annotations

import time

import pytest

from qualitywatch.model import MemberState, NewsReason, Severity
from tests.desk.scene import T0, Scene, policy, subjects

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def test_a_firing_alert_opens_an_incident_and_is_told() -> None:
    scene = Scene()
    incident = scene.fire("loss", "SIP/1")
    assert (incident.id, incident.pbx, incident.opened_at, incident.is_open) == (1, "office", T0, True)
    assert (incident.news, incident.news_reason, incident.news_at) == (1, NewsReason.OPENED, T0)
    assert (incident.severity, incident.worst, incident.targets) == (WARNING, WARNING, ("noc",))
    assert scene.tell() == (), "nothing is new"


def test_a_pending_alert_concerns_nobody() -> None:
    scene = Scene()
    assert scene.pend("loss", "SIP/1") == ()
    assert scene.wait(60) == ()
    assert not scene.desk.open_incidents()


def test_alerts_of_one_rule_within_the_time_are_one_incident() -> None:
    scene = Scene()
    first = scene.fire("loss", "SIP/1")
    assert scene.fire("loss", "SIP/2", after_s=60).id == first.id
    joined = scene.fire("loss", "SIP/3", after_s=60)  # 60 s after the last that joined
    assert subjects(joined) == ["SIP/1", "SIP/2", "SIP/3"]
    assert joined.news == 1, "an edit, no new message"
    assert scene.fire("loss", "SIP/4", after_s=60.5).id != first.id
    assert scene.fire("jitter", "SIP/5").id not in {first.id, first.id + 1}


def test_the_same_subject_joins_at_any_time() -> None:
    scene = Scene()
    first = scene.fire("loss", "SIP/1")
    joined = scene.fire("jitter", "SIP/1", after_s=5000)
    assert joined.id == first.id
    assert scene.fire("jitter", "SIP/2").id == 2, "the group of an incident is that of its first member"


@pytest.mark.parametrize(
    ("group_by", "together"), [((), False), (("rule",), False), (("severity",), True), (("direction", "severity"), True)]
)
def test_the_group_is_what_the_policy_says(group_by: tuple[str, ...], *, together: bool) -> None:
    scene = Scene(policy(group_by=group_by))
    first = scene.fire("loss", "SIP/1")
    assert (scene.fire("jitter", "SIP/2").id == first.id) is together
    assert scene.fire("rtt", "SIP/3", CRITICAL).id != first.id


def test_the_group_of_an_incident_follows_its_first_member() -> None:
    scene = Scene(policy(group_by=("severity",)))
    first = scene.fire("loss", "SIP/1")
    scene.severity("loss", "SIP/1", CRITICAL)
    assert scene.fire("rtt", "SIP/3", CRITICAL).id == first.id


def test_pbxes_have_nothing_in_common_but_the_count() -> None:
    here = Scene()
    there = Scene(pbx="branch")
    there.desk = here.desk
    assert here.fire("loss", "SIP/1").id == 1
    assert there.fire("loss", "SIP/1").id == 2


def test_a_resolved_alert_ends_the_incident_with_its_last_member() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2")
    half = scene.resolve("loss", "SIP/1", after_s=30, because="no_data")
    member = half.members[0]
    assert (member.state, member.ended_at, member.resolved_because) == (MemberState.RESOLVED, T0 + 30, "no_data")
    assert half.is_open
    done = scene.resolve("loss", "SIP/2", after_s=30)
    assert (done.closed_at, done.news) == (T0 + 60, 1)
    assert not scene.desk.open_incidents()
    assert scene.desk.incident(1) == done
    assert scene.fire("loss", "SIP/1").id == 2, "what is closed stays closed"


def test_what_fires_again_is_the_same_member() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2")
    scene.resolve("loss", "SIP/1", after_s=10)
    again = scene.fire("loss", "SIP/1", after_s=1000)
    assert subjects(again) == ["SIP/1", "SIP/2"]
    assert again.members[0].state is MemberState.FIRING
    assert again.members[0].fires == (T0 + 1010,), "the first is out of the flap window"
    assert (again.members[0].ended_at, again.news) == (None, 1)


def test_the_severity_is_that_of_the_worst_that_fires_and_news_only_when_it_was_never_so_bad() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    (worse,) = scene.severity("loss", "SIP/1", CRITICAL, after_s=1)
    assert (worse.severity, worse.news, worse.news_reason, worse.news_at) == (CRITICAL, 2, NewsReason.WORSE, T0 + 1)
    assert scene.severity("loss", "SIP/1", WARNING, after_s=1) == (), "downwards waits with the figures"
    (better,) = scene.wait(10)
    assert (better.severity, better.worst, better.news) == (WARNING, CRITICAL, 2)
    (again,) = scene.severity("loss", "SIP/1", CRITICAL, after_s=1)
    assert (again.severity, again.news) == (CRITICAL, 2)
    scene.severity("loss", "SIP/1", WARNING)
    scene.wait(10)
    assert scene.resolve("loss", "SIP/1").severity is CRITICAL, "once closed, the worst ever"


def test_a_worse_member_is_news() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    assert scene.fire("loss", "SIP/2", CRITICAL).news_reason is NewsReason.WORSE


def test_one_step_tells_one_news() -> None:
    scene = Scene()
    (incident,) = scene.tell(scene.fired("loss", "SIP/1"), scene.fired("loss", "SIP/2", CRITICAL))
    assert (incident.news, incident.news_reason, incident.worst) == (1, NewsReason.OPENED, CRITICAL)
    (over,) = scene.tell(scene.fired("rtt", "SIP/9"), scene.resolved("rtt", "SIP/9", after_s=5))
    assert (over.news, over.closed_at) == (1, T0 + 5), "what came and went within a step is told as well"


def test_figures_are_brought_up_to_date_every_ten_seconds() -> None:
    scene = Scene()
    first = scene.fire("loss", "SIP/1")
    scene.measure("loss", "SIP/1", 7.0)
    assert scene.wait(9.5) == ()
    (after,) = scene.wait(0.5)
    assert (after.members[0].alert.value, after.revision, after.news) == (7.0, first.revision + 1, 1)
    assert scene.wait(10) == (), "nothing a reader could see has changed"


def test_what_is_no_longer_watched_is_dropped() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.alerts.clear()
    (closed,) = scene.wait(1)
    assert (closed.members[0].resolved_because, closed.closed_at) == ("dropped", T0 + 1)


def test_what_nobody_told_of_is_taken_in() -> None:
    scene = Scene()
    for subject in ("SIP/1", "SIP/2"):
        scene.fired("loss", subject)
    (incident,) = scene.wait(100)
    assert (incident.opened_at, incident.news, subjects(incident)) == (T0 + 100, 1, ["SIP/1", "SIP/2"])


def test_what_happened_is_an_incident_that_is_over_at_once() -> None:
    scene = Scene()
    first = scene.happen("agent", "SIP/1")
    assert (first.closed_at, first.news, first.members[0].state) == (T0, 1, MemberState.HAPPENED)
    burst = scene.happen("agent", "SIP/2", after_s=50)
    assert (burst.id, burst.closed_at, burst.news) == (first.id, T0, 1)
    assert scene.happen("agent", "SIP/3", CRITICAL, after_s=50).news_reason is NewsReason.WORSE
    assert scene.happen("agent", "SIP/4", after_s=61).id == 2
    assert scene.fire("agent", "SIP/5").id == 3, "what lasts does not join what is over"


def test_what_happens_again_to_a_subject_is_told_together_with_what_happened_before() -> None:
    scene = Scene()
    first = scene.happen("agent", "SIP/1")
    scene.happen("agent", "SIP/2", after_s=1)
    again = scene.happen("agent", "SIP/1", after_s=2)
    assert (again.id, again.news, again.members[0].fires) == (first.id, 1, (T0, T0 + 3))
    assert again.members[0].alert.since_at == first.members[0].alert.since_at
    assert again.revision > first.revision


def test_what_happened_joins_a_group_but_not_a_subject() -> None:
    scene = Scene()
    assert scene.fire("loss", "SIP/1").id == 1
    assert scene.happen("agent", "SIP/1").id == 2
    mixed = scene.happen("loss", "SIP/2")
    assert (mixed.id, mixed.is_open) == (1, True)
    assert scene.resolve("loss", "SIP/1").closed_at is not None


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    scene = Scene(policy(flap_fires=2))
    scene.fire("loss", "SIP/1")
    scene.now -= 7200
    (moved,) = scene.tell()
    assert (moved.opened_at, moved.news_at, moved.members[0].joined_at) == (T0 - 7200,) * 3
    assert scene.fire("loss", "SIP/2", after_s=61).id != 1
    assert [each.news_reason for each in scene.wait(4 * 3600)] == [NewsReason.REPEATED] * 2
    scene.resolve("loss", "SIP/1")
    scene.fire("loss", "SIP/1")
    scene.resolve("loss", "SIP/1")
    scene.fire("loss", "SIP/1")
    scene.resolve("loss", "SIP/1")
    scene.now -= 7200
    scene.tell()
    assert scene.wait(600)[0].closed_at is not None


def test_open_incidents_are_most_urgent_first() -> None:
    scene = Scene(policy(group_by=()))
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2", after_s=1)
    scene.fire("loss", "SIP/3", CRITICAL, after_s=1)
    assert [subjects(each)[0] for each in scene.desk.open_incidents()] == ["SIP/3", "SIP/1", "SIP/2"]


def test_a_restart_changes_nothing() -> None:
    scene = Scene()
    scene.fire("loss", "SIP/1")
    scene.happen("agent", "SIP/4")
    scene.restart()
    assert scene.tell() == ()
    assert scene.fire("loss", "SIP/2", after_s=30).id == 1
    assert scene.happen("agent", "SIP/5").id == 2
    scene.restart()
    assert scene.fire("rtt", "SIP/3").id == 3
    assert scene.resolve("loss", "SIP/1").is_open


@pytest.mark.parametrize("group_by", [(), ("rule",)])
def test_a_thousand_alerts_are_no_trouble(group_by: tuple[str, ...]) -> None:
    scene = Scene(policy(group_by=group_by))
    began = time.perf_counter()
    for number in range(1000):
        fired = scene.fired("loss", f"SIP/{number}", after_s=0.01)
        change = scene.desk.step("office", [fired], list(scene.alerts.values()), scene.now)
        assert change.incidents
    alerts = list(scene.alerts.values())
    assert time.perf_counter() - began < 3
    began = time.perf_counter()
    for number in range(10_000):
        assert not scene.desk.step("office", (), alerts, scene.now + number * 0.0001)
    assert time.perf_counter() - began < 0.5, "a step without anything to do costs microseconds"
