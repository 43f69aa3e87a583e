"""The composition root: builds everything from a configuration, runs it, stops it in order.

Order of starting: the state store (one daemon per directory), what was known before, the series stores, pipelines,
notifiers; only then does anything connect.  Order of stopping: nobody reads any more, what was read is judged and stored,
what can be sent at once is sent, series are written, stores are closed.  Each step is bounded in time: what did not go out
is in the outbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import NoReturn

from qualitywatch import systemd
from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.endpoint import AmiEndpoint, TlsOptions
from qualitywatch.app.keeper import LEARNED_KEY, Keeper, trunk_memories
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import Config, ConsoleTarget, PbxConfig, TargetConfig, TelegramTarget
from qualitywatch.errors import ConfigError, StoreError
from qualitywatch.jobs import CalendarJobs, calendar
from qualitywatch.model import Alert, AlertState
from qualitywatch.notify.channels import console, telegram
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.notify.registry import ChannelOptions, build_notifiers
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import Clock, Notifier, SeriesStore, StateChange, StateStore
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.backends.rollup import RollupOptions
from qualitywatch.store.registry import STATE_STORES, STORES

log = logging.getLogger(__name__)

DRAIN_S = 5.0
JOBS_GRACE_S = 5.0
FLUSH_S = 60.0
RETRY_COMMIT_S = 1.0
CLIENT_HANGS_S = 120.0
STEP_HANGS_S = 150.0


class Daemon:
    """One configuration at work, between ``open`` and ``close``."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        state: StateStore,
        series: Sequence[SeriesStore],
        notifiers: Mapping[str, Notifier],
        watchers: Sequence[Watcher],
        keeper: Keeper,
        dispatcher: Dispatcher,
    ) -> None:
        self.watchers = watchers
        self._config = config
        self._clock = clock
        self._state = state
        self.series = series
        self._notifiers = notifiers
        self._keeper = keeper
        self._dispatcher = dispatcher

    @classmethod
    async def open(
        cls, config: Config, specs: Sequence[RuleSpec], clock: Clock, *, state_kind: str = "sqlite", series_kind: str = "rollup"
    ) -> Daemon:
        """Open the stores and build everything; raises StoreError or ConfigError and leaves nothing open then."""
        async with AsyncExitStack() as undo:
            now = clock.now()
            state = await STATE_STORES[state_kind].open(config.store.directory, now=now)
            undo.push_async_callback(state.close)
            stored = await state.load()
            backend = STORES[series_kind]
            options = _rollup_options(config) if series_kind == "rollup" else backend.Options()
            series = [await backend.open(config.store.directory, options, now=now)]
            undo.push_async_callback(series[0].close, now)
            notifiers = build_notifiers(
                {target.name: _channel_options(config, target) for target in config.targets},
                show_pbx=len(config.pbxes) > 1,
                zone=config.timezone,
                remembered=stored.meta,
            )
            dispatcher = Dispatcher(state, notifiers, clock)
            keeper = Keeper(state, series, config.targets, clock, dispatcher.wake)
            watchers: list[Watcher] = []
            gone: list[Alert] = []
            for pbx in config.pbxes:
                pipeline = Pipeline(
                    pbx.name,
                    specs,
                    names={**config.names, **config.trunks},
                    alerts=stored.alerts,
                    agents=stored.agents,
                    agents_learned=LEARNED_KEY + pbx.name in stored.meta,
                    trunk_memories=trunk_memories(pbx.name, stored.meta),
                )
                gone += pipeline.orphans()
                watchers.append(Watcher(AmiClient(_endpoint(pbx), clock), pipeline, keeper, clock))
            gone += _of_other_pbxes(stored.alerts, {pbx.name for pbx in config.pbxes})
            if gone:
                log.warning("alerts.dropped count=%d why=their_rule_or_pbx_is_no_longer_configured", len(gone))
                await keeper.keep_change(StateChange(alerts=tuple(gone)))
            undo.pop_all()
        return cls(config, clock, state, series, notifiers, watchers, keeper, dispatcher)

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
                log.warning("stop.undelivered why=took_longer_than_%gs they_are_in_the_outbox=yes", DRAIN_S)
            delivery.cancel()

    async def close(self) -> None:
        """Write what is held and close stores and channels."""
        for store in self.series:
            try:
                await store.close(self._clock.now())
            except StoreError as exc:
                log.error('series.not_written_at_stop error="%s"', exc)
        for notifier in self._notifiers.values():
            await notifier.close()
        await self._state.close()

    async def _watch(self, stop: asyncio.Event) -> None:
        jobs = CalendarJobs(
            calendar(prune_series=self._keeper.prune, poll_user_agents=self._poll_all_agents), self._config.timezone
        )
        jobs.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(watcher.run(), name=f"watch {watcher.name}") for watcher in self.watchers]
                tasks.append(group.create_task(self._flush_for_ever(), name="flush"))
                tasks.append(group.create_task(self._retry_commits(), name="commit"))
                tasks.append(group.create_task(self._feed_watchdog(), name="watchdog"))
                systemd.ready()
                systemd.status(f"watching {', '.join(watcher.name for watcher in self.watchers)}")
                log.info("started pbx=%s", ",".join(watcher.name for watcher in self.watchers))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
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
        now = self._clock.monotonic()
        for watcher in self.watchers:
            if watcher.client.idle_s > CLIENT_HANGS_S:
                return f"client {watcher.name}"
            if now - watcher.progress_at > CLIENT_HANGS_S:
                return f"processing {watcher.name}"
        if now - self._dispatcher.progress_at > STEP_HANGS_S:
            return "dispatcher"
        return None


def _endpoint(pbx: PbxConfig) -> AmiEndpoint:
    tls = TlsOptions(ca_file=pbx.tls.ca_file, verify=pbx.tls.verify) if pbx.tls is not None else None
    return AmiEndpoint(pbx.name, pbx.host, pbx.port, pbx.username, pbx.secret.reveal(), tls, md5=pbx.md5)


def _channel_options(config: Config, target: TargetConfig) -> ChannelOptions:
    match target.options:
        case ConsoleTarget():
            return console.Options(language=target.language)
        case TelegramTarget():
            if config.telegram is None:
                raise ConfigError([f"notify {target.name}: a telegram target needs a telegram section with the bot's token"])
            return telegram.Options(
                chat_id=target.options.chat_id,
                token=config.telegram.token,
                token_from="telegram.token of the configuration",  # noqa: S106 a place, not a password
                thread_id=target.options.topic,
                language=target.language,
                base_url=config.telegram.base_url,
                proxy=config.telegram.proxy,
            )


def _rollup_options(config: Config) -> RollupOptions:
    keep = config.store.keep
    return RollupOptions(minutes_s=keep.minutes_s, hours_s=keep.hours_s, calls_s=keep.calls_s, events_s=keep.events_s)


def _of_other_pbxes(alerts: Sequence[Alert], pbxes: set[str]) -> list[Alert]:
    return [replace(alert, state=AlertState.INACTIVE) for alert in alerts if alert.key.pbx not in pbxes]
