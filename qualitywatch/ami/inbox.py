"""Everything one PBX said, in order, waiting to be processed: the border between reading and the rest of the program.

Strategy: putting never waits, so a slow consumer never slows the reader (Asterisk cuts off a client that blocks its writes for
100 ms).  Beyond the limit the oldest RTCP reports give way: they repeat every five seconds, and one that is missing only widens
an interval.  Everything else stays until the hard limit, four times as far; our own marks (connected, resynced, audited,
disconnected) are never dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from qualitywatch.ami.codec import Message
from qualitywatch.model import Audited, Connected, Disconnected, Resynced

DEFAULT_LIMIT: Final = 50_000
HARD_LIMIT_FACTOR: Final = 4

Mark: TypeAlias = Connected | Resynced | Audited | Disconnected
InboxItem: TypeAlias = tuple[float, Message] | Mark
"""A message with the Unix seconds of its arrival, or a mark of our own client."""

_RTCP: Final = (b"Event: RTCP", b"event: rtcp")


@dataclass(slots=True)
class _Slot:
    """A place in the queue; ``item`` None means that it was dropped before its turn."""

    item: InboxItem | None


class Inbox:
    """An unbounded queue for marks and a bounded one for messages, kept in one order. One consumer."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        if limit < 1:
            raise ValueError("an inbox needs room for at least one message")
        self._limit = limit
        self._slots: deque[_Slot] = deque()
        self._rtcp: deque[_Slot] = deque()  # the same slots, oldest first: what may be dropped
        self._others: deque[_Slot] = deque()
        self._length = 0
        self._dropped_rtcp = 0
        self._dropped_others = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return self._length

    @property
    def limit(self) -> int:
        """How many messages may wait before RTCP reports give way."""
        return self._limit

    @property
    def dropped(self) -> int:
        """Messages lost to overflow since the start."""
        return self._dropped_rtcp + self._dropped_others

    @property
    def dropped_others(self) -> int:
        """Those of them that were not RTCP reports: state was missed, and is to be asked for."""
        return self._dropped_others

    def put(self, item: InboxItem) -> None:
        """Append one item; never waits, never raises."""
        slot = _Slot(item)
        self._slots.append(slot)
        self._length += 1
        if isinstance(item, tuple):
            (self._rtcp if item[1].raw.startswith(_RTCP) else self._others).append(slot)
            if self._length > self._limit:
                self._make_room()
        self._filled.set()

    async def wait(self) -> None:
        """Wait until there is something."""
        while not self._length:
            self._filled.clear()
            await self._filled.wait()

    async def take(self, limit: int = 1000) -> list[InboxItem]:
        """Wait until there is something, then return up to ``limit`` items in the order they came."""
        await self.wait()
        return self.take_now(limit)

    def take_now(self, limit: int = 1000) -> list[InboxItem]:
        """Return up to ``limit`` items without waiting; empty when there is nothing."""
        taken: list[InboxItem] = []
        while self._slots and len(taken) < limit:
            slot = self._slots.popleft()
            if slot.item is None:
                continue
            taken.append(slot.item)
            self._length -= 1
            if isinstance(slot.item, tuple):
                # Each queue of candidates holds its slots in the same order: this one is in front of its own.
                (self._rtcp if self._rtcp and self._rtcp[0] is slot else self._others).popleft()
        return taken

    def _make_room(self) -> None:
        if self._rtcp:
            self._rtcp.popleft().item = None
            self._dropped_rtcp += 1
        elif self._length > self._limit * HARD_LIMIT_FACTOR and self._others:
            self._others.popleft().item = None
            self._dropped_others += 1
        else:
            return
        self._length -= 1
        if len(self._slots) > 2 * self._length + self._limit:  # holes must not become a leak of their own
            self._slots = deque(slot for slot in self._slots if slot.item is not None)
