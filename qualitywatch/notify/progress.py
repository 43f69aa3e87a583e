"""What is being waited for, and since when: the watchdog's view of work in hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qualitywatch.ports import Clock


class Progress:
    """Steps that have begun and not ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun: dict[object, float] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Hold a step open while the body runs."""
        key = object()
        self._begun[key] = self._clock.monotonic()
        try:
            yield
        finally:
            del self._begun[key]

    def at(self) -> float:
        """Monotonic seconds of the beginning of the oldest open step; the present when there is none."""
        return min(self._begun.values(), default=self._clock.monotonic())
