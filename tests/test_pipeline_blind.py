"""Gaps in what is seen of one PBX: how they are marked, what a reload may not spoil, and what stays frozen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import (
    AlertState,
    Audited,
    Booted,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    Disconnected,
    LogRecord,
    PeerState,
    PeerStateSeen,
    Reloaded,
    Resynced,
    TrunkState,
)
from qualitywatch.pipeline import BLIND_LOG, SEEN_LOG, Effects, Pipeline
from tests.conftest import CAPTURES
from tests.test_pipeline import SHIPPED, START, World, connected, lost_sight, peer, trunk

RESTART = CAPTURES / "asterisk-20/restart"


def channel(made_at: float, name: str = "SIP/6117") -> Channel:
    return Channel(f"{name}-00000001", f"{START + made_at:.0f}.1", f"{START + made_at:.0f}.1", "Ring")


def audited(at: float, *channels: Channel) -> Audited:
    return Audited(START + at, channels)


def heard(at: float, name: str = "SIP/105") -> PeerStateSeen:
    return peer(at, PeerState.REACHABLE, name)


def marks(logs: list[LogRecord]) -> list[tuple[str, float]]:
    return [(log.kind, log.at - START) for log in logs if log.kind in {BLIND_LOG, SEEN_LOG, "reload", "shutdown", "restart"}]


# --- Marks ------------------------------------------------------------------------------------------------------------


def test_a_gap_is_marked_where_it_begins_and_where_it_ends() -> None:
    world = World()
    world.feed(connected(0), lost_sight(100), lost_sight(110), connected(130))
    assert marks([log for effects in world.effects for log in effects.logs]) == [("seen", 0), ("blind", 100), ("seen", 130)]


def test_the_recorded_restart_is_marked_and_tells_nobody() -> None:
    pipeline, effects = Pipeline("pbx", SHIPPED), list[Effects]()
    sessions = [list(read_recording((RESTART / name).read_bytes())) for name in ("input.ami", "after-reconnect.ami")]
    lost_at, back_at = sessions[0][-1].at, sessions[1][0].at
    for session, begin in zip(sessions, (Connected(sessions[0][0].at), Connected(back_at)), strict=True):
        effects.append(pipeline.feed(begin))
        effects += [pipeline.feed(event) for timed in session for event in translate(timed.message, timed.at)]
        if session is sessions[0]:
            effects.append(pipeline.feed(Disconnected(lost_at, "is being restarted")))
    logs = [log for effect in effects for log in effect.logs]
    assert [log.kind for log in logs if log.subject == "pbx"] == ["seen", "reload", "shutdown", "blind", "seen", "restart"]
    (lost,), seen = [log.at for log in logs if log.kind == "blind"], [log.at for log in logs if log.kind == "seen"]
    assert seen[-1] - lost == pytest.approx(12.0, abs=0.5)
    assert [move.new_state for effect in effects for move in effect.transitions] == [AlertState.PENDING, AlertState.INACTIVE]
    assert not pipeline.alerts
    assert set(pipeline.trunks.states().values()) == {TrunkState.REGISTERED}


# --- Reload -----------------------------------------------------------------------------------------------------------


def test_the_time_to_the_registration_after_a_reload_is_not_the_refresh() -> None:
    """On the recording a reload comes between two registrations 4.7 s apart: 1.5 times that is no patience."""
    world = World()
    for at in (0, 120, 240):
        world.feed(trunk(at, TrunkState.REGISTERED))
    world.feed(Reloaded(START + 245, "All"), trunk(246, TrunkState.REGISTERED), trunk(320, TrunkState.RETRYING))
    world.wait(365)
    assert world.told() == []
    world.wait(600)
    assert world.told() == [(426, "firing", "trunk-down")]


@pytest.mark.parametrize(
    "module", ["All", "", "chan_sip.so", "res_pjsip.so", "res_pjsip_outbound_registration.so", "chan_iax2.so"]
)
def test_what_comes_back_within_a_minute_of_a_reload_is_no_outage(module: str) -> None:
    world = World()
    world.feed(trunk(0, TrunkState.REGISTERED), peer(0, PeerState.REACHABLE))
    for at in range(100, 1000, 100):
        world.feed(Reloaded(START + at, module))
        world.feed(
            trunk(at + 1, TrunkState.UNREGISTERED), peer(at + 1, PeerState.UNREACHABLE), trunk(at + 2, TrunkState.REJECTED)
        )
        world.feed(trunk(at + 50, TrunkState.REGISTERED), peer(at + 55, PeerState.REACHABLE))
    world.wait(2000)
    assert world.transitions == []


@pytest.mark.parametrize("module", ["pbx_config.so", "app_queue.so", "cdr", "manager", "dnsmgr"])
def test_other_reloads_hold_nothing_back(module: str) -> None:
    world = World()
    world.feed(trunk(0, TrunkState.REGISTERED), Reloaded(START + 10, module), trunk(11, TrunkState.REJECTED))
    assert world.state("trunk-down") == "firing"


def test_what_a_reload_broke_is_told_when_it_has_settled_and_counts_from_its_first_sign() -> None:
    world = World()
    world.feed(trunk(0, TrunkState.REGISTERED), Reloaded(START + 10, "All"), trunk(12, TrunkState.REJECTED))
    world.wait(69.9)
    assert world.transitions == []
    world.wait(200)
    assert world.told() == [(70, "firing", "trunk-down")]
    assert world.pipeline.alerts[0].since_at == START + 12


@pytest.mark.parametrize("every_s", [20, 45, 59])
def test_reloads_by_the_minute_hide_no_dead_trunk(every_s: int) -> None:
    """Real-time configurations and provisioning scripts reload that often."""
    world = World()
    world.feed(trunk(0, TrunkState.REGISTERED))
    for at in range(10, 1000, every_s):
        world.feed(Reloaded(START + at, "chan_sip.so"), trunk(at + 1, TrunkState.REJECTED))
    world.wait(1000)
    assert world.told() == [(131, "firing", "trunk-down")]
    assert world.pipeline.alerts[0].since_at == START + 11
    world.feed(trunk(1001, TrunkState.REGISTERED))
    world.wait(1010)
    assert world.told()[1:] == [(1006, "resolved", "trunk-down")]


def test_an_outage_that_a_reload_heals_ends_at_once() -> None:
    world = World()
    world.feed(trunk(0, TrunkState.REGISTERED), trunk(10, TrunkState.REJECTED))
    world.wait(100)
    world.feed(Reloaded(START + 100, "All"), trunk(101, TrunkState.REGISTERED))
    world.wait(110)
    assert world.state("trunk-down") == "inactive"


def test_a_reload_has_everything_listed_again() -> None:
    pipeline = Pipeline("office", SHIPPED)
    assert pipeline.feed(Reloaded(START, "All")).resync_wanted
    assert not pipeline.feed(Reloaded(START, "pbx_config.so")).resync_wanted


def test_a_connection_lost_while_all_settles_leaves_nothing_behind() -> None:
    world = World()
    world.feed(connected(0), trunk(0, TrunkState.REGISTERED), Reloaded(START + 10, "All"), trunk(12, TrunkState.REJECTED))
    world.feed(lost_sight(20), connected(25), trunk(26, TrunkState.REGISTERED, listed=True))
    world.wait(600)
    assert [rule for _, _, rule in world.told()] == []


# --- A class of events, or all of them --------------------------------------------------------------------------------


def test_a_channel_listed_just_before_its_announcement_proves_nothing() -> None:
    world = World()
    world.feed(connected(0))
    for number in range(1, 20):
        at = number * 120.0
        made = channel(at)
        world.feed(audited(at, made), ChannelChanged(START + at + 2, made), heard(at + 3))
        world.feed(ChannelHungUp(START + at + 60, made, 16))
    assert world.transitions == []


@given(st.lists(st.tuples(st.floats(1, 200), st.integers(0, 3)), max_size=25))
@settings(max_examples=40, deadline=None)
def test_whoever_announces_everything_is_never_missed(steps: list[tuple[float, int]]) -> None:
    """Calls begin, end and are listed in any order and at any pace; events may lag behind the lists by a second."""
    world, at, up = World(), 10.0, list[Channel]()
    world.feed(connected(0))
    for pause_s, what in steps:
        at += pause_s
        if what == 0 or not up:
            made = channel(at)
            up.append(made)
            world.feed(audited(at, *up), ChannelChanged(START + at + 1, made))
        elif what == 1:
            world.feed(ChannelHungUp(START + at, up.pop(0), 16))
        else:
            world.feed(audited(at, *up))
    world.wait(at + 400)
    assert not [rule for _, _, rule in world.told() if rule in {"pbx-blind", "pbx-half-blind"}]


def test_a_pbx_that_only_answers_is_blindness_and_freezes_what_fires() -> None:
    world = World()
    world.feed(connected(0), trunk(1, TrunkState.REGISTERED), trunk(2, TrunkState.REJECTED))
    world.wait(65)
    assert world.state("trunk-down") == "firing"
    for at in (100, 220, 340):
        world.feed(audited(at, channel(at - 30), channel(at - 20, "PJSIP/701")))
    world.wait(4000)
    assert world.state("pbx-blind") == "firing"
    assert world.state("trunk-down") == "firing"
    assert world.pipeline.blind_since == START + 100
    world.feed(heard(4001))
    assert world.effects[-1].resync_wanted
    world.wait(4002)
    assert world.state("pbx-blind") == "inactive"
    assert world.logs(SEEN_LOG) == ["the PBX is seen from here on"] * 2


def test_no_rights_to_list_and_nothing_heard_prove_nothing() -> None:
    world = World()
    world.feed(connected(0), Booted(START + 1, 100), Resynced(START + 2, None))
    world.wait(100_000)
    assert world.transitions == []


def test_a_start_that_takes_four_minutes_is_no_missing_right() -> None:
    world = World()
    world.feed(connected(0), Resynced(START + 5, frozenset(), booted=False))
    world.wait(240)
    world.feed(Booted(START + 241, 0), Resynced(START + 245, frozenset()))
    world.wait(4000)
    assert world.transitions == []


def test_a_missing_class_survives_a_lost_connection_and_ends_with_the_first_sign_of_it() -> None:
    world = World()
    world.feed(connected(0), Resynced(START + 5, frozenset(), booted=False))
    world.wait(400)
    assert world.told() == [(305, "firing", "pbx-half-blind")]
    world.feed(lost_sight(400), connected(410))
    world.wait(415)
    assert world.state("pbx-half-blind") == "firing"
    world.feed(Booted(START + 420, 500))
    assert world.state("pbx-half-blind") == "inactive"
