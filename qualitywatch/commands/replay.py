"""``replay``: recorded manager sessions through the production pipeline, on their own clock.

Several files are successive connections to one PBX, with a blind time between them; a file that begins before its predecessor
ended is another PBX's and starts with empty memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import TimedMessage, read_recording
from qualitywatch.app import garbage
from qualitywatch.commands.emit import AlertEmitter, Emitter, MessageEmitter, Printer, SampleEmitter
from qualitywatch.commands.transcripts import Transcripts
from qualitywatch.config import read_config
from qualitywatch.errors import AmiProtocolError, QualitywatchError
from qualitywatch.model import Connected, Disconnected
from qualitywatch.pipeline import Pipeline
from qualitywatch.quality.sites import Sites
from qualitywatch.remedies.rehearsal import Rehearsal
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped

DEFAULT_PBX = "pbx"
PROGRESS_EVERY = 200  # messages between two looks of the progress bar


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay and how to print it."""

    files: tuple[Path, ...]
    config: Path | None = None
    rules: Path | None = None
    emit: str = "alerts"
    format: str = "text"
    language: str | None = None


def replay(options: ReplayOptions, out: IO[str] | None = None) -> int:
    """Replay and print; returns the exit code. Raises ConfigError or, for a file that cannot be read, QualitywatchError."""
    stream = out or sys.stdout
    config = read_config(options.config) if options.config else None
    directories = list(config.rules.directories) if config else [shipped("rules")]
    if options.rules is not None:
        directories.append(options.rules)
    specs = load_rules(directories)
    language = options.language or (config.language if config else "en")
    zone = config.timezone if config else UTC
    name = config.pbxes[0].name if config else DEFAULT_PBX
    names = {**config.names, **config.trunks} if config else {}
    printer = Printer(stream, as_json=options.format == "json", zone=zone)
    emitter: Emitter
    match options.emit:
        case "samples":
            emitter = SampleEmitter(printer)
        case "messages":
            emitter = MessageEmitter(printer, Transcripts(config, specs, options.language, zone), name)
        case _:
            remedies = {spec.name: spec.remedies for spec in specs}
            allowed = config.remedies if config else None
            emitter = AlertEmitter(
                printer, language, lambda pipeline: Rehearsal(name, remedies, allowed, trunk_of=pipeline.trunk_of)
            )
    session = Session(name, specs, names, config.trunk_peers if config else {}, emitter, config.sites if config else None)
    exit_code = 0
    with garbage.rarely():
        for path in options.files:
            try:
                for number, timed in enumerate(messages(recording_of(path), interactive=options.format == "text")):
                    if number == 0:
                        session.connect(timed.at)
                    session.hear(timed)
            except AmiProtocolError as exc:
                print(f"{path}: {exc}", file=sys.stderr)
                exit_code = 1
    emitter.close(session.pipeline)
    return exit_code


class Session:
    """The pipeline of one PBX through successive recordings."""

    def __init__(
        self,
        pbx: str,
        specs: Sequence[RuleSpec],
        names: Mapping[str, str],
        trunk_peers: Mapping[str, str],
        emitter: Emitter,
        sites: Sites | None = None,
    ) -> None:
        self._pbx = pbx
        self._specs = specs
        self._names = names
        self._trunk_peers = trunk_peers
        self._sites = sites
        self._emitter = emitter
        self._heard_at: float | None = None
        self.pipeline = self._begin()

    def _begin(self) -> Pipeline:
        pipeline = Pipeline(self._pbx, self._specs, names=self._names, trunk_peers=self._trunk_peers, sites=self._sites)
        self._emitter.begin(pipeline)
        return pipeline

    def connect(self, at: float) -> None:
        """Begin another recording: after a blind time, or, when it is older than the last one, with empty memory."""
        if self._heard_at is None:
            return
        if at < self._heard_at:
            self.pipeline = self._begin()
            return
        self._emitter.show(self.pipeline.feed(Disconnected(self._heard_at, "the recording ends here")), self.pipeline)
        self._emitter.show(self.pipeline.feed(Connected(at)), self.pipeline)

    def hear(self, timed: TimedMessage) -> None:
        """Take in one message of the recording."""
        for event in translate(timed.message, timed.at):
            self._emitter.show(self.pipeline.feed(event), self.pipeline)
        self._emitter.show(self.pipeline.advance(timed.at), self.pipeline)
        self._heard_at = timed.at


def recording_of(path: Path) -> Path:
    return path / "input.ami" if path.is_dir() else path


def messages(path: Path, *, interactive: bool) -> Iterator[TimedMessage]:
    """Yield the messages of one recording, with a progress bar where somebody looks."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise QualitywatchError(f"{path}: cannot be read: {exc.strerror}") from exc
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=console, transient=True) if interactive and console.is_terminal else nullcontext()
    with shown as progress:
        task = progress.add_task(path.parent.name or path.name, total=len(data)) if progress is not None else None
        done = 0
        for count, message in enumerate(read_recording(data)):
            yield message
            done += len(message.message.raw) + 4
            if progress is not None and task is not None and count % PROGRESS_EVERY == 0:
                progress.update(task, completed=done)
