"""Every recording with all its events, and with a class left out as ``read`` or an ``eventfilter`` would: what is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import Connected
from qualitywatch.pipeline import Pipeline
from tests.accuracy.findings import SHIPPED
from tests.conftest import CAPTURES

RECORDINGS = sorted(CAPTURES.glob("*/*/input.ami"))
IDS = [f"{path.parent.parent.name}/{path.parent.name}" for path in RECORDINGS]
CALLS = frozenset({"Newchannel", "Newstate", "Hangup", "Rename", "Hold", "Unhold", "DialBegin", "DialEnd", "DialState"})
REPORTS = frozenset({"RTCPSent", "RTCPReceived"})


def missed(path: Path, withheld: frozenset[str] = frozenset()) -> list[tuple[str, float]]:
    """What is told to be missing, and how many seconds after the recording began."""
    session = list(read_recording(path.read_bytes()))
    begun_at = session[0].at
    pipeline = Pipeline("pbx", SHIPPED)
    effects = [pipeline.feed(Connected(begun_at - 10))]
    for timed in session:
        if timed.message.kind != "event" or timed.message.name not in withheld:
            effects += [pipeline.feed(event) for event in translate(timed.message, timed.at)]
    effects.append(pipeline.advance(session[-1].at + 5))
    moves = [move for effect in effects for move in effect.transitions if move.alert.key.rule == "pbx-half-blind"]
    return [(move.alert.details["state"], move.at - begun_at) for move in moves]


@pytest.mark.parametrize("path", RECORDINGS, ids=IDS)
def test_where_everything_is_told_nothing_is_missed(path: Path) -> None:
    assert missed(path) == []


@pytest.mark.parametrize("path", RECORDINGS, ids=IDS)
def test_calls_between_two_peers_without_reports_prove_nothing(path: Path) -> None:
    """They may be direct media; ten calls alone with an echo are another matter."""
    found = [state for state, _ in missed(path, REPORTS)]
    assert found == (["no_reports"] if path.parent.name == "loss-storm" else [])


@pytest.mark.parametrize("version", ["asterisk-13", "asterisk-20"])
def test_calls_that_nobody_announces_are_missed_half_a_minute_after_their_first_reports(version: str) -> None:
    ((state, after_s),) = missed(CAPTURES / version / "sip-bridge-loss/input.ami", CALLS)
    assert state == "no_calls"
    assert after_s == pytest.approx(32, abs=2)
