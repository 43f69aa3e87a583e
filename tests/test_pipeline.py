"""One PBX from events to effects: blind times, restarts, clocks, and that it does not matter who counts the seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    AgentRecord,
    AgentSeen,
    Alert,
    AlertState,
    Booted,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    Direction,
    Disconnected,
    NotifyReason,
    PbxEvent,
    PeerState,
    PeerStateSeen,
    ReportBlock,
    Resynced,
    RtcpReport,
    SenderInfo,
    ShuttingDown,
    Transition,
    TrunkState,
    TrunkStateSeen,
)
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.codec import dumps, loads

SHIPPED = load_rules([Path(__file__).parents[1] / "rules"])
START = 1_700_000_000.0
TRUNK = "SIP/74993801@sip.example"


def rules(folder: Path, text: str) -> tuple[RuleSpec, ...]:
    (folder / "rules.yml").write_text(f"rules:\n{text}", encoding="utf-8")
    return load_rules([folder])


class World:
    """A pipeline, and everything that came of it. Times are seconds after the beginning."""

    def __init__(
        self,
        specs: Sequence[RuleSpec] = SHIPPED,
        *,
        alerts: Sequence[Alert] = (),
        agents: Sequence[AgentRecord] = (),
        agents_learned: bool = True,
        names: dict[str, str] | None = None,
    ) -> None:
        self.pipeline = Pipeline("office", specs, alerts=alerts, agents=agents, agents_learned=agents_learned, names=names)
        self.effects: list[Effects] = []

    def feed(self, *events: PbxEvent) -> None:
        self.effects += [self.pipeline.feed(event) for event in events]

    def wait(self, until: float) -> None:
        self.effects.append(self.pipeline.advance(START + until))

    @property
    def transitions(self) -> list[Transition]:
        return [transition for effects in self.effects for transition in effects.transitions]

    def told(self, rule: str | None = None) -> list[tuple[float, str, str]]:
        """What somebody is told: when, why and by which rule."""
        return [
            (move.at - START, str(move.reason), move.alert.key.rule)
            for move in self.transitions
            if move.reason is not NotifyReason.NONE and rule in {None, move.alert.key.rule}
        ]

    def state(self, rule: str) -> str:
        return next((str(alert.state) for alert in self.pipeline.alerts if alert.key.rule == rule), "inactive")

    def logs(self, kind: str) -> list[str]:
        return [log.text for effects in self.effects for log in effects.logs if log.kind == kind]


def connected(at: float) -> Connected:
    return Connected(START + at)


def lost_sight(at: float) -> Disconnected:
    return Disconnected(START + at, "connection lost")


def peer(
    at: float, state: PeerState, name: str = "SIP/105", *, listed: bool = False, address: str | None = None
) -> PeerStateSeen:
    return PeerStateSeen(START + at, name, state, address=address, snapshot=listed)


def trunk(at: float, state: TrunkState, *, refresh_s: float | None = None, listed: bool = False) -> TrunkStateSeen:
    return TrunkStateSeen(START + at, TRUNK, state, refresh_s, snapshot=listed)


def agent(
    at: float, user_agent: str | None, name: str = "SIP/105", *, listed: bool = False, address: str | None = None
) -> AgentSeen:
    return AgentSeen(START + at, name, user_agent, address, listed=listed)


def channel(number: int = 1, name: str = "SIP/6117") -> Channel:
    return Channel(f"{name}-{number:08x}", f"1700000000.{number}", state="Up", codec="alaw")


def heard(at: float, received: int, lost: int, number: int = 1) -> RtcpReport:
    """What we heard of the phone: ``received`` and ``lost`` since the beginning of the call."""
    block = ReportBlock(0xB000 + number, 0, lost, 1000 + received + lost, 8, 1, 1.0)
    sender = SenderInfo(START + at, int(at * 8000), received + lost, 0)
    here, there = f"10.0.0.1:{10_000 + number}", "10.0.0.2:4000"
    return RtcpReport(START + at, Direction.FROM_PEER, channel(number), 0xA000, sender, block, None, there, here)


def lossy(begin: float, end: float, percent: float, number: int = 1, *, every: float = 5.0) -> list[RtcpReport]:
    """Reports of a call that loses so much of 50 packets a second; its counters begin with the call."""
    reports, at = [], begin
    while at <= end:
        expected = round((at - begin) * 50)
        lost = round(expected * percent / 100)
        reports.append(heard(at, expected - lost, lost, number))
        at += every
    return reports


# --- Blind ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", [1, 2, 30])
def test_an_outage_is_one_alert_however_often_it_is_tried_again(attempts: int) -> None:
    world = World()
    world.feed(connected(0))
    for attempt in range(attempts):
        world.feed(lost_sight(10 + attempt * 10))
    world.wait(600)
    assert world.told() == [(40, "firing", "pbx-blind"), (130, "severity_increased", "pbx-blind")]
    world.feed(connected(600))
    assert world.told()[2:] == [(600, "resolved", "pbx-blind")]


def test_a_short_outage_tells_nobody() -> None:
    world = World()
    world.feed(connected(0), lost_sight(10))
    world.wait(39)
    world.feed(connected(39))
    world.wait(200)
    assert world.told() == []


def test_a_pbx_that_was_never_reached_is_told() -> None:
    world = World()
    world.feed(lost_sight(0), lost_sight(5))
    world.wait(60)
    assert world.told() == [(30, "firing", "pbx-blind")]


def test_nothing_changes_while_nothing_can_be_seen() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 60, 6), trunk(60, TrunkState.REJECTED), peer(60, PeerState.REACHABLE))
    world.feed(peer(61, PeerState.UNREACHABLE))
    before = {alert.key.rule: alert for alert in world.pipeline.alerts}
    assert {rule: str(alert.state) for rule, alert in before.items()} == {
        "loss": "firing",
        "trunk-down": "firing",
        "peer-down": "pending",
    }
    world.feed(lost_sight(62))
    world.wait(4000)
    world.feed(lost_sight(5000))
    after = {alert.key.rule: alert for alert in world.pipeline.alerts}
    assert after.pop("pbx-blind").state is AlertState.FIRING
    assert after == before


def test_a_window_is_not_bridged_over_an_outage() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 7, 50, every=1))
    world.feed(lost_sight(8), connected(20))
    world.feed(*lossy(20, 27, 50, every=1))  # the first of them is a baseline again
    assert world.state("loss") == "inactive", "7 s before and 7 s after are not 14 s"


def test_a_hold_is_not_bridged_over_an_outage() -> None:
    world = World()
    world.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE))
    world.wait(210)  # 200 s of 300 s
    world.feed(lost_sight(210))
    world.wait(900)
    world.feed(connected(900), peer(901, PeerState.UNREACHABLE, listed=True), Resynced(START + 902))
    world.wait(1200)
    assert world.told("peer-down") == [(1000, "firing", "peer-down")]


def test_a_clear_hold_is_not_bridged_over_an_outage() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 60, 6), ChannelHungUp(START + 61, channel(), 16))
    world.wait(150)  # nothing left to judge since 120
    world.feed(lost_sight(150))
    world.wait(400)
    world.feed(connected(400))
    world.wait(600)
    ((_, _, _), (ended_at, reason, _)) = world.told("loss")
    assert reason == "resolved"
    # 30 s of the 120 s had passed, then a whole window must have been seen empty once more.
    assert ended_at == 490


def test_an_alert_outlives_an_outage_and_ends_after_it() -> None:
    world = World()
    world.feed(connected(0), trunk(0, TrunkState.REJECTED), lost_sight(10))
    world.wait(300)
    world.feed(connected(300), trunk(301, TrunkState.REGISTERED, listed=True), Resynced(START + 302))
    world.wait(320)
    assert world.told("trunk-down") == [(0, "firing", "trunk-down"), (306, "resolved", "trunk-down")]


# --- Restarts of Asterisk ---------------------------------------------------------------------------------------------


def test_a_restart_of_asterisk_drops_its_channels() -> None:
    world = World()
    world.feed(connected(0), Booted(START + 1, 5000), *lossy(2, 12, 0))
    assert len(world.pipeline.streams) == 1
    world.feed(ShuttingDown(START + 13, restart=True), lost_sight(14), connected(20), Booted(START + 21, 3))
    assert len(world.pipeline.streams) == 0
    assert world.logs("shutdown") == ["restart"]
    assert world.logs("restart") == ["Asterisk was restarted"]


def test_a_connection_that_was_lost_is_no_restart() -> None:
    world = World()
    world.feed(connected(0), Booted(START + 1, 5000), *lossy(2, 12, 0))
    world.feed(lost_sight(14), connected(20), Booted(START + 21, 5021), Resynced(START + 22, frozenset({"1700000000.1"})))
    assert len(world.pipeline.streams) == 1
    assert world.logs("restart") == []


def test_an_uptime_nobody_told_is_no_restart() -> None:
    world = World()
    world.feed(connected(0), Booted(START + 1, 5000), Booted(START + 2, None), Booted(START + 30, 5030))
    assert world.logs("restart") == []


def test_a_uniqueid_used_again_after_a_restart_is_another_call() -> None:
    world = World()
    world.feed(connected(0), Booted(START + 1, 5000), *lossy(2, 12, 0))
    world.feed(
        lost_sight(14), connected(20), Booted(START + 21, 3), *lossy(22, 24, 0), ChannelHungUp(START + 25, channel(), 16)
    )
    (record,) = world.effects[-1].calls
    assert record.started_at == START + 22


def test_a_resync_drops_channels_whose_hangup_was_missed() -> None:
    world = World()
    world.feed(connected(0), ChannelChanged(START, channel(1)), ChannelChanged(START, channel(2)))
    world.feed(Resynced(START + 1, None))
    assert len(world.pipeline.streams) == 2
    world.feed(Resynced(START + 2, frozenset({"1700000000.2"})))
    assert len(world.pipeline.streams) == 1


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_memory_is_released_while_all_is_well() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 60, 0))
    world.wait(61)
    world.wait(14 * 3600)
    assert not world.pipeline.alerts
    assert len(world.pipeline.streams) == 0


# --- Clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [-3600, -62, 0])
def test_a_clock_set_back_puts_no_alert_off(step: float) -> None:
    world = World()
    world.feed(connected(0), trunk(0, TrunkState.REGISTERED, refresh_s=60), peer(0, PeerState.REACHABLE))
    world.feed(peer(50, PeerState.UNREACHABLE), trunk(70, TrunkState.RETRYING))
    world.wait(85)
    now = 86 + step
    for second in range(0, 420, 20):
        world.feed(trunk(now + second, TrunkState.RETRYING))
    told = [(at - now, reason, rule) for at, reason, rule in world.told() if reason == "firing"]
    assert {rule for _, _, rule in told} == {"trunk-down", "peer-down"}
    assert all(at <= 300 for at, _, _ in told)
    assert bool(world.logs("clock")) is (step < 0)


def test_a_clock_set_back_mixes_no_windows() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 7, 50, every=1))
    world.feed(*lossy(-3600, -3593, 50, every=1))
    assert world.state("loss") == "inactive"


def test_a_clock_set_back_ends_no_alert() -> None:
    world = World()
    world.feed(connected(0), trunk(0, TrunkState.REJECTED), *lossy(0, 60, 6))
    world.feed(peer(-3600, PeerState.REACHABLE))
    assert world.state("trunk-down") == "firing"
    assert world.state("loss") == "firing"
    world.feed(trunk(-3590, TrunkState.REGISTERED))
    world.wait(-3580)
    assert world.state("trunk-down") == "inactive"


def test_a_clock_set_back_while_blind_is_still_one_outage() -> None:
    world = World()
    world.feed(connected(0), peer(0, PeerState.REACHABLE), peer(1, PeerState.UNREACHABLE), lost_sight(10))
    world.wait(60)
    world.feed(connected(-3600))
    world.wait(-3000)
    assert [reason for _, reason, rule in world.told("pbx-blind")] == ["firing", "resolved"]
    assert world.told("peer-down") == [], "nothing was said of it since"


def test_a_report_that_comes_late_sets_no_clock() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 10, 0))
    world.wait(30)
    world.feed(heard(15, 750, 0))
    assert world.logs("clock") == []


# --- Alerts given back ------------------------------------------------------------------------------------------------


def restarted(world: World, specs: Sequence[RuleSpec] = SHIPPED) -> World:
    """A new run with what was stored: the alerts as their last transition left them, the agents as last kept."""
    stored: dict[object, Alert] = {}
    for move in world.transitions:
        if move.reason is NotifyReason.HAPPENED:
            continue
        if move.new_state is AlertState.INACTIVE:
            stored.pop(move.alert.key, None)
        else:
            stored[move.alert.key] = loads(Alert, dumps(move.alert))
    agents = {record.peer: record for effects in world.effects for record in effects.agents}
    return World(specs, alerts=list(stored.values()), agents=list(agents.values()))


def test_alerts_are_neither_repeated_nor_lost_over_a_restart_of_ours() -> None:
    first = World()
    first.feed(connected(0), peer(0, PeerState.REACHABLE), peer(10, PeerState.UNREACHABLE), *lossy(20, 80, 6))
    first.feed(trunk(80, TrunkState.REJECTED))
    assert {rule for _, _, rule in first.told()} == {"loss", "trunk-down"}

    second = restarted(first)
    second.feed(connected(100), peer(101, PeerState.UNREACHABLE, listed=True), trunk(101, TrunkState.REJECTED, listed=True))
    second.feed(Resynced(START + 102), *lossy(103, 200, 6))
    second.wait(320)
    assert second.told() == [(310, "firing", "peer-down")]
    second.feed(trunk(321, TrunkState.REGISTERED), peer(321, PeerState.REACHABLE))
    second.wait(1000)
    assert sorted(rule for _, reason, rule in second.told() if reason == "resolved") == ["loss", "peer-down", "trunk-down"]


def test_a_phone_that_unregistered_before_a_restart_is_missed_after_it() -> None:
    first = World()
    first.feed(connected(0), peer(0, PeerState.REGISTERED), peer(10, PeerState.UNREGISTERED))
    first.wait(100)
    second = restarted(first)
    second.feed(
        connected(110),
        peer(111, PeerState.UNREGISTERED, listed=True),
        peer(111, PeerState.UNREGISTERED, "SIP/106", listed=True),
    )
    second.wait(400)
    assert second.told() == [(310, "firing", "peer-down")]
    assert {alert.key.subject for alert in second.pipeline.alerts} == {"SIP/105"}, "SIP/106 was always a spare account"


def test_a_blind_alert_given_back_ends_when_the_pbx_is_seen() -> None:
    first = World()
    first.feed(connected(0), lost_sight(10))
    first.wait(200)
    second = restarted(first)
    second.feed(lost_sight(210))
    second.wait(300)
    assert second.told() == []
    second.feed(connected(301))
    assert second.told() == [(301, "resolved", "pbx-blind")]


def test_alerts_of_rules_that_are_gone_are_dropped_in_silence(tmp_path: Path) -> None:
    first = World()
    first.feed(connected(0), trunk(0, TrunkState.REJECTED), *lossy(0, 60, 6))
    second = restarted(first, [spec for spec in SHIPPED if spec.name != "trunk-down"])
    dropped = second.pipeline.orphans()
    assert [(alert.key.rule, alert.state) for alert in dropped] == [("trunk-down", AlertState.INACTIVE)]
    assert [alert.key.rule for alert in second.pipeline.alerts] == ["loss"]
    assert second.pipeline.orphans() == ()


def test_alerts_of_another_pbx_are_not_ours() -> None:
    first = World()
    first.feed(connected(0), trunk(0, TrunkState.REJECTED))
    alerts = [move.alert for move in first.transitions]
    assert not Pipeline("branch", SHIPPED, alerts=alerts).alerts


def test_alerts_are_listed_most_urgent_and_oldest_first() -> None:
    world = World()
    world.feed(connected(0), peer(0, PeerState.REACHABLE), peer(1, PeerState.UNREACHABLE), *lossy(2, 60, 6))
    world.feed(trunk(61, TrunkState.REJECTED))
    assert [alert.key.rule for alert in world.pipeline.alerts] == ["trunk-down", "loss", "peer-down"]


# --- Symptoms ---------------------------------------------------------------------------------------------------------


def test_one_bad_leg_is_one_message() -> None:
    world = World()
    world.feed(connected(0), *lossy(0, 100, 20))
    assert world.told() == [(20, "firing", "loss")]
    assert world.state("mos") == "inactive"


def test_the_name_of_a_peer_is_in_its_alerts() -> None:
    world = World(names={"SIP/6117": "Anna"})
    world.feed(connected(0), *lossy(0, 60, 6))
    assert world.pipeline.alerts[0].display_name == "Anna"


def test_a_finished_call_leaves_its_record() -> None:
    world = World()
    world.feed(ChannelChanged(START, channel()), *lossy(0, 20, 6), ChannelHungUp(START + 21, channel(), 16))
    (record,) = world.effects[-1].calls
    assert (record.subject, record.cause, record.from_peer.expected) == ("SIP/6117", 16, 1000)
    assert len(world.pipeline.streams) == 0


# --- User-Agents ------------------------------------------------------------------------------------------------------


def test_a_registration_is_worth_asking_for_the_agent() -> None:
    world = World()
    world.feed(peer(0, PeerState.REGISTERED), peer(1, PeerState.REACHABLE, "PJSIP/701"), peer(2, PeerState.UNREACHABLE))
    assert [effects.polls for effects in world.effects] == [("SIP/105",), ("PJSIP/701",), ()]


def test_a_list_is_not() -> None:
    world = World()
    world.feed(peer(0, PeerState.REGISTERED, listed=True))
    assert world.effects[0].polls == ()


A, B = "10.0.0.1:5060", "10.0.0.2:5060"


def contact_list(at: float, *, pause: float = 0.0) -> list[PbxEvent]:
    """A list of two devices under one name, as it comes over the wire: state and agent, state and agent."""
    found: list[PbxEvent] = []
    for number, (address, name) in enumerate(((A, "Cisco"), (B, "Zoiper"))):
        found.append(peer(at + number * pause, PeerState.REACHABLE, "PJSIP/701", listed=True, address=address))
        found.append(agent(at + number * pause, name, "PJSIP/701", listed=True, address=address))
    return found


@pytest.mark.parametrize("pause", [0.0, 0.7])
def test_a_list_that_comes_in_pieces_is_one_list(pause: float) -> None:
    world = World(agents=[AgentRecord("office", "PJSIP/701", "Cisco", A, START, ("Zoiper",))])
    for connection in range(3):
        world.feed(connected(connection * 100))
        for event in contact_list(connection * 100 + 1, pause=pause):
            world.feed(event)
            world.wait(event.at - START + pause / 2)
        world.feed(Resynced(START + connection * 100 + 5))
    assert world.told() == []


def test_a_second_device_is_one_message_also_when_the_list_comes_in_pieces() -> None:
    world = World(agents=[AgentRecord("office", "PJSIP/701", "Zoiper", B, START)])
    world.feed(connected(0))
    for event in contact_list(1, pause=0.7):  # the stranger first, the one we know behind him
        world.feed(event)
        world.wait(event.at - START + 0.35)
    world.feed(Resynced(START + 5))
    assert [move.alert.details["new"] for move in world.transitions] == ["Cisco"]


def test_the_first_look_is_silent_and_the_second_is_not() -> None:
    world = World(agents_learned=False)
    world.feed(connected(0), *contact_list(1), agent(2, "Yealink"), Resynced(START + 3))
    assert world.told() == []
    assert world.effects[-1].agents_learned
    world.feed(agent(100, "friendly-scanner"))
    assert world.told() == [(100, "happened", "user-agent")]


def test_a_list_with_nothing_behind_it_is_looked_at_soon() -> None:
    world = World(agents=[AgentRecord("office", "PJSIP/701", "Yealink", A, START)])
    world.feed(peer(1, PeerState.REACHABLE, "PJSIP/701", listed=True, address=A))
    world.feed(agent(1, "friendly-scanner", "PJSIP/701", listed=True, address=A))
    world.wait(2)
    assert world.told() == []
    world.wait(10)
    assert world.told() == [(1, "happened", "user-agent")]


def test_a_changed_agent_is_told_with_the_contact_in_use() -> None:
    world = World(agents=[AgentRecord("office", "PJSIP/771", "Cisco", A, START)])
    world.feed(
        peer(0, PeerState.REGISTERED, "PJSIP/771", address=A),
        peer(10, PeerState.REGISTERED, "PJSIP/771", address=B),
        peer(10, PeerState.UNREGISTERED, "PJSIP/771", address=A),
        agent(11, "Yealink", "PJSIP/771"),
    )
    assert world.transitions[-1].alert.details["address"] == B


# --- Who counts the seconds -------------------------------------------------------------------------------------------

pauses = st.floats(0.0, 25.0)
events = st.one_of(
    st.sampled_from(TrunkState).map(lambda state: trunk(0, state)),
    st.sampled_from(TrunkState).map(lambda state: trunk(0, state, refresh_s=60, listed=True)),
    st.sampled_from(PeerState).map(lambda state: peer(0, state)),
    st.sampled_from(PeerState).map(lambda state: peer(0, state, listed=True)),
    st.sampled_from([None, "Yealink", "Cisco"]).map(lambda name: agent(0, name)),
    st.just(lost_sight(0)),
    st.just(connected(0)),
    st.just(Resynced(START)),
)
LOUD = """
  - {name: loss, kind: threshold, metric: loss_percent, min_expected: 100, warning: {enter: 3, for: 7s}, clear_hold: 20s}
  - {name: mos, kind: threshold, metric: mos, min_expected: 100, warning: {enter: 3.9, for: 3s}, yields_to: [loss]}
  - {name: trunk-down, kind: state, entity: trunk, warning: {for: 10s}, critical: {for: 20s, at_once: [failed]}, clear_hold: 5s}
  - {name: peer-down, kind: state, entity: peer, warning: {for: 30s}, clear_hold: 3s}
  - {name: blind, kind: state, entity: pbx, warning: {for: 10s}, critical: {for: 30s}}
  - {name: agent, kind: change}
"""


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> tuple[RuleSpec, ...]:
    """Rules so quick that everything happens within minutes."""
    return rules(tmp_path_factory.mktemp("loud"), LOUD)


def at(event: PbxEvent, when: float) -> PbxEvent:
    return replace(event, at=when)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(pauses, events | st.integers(0, 12)), min_size=1, max_size=25), st.lists(st.floats(0, 1), max_size=30)
)
def test_it_does_not_matter_who_counts_the_seconds(
    loud: tuple[RuleSpec, ...], story: list[tuple[float, PbxEvent | int]], moments: list[float]
) -> None:
    """Catching up between two events is the same as living through it, however often the clock is looked at."""
    told: list[PbxEvent] = []
    now = START
    expected = lost = 0
    for pause, step in story:
        now += pause
        if isinstance(step, int):  # a report of one call, with so much per cent lost since the last one
            expected += min(600, int(pause * 50) + 1)
            lost += int(pause * 50) * step // 100
            told.append(heard(now - START, expected - lost, lost))
        else:
            told.append(at(step, now))

    caught_up, lived = World(loud), World(loud)
    ticks = iter(moments)
    for number, event in enumerate(told):
        caught_up.feed(event)
        lived.feed(event)
        following = told[number + 1].at if number + 1 < len(told) else now
        for share in sorted(share for _, share in zip(range(3), ticks, strict=False)):
            lived.wait(event.at + share * (following - event.at) - START)
    caught_up.wait(now + 120 - START)
    lived.wait(now + 120 - START)
    assert lived.transitions == caught_up.transitions


def test_a_gap_of_days_is_not_caught_up_second_by_second() -> None:
    world = World()
    world.feed(connected(0), trunk(0, TrunkState.REJECTED))
    world.wait(30 * 86_400)
    assert world.told() == [(0, "firing", "trunk-down")]
