"""What one step of the fold wants done: stored, told, asked.  The shell does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qualitywatch.model import AgentRecord, CallRecord, Channel, KpiRecord, LogRecord, Sample, Transition
from qualitywatch.model.observations import Observed

ALERT_LOG = "alert"
UNMEASURED_LOG = "unmeasured"
BLIND_LOG, SEEN_LOG = "blind", "seen"  # of the PBX itself: between the two nothing is known


@dataclass(frozen=True, slots=True)
class Effects:
    """What one step wants done: stored, told, asked."""

    samples: tuple[Sample, ...] = ()
    transitions: tuple[Transition, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    agents: tuple[AgentRecord, ...] = ()
    agents_learned: bool = False
    polls: tuple[str, ...] = ()  # peers whose User-Agent is worth asking for now
    codec_polls: tuple[Channel, ...] = ()  # answered channels whose codec nobody told
    resync_wanted: bool = False  # how peers and trunks stand is worth asking for now
    kpis: tuple[KpiRecord, ...] = ()  # what became of calls over trunks
    memories: Mapping[str, str] = field(default_factory=dict)  # what to give back as ``trunk_memories`` after a restart
    learned: Mapping[str, str] = field(default_factory=dict)  # the same of ``rule_memories``; an empty text: forget it
    observed: tuple[Observed, ...] = ()  # all that was judged beside the samples, for ``backtest``


NOTHING = Effects()


class Collected:
    """Effects while they are being collected."""

    __slots__ = (
        "agents",
        "agents_learned",
        "calls",
        "codec_polls",
        "kpis",
        "learned",
        "logs",
        "memories",
        "observed",
        "polls",
        "resync_wanted",
        "samples",
        "transitions",
    )

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.transitions: list[Transition] = []
        self.calls: list[CallRecord] = []
        self.logs: list[LogRecord] = []
        self.agents: list[AgentRecord] = []
        self.polls: list[str] = []
        self.codec_polls: list[Channel] = []
        self.kpis: list[KpiRecord] = []
        self.memories: dict[str, str] = {}
        self.learned: dict[str, str] = {}
        self.observed: list[Observed] = []
        self.agents_learned = False
        self.resync_wanted = False

    def freeze(self) -> Effects:
        """Return them as they stand."""
        if not (
            self.transitions or self.calls or self.logs or self.agents or self.polls or self.codec_polls or self.kpis
        ) and not (self.memories or self.learned or self.observed or self.agents_learned or self.resync_wanted):
            return Effects(tuple(self.samples)) if self.samples else NOTHING
        return Effects(
            tuple(self.samples),
            tuple(self.transitions),
            tuple(self.calls),
            tuple(self.logs),
            tuple(self.agents),
            self.agents_learned,
            tuple(self.polls),
            tuple(self.codec_polls),
            self.resync_wanted,
            tuple(self.kpis),
            self.memories,
            self.learned,
            tuple(self.observed),
        )
