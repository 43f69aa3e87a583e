"""What outlives a change of configuration: stores, connections, and what is known of each PBX.

Strategy: a PBX stays connected, and its watcher at work, as long as nothing that the connection is made of changes; what is
known of it (its pipeline) stays as long as its name is configured.  A database is fed on through the same spool as long as its
section is the same.  Leaving watchers and sinks finish what they hold.  What may fail, the opening of files, comes before
anything is changed; what is no longer wanted is closed once the next configuration is at work: until then the last can go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.endpoint import AmiEndpoint
from qualitywatch.app import assembly
from qualitywatch.app.keeper import Keeper, rule_memories
from qualitywatch.app.recently import Recently
from qualitywatch.app.sinks import build_sink, open_spool
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import Config, InfluxConfig, QueuesConfig
from qualitywatch.config.settings import WebConfig
from qualitywatch.desk.desk import Desk
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.ports import Clock, SeriesReader, SeriesStore, StoredState
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.sinks.sink import Sink
from qualitywatch.sinks.spool import Spool
from qualitywatch.store.backends.rollup import RollupStore
from qualitywatch.store.patient import PatientStore
from qualitywatch.web.door import Door

Made: TypeAlias = tuple[AmiEndpoint, QueuesConfig | None]
"""What a connection is made of: when it differs, the PBX is connected anew."""

MOVED = "the configuration says to connect to it otherwise"


@dataclass(slots=True)
class Ground:
    """``pipelines``, ``watchers`` and ``sinks`` are those of the configuration at work, in its order."""

    clock: Clock
    state: PatientStore
    series: SeriesStore
    reader: SeriesReader
    pipelines: dict[str, Pipeline]  # never replaced: labels are looked up in it
    supervisor: Supervisor
    recently: Recently = field(default_factory=Recently)
    watchers: dict[str, Watcher] = field(default_factory=dict)
    sinks: dict[str, Sink] = field(default_factory=dict)
    door: Door | None = None  # requests wait there during a reload
    left_at: dict[str, float | None] = field(default_factory=dict)  # what time it was at PBXes that were given up just now
    _made: dict[str, Made] = field(default_factory=dict)
    _fed: dict[str, InfluxConfig] = field(default_factory=dict)
    _spare: dict[str, Spool] = field(default_factory=dict)  # open, of no sink yet
    _retired: dict[str, Sink] = field(default_factory=dict)  # no longer wanted, not closed yet

    def leaving(self, config: Config) -> list[Watcher]:
        """Watchers that have no place in a configuration, or another connection there."""
        made = {pbx.name: _made(config, pbx.name) for pbx in config.pbxes}
        return [watcher for name, watcher in self.watchers.items() if self._made[name] != made.get(name)]

    async def make_ready(self, config: Config) -> None:
        """Open what a configuration needs and nobody has opened; raises StoreError.  Nothing that is at work is touched."""
        for influx in config.influx:
            if not any(influx.name in had for had in (self.sinks, self._retired, self._spare)):
                self._spare[influx.name] = await open_spool(config, influx, self.clock)

    async def open_sinks(self, config: Config) -> None:
        """Feed the databases of a configuration, and no others; raises StoreError, before any is given up."""
        await self.make_ready(config)
        wanted = {influx.name: influx for influx in config.influx}
        had = self._retired | self.sinks
        for name, influx in wanted.items():
            if name in had and self._fed[name] != influx:
                self._spare[name] = await had.pop(name).hand_over()
            if name not in had:
                had[name] = build_sink(influx, self._spare.pop(name), self.pipelines, self.clock)
                self._fed[name] = influx
        self.sinks = {name: had.pop(name) for name in wanted}
        self._retired = had

    async def clear_away(self) -> None:
        """Close what the configuration at work has no use for."""
        retired, self._retired, spare, self._spare = self._retired, {}, self._spare, {}
        for name, sink in retired.items():
            del self._fed[name]
            await sink.close(self.clock.now())
        for spool in spare.values():
            await spool.close()

    def door_of(self, web: WebConfig) -> Door:
        """Where the page is served: the same as before as long as the address is."""
        if self.door is None or (self.door.host, self.door.port) != (web.host, web.port):
            self.lock_up()
            self.door = Door(web.host, web.port)
        return self.door

    def lock_up(self) -> None:
        """Serve no page."""
        if self.door is not None:
            self.door.close()
        self.door = None

    def watch(
        self, config: Config, specs: Sequence[RuleSpec], stored: StoredState, desk: Desk, keeper: Keeper
    ) -> dict[str, Effects]:
        """Go on with the PBXes of a configuration; return what the new rules think of what is known, by PBX.

        Those of ``leaving`` must have ended, all others be held.
        """
        effects: dict[str, Effects] = {}
        pipelines, watchers = {}, {}
        for pbx in config.pbxes:
            known = self.pipelines.get(pbx.name)
            if known is None:
                known = assembly.pipeline(config, pbx, specs, stored)
            else:
                effects[pbx.name] = known.renew(
                    specs,
                    names={**config.names, **config.trunks},
                    rule_memories=rule_memories(pbx.name, stored.meta),
                    zone=config.timezone,
                    trunk_peers=config.trunk_peers,
                    sites=config.sites,
                    queues=pbx.queues.only if pbx.queues is not None else (),
                )
            pipelines[pbx.name] = known
            made, before = _made(config, pbx.name), self.watchers.get(pbx.name)
            if before is not None and self._made[pbx.name] == made:
                before.serve(desk, keeper)
                watchers[pbx.name] = before
                continue
            watchers[pbx.name] = Watcher(
                AmiClient(made[0], self.clock),
                known,
                desk,
                keeper,
                self.clock,
                queues_every_s=pbx.queues.every_s if pbx.queues is not None else None,
                time=before.time if before is not None else None,
                supervisor=self.supervisor,
            )
        self.left_at = {name: each.now for name, each in self.pipelines.items() if name not in pipelines}
        self.pipelines.clear()
        self.pipelines |= pipelines
        self.watchers = watchers
        self._made = {pbx.name: _made(config, pbx.name) for pbx in config.pbxes}
        if isinstance(self.series, RollupStore):
            self.series.keep(assembly.rollup_options(config))
        return effects


def _made(config: Config, name: str) -> Made:
    pbx = next(pbx for pbx in config.pbxes if pbx.name == name)
    return assembly.endpoint(pbx, config.call), pbx.queues
