"""The composition root: builds everything from a configuration, runs it, stops it in order.

Order of starting: the state store (one daemon per directory), what was known before, the series stores, pipelines,
notifiers; only then does anything connect.  Order of stopping: nobody reads any more, what was read is judged and stored,
what can be sent at once is sent, series are written, stores are closed.  Each step is bounded in time: what did not go out
is known to the store, and is told after the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import NoReturn

from qualitywatch import systemd
from qualitywatch.ami.client import AmiClient
from qualitywatch.app import assembly
from qualitywatch.app.insight import Insight
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.pictures import Pictures
from qualitywatch.app.progress import what_hangs
from qualitywatch.app.recently import Recently
from qualitywatch.app.remedies import remedy_services
from qualitywatch.app.reporting import Reporting
from qualitywatch.app.room import DaemonRoom
from qualitywatch.app.services import Service, build_services
from qualitywatch.app.sinks import Feeding, labels_of, open_sink, stand
from qualitywatch.app.vitals import Vitals
from qualitywatch.app.watcher import Watcher
from qualitywatch.app.web import Web
from qualitywatch.charts.painter import Painter
from qualitywatch.config import Config
from qualitywatch.control.protocol import SOCKET
from qualitywatch.control.server import ControlServer
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.errors import StoreError
from qualitywatch.jobs import CalendarJobs, calendar
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.registry import build_notifiers
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import Clock, Notifier, SeriesStore, StateChange, StoredState
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.patient import PatientStore
from qualitywatch.store.registry import STATE_STORES, STORES

log = logging.getLogger(__name__)

DRAIN_S = 5.0
JOBS_GRACE_S = 5.0
FLUSH_S = 60.0
RETRY_COMMIT_S = 1.0


class Daemon:
    """One configuration at work, between ``open`` and ``close``."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        state: PatientStore,
        series: Sequence[SeriesStore],
        notifiers: Mapping[str, Notifier],
        watchers: Sequence[Watcher],
        keeper: Keeper,
        dispatcher: Dispatcher,
        room: DaemonRoom,
        services: Sequence[Service],
        reporting: Reporting,
        recently: Recently,
    ) -> None:
        self.watchers = watchers
        self.series = series
        self.room = room
        self._config = config
        self._clock = clock
        self._state = state
        self._notifiers = notifiers
        self._keeper = keeper
        self._dispatcher = dispatcher
        self.services = services
        self._reporting = reporting
        self._control = ControlServer(room, config.store.directory / SOCKET, heard=recently.heard)

    @classmethod
    async def open(
        cls, config: Config, specs: Sequence[RuleSpec], clock: Clock, *, state_kind: str = "sqlite", series_kind: str = "rollup"
    ) -> Daemon:
        """Open the stores and build everything; raises StoreError or ConfigError and leaves nothing open then."""
        async with AsyncExitStack() as undo:
            now = clock.now()
            state = PatientStore(await STATE_STORES[state_kind].open(config.store.directory, now=now))
            undo.push_async_callback(state.close)
            stored = await state.load()
            backend = STORES[series_kind]
            pipelines: dict[str, Pipeline] = {}
            options = assembly.rollup_options(config, labels_of(pipelines)) if series_kind == "rollup" else backend.Options()
            series = await backend.open(config.store.directory, options, now=now)
            undo.push_async_callback(series.close, now)
            links = assembly.dashboards(config, pipelines)
            notifiers = build_notifiers(
                {target.name: assembly.channel_options(config, target, stored.meta, clock, links) for target in config.targets},
                show_pbx=len(config.pbxes) > 1,
                zone=config.timezone,
                remembered=stored.meta,
            )
            pipelines |= {pbx.name: assembly.pipeline(config, pbx, specs, stored) for pbx in config.pbxes}
            sinks = []
            for influx in config.influx:
                sinks.append(await open_sink(config, influx, pipelines, clock))
                undo.push_async_callback(sinks[-1].close, now)
            desk = assembly.desk(config, specs, stored, pipelines)
            web = Web(config, config.web) if config.web is not None else None
            recently = Recently()
            keeper = Keeper(state, [series, recently, *sinks, *([web.feed] if web is not None else [])], clock)
            watchers = {}
            for pbx in config.pbxes:
                client = AmiClient(assembly.endpoint(pbx, config.call), clock)
                every_s = pbx.queues.every_s if pbx.queues is not None else None
                watchers[pbx.name] = Watcher(client, pipelines[pbx.name], desk, keeper, clock, queues_every_s=every_s)
            room = DaemonRoom(desk, watchers, specs, keeper, series, clock, lambda: [stand(sink) for sink in sinks])
            keeper.state_trouble = lambda: state.trouble
            painter = Painter()
            pictures = Pictures(painter, room, assembly.language_of(config, notifiers), config.timezone)
            dispatcher = Dispatcher(
                state, notifiers, clock, incidents=stored.incidents, posts=stored.posts, draw=pictures.of_incident
            )
            keeper.tell = dispatcher.update
            await _drop_what_is_gone(stored, pipelines, desk, keeper, now)
            services = build_services(config, room, notifiers, painter, keeper, stored.meta, clock, watchers)
            services += remedy_services(config.remedies, specs, watchers, desk, keeper, stored.meta, clock)
            services += [Feeding(sink) for sink in sinks]
            insight = Insight(
                watchers,
                sinks,
                keeper,
                waiting=lambda: dispatcher.waiting,
                hangs=lambda: what_hangs(watchers.values(), dispatcher, clock.monotonic()),
            )
            services.append(Vitals(insight.look, [series, *sinks], clock))
            if web is not None:
                web.listen(watchers)
                services += web.services(room, series, specs, clock, insight.look)
            language_of = assembly.language_of(config, notifiers)
            place, told = config.store.directory, stored.meta
            reporting = Reporting(
                config.reports, place, notifiers, language_of, painter, room, keeper, told, clock, config.timezone
            )
            undo.pop_all()
        return cls(
            config,
            clock,
            state,
            [series, *sinks],
            notifiers,
            tuple(watchers.values()),
            keeper,
            dispatcher,
            room,
            services,
            reporting,
            recently,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then wind up in order."""
        async with asyncio.TaskGroup() as group:
            delivery = group.create_task(self._dispatcher.run(), name="dispatcher")
            await self._watch(stop)
            systemd.stopping()
            for watcher in self.watchers:
                await watcher.settle()
            await self._keeper.commit_waiting()
            if not await self._dispatcher.drain(DRAIN_S):
                log.warning("stop.undelivered why=took_longer_than_%gs told_after_the_next_start=yes", DRAIN_S)
            delivery.cancel()

    async def close(self) -> None:
        """Write what is held and close stores and channels."""
        for store in self.series:
            try:
                await store.close(self._clock.now())
            except StoreError as exc:
                log.error('series.not_written_at_stop error="%s"', exc)
        for service in self.services:
            await service.close()
        for notifier in self._notifiers.values():
            await notifier.close()
        await self._state.close()

    async def _watch(self, stop: asyncio.Event) -> None:
        regular = calendar(prune_series=self._keeper.prune, poll_user_agents=self._poll_all_agents)
        jobs = CalendarJobs((*regular, *self._reporting.jobs()), self._config.timezone)
        jobs.start()
        await self._control.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(watcher.run(), name=f"watch {watcher.name}") for watcher in self.watchers]
                tasks.append(group.create_task(self._flush_for_ever(), name="flush"))
                tasks.append(group.create_task(self._retry_commits(), name="commit"))
                tasks.append(group.create_task(self._feed_watchdog(), name="watchdog"))
                tasks.append(group.create_task(self._reporting.make_up(), name="reports"))
                tasks += [group.create_task(service.run(), name=type(service).__name__) for service in self.services]
                systemd.ready()
                systemd.status(f"watching {', '.join(watcher.name for watcher in self.watchers)}")
                log.info("started pbx=%s", ",".join(watcher.name for watcher in self.watchers))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            await self._control.close()
            await jobs.close(JOBS_GRACE_S)

    async def _poll_all_agents(self) -> None:
        for watcher in self.watchers:
            await watcher.poll_all_agents()

    async def _flush_for_ever(self) -> NoReturn:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._keeper.flush()

    async def _retry_commits(self) -> NoReturn:
        """Try what could not be stored again, also when nothing new happens."""
        while True:
            await asyncio.sleep(RETRY_COMMIT_S)
            await self._state.retry()
            if self._keeper.waiting:
                await self._keeper.commit_waiting()

    async def _feed_watchdog(self) -> None:
        interval_s = systemd.watchdog_interval_s()
        if interval_s is None:
            return
        while True:
            hangs = self._hangs()
            if hangs is None:
                systemd.watchdog()
            else:
                log.error("watchdog.withheld what=%s", hangs)
            await asyncio.sleep(interval_s)

    def _hangs(self) -> str | None:
        """What makes no progress, or None: systemd is only told that we live when all of us do."""
        return what_hangs(self.watchers, self._dispatcher, self._clock.monotonic())


async def _drop_what_is_gone(
    stored: StoredState, pipelines: Mapping[str, Pipeline], desk: Desk, keeper: Keeper, now: float
) -> None:
    """Forget alerts whose rule or PBX is no longer configured, and let their incidents end."""
    gone = [alert for pipeline in pipelines.values() for alert in pipeline.orphans()]
    gone += assembly.of_other_pbxes(stored.alerts, set(pipelines))
    change = DeskChange()
    for pbx in {incident.pbx for incident in stored.incidents if incident.is_open} - set(pipelines):
        change += desk.step(pbx, (), (), now)
    if gone or change:
        log.warning("alerts.dropped count=%d why=their_rule_or_pbx_is_no_longer_configured", len(gone))
        await keeper.keep_change(StateChange(alerts=tuple(gone), incidents=change.incidents))
