"""What a rule says: opinions of one key at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from qualitywatch.model.words import Direction, Severity

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Signal(StrEnum):
    """What an evaluation says of one severity level."""

    BREACH = "breach"  # the entry condition holds
    CLEAR = "clear"  # the exit condition holds
    KEEP = "keep"  # between exit and entry: whatever it was, it stays
    UNKNOWN = "unknown"  # not enough data yet: neither good nor bad
    GONE = "gone"  # nothing left to judge: the calls are over


@dataclass(init=False, slots=True)
class AlertKey:
    """Identity of an alert; survives restarts."""

    rule: Final[str]
    pbx: Final[str]
    subject: Final[str]
    direction: "Final[Direction | None]"  # noqa: UP037 - compiled, it is lost without quotes

    def __init__(self, rule: str, pbx: str, subject: str, direction: Direction | None = None) -> None:
        self.rule = rule
        self.pbx = pbx
        self.subject = subject
        self.direction = direction

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AlertKey):
            return NotImplemented
        return (
            self.subject == other.subject
            and self.rule == other.rule
            and self.direction is other.direction
            and self.pbx == other.pbx
        )

    def __lt__(self, other: AlertKey) -> bool:
        one = self.rule, self.pbx, self.subject, self.direction or ""
        return one < (other.rule, other.pbx, other.subject, other.direction or "")

    def __hash__(self) -> int:
        return hash((self.rule, self.pbx, self.subject, self.direction))


@dataclass(init=False, slots=True, unsafe_hash=True)
class Level:
    """One severity of an evaluation: its signal, how long it must hold, and since when it is known to hold."""

    severity: Final[Severity]
    signal: Final[Signal]
    hold_s: Final[float]
    since_at: Final[float | None]  # earlier start than this evaluation, where the observation knows it

    def __init__(
        self,
        severity: Severity,
        signal: Signal,
        hold_s: float,
        since_at: float | None = None,
    ) -> None:
        self.severity = severity
        self.signal = signal
        self.hold_s = hold_s
        self.since_at = since_at


@dataclass(init=False, slots=True)
class Evaluation:
    """A rule's opinion of one key at one instant."""

    key: Final[AlertKey]
    at: Final[float]
    levels: Final[tuple[Level, ...]]
    value: Final[float | None]
    clear_hold_s: Final[float]
    topic: Final[str]  # which text to use: a metric's name, "trunk_state", "peer_state", "pbx_state", "user_agent", ...
    one_shot: Final[bool]  # a thing that happened, not a condition that lasts
    details: Final[Mapping[str, str]]
    worse_is_lower: Final[bool]  # True for MOS and R: the peak is the minimum
    texts: Final[Mapping[str, str]]  # the rule's own wording by language
    yields_to: Final[tuple[str, ...]]  # rules whose alert on the same subject explains this one
    off_duty: Final[bool]  # outside the hours of its rule: what fires may go on and end, nothing begins
    channels: Final[tuple[str, ...]]  # names of the channels that break the rule now, for whoever acts on them
    gone_because: Final[str]  # why nothing is left to judge, where a level says so

    def __init__(
        self,
        key: AlertKey,
        at: float,
        levels: tuple[Level, ...],
        value: float | None,
        clear_hold_s: float,
        topic: str,
        one_shot: bool = False,
        details: Mapping[str, str] = NOTHING,
        worse_is_lower: bool = False,
        texts: Mapping[str, str] = NOTHING,
        yields_to: tuple[str, ...] = (),
        off_duty: bool = False,
        channels: tuple[str, ...] = (),
        gone_because: str = "no_data",
    ) -> None:
        self.key = key
        self.at = at
        self.levels = levels
        self.value = value
        self.clear_hold_s = clear_hold_s
        self.topic = topic
        self.one_shot = one_shot
        self.details = details
        self.worse_is_lower = worse_is_lower
        self.texts = texts
        self.yields_to = yields_to
        self.off_duty = off_duty
        self.channels = channels
        self.gone_because = gone_because
