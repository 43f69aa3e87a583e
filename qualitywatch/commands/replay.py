"""``replay``: recorded manager sessions through the production pipeline, on their own clock.

Several files are successive connections to one PBX, with a blind time between them; a file that begins before its predecessor
ended is another PBX's and starts with empty memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import TimedMessage, read_recording
from qualitywatch.config import read_config
from qualitywatch.errors import AmiProtocolError, QualitywatchError
from qualitywatch.model import AlertState, Connected, Disconnected, NotifyReason, Sample, Severity, Transition
from qualitywatch.notify.render import headline
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped

DEFAULT_PBX = "pbx"
PROGRESS_EVERY = 200  # messages between two looks of the progress bar

_STYLES = {
    "pending": "dim",
    "resolved": "green",
    Severity.CRITICAL: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "blue",
}


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
    printer = _Printer(stream, options, language, zone)

    session = _Session(name, specs, names, printer.show)
    exit_code = 0
    for path in options.files:
        try:
            for number, timed in enumerate(_messages(_recording_of(path), interactive=options.format == "text")):
                if number == 0:
                    session.connect(timed.at)
                session.hear(timed)
        except AmiProtocolError as exc:
            print(f"{path}: {exc}", file=sys.stderr)
            exit_code = 1
    printer.close(session.pipeline)
    return exit_code


class _Session:
    """The pipeline of one PBX through successive recordings."""

    def __init__(self, pbx: str, specs: Sequence[RuleSpec], names: Mapping[str, str], show: Callable[[Effects], None]) -> None:
        self._pbx = pbx
        self._specs = specs
        self._names = names
        self._show = show
        self._heard_at: float | None = None
        self.pipeline = Pipeline(pbx, specs, names=names)

    def connect(self, at: float) -> None:
        """Begin another recording: after a blind time, or, when it is older than the last one, with empty memory."""
        if self._heard_at is None:
            return
        if at < self._heard_at:
            self.pipeline = Pipeline(self._pbx, self._specs, names=self._names)
            return
        self._show(self.pipeline.feed(Disconnected(self._heard_at, "the recording ends here")))
        self._show(self.pipeline.feed(Connected(at)))

    def hear(self, timed: TimedMessage) -> None:
        """Take in one message of the recording."""
        for event in translate(timed.message, timed.at):
            self._show(self.pipeline.feed(event))
        self._show(self.pipeline.advance(timed.at))
        self._heard_at = timed.at


def transition_record(transition: Transition, language: str) -> dict[str, object] | None:
    """One alert as a flat record for machines; None for changes that are nobody's business (a pending alert that went away)."""
    alert = transition.alert
    if transition.reason is NotifyReason.RESOLVED:
        state = "resolved"
    elif transition.reason is not NotifyReason.NONE:
        state = "firing"
    elif transition.new_state is AlertState.PENDING and transition.old_state is AlertState.INACTIVE:
        state = "pending"
    else:
        return None
    value = alert.peak if state == "resolved" else alert.value
    return {
        "at": round(transition.at, 6),
        "state": state,
        "rule": alert.key.rule,
        "severity": str(alert.severity),
        "pbx": alert.key.pbx,
        "subject": alert.key.subject,
        "direction": alert.key.direction,
        "value": None if value is None else round(value, 4),
        "text": headline(transition, language),
    }


def sample_record(sample: Sample) -> dict[str, object]:
    """One sample as a flat record for machines."""
    return {
        "at": round(sample.at, 6),
        "metric": str(sample.metric),
        "value": round(sample.value, 4),
        "pbx": sample.pbx,
        "subject": sample.subject,
        "direction": sample.direction,
        "channel": sample.channel,
        "uniqueid": sample.uniqueid,
        "verdict": str(sample.verdict),
    }


class _Printer:
    """Prints effects as they come, for people or for machines."""

    def __init__(self, stream: IO[str], options: ReplayOptions, language: str, zone: tzinfo) -> None:
        self._stream = stream
        self._samples = options.emit == "samples"
        self._json = options.format == "json"
        self._language = language
        self._zone = zone
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._told = 0

    def show(self, effects: Effects) -> None:
        if self._samples:
            for sample in effects.samples:
                self._line(sample_record(sample), lambda record: (_sample_text(record), ""))
            return
        for transition in effects.transitions:
            record = transition_record(transition, self._language)
            if record is None:
                continue
            self._told += record["state"] != "pending"
            style = _STYLES.get(str(record["state"])) or _STYLES[transition.alert.severity]
            self._line(record, lambda record, style=style: (_alert_text(record), style))  # type: ignore[misc]

    def close(self, pipeline: Pipeline) -> None:
        """Say what is left, so that a quiet recording does not end in silence."""
        if self._json or self._samples:
            return
        open_alerts = [alert for alert in pipeline.alerts if alert.state is AlertState.FIRING]
        left = f", {len(open_alerts)} still firing at the end" if open_alerts else ""
        self._console.print(Text(f"{self._told} messages would have been sent{left}.", style="dim"))

    def _line(self, record: dict[str, object], text: Callable[[dict[str, object]], tuple[str, str]]) -> None:
        if self._json:
            self._stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        at = datetime.fromtimestamp(float(str(record["at"])), self._zone)
        line, style = text(record)
        self._console.print(Text(f"{at:%Y-%m-%d %H:%M:%S}  {line}", style=style))


def _alert_text(record: dict[str, object]) -> str:
    return f"{record['state']!s:<8}  {record['severity']!s:<8}  {record['text']}"


def _sample_text(record: dict[str, object]) -> str:
    direction = record["direction"] or "-"
    return f"{record['subject']!s:<20} {direction!s:<9} {record['metric']!s:<22} {record['value']:>10}  {record['verdict']}"


def _recording_of(path: Path) -> Path:
    return path / "input.ami" if path.is_dir() else path


def _messages(path: Path, *, interactive: bool) -> Iterator[TimedMessage]:
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
