"""What one chat would have seen: the lane of a target, carried out on the clock of a recording at the pace a bot is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from qualitywatch.model import Incident
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.pacing import Pacer
from qualitywatch.notify.steps import Renderer, Step, StepKind


@dataclass(frozen=True, slots=True)
class Line:
    """A new message, or a change of one; ``at`` is an instant of the recording, ``message_id`` counts from 1."""

    at: float
    chat: str
    message_id: int
    new: bool
    text: str

    def record(self) -> dict[str, object]:
        """The line as it is printed in JSON."""
        return {"at": round(self.at, 6), "chat": self.chat, "message_id": self.message_id, "new": self.new, "text": self.text}


class Transcript:
    """One chat.  It is taken for a group, which has the strictest limits; pictures are left out."""

    def __init__(self, chat: str, renderer: Renderer) -> None:
        self._chat = chat
        self._pacer = Pacer()
        self._lane = Lane(chat, renderer, new_id=count(1).__next__, pictures=False)
        self._message_ids = count(1)
        self._at = -math.inf
        self._idle_until = -math.inf  # before it, nothing is to be done unless something new is learnt
        self._lines: list[Line] = []

    def update(self, incidents: Iterable[Incident], at: float) -> None:
        """Take in what became of incidents at an instant; those of one instant are looked at together."""
        self._run(math.nextafter(at, -math.inf))
        self._at = max(self._at, at)
        self._lane.learn(incidents)
        self._idle_until = -math.inf

    def advance(self, now: float) -> list[Line]:
        """Let the chat live until an instant; return what it showed since the last call, in order."""
        self._run(now)
        self._at = max(self._at, now)
        lines, self._lines = self._lines, []
        return lines

    def close(self) -> list[Line]:
        """Let the chat live until nothing is left to be shown; return what it showed."""
        return self.advance(math.inf)

    def _run(self, until: float) -> None:
        if until < self._idle_until:
            return
        at = self._at
        while at <= until:
            step = self._lane.next(at)
            if step is None:
                due_at = self._lane.due_at(at)
                if due_at is None or due_at <= at:
                    self._idle_until = math.inf if due_at is None else -math.inf
                    break
                at = self._idle_until = due_at
            elif (pause_s := self._pause_s(step, at)) > 0 and step.kind is not StepKind.NOTE:
                at += pause_s
            else:
                self._at = at
                self._carry(step, at)

    def _pause_s(self, step: Step, at: float) -> float:
        return self._pacer.pause_s(self._chat, at, is_news=step.kind is StepKind.SEND)

    def _carry(self, step: Step, at: float) -> None:
        message_id = next(self._message_ids) if step.kind is StepKind.SEND else step.message_id
        if step.notification is not None and message_id is not None:
            is_new = step.kind is StepKind.SEND
            self._pacer.spend(self._chat, at, is_news=is_new)
            self._lines.append(Line(at, self._chat, message_id, is_new, step.notification.plain))
        self._lane.done(step, message_id, at)
