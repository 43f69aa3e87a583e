"""What was wrong in a recording, as its ``truth.yml`` says, in the words of the alerts that must tell it.

``injected`` lists faults of media; ``faults`` all others: ``rule``, ``subject``, ``at`` and ``what``.  ``within_s`` is what is
promised; ``untold`` says why nobody promises to tell of it in the time that was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from qualitywatch.model import ChannelChanged, PbxEvent, RtcpReport

# Between the rules' limit and this, chance decides whether a call is told of.
CLEARLY_LOSSY_PERCENT: Final = 4.0
JITTER_LIMIT_MS: Final = 30.0
CLEARLY_JITTERY_MS: Final = 60.0  # less takes longer than the calls of 45 s that were recorded
# What the default rules promise of media: 8 s of speech, 20 s of patience, and reports that are 5 s apart.
LOSS_WITHIN_S: Final = 55.0
SILENCE_WITHIN_S: Final = 12.0
# A call must have lasted so long that anybody could be sure.
LONG_CALL_S: Final = 36.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was wrong: whoever tells of it must name this rule, subject and direction."""

    rule: str
    subject: str
    direction: str | None
    what: str
    at: float
    within_s: float
    untold: str = ""  # why nobody promises to tell of it in the time that was recorded

    @property
    def key(self) -> tuple[str, str, str | None]:
        return self.rule, self.subject, self.direction


def truth_of(recording: Path) -> dict[str, Any]:
    """The file beside the recording."""
    truth: dict[str, Any] = yaml.safe_load((recording / "truth.yml").read_text(encoding="utf-8"))
    return truth


def faults_of(recording: Path, events: Sequence[PbxEvent]) -> tuple[Fault, ...]:
    """Everything that was wrong; faults of media begin when the peer's channel was answered."""
    truth = truth_of(recording)
    found = [*_of_media(truth, events)]
    found += [
        Fault(
            each["rule"],
            each["subject"],
            each.get("direction"),
            each["what"],
            float(each["at"]),
            float(each.get("within_s", 0)),
            each.get("untold", ""),
        )
        for each in truth.get("faults", [])
    ]
    return tuple(found)


def _of_media(truth: Mapping[str, Any], events: Sequence[PbxEvent]) -> Iterator[Fault]:
    too_short = "" if is_long(truth) else "the call is too short to be sure"
    past_the_pbx = "media past the PBX" if truth.get("direct_media") else ""
    for each in truth.get("injected", []):
        peer, direction = each["peer"], each.get("direction")
        at = _answered_at(peer, events)
        if each.get("fault"):
            yield Fault("one-way-audio", peer, None, each["fault"], at, SILENCE_WITHIN_S)
        elif percent := float(each.get("loss_percent", 0)):
            untold = past_the_pbx or too_short or ("" if percent >= CLEARLY_LOSSY_PERCENT else "at the limit of 3 %")
            yield Fault("loss", peer, direction, f"{percent:g} % lost {_way(direction)}", at, LOSS_WITHIN_S, untold)
        elif ms := float(each.get("jitter_ms", 0)):
            untold = "" if ms >= CLEARLY_JITTERY_MS else "short call" if ms > JITTER_LIMIT_MS else "below the limit of 30 ms"
            yield Fault("jitter", peer, direction, f"jitter of {ms:g} ms {_way(direction)}", at, LOSS_WITHIN_S, untold)


def _way(direction: str) -> str:
    return "to it" if direction == "to_peer" else "from it"


def _answered_at(peer: str, events: Sequence[PbxEvent]) -> float:
    for event in events:
        channel = event.channel if isinstance(event, ChannelChanged | RtcpReport) else None
        if channel is not None and channel.peer == peer and channel.state == "Up":
            return event.at
    raise LookupError(f"{peer} is never in a call")


def is_long(truth: Mapping[str, Any]) -> bool:
    """Whether its calls last the 36 s that an alert is promised within; calls of 20 s may end before anybody is sure."""
    timeline = truth.get("timeline", [])
    return len(timeline) < 2 or timeline[-1]["at"] - timeline[0]["at"] > LONG_CALL_S
