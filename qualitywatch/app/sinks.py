"""The time series databases of a daemon: opened with their spools, fed by the keeper, run as services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from qualitywatch.config import Config, InfluxConfig
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import Clock, FedDatabase, SeriesBatch
from qualitywatch.sinks.measurements import Labels, measurements
from qualitywatch.sinks.reading import Reading
from qualitywatch.sinks.registry import SERVERS, ServerOptions
from qualitywatch.sinks.server import Server
from qualitywatch.sinks.sink import Sink
from qualitywatch.sinks.spool import Spool

SPOOL_FILE: Final = "spool-{name}.db"


def build_server(influx: InfluxConfig) -> Server:
    """The database of a configuration section; nothing is connected yet."""
    return SERVERS[influx.kind](
        ServerOptions(
            influx.url,
            influx.org,
            influx.bucket,
            influx.token,
            influx.database,
            influx.username,
            influx.password,
            influx.ca_file,
        )
    )


def labels_of(pipelines: Mapping[str, Pipeline]) -> Labels:
    """What tells the trunk and the site of a subject; ``pipelines`` may be filled in later."""

    def labels(pbx: str, subject: str) -> Mapping[str, str]:
        return pipelines[pbx].labels_of(subject) if pbx in pipelines else {}

    return labels


async def open_spool(config: Config, influx: InfluxConfig, clock: Clock) -> Spool:
    """The spool of a database in the state directory; raises StoreError."""
    path = config.store.directory / SPOOL_FILE.format(name=influx.name)
    return await Spool.open(path, max_bytes=influx.spool_bytes, now=clock.now())


def build_sink(influx: InfluxConfig, spool: Spool, pipelines: Mapping[str, Pipeline], clock: Clock) -> Sink:
    """A sink that feeds a database from a spool; ``pipelines`` may be filled in later."""
    labels = labels_of(pipelines)

    def readings(batch: SeriesBatch) -> list[Reading]:
        return measurements(batch, labels)

    spool.resize(influx.spool_bytes)
    return Sink(influx.name, build_server(influx), spool, clock, readings=readings)


def stand(sink: Sink) -> FedDatabase:
    """How it stands, for people to look at."""
    counts = sink.counts
    return FedDatabase(sink.name, sink.spool.load.lines, counts.dropped, counts.refused, counts.trouble)


class Feeding:
    """``app.services.Service`` that lets a sink work; the daemon closes it among the other stores."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @property
    def name(self) -> str:
        """The database."""
        return self._sink.name

    async def run(self) -> NoReturn:
        """Run until cancelled."""
        await self._sink.run()

    async def close(self) -> None:
        """Nothing: a sink is closed when the last batch was written to it."""
