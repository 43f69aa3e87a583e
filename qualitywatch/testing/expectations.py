"""What is expected of a story, and whether it came true.

Strategy: an alert's state at an instant is what its last transition made of it, so that no instant is too early or too late to
be asked for.  Times are seconds from the beginning of the story.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from qualitywatch.document import Selector, format_duration
from qualitywatch.model import AlertKey, AlertState, Direction, NotifyReason, Severity, Transition
from qualitywatch.testing.account import account, last_word
from qualitywatch.testing.outcome import Run

SLACK_S: Final = 0.001  # instants of recordings are floats
_SHOWN: Final = 12


class Wanted(StrEnum):
    """How an alert may stand."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"  # it fired and is over
    NONE = "none"  # neither pending nor firing


@dataclass(frozen=True, slots=True)
class Range:
    """Which figures will do; ``text`` is how the file says it."""

    text: str
    holds: Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Span:
    """From one second of the story to another, both included."""

    from_s: float
    until_s: float

    def holds(self, seconds: float) -> bool:
        """Whether an instant lies within."""
        return self.from_s - SLACK_S <= seconds <= self.until_s + SLACK_S

    def __str__(self) -> str:
        return f"between {format_duration(self.from_s)} and {format_duration(self.until_s)}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which alerts are meant."""

    rule: str
    subject: Selector | None = None
    direction: Direction | None = None
    severity: Severity | None = None
    value: Range | None = None

    def means(self, key: AlertKey) -> bool:
        """Whether it is about this alert, at whatever severity."""
        return (
            key.rule == self.rule
            and (self.subject is None or self.subject.matches(key.subject))
            and (self.direction is None or self.direction is key.direction)
        )

    def fits(self, transition: Transition, value: float | None) -> bool:
        """Whether severity and figure are the wanted ones too."""
        if self.severity is not None and transition.alert.severity is not self.severity:
            return False
        return self.value is None or (value is not None and self.value.holds(value))

    def __str__(self) -> str:
        parts = [str(self.subject) if self.subject else "", self.direction or "", self.severity or ""]
        parts.append(f"value {self.value.text}" if self.value else "")
        more = ", ".join(part for part in parts if part)
        return f"{self.rule} ({more})" if more else self.rule


class Expectation(Protocol):
    """One line under ``expect``."""

    @property
    def source(self) -> str:
        """Where it stands: file:line."""
        ...

    @property
    def rule(self) -> str | None:
        """The rule it is about; None for messages."""
        ...

    @property
    def until_s(self) -> float:
        """So long the story must be told for it to be judged."""
        ...

    def came_true(self, run: Run) -> bool:
        """Whether it did."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class StateAt:
    """An alert stands so at an instant."""

    source: str
    at_s: float
    state: Wanted
    pattern: Pattern

    @property
    def rule(self) -> str:
        return self.pattern.rule

    @property
    def until_s(self) -> float:
        return self.at_s

    def came_true(self, run: Run) -> bool:
        """Look at the last transition of each alert that is meant."""
        at = run.start_at + self.at_s + SLACK_S
        latest = _latest(run, self.pattern, at)
        if self.state is Wanted.NONE:
            severity = self.pattern.severity
            return all(
                _state(transition) not in {Wanted.PENDING, Wanted.FIRING}
                or (severity is not None and transition.alert.severity is not severity)
                for transition in latest.values()
            )
        return any(
            _state(transition) is self.state and self.pattern.fits(transition, _value(run, key, at, transition))
            for key, transition in latest.items()
        )

    def __str__(self) -> str:
        return f"{self.pattern} to be {self.state} at {format_duration(self.at_s)}"


@dataclass(frozen=True, slots=True)
class StateBetween:
    """An alert comes to stand so within a time; ``none`` means that it does not stir all the while."""

    source: str
    span: Span
    state: Wanted
    pattern: Pattern

    @property
    def rule(self) -> str:
        return self.pattern.rule

    @property
    def until_s(self) -> float:
        return self.span.until_s

    def came_true(self, run: Run) -> bool:
        """Look at the transitions of that time."""
        if self.state is Wanted.NONE:
            quiet_before = StateAt(self.source, self.span.from_s, Wanted.NONE, self.pattern).came_true(run)
            return quiet_before and not any(
                _entered(run, self.span, self.pattern, state) for state in (Wanted.PENDING, Wanted.FIRING)
            )
        return _entered(run, self.span, self.pattern, self.state)

    def __str__(self) -> str:
        verb = "to be quiet" if self.state is Wanted.NONE else f"to become {self.state}"
        return f"{self.pattern} {verb} {self.span}"


@dataclass(frozen=True, slots=True)
class Never:
    """An alert never fires, or with ``pending`` never even begins; ``span`` None means the whole story."""

    source: str
    span: Span | None
    state: Wanted
    pattern: Pattern

    @property
    def rule(self) -> str:
        return self.pattern.rule

    @property
    def until_s(self) -> float:
        return self.span.until_s if self.span else 0.0

    def came_true(self, run: Run) -> bool:
        """Look at all transitions."""
        span = self.span or Span(0.0, float("inf"))
        states = (Wanted.PENDING, Wanted.FIRING) if self.state is Wanted.PENDING else (self.state,)
        return not any(_entered(run, span, self.pattern, state) for state in states)

    def __str__(self) -> str:
        return f"{self.pattern} never to be {self.state}" + (f" {self.span}" if self.span else "")


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A chat shows some text: at an instant, in something new or changed within a time, or ever; or, ``never``, does not."""

    source: str
    text: str
    at_s: float | None = None
    span: Span | None = None
    new: bool | None = None  # only new messages, or only changes of one
    never: bool = False

    @property
    def rule(self) -> None:
        return None

    @property
    def until_s(self) -> float:
        return self.at_s if self.at_s is not None else self.span.until_s if self.span else 0.0

    def came_true(self, run: Run) -> bool:
        """Look through what the chat showed."""
        if self.at_s is not None:
            present = {line.message_id: line for line in run.lines if line.at - run.start_at <= self.at_s + SLACK_S}
            lines = list(present.values())
        else:
            lines = [line for line in run.lines if self.span is None or self.span.holds(line.at - run.start_at)]
        found = any(says(line.text, self.text) for line in lines if self.new is None or line.new is self.new)
        return found is not self.never

    def __str__(self) -> str:
        kind = {None: "a message", True: "a new message", False: "a changed message"}[self.new]
        when = f" at {format_duration(self.at_s)}" if self.at_s is not None else f" {self.span}" if self.span else ""
        return f"{'never ' if self.never else ''}{kind} with {self.text!r}{when}"


@dataclass(frozen=True, slots=True)
class MessageCount:
    """So many new messages, in all or within a time; changes of one are not counted."""

    source: str
    count: Range
    span: Span | None = None

    @property
    def rule(self) -> None:
        return None

    @property
    def until_s(self) -> float:
        return self.span.until_s if self.span else 0.0

    def came_true(self, run: Run) -> bool:
        """Count."""
        new = sum(line.new and (self.span is None or self.span.holds(line.at - run.start_at)) for line in run.lines)
        return self.count.holds(new)

    def __str__(self) -> str:
        return f"{self.count.text} new messages" + (f" {self.span}" if self.span else "")


def says(text: str, wanted: str) -> bool:
    """Whether a text holds what is wanted: the words themselves, or something that fits ``/regex/``."""
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        return re.search(wanted[1:-1], text) is not None
    return wanted in text


def what_happened(run: Run, rule: str | None) -> list[str]:
    """The story of one rule's alerts, or of the messages, as lines to be read beside an expectation that failed."""
    if rule is None:
        if not run.lines:
            return ["no message was shown"]
        shown = []
        for line in run.lines[:_SHOWN]:
            first, *more = line.text.splitlines() or [""]
            head = f"{_clock(run, line.at)} {'new ' if line.new else 'edit'} #{line.message_id}"
            shown += [f"{head}  {first}", *(f"{'':>{len(head)}}  {row}" for row in more)]
        return shown + _rest(len(run.lines))
    happened = [transition for transition in run.transitions if transition.alert.key.rule == rule]
    return [_told(run, transition) for transition in happened[:_SHOWN]] + _rest(len(happened)) + _quiet(run, rule)


def _quiet(run: Run, rule: str) -> list[str]:
    """Why the alerts of a rule that were never told were not."""
    told = {one.alert.key for one in run.transitions if one.reason is not NotifyReason.NONE}
    left_out = [sample for name, sample in run.witness.left_out if name == rule]
    keys = {one.key for one in run.evaluations if one.key.rule == rule}
    lines = []
    for key in sorted(keys - told, key=lambda key: (key.subject, key.direction or ""))[:_SHOWN]:
        found = account(run.specs[rule], key, run.evaluations, run.transitions, left_out)
        who = f"{key.subject} {key.direction}" if key.direction else key.subject
        lines += [f"{who} {line}" for line in last_word(found, lambda at: _clock(run, at).strip())]
    if not keys:
        unused = Counter(f"{sample.subject}: {sample.verdict}" for sample in left_out)
        lines.append("it was never asked: the story tells nothing that it could judge")
        lines += [f"left out: {count} samples of {what}" for what, count in unused.most_common(_SHOWN)]
    return lines


def _told(run: Run, transition: Transition) -> str:
    alert = transition.alert
    state = "happened" if transition.reason is NotifyReason.HAPPENED else str(_state(transition))
    because = f" ({transition.resolved_because.replace('_', ' ')})" if transition.resolved_because else ""
    direction = f" {alert.key.direction}" if alert.key.direction else ""
    value = f" {alert.value:.4g}" if alert.value is not None else ""
    return f"{_clock(run, transition.at)} {state:<8} {alert.severity:<8} {alert.key.subject}{direction}{value}{because}"


def _rest(count: int) -> list[str]:
    return [f"... and {count - _SHOWN} more"] if count > _SHOWN else []


def _clock(run: Run, at: float) -> str:
    return f"{format_duration(max(0.0, round(at - run.start_at, 1))):>7}"


def _state(transition: Transition) -> Wanted:
    if transition.new_state is AlertState.FIRING:
        return Wanted.FIRING
    if transition.new_state is AlertState.PENDING:
        return Wanted.PENDING
    return Wanted.RESOLVED if transition.old_state is AlertState.FIRING else Wanted.NONE


def _latest(run: Run, pattern: Pattern, at: float) -> dict[AlertKey, Transition]:
    """The last transition of each alert that is meant; what merely happened has no state."""
    return {
        transition.alert.key: transition
        for transition in run.transitions
        if transition.at <= at and pattern.means(transition.alert.key) and transition.reason is not NotifyReason.HAPPENED
    }


def _entered(run: Run, span: Span, pattern: Pattern, state: Wanted) -> bool:
    return any(
        span.holds(transition.at - run.start_at)
        and pattern.means(transition.alert.key)
        and _state(transition) is state
        and pattern.fits(transition, transition.alert.peak if state is Wanted.RESOLVED else transition.alert.value)
        for transition in run.transitions
    )


def _value(run: Run, key: AlertKey, at: float, transition: Transition) -> float | None:
    """The figure of an alert at an instant: the last one that was judged; of one that is over, its worst."""
    if _state(transition) is Wanted.RESOLVED:
        return transition.alert.peak
    values = [found.value for found in run.evaluations if found.key == key and found.at <= at and found.value is not None]
    return values[-1] if values else transition.alert.value
