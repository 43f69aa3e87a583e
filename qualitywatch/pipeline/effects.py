"""What one step of the fold wants done: stored, told, asked.  The shell does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from qualitywatch.model import AgentRecord, CallRecord, Channel, KpiRecord, LogRecord, Sample, Transition
from qualitywatch.model.observations import Observed
from qualitywatch.pipeline.leaving import LeftOff

ALERT_LOG = "alert"
UNMEASURED_LOG = "unmeasured"
BLIND_LOG, SEEN_LOG = "blind", "seen"  # of the PBX itself: between the two nothing is known

NO_MEMORIES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(init=False, slots=True, unsafe_hash=True)
class Effects:
    """What one step wants done: stored, told, asked."""

    samples: Final[tuple[Sample, ...]]
    transitions: Final[tuple[Transition, ...]]
    calls: Final[tuple[CallRecord, ...]]
    logs: Final[tuple[LogRecord, ...]]
    agents: Final[tuple[AgentRecord, ...]]
    agents_learned: Final[bool]
    polls: Final[tuple[str, ...]]  # peers whose User-Agent is worth asking for now
    codec_polls: Final[tuple[Channel, ...]]  # answered channels whose codec nobody told
    resync_wanted: Final[bool]  # how peers and trunks stand is worth asking for now
    kpis: Final[tuple[KpiRecord, ...]]  # what became of calls over trunks
    memories: Final[Mapping[str, str]]  # what to give back as ``trunk_memories`` after a restart; "": forget it
    learned: Final[Mapping[str, str]]  # the same of ``rule_memories``; an empty text: forget it
    observed: Final[tuple[Observed, ...]]  # all that was judged beside the samples, for ``backtest``
    left_off: Final[LeftOff | None]  # worth storing now, with all alerts that are waiting
    endpoints: Final[tuple[str, ...]]  # peers worth asking for whether they are configured yet

    def __init__(
        self,
        samples: tuple[Sample, ...] = (),
        transitions: tuple[Transition, ...] = (),
        calls: tuple[CallRecord, ...] = (),
        logs: tuple[LogRecord, ...] = (),
        agents: tuple[AgentRecord, ...] = (),
        agents_learned: bool = False,
        polls: tuple[str, ...] = (),
        codec_polls: tuple[Channel, ...] = (),
        resync_wanted: bool = False,
        kpis: tuple[KpiRecord, ...] = (),
        memories: Mapping[str, str] = NO_MEMORIES,
        learned: Mapping[str, str] = NO_MEMORIES,
        observed: tuple[Observed, ...] = (),
        left_off: LeftOff | None = None,
        endpoints: tuple[str, ...] = (),
    ) -> None:
        self.samples = samples
        self.transitions = transitions
        self.calls = calls
        self.logs = logs
        self.agents = agents
        self.agents_learned = agents_learned
        self.polls = polls
        self.codec_polls = codec_polls
        self.resync_wanted = resync_wanted
        self.kpis = kpis
        self.memories = memories
        self.learned = learned
        self.observed = observed
        self.left_off = left_off
        self.endpoints = endpoints


NOTHING = Effects()


class Collected:
    """Effects while they are being collected."""

    __slots__ = (
        "agents",
        "agents_learned",
        "calls",
        "codec_polls",
        "endpoints",
        "kpis",
        "learned",
        "left_off",
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
        self.left_off: LeftOff | None = None
        self.endpoints: tuple[str, ...] = ()
        self.agents_learned = False
        self.resync_wanted = False

    def freeze(self) -> Effects:
        """Return them as they stand."""
        if not (
            self.transitions or self.calls or self.logs or self.agents or self.polls or self.codec_polls or self.kpis
        ) and not (
            self.memories
            or self.learned
            or self.observed
            or self.agents_learned
            or self.resync_wanted
            or self.left_off
            or self.endpoints
        ):
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
            self.left_off,
            self.endpoints,
        )
