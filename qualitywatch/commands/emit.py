"""What ``replay`` prints: alerts, samples or the messages of a chat; for people, or one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import IO, Protocol

from rich.console import Console
from rich.text import Text

from qualitywatch.commands.transcripts import Transcripts
from qualitywatch.model import AlertState, NotifyReason, Sample, Severity, Transition
from qualitywatch.notify.remedies import told
from qualitywatch.notify.render import headline
from qualitywatch.notify.texts import words_of
from qualitywatch.notify.transcript import Line
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.remedies.rehearsal import Rehearsal, Rehearsed

_STYLES = {
    "pending": "dim",
    "resolved": "green",
    Severity.CRITICAL: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "blue",
}


class Emitter(Protocol):
    """Prints what follows from a recording."""

    def begin(self, pipeline: Pipeline) -> None:
        """A PBX begins, with empty memory."""
        ...

    def show(self, effects: Effects, pipeline: Pipeline) -> None:
        """Something was heard, or time passed."""
        ...

    def close(self, pipeline: Pipeline) -> None:
        """There is no more."""
        ...


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


def remedy_record(rehearsed: Rehearsed, language: str) -> dict[str, object]:
    """What would have been done as a flat record for machines."""
    key, note = rehearsed.key, rehearsed.note
    return {
        "at": round(note.at, 6),
        "state": "remedy",
        "rule": key.rule,
        "pbx": key.pbx,
        "subject": key.subject,
        "action": note.what,
        "text": told(note, words_of(language), None),
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


class Printer:
    """Writes records: text in colour where there is a terminal, or JSON lines."""

    def __init__(self, stream: IO[str], *, as_json: bool, zone: tzinfo) -> None:
        self.as_json = as_json
        self._stream = stream
        self._zone = zone
        self._console = Console(file=stream, highlight=False, soft_wrap=True)

    def record(self, record: dict[str, object], text: str, style: str = "") -> None:
        """Write one record; ``text`` is its form for people."""
        if self.as_json:
            self._stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        at = datetime.fromtimestamp(float(str(record["at"])), self._zone)
        self._console.print(Text(f"{at:%Y-%m-%d %H:%M:%S}  {text}", style=style))

    def remark(self, text: str) -> None:
        """Write something for people only."""
        if not self.as_json:
            self._console.print(Text(text, style="dim"))


class SampleEmitter:
    """Every measured value."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def begin(self, pipeline: Pipeline) -> None:
        """Nothing to say."""

    def show(self, effects: Effects, pipeline: Pipeline) -> None:
        """Print the samples of one step."""
        for sample in effects.samples:
            record = sample_record(sample)
            self._printer.record(record, _sample_text(record))

    def close(self, pipeline: Pipeline) -> None:
        """Nothing to say."""


class AlertEmitter:
    """Alerts as they begin, change and end."""

    def __init__(self, printer: Printer, language: str, rehearse: Callable[[Pipeline], Rehearsal] | None = None) -> None:
        self._printer = printer
        self._language = language
        self._rehearse = rehearse
        self._rehearsal = Rehearsal("", {})
        self._told = 0

    def begin(self, pipeline: Pipeline) -> None:
        """Begin with remedies that nobody has needed yet."""
        if self._rehearse is not None:
            self._rehearsal = self._rehearse(pipeline)

    def show(self, effects: Effects, pipeline: Pipeline) -> None:
        """Print the alerts of one step."""
        for transition in effects.transitions:
            record = transition_record(transition, self._language)
            if record is None:
                continue
            self._told += record["state"] != "pending"
            style = _STYLES.get(str(record["state"])) or _STYLES[transition.alert.severity]
            self._printer.record(record, _alert_text(record), style)
        if pipeline.now is not None:
            for one in self._rehearsal.step(effects.transitions, pipeline.alerts, pipeline.now):
                record = remedy_record(one, self._language)
                self._printer.record(record, f"remedy    {record['rule']!s}: {record['text']!s}", "magenta")

    def close(self, pipeline: Pipeline) -> None:
        """Say what is left, so that a quiet recording does not end in silence."""
        open_alerts = [alert for alert in pipeline.alerts if alert.state is AlertState.FIRING]
        left = f", {len(open_alerts)} still firing at the end" if open_alerts else ""
        self._printer.remark(f"{self._told} changes worth telling{left}.")


class MessageEmitter:
    """What chats would have seen: new messages and edits."""

    def __init__(self, printer: Printer, transcripts: Transcripts, pbx: str) -> None:
        self._printer = printer
        self._transcripts = transcripts
        self._pbx = pbx
        self._new = self._edits = 0

    def begin(self, pipeline: Pipeline) -> None:
        """Begin with an empty desk."""
        self._transcripts.watch(pipeline)

    def show(self, effects: Effects, pipeline: Pipeline) -> None:
        """Print what the chats show anew after one step."""
        if pipeline.now is not None:
            for line in self._transcripts.step(self._pbx, effects.transitions, pipeline.alerts, pipeline.now):
                self._print(line)

    def close(self, pipeline: Pipeline) -> None:
        """Print what was still on its way, and sum up."""
        for line in self._transcripts.close():
            self._print(line)
        self._printer.remark(f"{self._new} messages, edited {self._edits} times.")

    def _print(self, line: Line) -> None:
        self._new += line.new
        self._edits += not line.new
        head = f"{line.chat}  {'new ' if line.new else 'edit'} #{line.message_id}"
        body = "".join(f"\n    {row}" for row in line.text.splitlines())
        self._printer.record(line.record(), head + body, "" if line.new else "dim")


def _alert_text(record: dict[str, object]) -> str:
    return f"{record['state']!s:<8}  {record['severity']!s:<8}  {record['text']}"


def _sample_text(record: dict[str, object]) -> str:
    direction = record["direction"] or "-"
    return f"{record['subject']!s:<20} {direction!s:<9} {record['metric']!s:<22} {record['value']:>10}  {record['verdict']}"
