"""What changed, for pages that are open: coalesced by thing, bounded by page.

Strategy: whatever changed is noted by name for each page that listens, no matter how often; once a second a page takes all of
it and is told how these things stand now.  So a page that is slow costs no more than one that is fast, and misses nothing
but what lay between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

MAX_PAGES: Final = 64
MAX_NOTED: Final = 4_096


class Topic(StrEnum):
    """What a page can be told of."""

    PBX = "pbx"
    PEER = "peer"
    TRUNK = "trunk"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Change:
    """Something is not as it was."""

    topic: Topic
    pbx: str
    subject: str = ""


class TooManyPagesError(Exception):
    """Nobody else is listened for."""


class Listener:
    """One page's unread changes; ``overflowed`` says that there were too many, and everything must be read anew."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self._noted: dict[Change, None] = {}
        self._overflowed = False

    def note(self, change: Change) -> None:
        """Remember a change until it is taken."""
        if len(self._noted) < MAX_NOTED:
            self._noted[change] = None
        elif change not in self._noted:
            self._overflowed = True
        self.woken.set()

    def take(self) -> tuple[list[Change], bool]:
        """Return what changed since it was last asked for, and whether something was left out."""
        taken, overflowed = list(self._noted), self._overflowed
        self._noted, self._overflowed = {}, False
        self.woken.clear()
        return taken, overflowed


T = TypeVar("T")


class Shared(Generic[T]):
    """What was made last, and what for: pages come at the same beat, and most of them have missed the same."""

    def __init__(self) -> None:
        self._made: tuple[object, T] | None = None

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made for this key, or make it."""
        if self._made is None or self._made[0] != key:
            self._made = key, make()
        return self._made[1]


class News:
    """Hands changes to whoever listens."""

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        self._listeners: set[Listener] = set()
        self.max_pages = max_pages
        self.closed = False
        self.revision = 0  # grows with everything that is noted

    @property
    def pages(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def note(self, change: Change) -> None:
        """Tell everybody who listens."""
        self.revision += 1
        for listener in self._listeners:
            listener.note(change)

    def open(self) -> None:
        """Listen for pages again after ``close``: a server that broke is tried again, and its streams with it."""
        self.closed = False

    def close(self) -> None:
        """Let everybody go: nothing more will come."""
        self.closed = True
        for listener in self._listeners:
            listener.woken.set()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Listen for a while; raises TooManyPagesError."""
        if len(self._listeners) >= self.max_pages:
            raise TooManyPagesError
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
