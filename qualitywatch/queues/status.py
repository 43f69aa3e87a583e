"""The queues of one PBX as they stand: items of a list in, gauges out.

Strategy: every item is an observation of its own; the end of the list tells which of the queues known before it did not name,
and of those nothing is known any more.  A list that was cut off has no end and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qualitywatch.document import Selector
from qualitywatch.model import Gauge, LevelObservation, QueuesListed, QueueSummarySeen


class QueueTracker:
    """Knows the queues by name; ``only`` says which are of interest, none named means all."""

    def __init__(self, pbx: str, only: Sequence[Selector] = ()) -> None:
        self._pbx = pbx
        self._only = tuple(only)
        self._known: frozenset[str] = frozenset()
        self._named: set[str] = set()  # by the list at hand

    def configure(self, only: Sequence[Selector]) -> None:
        """Other queues are of interest from the next list on, which also says that nothing is known of the rest."""
        self._only = tuple(only)

    def observe(self, event: QueueSummarySeen | QueuesListed) -> Iterator[LevelObservation]:
        """Take in an item or the end of a list and yield what it shows."""
        if isinstance(event, QueueSummarySeen):
            if not self._only or any(selector.matches(event.queue) for selector in self._only):
                self._named.add(event.queue)
                yield LevelObservation(event.at, self._pbx, event.queue, gauges(event))
            return
        for queue in sorted(self._known - self._named):
            yield LevelObservation(event.at, self._pbx, queue, {})
        self._known, self._named = frozenset(self._named), set()

    def forget(self) -> None:
        """Drop the list at hand: there is a gap in what we saw.  The next whole list tells which queues are no more."""
        self._named = set()


def gauges(queue: QueueSummarySeen) -> dict[Gauge, float]:
    """The figures of one queue, as far as they could be read."""
    unattended = queue.callers
    if queue.callers and queue.logged_in is None:
        unattended = None
    elif queue.logged_in:
        unattended = 0
    read = {
        Gauge.QUEUE_CALLERS: queue.callers,
        Gauge.QUEUE_LONGEST_HOLD_S: queue.longest_hold_s,
        Gauge.QUEUE_AGENTS_AVAILABLE: queue.available,
        Gauge.QUEUE_AGENTS_LOGGED_IN: queue.logged_in,
        Gauge.QUEUE_CALLERS_UNATTENDED: unattended,
    }
    return {gauge: float(value) for gauge, value in read.items() if value is not None}
