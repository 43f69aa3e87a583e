"""PJSIP phones with least rights: a list of devices is all that tells who came back, or left, while nothing was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import NotifyReason, PeerState, PeerStateSeen
from qualitywatch.notify.render import headline
from qualitywatch.pipeline import Pipeline
from tests.conftest import CAPTURES
from tests.test_pipeline import SHIPPED, START, World, connected, lost_sight, peer

PHONE = "PJSIP/701"


def listed(at: float, state: str, device: str = PHONE, action_id: str = "ActionID: qw-1\n") -> list[PeerStateSeen]:
    """An item as ``DeviceStateList`` of Asterisk 13 to 22 writes it."""
    text = f"Event: DeviceStateChange\n{action_id}Device: {device}\nState: {state}\n\n"
    seen = translate(Message(text.replace("\n", "\r\n").encode()), START + at)
    return [event for event in seen if isinstance(event, PeerStateSeen)]


def missed() -> World:
    """A phone is gone and told, then the connection is lost for a while."""
    world = World()
    world.feed(connected(0), peer(1, PeerState.REACHABLE, PHONE), peer(10, PeerState.UNREACHABLE, PHONE))
    world.wait(400)
    world.feed(lost_sight(410), connected(600))
    assert world.state("peer-down") == "firing"
    return world


@pytest.mark.parametrize("state", ["NOT_INUSE", "INUSE", "RINGING", "ONHOLD"])
def test_a_phone_that_came_back_while_nothing_was_seen_is_no_longer_missed(state: str) -> None:
    world = missed()
    world.feed(*listed(601, state))
    world.wait(620)
    (over,) = [
        move for move in world.transitions if move.reason is NotifyReason.RESOLVED and move.alert.key.rule == "peer-down"
    ]
    assert headline(over, "en") == f"{PHONE} is reachable again after 10 min"


@pytest.mark.parametrize("state", ["UNAVAILABLE", "UNKNOWN", "INVALID"])
def test_one_that_did_not_come_back_is_still_missed(state: str) -> None:
    world = missed()
    world.feed(*listed(601, state))
    world.wait(4000)
    assert world.state("peer-down") == "firing"
    assert world.pipeline.alerts[0].details == {"state": "unreachable"}


def test_one_that_left_while_nothing_was_seen_is_missed() -> None:
    world = World()
    world.feed(connected(0), peer(1, PeerState.REACHABLE, PHONE), lost_sight(100), connected(200))
    world.feed(*listed(201, "UNAVAILABLE"))
    world.wait(600)
    assert (501, "firing", "peer-down") in world.told()


def test_spare_accounts_are_not_missed() -> None:
    world = World()
    world.feed(connected(0), *listed(1, "UNAVAILABLE"), *listed(1, "UNAVAILABLE", "PJSIP/702"))
    world.wait(4000)
    assert world.told() == []
    world.feed(peer(4001, PeerState.REACHABLE, PHONE), peer(4002, PeerState.UNREACHABLE, PHONE))
    world.wait(5000)
    assert [rule for _, _, rule in world.told()] == ["peer-down"]


def test_one_that_left_before_our_eyes_is_missed_although_it_was_not_seen_alive_before() -> None:
    world = World()
    world.feed(connected(0), peer(1, PeerState.UNREACHABLE, PHONE), *listed(20, "UNAVAILABLE"))
    world.wait(400)
    assert (301, "firing", "peer-down") in world.told()


def test_other_devices_and_events_about_devices_say_nothing_of_peers() -> None:
    assert listed(1, "UNAVAILABLE", "SIP/6117") == listed(1, "NOT_INUSE", "Queue:support") == []
    assert listed(1, "UNAVAILABLE", action_id="") == []


@pytest.mark.parametrize(
    "recording", sorted(CAPTURES.glob("asterisk-*/*/input.ami")), ids=lambda path: "/".join(path.parts[-3:-1])
)
def test_what_devices_say_on_recordings_is_what_peer_status_says(recording: Path) -> None:
    """The last word of each device, read as if it were listed at the end, agrees with what its events told."""
    pipeline, last = Pipeline("pbx", SHIPPED), dict[str, tuple[float, str]]()
    at = 0.0
    for timed in read_recording(recording.read_bytes()):
        at = timed.at
        for event in translate(timed.message, timed.at):
            pipeline.feed(event)
        if timed.message.name == "DeviceStateChange" and timed.message.action_id is None:
            last[timed.message.get("Device") or ""] = timed.at, timed.message.get("State") or ""
    before = pipeline.peers.states()
    for device, (told_at, state) in last.items():
        if at - told_at < 1:  # the recording ends before PeerStatus says the same
            continue
        for seen in listed(at - START, state, device):
            if before.get(seen.peer, PeerState.UNKNOWN) is not PeerState.UNKNOWN:
                alive = before[seen.peer] in {PeerState.REACHABLE, PeerState.REGISTERED, PeerState.LAGGED}
                assert (seen.state is PeerState.REACHABLE) is alive, (seen, before[seen.peer])
