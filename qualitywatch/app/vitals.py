"""The daemon's own figures as series, each minute, for dashboards that do not read ``/metrics``."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NoReturn

from qualitywatch.app.watcher import Watcher
from qualitywatch.errors import StoreError
from qualitywatch.model import AlertState, KpiRecord, PbxEvent, Severity
from qualitywatch.ports import Clock, SeriesBatch, SeriesStore
from qualitywatch.sinks.sink import Sink

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0


class Vitals:
    """``app.services.Service``.  Names of figures are those of ``sinks.measurements``."""

    def __init__(
        self,
        watchers: Mapping[str, Watcher],
        sinks: Sequence[Sink],
        stores: Sequence[SeriesStore],
        waiting: Callable[[], int],
        clock: Clock,
        *,
        every_s: float = EVERY_S,
    ) -> None:
        """``stores`` are written to, ``waiting`` tells how many messages somebody still has to be told."""
        self._watchers, self._sinks, self._stores = watchers, sinks, stores
        self._waiting = waiting
        self._clock = clock
        self._every_s = every_s
        self._events: Counter[str] = Counter()
        self._told: Counter[tuple[str, str]] = Counter()
        self._looked_at = clock.monotonic()
        for name, watcher in watchers.items():
            watcher.listeners.append(partial(self._heard, name))

    async def run(self) -> NoReturn:
        """Write each minute until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.write()

    async def write(self) -> None:
        """Write what happened since the last time; a store that cannot take it has said so elsewhere."""
        batch = SeriesBatch(kpis=tuple(self._figures()))
        for store in self._stores:
            try:
                await store.write(batch)
            except StoreError as exc:
                log.info('vitals.not_written store=%s error="%s"', type(store).__name__, exc)

    async def close(self) -> None:
        """Nothing is held."""

    def _heard(self, pbx: str, event: PbxEvent) -> None:
        self._events[pbx] += 1

    def _figures(self) -> Iterator[KpiRecord]:
        at, monotonic = self._clock.now(), self._clock.monotonic()
        passed_s, self._looked_at = max(monotonic - self._looked_at, 1e-3), monotonic
        events, self._events = self._events, Counter()
        for name, watcher in self._watchers.items():
            yield KpiRecord(at, name, name, "daemon_events", events[name], passed_s)
            if watcher.pipeline.now is not None:
                yield KpiRecord(at, name, name, "daemon_lag_s", max(0.0, watcher.now - watcher.pipeline.now))
        for sink in self._sinks:
            counts = sink.counts
            outcomes = {"sent": counts.sent, "refused": counts.refused, "dropped": counts.dropped}
            for outcome, lines in outcomes.items():
                new = lines - self._told[(sink.name, outcome)]
                self._told[(sink.name, outcome)] = lines
                yield KpiRecord(at, "", f"{outcome} {sink.name}", "daemon_lines", new, passed_s)
            yield KpiRecord(at, "", sink.name, "daemon_spool_lines", sink.spool.load.lines)
        yield KpiRecord(at, "", "outbox", "daemon_waiting", self._waiting())
        firing = Counter(
            alert.severity
            for watcher in self._watchers.values()
            for alert in watcher.pipeline.alerts
            if alert.state is AlertState.FIRING
        )
        for severity in Severity:
            yield KpiRecord(at, "", severity, "daemon_firing", firing[severity])
