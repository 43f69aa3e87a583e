"""What the default rules say of a recording, laid beside what was wrong in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import NotifyReason, PbxEvent, Transition
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules
from tests.accuracy.faults import Fault, faults_of
from tests.conftest import CAPTURES

RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
RULES = Path(__file__).parents[2] / "rules"
SHIPPED = load_rules([RULES])
# For what replays each several times over: every third, and those with most to tell; CI takes them all.
TELLING = {"loss-storm", "trunk-outage", "sip-bridge-loss", "one-way-audio", "peer-reachability-user-agent", "restart"}
SLOWLY = [
    path if place % 3 == 0 or path.name in TELLING else pytest.param(path, marks=pytest.mark.slow)
    for place, path in enumerate(RECORDINGS)
]
_TOLD = frozenset({NotifyReason.FIRING, NotifyReason.SEVERITY_INCREASED, NotifyReason.HAPPENED})
Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """One fault and when it was told; None: not at all."""

    fault: Fault
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Findings:
    """A recording's faults, and the alerts that nothing accounts for."""

    name: str
    found: tuple[Found, ...]
    false_alarms: tuple[str, ...]


@cache
def events_of(recording: Path) -> tuple[PbxEvent, ...]:
    """Everything a recording holds, the part after a reconnection included."""
    files = [recording / name for name in ("input.ami", "after-reconnect.ami")]
    timed = [message for file in files if file.exists() for message in read_recording(file.read_bytes())]
    return tuple(event for message in timed for event in translate(message.message, message.at))


def fired(events: Iterable[PbxEvent]) -> list[Transition]:
    """Every alert that a daemon which sees exactly these events would tell of, in order."""
    pipeline = Pipeline("office", SHIPPED)
    told = (transition for event in events for transition in pipeline.feed(event).transitions)
    return [
        each for each in told if each.reason in {NotifyReason.FIRING, NotifyReason.SEVERITY_INCREASED, NotifyReason.HAPPENED}
    ]


def key_of(transition: Transition) -> Key:
    key = transition.alert.key
    return key.rule, key.subject, key.direction.value if key.direction is not None else None


@cache
def findings(recording: Path) -> Findings:
    """Replay a recording and compare."""
    events = events_of(recording)
    faults, told = faults_of(recording, events), fired(events)
    known = {fault.key for fault in faults}
    return Findings(
        f"{recording.parent.name}/{recording.name}",
        tuple(Found(fault, _after_s(fault, told)) for fault in faults),
        tuple(dict.fromkeys(f"{key_of(each)}" for each in told if key_of(each) not in known)),
    )


def _after_s(fault: Fault, told: Sequence[Transition]) -> float | None:
    moments = [each.at for each in told if key_of(each) == fault.key and each.at >= fault.at - 0.5]
    return moments[0] - fault.at if moments else None
