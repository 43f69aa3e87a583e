"""What was removed from the configuration of a PBX stops alerting, says why, and nothing else does."""

from __future__ import annotations

import pytest

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import translate
from qualitywatch.model import (
    EndpointsAsked,
    NotifyReason,
    PeerState,
    Reloaded,
    Resynced,
    Roster,
    Transition,
    TrunkState,
    TrunkStateSeen,
)
from qualitywatch.notify.render import headline
from tests.test_pipeline import START, TRUNK, World, connected, lost_sight, peer, trunk

DAY = 86_400
PHONE = "SIP/6117"
OTHER = "SIP/74993802@sip.example"


def looked(at: float, *rosters: Roster, booted: bool = True) -> Resynced:
    return Resynced(START + at, frozenset(), booted, True, rosters)


def trunks(*names: str, technology: str = "SIP") -> Roster:
    return Roster("trunk", technology, frozenset(names))


def peers(*names: str, technology: str = "SIP") -> Roster:
    return Roster("peer", technology, frozenset(names))


def ends(world: World) -> list[Transition]:
    return [move for move in world.transitions if move.reason is NotifyReason.RESOLVED]


def said(world: World) -> list[tuple[str, str]]:
    return [(headline(move, "en"), headline(move, "ru")) for move in ends(world)]


def test_a_registration_that_was_deleted_ends_its_alert_and_says_why() -> None:
    """Asterisk unregisters it, says so, and never speaks of it again."""
    world = World()
    world.feed(connected(0), trunk(1, TrunkState.REGISTERED, listed=True), looked(2, trunks(TRUNK, OTHER)))
    world.feed(trunk(100, TrunkState.UNREGISTERED))
    world.wait(400)
    assert world.state("trunk-down") == "firing"
    world.feed(looked(400, trunks(OTHER)))
    assert ends(world) == []  # a list read while all is made anew is whole and empty: it is asked for again
    assert world.effects[-1].resync_wanted
    world.feed(looked(421, trunks(OTHER)))
    assert said(world) == [
        (
            f"trunk {TRUNK}: no longer configured on the PBX, ended after 5 min",
            f"Транк {TRUNK}: больше нет в настройках АТС, завершено через 5 мин",
        )
    ]
    assert ends(world)[0].at == START + 421
    assert not world.effects[-1].resync_wanted
    assert TRUNK not in world.pipeline.trunks.states()
    assert world.effects[-1].memories == {TRUNK: ""}
    world.wait(DAY)
    assert world.pipeline.alerts == []


def test_one_deleted_with_a_reload_never_alerts() -> None:
    world = World()
    world.feed(connected(0), trunk(1, TrunkState.REGISTERED), looked(2, trunks(TRUNK, OTHER)))
    world.feed(trunk(99, TrunkState.UNREGISTERED), Reloaded(START + 99.2, "res_pjsip.so"), trunk(99.4, TrunkState.UNREGISTERED))
    world.feed(looked(119, trunks(OTHER)), looked(127, trunks(OTHER)))
    world.wait(DAY)
    assert world.told() == []


def test_an_alert_from_before_a_restart_of_ours_ends_too() -> None:
    first = World()
    first.feed(connected(0), trunk(1, TrunkState.REJECTED), peer(1, PeerState.REACHABLE), peer(2, PeerState.UNREACHABLE))
    first.wait(1000)
    world = World(alerts=first.pipeline.alerts)
    world.feed(connected(2000), looked(2001, trunks(OTHER), peers("SIP/1")), looked(2021, trunks(OTHER), peers("SIP/1")))
    assert {(move.alert.key.rule, move.resolved_because) for move in ends(world)} == {
        ("trunk-down", "removed"),
        ("peer-down", "removed"),
    }


def test_a_phone_that_was_deleted_while_it_was_gone_ends_its_alert() -> None:
    world = World()
    world.feed(connected(0), peer(1, PeerState.REACHABLE, PHONE, listed=True), looked(2, peers(PHONE, "SIP/6118")))
    world.feed(peer(10, PeerState.UNREACHABLE, PHONE))
    world.wait(400)
    world.feed(looked(430, peers("SIP/6118")), looked(451, peers("SIP/6118")))
    ((english, russian),) = said(world)
    assert english == f"{PHONE}: no longer configured on the PBX, ended after 7 min"
    assert russian == f"{PHONE}: больше нет в настройках АТС, завершено через 7 мин"
    assert PHONE not in world.pipeline.peers.states()


def test_a_phone_of_a_database_that_expired_is_missed_though_lists_name_it_no_more() -> None:
    """With ``rtautoclear`` chan_sip forgets it until it registers again."""
    world = World()
    database = Roster("peer", "SIP", frozenset({PHONE, "SIP/6118"}), passing=frozenset({PHONE}))
    world.feed(connected(0), peer(1, PeerState.REGISTERED, PHONE, listed=True), looked(2, database))
    world.feed(peer(100, PeerState.UNREGISTERED, PHONE))
    world.wait(500)
    world.feed(looked(600, peers("SIP/6118")), looked(620, peers("SIP/6118")))
    assert world.state("peer-down") == "firing"
    assert ends(world) == []


def test_what_is_configured_again_is_watched_again() -> None:
    world = World()
    world.feed(connected(0), trunk(1, TrunkState.REJECTED), looked(2, trunks()), looked(22, trunks()))
    assert [move.resolved_because for move in ends(world)] == ["removed"]
    world.feed(trunk(100, TrunkState.REJECTED))
    world.wait(110)
    assert world.state("trunk-down") == "firing"


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param([looked(500), looked(520)], id="denied, partial or broken off"),
        pytest.param([looked(500, trunks(), booted=False), looked(520, trunks(), booted=False)], id="Asterisk is starting"),
        pytest.param([looked(500, trunks(technology="PJSIP"))] * 2, id="another technology"),
        pytest.param([looked(500, peers())] * 2, id="a list of peers"),
        pytest.param([looked(500, trunks()), looked(520, trunks(TRUNK)), looked(540, trunks())], id="not twice in a row"),
        pytest.param([looked(500, trunks()), lost_sight(510), connected(520), looked(521, trunks())], id="a gap between"),
    ],
)
def test_anything_less_than_two_whole_lists_drops_nothing(lists: list[Resynced]) -> None:
    world = World()
    world.feed(connected(0), trunk(1, TrunkState.REJECTED), looked(2, trunks(TRUNK)))
    world.wait(400)
    world.feed(*lists)
    assert world.state("trunk-down") == "firing"
    assert ends(world) == []
    assert TRUNK in world.pipeline.trunks.states()


@pytest.mark.parametrize("name", ["PJSIP/701", "SIP/realtime", "IAX2/unlisted"])
def test_a_peer_of_which_no_list_ever_told_is_never_dropped(name: str) -> None:
    """Least rights list no endpoint of PJSIP, and a phone of a database may be in no list of chan_sip."""
    world = World()
    technology = name.partition("/")[0]
    world.feed(connected(0), looked(1, peers(technology=technology)))
    world.feed(peer(2, PeerState.REACHABLE, name), peer(10, PeerState.UNREACHABLE, name))
    world.wait(400)
    world.feed(*(looked(400 + 20 * number, peers(technology=technology)) for number in range(5)))
    assert world.state("peer-down") == "firing"
    assert name in world.pipeline.peers.states()


def entry(at: float, status: str) -> World:
    """A phone was unreachable, then ``qualify=no`` was set: the list says so as chan_sip of Asterisk 13 to 20 writes it."""
    world = World()
    world.feed(connected(0), peer(1, PeerState.REACHABLE, PHONE), peer(10, PeerState.UNREACHABLE, PHONE))
    world.wait(at)
    head = "Event: PeerEntry\nActionID: x\nChanneltype: SIP\nObjectName: 6117\nIPaddress: 192.0.2.5\nIPport: 5060\nDynamic: yes"
    world.feed(*translate(Message(f"{head}\nStatus: {status}\n\n".replace("\n", "\r\n").encode()), START + at))
    world.wait(at + 20)
    return world


def test_a_phone_that_is_no_longer_asked_whether_it_is_there_is_no_longer_missed() -> None:
    world = entry(431, "Unmonitored")
    assert world.pipeline.peers.states() == {PHONE: PeerState.REGISTERED}
    assert world.state("peer-down") == "inactive"
    assert entry(431, "UNREACHABLE").state("peer-down") == "firing"


def test_peers_find_the_one_trunk_that_is_left_at_their_address() -> None:
    """Of two registrations at one address nothing is guessed; once one is gone, the other carries the calls."""
    world = World()
    at_provider = peer(3, PeerState.REACHABLE, "SIP/provider", listed=True, address="sip.example:5060")
    other = TrunkStateSeen(START + 1, OTHER, TrunkState.REGISTERED)
    world.feed(connected(0), trunk(1, TrunkState.REGISTERED), other, at_provider)
    world.feed(looked(4, trunks(TRUNK, OTHER)))
    assert world.pipeline.trunk_of("SIP/provider") is None
    world.feed(looked(100, trunks(OTHER)), looked(120, trunks(OTHER)))
    assert world.pipeline.trunk_of("SIP/provider") == OTHER


# --- Endpoints of PJSIP, which no list names ---------------------------------------------------------------------------

GONE, THERE = "PJSIP/701", "PJSIP/702"


def answered(at: float, configured: set[str], unknown: set[str]) -> EndpointsAsked:
    return EndpointsAsked(START + at, frozenset(configured), frozenset(unknown))


def missed(*others: str) -> World:
    """One endpoint is missed, others are there."""
    world = World()
    world.feed(connected(0), *(peer(1, PeerState.REACHABLE, name) for name in (GONE, *others)), looked(2))
    world.feed(peer(10, PeerState.UNREACHABLE, GONE))
    world.wait(400)
    assert world.state("peer-down") == "firing"
    return world


def test_an_endpoint_that_was_deleted_while_it_was_missed_ends_its_alert_and_says_why() -> None:
    world = missed(THERE)
    world.feed(looked(430))
    assert world.effects[-1].endpoints == (THERE, GONE)
    world.feed(answered(431, {THERE}, {GONE}))
    assert ends(world) == []
    assert world.effects[-1].resync_wanted
    world.feed(looked(451), answered(452, {THERE}, {GONE}))
    assert said(world) == [
        (
            f"{GONE}: no longer configured on the PBX, ended after 7 min",
            f"{GONE}: больше нет в настройках АТС, завершено через 7 мин",
        )
    ]
    assert not world.effects[-1].resync_wanted
    assert world.pipeline.peers.states() == {THERE: PeerState.REACHABLE}
    world.wait(DAY)
    assert world.pipeline.alerts == []


def test_one_that_is_deleted_from_a_database_is_found_without_a_reload() -> None:
    world = missed(THERE)
    world.effects.clear()
    world.wait(3600 + 400)
    assert [effects.endpoints for effects in world.effects] == [(THERE, GONE)]


def test_nobody_is_asked_for_while_nobody_is_missed() -> None:
    world = World()
    world.feed(connected(0), peer(1, PeerState.REACHABLE, THERE), peer(1, PeerState.UNREACHABLE, PHONE), looked(2))
    world.wait(8000)
    world.feed(looked(8001))
    assert {effects.endpoints for effects in world.effects} == {()}


def test_of_many_who_are_there_some_are_asked_for_from_end_to_end() -> None:
    many = [f"PJSIP/{number}" for number in range(1000, 1500)]
    world = missed(*many)
    world.feed(looked(430))
    *witnesses, last = world.effects[-1].endpoints
    assert last == GONE
    assert len(witnesses) == 20
    assert witnesses == sorted(witnesses)
    assert (witnesses[0], witnesses[-1]) == ("PJSIP/1000", "PJSIP/1475")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([answered(500, {THERE}, set())] * 2, id="not asked for"),
        pytest.param([answered(500, {THERE, GONE}, set())] * 2, id="configured"),
        pytest.param([answered(500, set(), {GONE})] * 2, id="no proof that the PBX can tell"),
        pytest.param([answered(500, {THERE}, {GONE, "PJSIP/703"})] * 2, id="half of those who are there are unknown too"),
        pytest.param(
            [answered(500, {THERE}, {GONE}), answered(520, {THERE, GONE}, set()), answered(540, {THERE}, {GONE})],
            id="not twice in a row",
        ),
        pytest.param([answered(500, {THERE}, {GONE}), lost_sight(510), answered(511, {THERE}, {GONE})], id="out of sight"),
        pytest.param(
            [
                *(answered(500, {THERE}, {GONE}), lost_sight(510), connected(520)),
                *(peer(521, PeerState.REACHABLE, THERE), answered(522, {THERE}, {GONE})),
            ],
            id="a gap between",
        ),
    ],
)
def test_anything_less_than_two_rounds_of_proof_drops_no_endpoint(events: list[EndpointsAsked]) -> None:
    world = missed(THERE, "PJSIP/703")
    world.feed(*events)
    assert world.state("peer-down") == "firing"
    assert ends(world) == []


def test_who_came_back_meanwhile_is_not_dropped() -> None:
    world = missed(THERE)
    world.feed(answered(430, {THERE}, {GONE}), peer(440, PeerState.REACHABLE, GONE), answered(450, {THERE}, {GONE}))
    assert world.pipeline.peers.states()[GONE] is PeerState.REACHABLE
    assert [move.resolved_because for move in ends(world)] == ["clear"]
