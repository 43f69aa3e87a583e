"""Plays a case through the production pipeline, second by second as the daemon does, and keeps all that came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import Alert, Transition
from qualitywatch.notify.transcript import Line
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.quality.sites import Sites
from qualitywatch.remedies.rehearsal import Rehearsal
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.testing.cases import Case, Said
from qualitywatch.testing.outcome import Run

PBX = "pbx"


class Chat(Protocol):
    """What turns alerts into messages: the desk and its chats."""

    def watch(self, pipeline: Pipeline) -> None:
        """Begin with a PBX."""
        ...

    def step(self, pbx: str, transitions: Sequence[Transition], alerts: Sequence[Alert], now: float) -> Iterable[Line]:
        """Follow one step; return what the chats show anew."""
        ...

    def close(self) -> Iterable[Line]:
        """Return what was still to be shown when the story ended."""
        ...


def play(
    case: Case,
    specs: Sequence[RuleSpec],
    chat: Chat,
    names: Mapping[str, str],
    trunk_peers: Mapping[str, str] | None = None,
    sites: Sites | None = None,
) -> Run:
    """Run one case; raises OSError or AmiProtocolError for a recording that cannot be read."""
    run = Run({spec.name: spec for spec in specs})
    pipeline = Pipeline(
        PBX,
        [run.witness.watch(spec) for spec in specs],
        names=names,
        trunk_peers=trunk_peers,
        sites=sites,
        rule_memories=case.learned,
        zone=case.zone,
    )
    chat.watch(pipeline)

    rehearsal = Rehearsal(PBX, {spec.name: spec.remedies for spec in specs}, trunk_of=pipeline.trunk_of)

    def take(effects: Effects) -> None:
        run.transitions.extend(effects.transitions)
        if pipeline.now is not None:
            run.lines.extend(chat.step(PBX, effects.transitions, pipeline.alerts, pipeline.now))
            run.remedies.extend(rehearsal.step(effects.transitions, pipeline.alerts, pipeline.now))

    at: float | None = None
    for said_at, said in _story(case):
        if at is None:
            run.start_at = at = case.start_at or said_at
            take(pipeline.advance(at))
        for second in _seconds(at, said_at):
            take(pipeline.advance(second))
        at = max(at, said_at)
        for event in translate(said, said_at) if isinstance(said, Message) else (said,):
            take(pipeline.feed(event))
        take(pipeline.advance(said_at))
    if at is None:
        run.start_at = at = case.start_at
    run.end_at = max(at, run.start_at + (case.until_s or 0.0))
    for second in _seconds(at, run.end_at + 1):
        take(pipeline.advance(second))
    run.lines.extend(chat.close())
    return run


def _story(case: Case) -> Iterable[tuple[float, Said]]:
    if case.recording is None:
        return case.story
    path = case.recording / "input.ami" if case.recording.is_dir() else case.recording
    return ((timed.at, timed.message) for timed in read_recording(path.read_bytes()))


def _seconds(after: float, before: float) -> Iterator[float]:
    """The full seconds between two instants, both left out."""
    second = math.floor(after) + 1
    while second < before:
        yield float(second)
        second += 1
