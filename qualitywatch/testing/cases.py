"""What a test file says: a suite of cases, each a story and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TypeAlias

from qualitywatch.ami.codec import Message
from qualitywatch.model import PbxEvent
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.testing.expectations import Expectation

Said: TypeAlias = Message | PbxEvent
"""A message of the PBX, or what our own client says of its connection."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test: a story on its own clock, inline or recorded, and what must come of it."""

    name: str
    source: str  # file:line
    expected: tuple[Expectation, ...]
    start_at: float = 0.0  # of an inline story
    story: tuple[tuple[float, Said], ...] = ()  # in order; absolute times
    recording: Path | None = None
    until_s: float | None = None  # so long the clock goes on, if longer than the story
    learned: Mapping[str, str] = field(default_factory=dict)  # what rules know from before, as the pipeline takes it
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Suite:
    """One file of tests; ``specs`` are its own rules, None for those of the command."""

    source: str
    cases: tuple[Case, ...]
    specs: tuple[RuleSpec, ...] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    language: str | None = None
