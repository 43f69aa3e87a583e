"""The composition root: stores, connections, and one configuration after the other at work on them.

Order of starting: the state store (one daemon per directory), what was known before, the series stores, pipelines,
notifiers; only then does anything connect.  Order of stopping: nobody reads any more, what was read is judged and stored,
what can be sent at once is sent, series are written, stores are closed.  Each step is bounded in time: what did not go out
is known to the store, and is told after the next start.

A reload is a change of shift between the two (``app.shift``): PBXes stay connected and are read all the while, only nothing is
judged for a moment.  A configuration that cannot take over leaves the old one in force: what it needs is opened while that is
still at work, and what fails later is undone.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeAlias

from qualitywatch import systemd
from qualitywatch.app import assembly, garbage
from qualitywatch.app.differences import differences, fixed
from qualitywatch.app.ground import MOVED, Ground
from qualitywatch.app.progress import what_hangs
from qualitywatch.app.room import DaemonRoom
from qualitywatch.app.services import Service
from qualitywatch.app.shift import DRAIN_S, Shift
from qualitywatch.app.sinks import labels_of
from qualitywatch.app.supervisor import Supervisor
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import Config
from qualitywatch.control.protocol import SOCKET, Reloaded
from qualitywatch.control.server import ControlServer
from qualitywatch.errors import ConfigError, QualitywatchError, StoreError
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import Clock, SeriesStore
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.patient import PatientStore
from qualitywatch.store.registry import STATE_STORES, STORES

log = logging.getLogger(__name__)

UNDO_AGAIN_S = 1.0
SETTLE_S = 25.0  # with the drain and the last flushes it stays below TimeoutStopSec of the shipped unit
Read: TypeAlias = Callable[[], tuple[Config, Sequence[RuleSpec]]]
"""Reads configuration and rules anew; raises ConfigError with every mistake."""


def _cannot_read() -> tuple[Config, Sequence[RuleSpec]]:
    raise ConfigError(["this daemon was not started from a configuration file"])


class Daemon:
    """One configuration at work, and others that take over from it, between ``open`` and ``close``."""

    def __init__(self, ground: Ground, shift: Shift, read: Read, applied: Callable[[Config], None]) -> None:
        self._ground = ground
        self._shift = shift
        self._read, self._applied = read, applied
        self._control = ControlServer(
            shift.room, shift.config.store.directory / SOCKET, heard=ground.recently.heard, reload=self.reload
        )
        self._reloading = asyncio.Lock()
        self._hung_up = asyncio.Event()
        self._over = asyncio.Event()  # the shift at work ends
        self._next: tuple[Config, Sequence[RuleSpec]] | None = None  # what the next shift works by
        self._taken_over: asyncio.Future[ConfigError | None] | None = None
        self._watching: dict[Watcher, asyncio.Task[None]] = {}
        self._wound_up = False

    @classmethod
    async def open(
        cls,
        config: Config,
        specs: Sequence[RuleSpec],
        clock: Clock,
        *,
        state_kind: str = "sqlite",
        series_kind: str = "rollup",
        read: Read = _cannot_read,
        applied: Callable[[Config], None] = lambda config: None,
    ) -> Daemon:
        """Open the stores and build everything; raises StoreError or ConfigError and leaves nothing open then.

        ``read`` reads the configuration anew for a reload, ``applied`` is told when it is in force.
        """
        async with AsyncExitStack() as undo:
            now = clock.now()
            state = PatientStore(await STATE_STORES[state_kind].open(config.store.directory, now=now))
            undo.push_async_callback(state.close)
            backend = STORES[series_kind]
            pipelines: dict[str, Pipeline] = {}
            options = assembly.rollup_options(config, labels_of(pipelines)) if series_kind == "rollup" else backend.Options()
            series = await backend.open(config.store.directory, options, now=now)
            undo.push_async_callback(series.close, now)
            ground = Ground(clock, state, series, series, pipelines, Supervisor(clock))
            undo.push_async_callback(_close_sinks, ground, now)
            shift = await Shift.build(config, specs, ground)
            undo.pop_all()
        return cls(ground, shift, read, applied)

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """The PBXes, in the order of the configuration."""
        return tuple(self._ground.watchers.values())

    @property
    def series(self) -> Sequence[SeriesStore]:
        """Where series go."""
        return [self._ground.series, *self._ground.sinks.values()]

    @property
    def room(self) -> DaemonRoom:
        """The daemon as people see it; another one after a reload."""
        return self._shift.room

    @property
    def services(self) -> Sequence[Service]:
        """What runs beside watching; others after a reload."""
        return self._shift.services

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then wind up in order."""
        async with asyncio.TaskGroup() as group:
            await self._control.start()
            keep_up = self._ground.supervisor.keep_up
            beside = [
                group.create_task(keep_up("watchdog", self._feed_watchdog), name="watchdog"),
                group.create_task(keep_up("reload", self._reload_when_hung_up), name="reload"),
                group.create_task(keep_up("garbage", garbage.look_among_young), name="garbage"),
                group.create_task(self._end_with(stop), name="stop"),
            ]
            try:
                while True:
                    await self._shift.work(self._over, partial(self._begin, group), partial(self._fall_quiet, stop))
                    if self._wound_up:
                        break
                    await self._change_shift(stop)
                    if stop.is_set():
                        self._over.set()
            finally:
                await self._control.close()
                for task in beside:
                    task.cancel()
            if self._taken_over is not None and not self._taken_over.done():
                self._taken_over.set_result(ConfigError(["the daemon is being stopped"]))

    async def close(self) -> None:
        """Write what is held and close stores and channels."""
        self._ground.lock_up()
        await self._ground.clear_away()
        for store in self.series:
            try:
                await store.close(self._ground.clock.now())
            except StoreError as exc:
                log.error('series.not_written_at_stop error="%s"', exc)
        await self._shift.close()
        await self._ground.state.close()

    # --- reload ---------------------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Read the configuration again, soon: what a signal does."""
        self._hung_up.set()

    async def reload(self) -> Reloaded:
        """Read the configuration again and go on by it as a whole, or leave everything as it is; one at a time."""
        async with self._reloading:
            systemd.reloading(self._ground.clock.monotonic())
            try:
                changes = await self._reloaded()
            except ConfigError as exc:
                for problem in exc.problems:
                    log.error("reload.refused %s", problem)
                log.error("reload.refused problems=%d the_old_configuration_stays_in_force=yes", len(exc.problems))
                systemd.status(f"reload refused ({len(exc.problems)} problems, see the log): {self._watches()}")
                return Reloaded(applied=False, problems=tuple(exc.problems))
            finally:
                systemd.ready()
            for change in changes:
                log.info("reload.changed %s", change)
            log.info("reloaded changes=%d", len(changes))
            return Reloaded(applied=True, changes=changes)

    async def _reloaded(self) -> tuple[str, ...]:
        config, specs = await asyncio.to_thread(self._read)
        old, old_specs = self._shift.config, self._shift.specs
        if problems := fixed(old, config):
            raise ConfigError(list(problems))
        changes = differences(old, config, old_specs, specs)
        for warning in config.warnings:
            log.warning("config %s", warning)
        if changes:
            await self._make_ready(config)
            self._taken_over = asyncio.get_running_loop().create_future()
            self._next = (config, specs)
            self._over.set()
            problem = await self._taken_over
            if problem is not None:
                raise problem
            self._applied(config)
            if dropped := self._shift.dropped:
                changes = (*changes, f"{dropped} alerts ended: their rule or PBX is no longer configured")
        return changes

    async def _make_ready(self, config: Config) -> None:
        """See to it that the next shift finds all it needs; raises ConfigError while the last one is still at work."""
        try:
            await self._ground.state.load()
            await self._ground.make_ready(config)
        except StoreError as exc:
            await self._ground.clear_away()
            raise ConfigError([str(exc)]) from exc

    async def _change_shift(self, stop: asyncio.Event) -> None:
        """Put the next configuration to work, or the old one again; watchers are held."""
        assert self._next is not None  # noqa: S101 nothing else ends a shift but a stop
        assert self._taken_over is not None  # noqa: S101
        (config, specs), self._next = self._next, None
        async with self._control.deciding:  # a silence made meanwhile would be one of the old shift alone
            problem = await self._put_to_work(config, specs, stop)
            self._control.room = self._shift.room
        self._over.clear()
        for watcher in self._watching:
            watcher.go_on()
            watcher.client.refresh()  # who listens anew has not seen how everybody stands
        self._taken_over.set_result(problem)

    async def _put_to_work(self, config: Config, specs: Sequence[RuleSpec], stop: asyncio.Event) -> ConfigError | None:
        """Begin the next shift; where that is not possible begin the last one again and return why."""
        old = self._shift
        await old.close()
        problem: ConfigError | None = None
        try:
            self._shift = await self._next_shift(config, specs)
        except QualitywatchError as exc:
            problem = exc if isinstance(exc, ConfigError) else ConfigError([str(exc)])
        except Exception:
            log.exception("reload.failed this_is_a_bug=yes")
            problem = ConfigError(["the new configuration could not be put to work because of a bug: see the log"])
        if problem is not None:
            self._shift = await self._again(old, stop)
        await self._ground.clear_away()
        return problem

    async def _again(self, old: Shift, stop: asyncio.Event) -> Shift:
        """Begin the last shift again, as soon as that is possible; raises StoreError when the daemon is to stop before."""
        while True:
            try:
                return await self._next_shift(old.config, old.specs)
            except StoreError as exc:
                if stop.is_set():
                    raise
                log.error('reload.not_undone_yet error="%s" tried_again_in_s=%g', exc, UNDO_AGAIN_S)
                await asyncio.sleep(UNDO_AGAIN_S)

    async def _next_shift(self, config: Config, specs: Sequence[RuleSpec]) -> Shift:
        for watcher in self._ground.leaving(config):
            if await self._leave(watcher):
                await watcher.lose_sight(MOVED)
                watcher.go_on()  # for the old configuration to begin with it again, if the new one cannot be put to work
        return await Shift.build(config, specs, self._ground)

    async def _fall_quiet(self, stop: asyncio.Event) -> None:
        """Let no watcher judge any more: for ever, or until the next shift has begun."""
        if not stop.is_set():
            await self._shift.dispatcher.drain(DRAIN_S)  # while they still do: what is under way takes longest
        self._wound_up = stop.is_set()
        if self._wound_up:
            systemd.stopping()
            self._ground.lock_up()
        for watcher in self._watching:
            await watcher.hold()
        if self._wound_up:
            for task in self._watching.values():
                task.cancel()  # all at once: a PBX that hangs takes its time for a goodbye
            settled_by = self._ground.clock.monotonic() + SETTLE_S
            for watcher in tuple(self._watching):
                await self._leave(watcher, settled_by=settled_by)

    # --- watchers -------------------------------------------------------------------------------------------------------

    def _begin(self, group: asyncio.TaskGroup) -> None:
        """Watch what the shift that has begun is to watch."""
        for watcher in self.watchers:
            if watcher not in self._watching:
                self._watching[watcher] = group.create_task(watcher.run(), name=f"watch {watcher.name}")
        if not self._reloading.locked():
            systemd.ready()
            log.info("started pbx=%s", ",".join(watcher.name for watcher in self.watchers))
        systemd.status(self._watches())

    async def _leave(self, watcher: Watcher, *, settled_by: float = math.inf) -> bool:
        """End a watcher that is held, with what it has read; False when it never began."""
        task = self._watching.pop(watcher, None)
        if task is None:
            return False
        if not task.cancelling():  # a second time would cut its goodbye short
            task.cancel()
        await asyncio.wait({task})
        await self._ground.supervisor.once(f"settling {watcher.name}", partial(watcher.settle, settled_by))
        return True

    # --- beside it ------------------------------------------------------------------------------------------------------

    def _watches(self) -> str:
        return f"watching {', '.join(watcher.name for watcher in self.watchers)}"

    async def _end_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._over.set()

    async def _reload_when_hung_up(self) -> None:
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            await self.reload()

    async def _feed_watchdog(self) -> None:
        interval_s = systemd.watchdog_interval_s()
        if interval_s is None:
            return
        while True:
            hangs = what_hangs(self.watchers, self._shift.dispatcher, self._ground.clock.monotonic())
            if hangs is None:
                systemd.watchdog()
            else:
                log.error("watchdog.withheld what=%s", hangs)
            await asyncio.sleep(interval_s)


async def _close_sinks(ground: Ground, now: float) -> None:
    for sink in ground.sinks.values():
        await sink.close(now)
