"""One configuration at work, from the moment it takes over until another one does, or the daemon stops.

Everything that is cheap to make anew is made anew with each configuration, of what was stored and as after a start: the desk,
the channels, who listens and who serves.  So a change of configuration has no paths of its own that could go wrong.  What
would be lost by that is the ``Ground`` on which the next shift stands.

Order of ending: nobody new is listened to, nothing more is judged, what can be sent at once is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

from qualitywatch.app import assembly, garbage
from qualitywatch.app.ground import Ground
from qualitywatch.app.insight import Insight
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.pictures import Pictures
from qualitywatch.app.progress import what_hangs
from qualitywatch.app.remedies import remedy_services
from qualitywatch.app.reporting import Reporting
from qualitywatch.app.room import DaemonRoom
from qualitywatch.app.services import Service, build_services
from qualitywatch.app.sinks import Feeding, stand
from qualitywatch.app.vitals import Vitals
from qualitywatch.app.web import Web
from qualitywatch.charts.painter import Painter
from qualitywatch.config import Config
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.jobs import CalendarJobs, calendar
from qualitywatch.notify.buttons import new_mark
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.legible import legible
from qualitywatch.notify.registry import build_notifiers
from qualitywatch.ports import Notifier, StateChange, StoredState
from qualitywatch.rules.spec import RuleSpec

log = logging.getLogger(__name__)

DRAIN_S = 5.0
JOBS_GRACE_S = 5.0
FLUSH_S = 60.0
RETRY_COMMIT_S = 1.0


class Shift:
    """Made by ``build``; ``work`` once, then ``close``."""

    def __init__(
        self,
        config: Config,
        specs: Sequence[RuleSpec],
        ground: Ground,
        notifiers: Mapping[str, Notifier],
        keeper: Keeper,
        dispatcher: Dispatcher,
        room: DaemonRoom,
        services: Sequence[Service],
        reporting: Reporting,
        dropped: int,
    ) -> None:
        self.config, self.specs = config, specs
        self.room = room
        self.services = services
        self.dropped = dropped  # alerts whose rule or PBX is no longer configured
        self.dispatcher = dispatcher
        self._ground = ground
        self._notifiers = notifiers
        self._keeper = keeper
        self._reporting = reporting

    @classmethod
    async def build(cls, config: Config, specs: Sequence[RuleSpec], ground: Ground) -> Shift:
        """Build everything; raises StoreError or ConfigError, before anything that is known was touched.

        Watchers that are ``leaving`` must have ended, all others be held.
        """
        clock, pipelines = ground.clock, ground.pipelines
        stored = await _load(ground)
        links = assembly.dashboards(config, pipelines)
        notifiers = build_notifiers(
            {target.name: assembly.channel_options(config, target, stored.meta, clock, links) for target in config.targets},
            show_pbx=len(config.pbxes) > 1,
            zone=config.timezone,
            remembered=stored.meta,
        )
        await ground.open_sinks(config)
        desk = assembly.desk(config, specs, stored, pipelines)
        for silence, why in desk.unread_silences(clock.now()):
            log.warning("silence.not_in_force id=%d by=\"%s\" why='%s'", silence.id, legible(silence.by), legible(why))
        web = Web(config, config.web, ground.door_of(config.web)) if config.web is not None else None
        if web is None:
            ground.lock_up()
        sinks, series = list(ground.sinks.values()), ground.series
        keeper = Keeper(ground.state, [series, ground.recently, *sinks, *([web.feed] if web is not None else [])], clock)
        effects = ground.watch(config, specs, stored, desk, keeper)
        watchers = ground.watchers
        room = DaemonRoom(
            *(desk, watchers, specs, keeper, ground.reader, clock),
            databases=lambda: [stand(sink) for sink in sinks],
            supervisor=ground.supervisor,
        )
        keeper.state_trouble = lambda: ground.state.trouble
        painter = Painter()
        pictures = Pictures(painter, room, assembly.language_of(config, notifiers), config.timezone)
        dispatcher = Dispatcher(
            ground.state, notifiers, clock, incidents=stored.incidents, posts=stored.posts, draw=pictures.of_incident
        )
        keeper.tell = dispatcher.update
        room.untold = lambda: dispatcher.troubles
        dropped = await _drop_what_is_gone(stored, ground, desk, keeper)
        services = build_services(config, room, notifiers, painter, keeper, stored.meta, clock, watchers)
        services += remedy_services(config.remedies, specs, watchers, desk, keeper, stored.meta, clock, ground.supervisor)
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
            services += web.services(room, ground.reader, specs, clock, insight.look)
        language_of = assembly.language_of(config, notifiers)
        reporting = Reporting(
            *(config.reports, config.store.directory, notifiers, language_of, painter, room, keeper, stored.meta, clock),
            config.timezone,
        )
        for name, found in effects.items():
            await watchers[name].keep([found])
        return cls(config, specs, ground, notifiers, keeper, dispatcher, room, services, reporting, dropped)

    async def work(self, over: asyncio.Event, begun: Callable[[], None], quiet: Callable[[], Awaitable[None]]) -> None:
        """Work until ``over``; ``quiet`` is then asked to see to it that no watcher judges any more."""
        async with asyncio.TaskGroup() as group:
            work = self._ground.supervisor.keep_up("dispatcher", self.dispatcher.run)
            delivery = group.create_task(work, name="dispatcher")
            await self._serve(over, begun, quiet)
            await self._keeper.commit_waiting()
            if not await self.dispatcher.drain(DRAIN_S):
                log.warning("stop.undelivered why=took_longer_than_%gs told_after_the_next_start=yes", DRAIN_S)
            delivery.cancel()

    async def close(self) -> None:
        """Close what is this shift's alone."""
        for service in self.services:
            await service.close()
        for notifier in self._notifiers.values():
            await notifier.close()

    async def _serve(self, over: asyncio.Event, begun: Callable[[], None], quiet: Callable[[], Awaitable[None]]) -> None:
        """Run what stands beside watching, until after watchers have fallen quiet: what they say last is heard, too."""
        regular = calendar(
            prune_series=self._keeper.prune, poll_user_agents=self._poll_all_agents, collect_garbage=garbage.collect
        )
        jobs = CalendarJobs((*regular, *self._reporting.jobs()), self.config.timezone)
        jobs.start()
        try:
            parts: dict[str, Callable[[], Awaitable[None]]] = {
                "flush": self._flush_for_ever,
                "commit": self._retry_commits,
                "reports": self._reporting.make_up,
                **{_name(service): service.run for service in self.services},
            }
            keep_up = self._ground.supervisor.keep_up
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(keep_up(name, work), name=name) for name, work in parts.items()]
                begun()
                await over.wait()
                await jobs.close(JOBS_GRACE_S)
                await quiet()
                for task in tasks:
                    task.cancel()
        finally:
            await jobs.close(JOBS_GRACE_S)

    async def _poll_all_agents(self) -> None:
        for watcher in self._ground.watchers.values():
            await watcher.poll_all_agents()

    async def _flush_for_ever(self) -> NoReturn:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._keeper.flush()

    async def _retry_commits(self) -> NoReturn:
        """Try what could not be stored again, also when nothing new happens."""
        while True:
            await asyncio.sleep(RETRY_COMMIT_S)
            await self._ground.state.retry()
            if self._keeper.waiting:
                await self._keeper.commit_waiting()


async def _load(ground: Ground) -> StoredState:
    """Read what was stored; a state that is new gets a mark of its own first, before any button bears it."""
    stored = await ground.state.load()
    if assembly.MARK_KEY in stored.meta:
        return stored
    await ground.state.commit(StateChange(meta={assembly.MARK_KEY: new_mark()}))
    return await ground.state.load()


def _name(service: Service) -> str:
    return f"sink {service.name}" if isinstance(service, Feeding) else type(service).__name__


async def _drop_what_is_gone(stored: StoredState, ground: Ground, desk: Desk, keeper: Keeper) -> int:
    """Forget alerts whose rule or PBX is no longer configured, and let their incidents end; return how many there were."""
    pipelines = ground.pipelines
    gone = [alert for pipeline in pipelines.values() for alert in pipeline.orphans()]
    gone += assembly.of_other_pbxes(stored.alerts, set(pipelines))
    change = DeskChange()
    for pbx in {incident.pbx for incident in stored.incidents if incident.is_open} - set(pipelines):
        now = ground.clock.now()
        change += desk.abandon(pbx, ground.left_at.get(pbx) or now, now)
    if gone or change:
        log.warning("alerts.dropped count=%d why=their_rule_or_pbx_is_no_longer_configured", len(gone))
        await keeper.keep_change(StateChange(alerts=tuple(gone), incidents=change.incidents))
    return len(gone)
