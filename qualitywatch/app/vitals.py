"""The daemon's own figures as series, each minute, for dashboards that do not read ``/metrics``."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn

from qualitywatch.errors import StoreError
from qualitywatch.model import KpiRecord, Severity
from qualitywatch.ports import Clock, SeriesBatch, SeriesStore
from qualitywatch.web.inside import Inside

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0


class Vitals:
    """``app.services.Service``.  Names of figures are those of ``sinks.measurements``."""

    def __init__(self, inside: Callable[[], Inside], stores: Sequence[SeriesStore], clock: Clock) -> None:
        """``stores`` are written to."""
        self._inside = inside
        self._stores = stores
        self._clock = clock
        self._told: Counter[tuple[str, str]] = Counter()
        self._looked_at = clock.monotonic()

    async def run(self) -> NoReturn:
        """Write each minute until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
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

    def _figures(self) -> Iterator[KpiRecord]:
        inside = self._inside()
        at, monotonic = self._clock.now(), self._clock.monotonic()
        passed_s, self._looked_at = max(monotonic - self._looked_at, 1e-3), monotonic
        for name, pbx in inside.pbxes.items():
            yield KpiRecord(at, name, name, "daemon_events", self._new(name, "events", pbx.events), passed_s)
            if pbx.lag_s is not None:
                yield KpiRecord(at, name, name, "daemon_lag_s", pbx.lag_s)
        for name, sink in inside.sinks.items():
            outcomes = {"sent": sink.sent, "refused": sink.refused, "dropped": sink.dropped}
            for outcome, lines in outcomes.items():
                yield KpiRecord(at, "", f"{outcome} {name}", "daemon_lines", self._new(name, outcome, lines), passed_s)
            yield KpiRecord(at, "", name, "daemon_spool_lines", sink.spooled)
        yield KpiRecord(at, "", "outbox", "daemon_waiting", inside.outbox_waiting)
        for severity in Severity:
            yield KpiRecord(at, "", severity, "daemon_firing", inside.firing.get(severity, 0))

    def _new(self, name: str, what: str, count: int) -> int:
        """How much has come to a count since it was told last."""
        before, self._told[(name, what)] = self._told[(name, what)], count
        return count - before
