"""A connection cut at any byte of a recording, and resumed: nothing is told that the whole recording does not justify.

Justified is what fires on the whole recording, what was wrong in it by its ``truth.yml``, and a figure of a peer that loses
what was injected: the stretch that was seen may well be worse than the whole.  How bad may differ, too: a trouble that ends and
begins again in the hole is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder
from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import TimedMessage, read_recording
from qualitywatch.model import (
    AgentSeen,
    AlertKey,
    AlertState,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    Disconnected,
    PbxEvent,
    PeerStateSeen,
    Resynced,
    TrunkStateSeen,
)
from qualitywatch.pipeline import Effects, Pipeline
from tests.accuracy.findings import SHIPPED
from tests.conftest import CAPTURES

RECORDINGS = sorted(CAPTURES.glob("*/*/input.ami"))
IDS = [f"{path.parent.parent.name}/{path.parent.name}" for path in RECORDINGS]
BLIND = "pbx-blind"
LONG_AFTER_S = 900.0
ASKED = "action-responses"  # holds the lists of a first look itself: to announce their end before them would be a lie


@dataclass(frozen=True)
class Tape:
    """A recording, and what is told of it when nothing is missing."""

    data: bytes
    messages: tuple[TimedMessage, ...]
    justified: frozenset[AlertKey]
    lossy: frozenset[tuple[str, str]]  # peers with their direction, by what was injected
    faults: frozenset[tuple[str, str]] = frozenset()  # rules and subjects, by what was wrong otherwise

    def until(self, byte: int) -> int:
        """How many messages are complete in so many bytes."""
        return len(Decoder().feed(self.data[:byte]))

    def events(self, begin: int, end: int | None = None) -> list[PbxEvent]:
        return [event for timed in self.messages[begin:end] for event in translate(timed.message, timed.at)]

    def alive(self, index: int) -> frozenset[str]:
        """Channels that are up after so many messages."""
        up: dict[str, None] = {}
        for event in self.events(0, index):
            if isinstance(event, ChannelChanged):
                up[event.channel.uniqueid] = None
            elif isinstance(event, ChannelHungUp):
                up.pop(event.channel.uniqueid, None)
        return frozenset(up)

    def listed(self, kept: int, resumed: int, at: float) -> list[PbxEvent]:
        """What a client asks for on its return: how trunks and peers stand, which devices they are, which channels are up."""
        standings: dict[tuple[str, str | None], PbxEvent] = {}
        for event in self.events(0, resumed):
            if isinstance(event, TrunkStateSeen):
                standings[event.trunk, None] = replace(event, at=at, snapshot=True)
            elif isinstance(event, PeerStateSeen):
                standings[event.peer, event.address] = replace(event, at=at, snapshot=True)
        agents = [replace(event, at=at) for event in self.events(kept, resumed) if isinstance(event, AgentSeen)]
        return [*standings.values(), *agents, Resynced(at, self.alive(resumed))]


@cache
def tape(path: Path) -> Tape:
    data = path.read_bytes()
    messages = tuple(read_recording(data))
    truth: dict[str, Any] = yaml.safe_load((path.parent / "truth.yml").read_text(encoding="utf-8"))
    lossy = frozenset((fault["peer"], fault["direction"]) for fault in truth.get("injected", []) if fault.get("loss_percent"))
    faults = frozenset((fault["rule"], fault["subject"]) for fault in truth.get("faults", []))
    whole = Tape(data, messages, frozenset(), lossy, faults)
    pipeline = Pipeline("pbx", SHIPPED)
    return replace(whole, justified=told(fed(pipeline, whole.events(0), messages[-1].at)))


def fed(pipeline: Pipeline, events: list[PbxEvent], last_at: float) -> list[Effects]:
    return [*(pipeline.feed(event) for event in events), pipeline.advance(last_at)]


def told(effects: list[Effects]) -> frozenset[AlertKey]:
    """Whoever fired."""
    moves = (move for effect in effects for move in effect.transitions)
    return frozenset(move.alert.key for move in moves if move.new_state is AlertState.FIRING)


def cut(whole: Tape, at_byte: int, lost_bytes: int, *, lists: bool) -> list[Effects]:
    """Feed a recording with a hole: what was half said when the connection was cut is lost, too."""
    pipeline = Pipeline("pbx", SHIPPED)
    kept = whole.until(at_byte)
    resumed = max(kept + 1, whole.until(at_byte + lost_bytes) + 1)
    effects = fed(pipeline, whole.events(0, kept), whole.messages[max(0, kept - 1)].at)
    effects.append(pipeline.feed(Disconnected(whole.messages[max(0, kept - 1)].at, "connection was cut")))
    if resumed < len(whole.messages):
        back_at = whole.messages[resumed].at
        effects.append(pipeline.feed(Connected(back_at)))
        if lists:
            effects += [pipeline.feed(event) for event in whole.listed(kept, resumed, back_at)]
        effects += fed(pipeline, whole.events(resumed), whole.messages[-1].at)
    return effects


def unjustified(whole: Tape, effects: list[Effects]) -> list[AlertKey]:
    """Who fires and should not."""
    return [
        key
        for key in told(effects)
        if key.rule != BLIND
        and key not in whole.justified
        and (key.subject, key.direction) not in whole.lossy
        and (key.rule, key.subject) not in whole.faults
    ]


@given(where=st.floats(0, 1), lost=st.floats(0, 0.6), lists=st.booleans(), path=st.sampled_from(RECORDINGS))
@settings(max_examples=15, deadline=None)
def test_a_cut_connection_tells_nothing_that_the_whole_recording_does_not(
    where: float, lost: float, lists: bool, path: Path
) -> None:
    whole = tape(path)
    effects = cut(whole, int(where * len(whole.data)), int(lost * len(whole.data)), lists=lists and path.parent.name != ASKED)
    assert not unjustified(whole, effects)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", RECORDINGS, ids=IDS)
def test_wherever_it_is_cut(path: Path) -> None:
    whole = tape(path)
    size = len(whole.data)
    for at_byte in range(0, size, max(1, size // 20)):
        for lost_bytes in (0, size // 20, size // 4):
            for lists in (False, True):
                effects = cut(whole, at_byte, lost_bytes, lists=lists and path.parent.name != ASKED)
                assert not unjustified(whole, effects), (at_byte, lost_bytes, lists)


@pytest.mark.parametrize("name", ["asterisk-20/restart", "asterisk-20/sip-bridge-loss", "asterisk-20/trunk-outage"])
def test_a_cut_that_is_never_resumed_is_one_alert_and_freezes_the_rest(name: str) -> None:
    whole = tape(CAPTURES / name / "input.ami")
    pipeline = Pipeline("pbx", SHIPPED)
    kept = len(whole.messages) // 2
    lost_at = whole.messages[kept - 1].at
    fed(pipeline, whole.events(0, kept), lost_at)
    before = {alert.key: alert for alert in pipeline.alerts}
    effects = [pipeline.feed(Disconnected(lost_at, "connection was cut")), pipeline.advance(lost_at + LONG_AFTER_S)]
    assert told(effects) == {AlertKey(BLIND, "pbx", "pbx")}
    assert {alert.key: alert for alert in pipeline.alerts if alert.key.rule != BLIND} == before
