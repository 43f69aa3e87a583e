"""Learns what is usual of every subject of one rule, window by window, and leaves out what is bad.

Strategy: a window is learned when the one after it has passed without trouble as well, so that what led to an alert is not
learned; short calls, after which nothing comes for long, are learned when their window is released.  Whatever was learned is
handed out as text, once, for the store, and taken back after a restart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Protocol

from qualitywatch.model import AlertKey, Direction, Signal
from qualitywatch.rules.usual import Baseline
from qualitywatch.rules.windows import SampleWindows

FORGET_AFTER_S: Final = 90 * 86_400.0  # a subject without a call for so long is no longer known
MAX_BASELINES: Final = 5_000  # of one rule; each takes some 2 kB
_SAME_HOUR_S: Final = 900.0  # offsets of time zones are whole quarters of an hour


class Lesson(Protocol):
    """Options of a rule that learns."""

    @property
    def window_s(self) -> float: ...

    @property
    def memory(self) -> int: ...

    @property
    def accept_after_s(self) -> float: ...

    @property
    def zone(self) -> tzinfo | None: ...

    @property
    def about(self) -> str: ...


@dataclass(slots=True)
class Slot:
    """The window that is being filled, and the one before it."""

    number: int
    troubled: bool = False
    before: tuple[int, float] | None = None  # hour of the day, figure
    near_until: float = -math.inf  # so long the window holds a sample beyond the floor, without which nothing is unusual


class Learner:
    """What one rule has learned; ``windows`` are those the rule judges by."""

    def __init__(self, rule: str, lesson: Lesson, windows: SampleWindows) -> None:
        self._rule = rule
        self._lesson = lesson
        self._windows = windows
        self._slots: dict[AlertKey, Slot] = {}
        self._baselines: dict[AlertKey, Baseline] = {}
        self._unusual: set[AlertKey] = set()  # those whose baseline says since when
        self._changed: dict[AlertKey, None] = {}  # an ordered set: those to remember
        self._zone: tzinfo = lesson.zone or UTC
        self._in_trouble: Callable[[str], bool] = lambda subject: False
        self._hour: tuple[int, int] = (-1, 0)  # quarter of an hour, hour of the day

    def settle(self, zone: tzinfo, in_trouble: Callable[[str], bool]) -> None:
        """Learn where the PBX is and whom to ask for alerts of quality that a subject has."""
        self._zone = self._lesson.zone or zone
        self._in_trouble = in_trouble
        self._hour = (-1, 0)

    def baseline(self, key: AlertKey) -> Baseline | None:
        """What is known of a subject."""
        return self._baselines.get(key)

    def is_unusual(self, key: AlertKey) -> bool:
        """Whether a subject is not as usual at present."""
        return bool(self._unusual) and key in self._unusual

    def turn(self, key: AlertKey, at: float) -> tuple[Slot, bool]:
        """Return the window that an instant belongs to, and whether it has just begun; to be asked before a sample is added."""
        slot, number = self._slots.get(key), int(at // self._lesson.window_s)
        turned = slot is None or slot.number != number
        if slot is None:
            slot = self._slots[key] = Slot(number)
        elif turned:
            self._close(key, slot, at)
            slot.number, slot.troubled = number, False
        if not slot.troubled:
            slot.troubled = self.is_unusual(key) or self._in_trouble(key.subject)
        return slot, turned

    def note(self, key: AlertKey, signals: Iterable[Signal], now: float) -> bool:
        """Keep since when a subject is not as usual; whether it was so for so long that it is from now on."""
        baseline = self._baselines[key]
        since, found = baseline.unusual_since, set(signals)
        if Signal.BREACH in found:
            baseline.unusual_since = now if since is None else min(since, now)
            self._unusual.add(key)
        elif found == {Signal.CLEAR}:
            baseline.unusual_since = None
            self._unusual.discard(key)
        if (since is None) is not (baseline.unusual_since is None):
            self._changed[key] = None
        accepted = baseline.unusual_since is not None and now - baseline.unusual_since > self._lesson.accept_after_s
        if accepted:
            self._drop(key)
        return accepted

    def hour_of(self, at: float) -> int:
        """The hour of the day in the PBX's zone; it is asked for often, so the last answer is kept."""
        quarter = int(at // _SAME_HOUR_S)
        if quarter != self._hour[0]:
            self._hour = (quarter, datetime.fromtimestamp(at, self._zone).hour)
        return self._hour[1]

    def forget(self) -> None:
        """Drop the windows that are being filled; what is usual stays."""
        self._slots.clear()

    def release(self, key: AlertKey, now: float) -> None:
        """Learn what is left of a subject that is in no call any more."""
        slot = self._slots.pop(key, None)
        if slot is not None:
            self._close(key, slot, now)
            if slot.before is not None:  # and nothing followed
                self._learn(key, *slot.before, now)

    def expire(self, now: float) -> None:
        """Drop what was usual of those that have long been silent."""
        for key, baseline in list(self._baselines.items()):
            baseline.not_after(now)
            if baseline.latest_at < now - FORGET_AFTER_S:
                self._drop(key)

    def memories(self, at_most: int) -> Mapping[str, str]:
        """What changed and was not asked for yet, by name; an empty text is nothing any more."""
        keys = list(self._changed)[:at_most]
        for key in keys:
            del self._changed[key]
        return {memory_name(key.subject, key.direction): self._memory(key) for key in keys}

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back what an earlier run remembered; what is of another figure, or cannot be read, is to be forgotten."""
        for name, text in memories.items():
            way, _, subject = name.partition(":")
            if not subject or way not in {"", *Direction}:
                continue
            key = AlertKey(self._rule, pbx, subject, Direction(way) if way else None)
            baseline = Baseline.recall(text, self._lesson.about)
            if baseline is not None and len(self._baselines) < MAX_BASELINES:
                self._baselines[key] = baseline
                if baseline.unusual_since is not None:
                    self._unusual.add(key)
            elif text:
                self._changed[key] = None

    def _close(self, key: AlertKey, slot: Slot, now: float) -> None:
        """A window is over: learn the one before it, unless there was trouble in either."""
        start = slot.number * self._lesson.window_s
        figure = self._windows.take_since(key, start)
        if slot.troubled:
            slot.before = None
            return
        if slot.before is not None:
            self._learn(key, *slot.before, now)
        slot.before = (self.hour_of(start), figure) if figure is not None else None

    def _learn(self, key: AlertKey, hour: int, figure: float, now: float) -> None:
        baseline = self._baselines.get(key)
        if baseline is None:
            if len(self._baselines) >= MAX_BASELINES:
                self._drop(min(self._baselines, key=lambda known: self._baselines[known].latest_at))
            baseline = self._baselines[key] = Baseline(now, now)
        baseline.learn(hour, figure, now, self._lesson.memory)
        self._changed[key] = None

    def _drop(self, key: AlertKey) -> None:
        del self._baselines[key]
        self._unusual.discard(key)
        self._changed[key] = None

    def _memory(self, key: AlertKey) -> str:
        baseline = self._baselines.get(key)
        return baseline.memory(self._lesson.about) if baseline is not None else ""


def memory_name(subject: str, direction: Direction | None) -> str:
    """Under which name a subject is remembered."""
    return f"{direction or ''}:{subject}"
