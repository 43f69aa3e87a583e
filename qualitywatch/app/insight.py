"""Looks into the running daemon: for whoever asks over the web, and for what it stores of itself each minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from qualitywatch.app.keeper import Keeper
from qualitywatch.app.watcher import Watcher
from qualitywatch.model import AlertState, PbxEvent, Severity
from qualitywatch.sinks.sink import Sink
from qualitywatch.web.inside import Inside, PbxFigures, SinkFigures


class Insight:
    """Counts from the moment it is built."""

    def __init__(
        self,
        watchers: Mapping[str, Watcher],
        sinks: Sequence[Sink],
        keeper: Keeper,
        *,
        waiting: Callable[[], int],
        hangs: Callable[[], str | None],
    ) -> None:
        """``waiting`` tells how many messages somebody still has to be told, ``hangs`` what makes no progress."""
        self._watchers, self._sinks, self._keeper = watchers, sinks, keeper
        self._waiting, self._hangs = waiting, hangs
        self._events: Counter[str] = Counter()
        for name, watcher in watchers.items():
            watcher.listeners.append(partial(self._heard, name))

    def look(self) -> Inside:
        """Return how the daemon itself stands."""
        return Inside(
            hangs=self._hangs(),
            store_trouble="something cannot be stored: see the log" if self._keeper.is_failing else None,
            pbxes={name: _pbx(watcher, self._events[name]) for name, watcher in self._watchers.items()},
            sinks={sink.name: _sink(sink) for sink in self._sinks},
            outbox_waiting=self._waiting(),
            firing=_firing(self._watchers.values()),
        )

    def _heard(self, pbx: str, event: PbxEvent) -> None:
        self._events[pbx] += 1


def _pbx(watcher: Watcher, events: int) -> PbxFigures:
    lived = watcher.pipeline.now
    return PbxFigures(events, None if lived is None else max(0.0, watcher.now - lived), watcher.client.trouble)


def _sink(sink: Sink) -> SinkFigures:
    counts = sink.counts
    return SinkFigures(counts.taken_in, counts.sent, counts.refused, counts.dropped, sink.spool.load.lines, counts.trouble)


def _firing(watchers: Iterable[Watcher]) -> Mapping[Severity, int]:
    alerts = (alert for watcher in watchers for alert in watcher.pipeline.alerts if alert.state is AlertState.FIRING)
    return Counter(alert.severity for alert in alerts)
