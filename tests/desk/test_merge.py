"""A site that loses explains its phones, and people read one message, whoever was first."""

from __future__ import annotations

from dataclasses import replace

from qualitywatch.desk.inhibition import GRACE_S
from qualitywatch.desk.policy import Inhibition, Matcher
from qualitywatch.document import compile_selector
from qualitywatch.model import Incident, MuteKind, NewsReason, Severity
from qualitywatch.room import SilenceRequest
from tests.desk.scene import BLIND, Scene, key, policy, subjects

CRITICAL = Severity.CRITICAL
NORTH = {"SIP/1": "North", "SIP/2": "North", "SIP/3": "North", "SIP/11": "South"}
SITE = Inhibition(
    source=Matcher(rules=(compile_selector("site"),)),
    target=Matcher(rules=(compile_selector("loss"), compile_selector("jitter"))),
    equal=("site",),
    merge=True,
)


def scene_with(*inhibitions: Inhibition) -> Scene:
    return Scene(policy(inhibitions=inhibitions or (SITE,)), sites=NORTH)


def heard(scene: Scene) -> list[tuple[int, list[str], int]]:
    """Open incidents that anybody hears of: number, who fires in it unmuted, messages."""
    return [
        (incident.id, [member.key.subject for member in incident.firing if member.mute is None], incident.news)
        for incident in scene.incidents.values()
        if incident.is_open and incident.mute is None
    ]


def explained(incident: Incident) -> list[str]:
    return [member.key.subject for member in incident.members if member.mute is not None and member.mute.name == "North"]


def test_phones_that_lose_after_their_site_are_listed_with_it() -> None:
    scene = scene_with()
    scene.fire("site", "North")
    scene.fire("loss", "SIP/1", after_s=10)
    incident = scene.fire("jitter", "SIP/2", after_s=1)
    assert (subjects(incident), explained(incident), incident.news) == (["North", "SIP/1", "SIP/2"], ["SIP/1", "SIP/2"], 1)
    assert heard(scene) == [(1, ["North"], 1)]


def test_a_site_goes_on_in_the_message_of_its_phones() -> None:
    scene = scene_with()
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2", after_s=4)
    incident = scene.fire("site", "North", after_s=4)
    assert (incident.id, subjects(incident), explained(incident)) == (1, ["SIP/1", "SIP/2", "North"], ["SIP/1", "SIP/2"])
    assert heard(scene) == [(1, ["North"], 1)]
    mute = incident.members[0].mute
    assert mute is not None
    assert (mute.kind, mute.parent) == (MuteKind.INHIBITED, key("site", "North"))
    scene.fire("loss", "SIP/3", after_s=30)
    assert heard(scene) == [(1, ["North"], 1)]


def test_a_site_that_is_worse_is_told_anew_in_the_same_incident() -> None:
    scene = scene_with()
    scene.fire("loss", "SIP/1")
    incident = scene.fire("site", "North", CRITICAL, after_s=4)
    assert (incident.id, incident.news, incident.news_reason) == (1, 2, NewsReason.WORSE)


def test_a_phone_that_is_worse_than_its_site_speaks_in_the_same_incident_until_the_site_is_as_bad() -> None:
    scene = scene_with()
    scene.fire("site", "North")
    incident = scene.fire("loss", "SIP/1", CRITICAL, after_s=10)
    assert (incident.id, incident.severity, incident.news_reason) == (1, CRITICAL, NewsReason.WORSE)
    assert heard(scene) == [(1, ["North", "SIP/1"], 2)]
    scene.fire("loss", "SIP/2", after_s=1)
    assert heard(scene) == [(1, ["North", "SIP/1"], 2)]
    scene.fire("site", "North", CRITICAL, after_s=10)
    assert heard(scene) == [(1, ["North"], 2)]


def test_phones_of_other_sites_keep_their_own_message() -> None:
    scene = scene_with()
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/11", after_s=1)
    scene.tell(scene.fired("site", "North", after_s=4))
    assert heard(scene) == [(1, ["SIP/11"], 1), (2, ["North"], 1)], "the first message is about more than the site"
    assert explained(scene.of("loss", "SIP/11")) == ["SIP/1"]


def test_the_fullest_of_several_messages_goes_on() -> None:
    scene = scene_with()
    scene.fire("jitter", "SIP/3")
    scene.fire("loss", "SIP/1", after_s=1)
    scene.fire("loss", "SIP/2", after_s=1)
    scene.tell(scene.fired("site", "North", after_s=4))
    assert heard(scene) == [(2, ["North"], 1)]
    assert explained(scene.get(scene.incidents[1])) == ["SIP/3"]


def test_what_somebody_took_on_is_not_what_he_gets() -> None:
    scene = scene_with()
    incident = scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.acknowledge(incident.id, "Anna", scene.wall))
    scene.tell(scene.fired("site", "North", after_s=4))
    assert heard(scene) == [(2, ["North"], 1)], "a message of its own, which nobody has acknowledged"


def test_a_site_is_not_lost_in_the_quiet_of_a_phone() -> None:
    scene = scene_with()
    incident = scene.fire("loss", "SIP/1")
    scene.keep(scene.desk.silence(SilenceRequest(scene.wall + 3600, subjects=("SIP/1",)), "Anna", scene.wall)[1])
    scene.tell(scene.fired("site", "North", after_s=4))
    assert heard(scene) == [(2, ["North"], 1)]
    assert scene.get(incident).news == 1


def test_without_merge_a_site_has_a_message_of_its_own() -> None:
    scene = scene_with(replace(SITE, merge=False))
    scene.fire("loss", "SIP/1")
    scene.tell(scene.fired("site", "North", after_s=4))
    assert heard(scene) == [(2, ["North"], 1)]


def test_a_phone_that_outlives_its_site_speaks_for_itself_in_the_same_message() -> None:
    scene = scene_with()
    scene.fire("loss", "SIP/1")
    scene.fire("loss", "SIP/2", after_s=1)
    scene.fire("site", "North", after_s=4)
    scene.resolve("loss", "SIP/2", after_s=60)
    scene.resolve("site", "North", after_s=1)
    scene.wait(GRACE_S)
    assert heard(scene) == [(1, ["SIP/1"], 1)]
    closed = scene.resolve("loss", "SIP/1", after_s=60)
    assert (closed.id, closed.is_open, closed.news) == (1, False, 1)


def test_all_over_is_one_incident_that_is_over() -> None:
    scene = scene_with()
    scene.fire("loss", "SIP/1")
    scene.fire("site", "North", after_s=4)
    scene.resolve("loss", "SIP/1", after_s=60)
    closed = scene.resolve("site", "North", after_s=1)
    assert (closed.is_open, closed.news, len(scene.incidents)) == (False, 1, 1)


def test_a_restart_changes_nothing() -> None:
    scene = scene_with(BLIND, SITE)
    scene.fire("loss", "SIP/1")
    scene.fire("site", "North", after_s=4)
    scene.restart()
    sites, scene.sites = scene.sites, {}  # where phones are is not known before they are heard of
    scene.wait(60)
    assert heard(scene) == [(1, ["North"], 1)]
    scene.sites = sites
    scene.fire("loss", "SIP/2", after_s=1)
    assert heard(scene) == [(1, ["North"], 1)]
    assert explained(scene.incidents[1]) == ["SIP/1", "SIP/2"]
