"""Work that follows the calendar, and only that: retention, the hourly poll of User-Agents, reports.

APScheduler computes the next run from the wall clock, so after the clock is set back an interval job sleeps through the
difference.  Evaluation, watchdog and flushes are therefore plain loops elsewhere; here it does not matter.  In zones with
summer time, hours 1 to 3 may occur twice or not at all: our own jobs keep away from them, and a report knows whom it was told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, TypeAlias

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
    JobExecutionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from qualitywatch.errors import ConfigError, QualitywatchError

log = logging.getLogger(__name__)

Work: TypeAlias = Callable[[], Awaitable[None]]

MISFIRE_GRACE_S: Final = 3600  # a run late by less (a suspended machine, a busy loop) is made up for, once


@dataclass(frozen=True, slots=True)
class Job:
    """Work and when it is due, in the field names of ``CronTrigger`` (minute, hour, day_of_week, ...)."""

    name: str
    when: Mapping[str, int | str]
    work: Work


def calendar(*, prune_series: Work, poll_user_agents: Work, collect_garbage: Work) -> tuple[Job, ...]:
    """Return the daemon's table of jobs; odd minutes, because every other program wakes on the full hour.

    User-Agents are asked for every hour: PJSIP says nothing of a new one that registers at an unchanged contact.
    """
    return (
        Job("prune_series", {"minute": 17}, prune_series),
        Job("poll_user_agents", {"minute": 37}, poll_user_agents),
        Job("collect_garbage", {"minute": 53}, collect_garbage),
    )


class CalendarJobs:
    """The table at work, between ``start`` and ``close``."""

    def __init__(self, jobs: Iterable[Job], timezone: tzinfo) -> None:
        """Take over the table, times being of that zone; raises ConfigError for an impossible time."""
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # our listener says it once, in our words
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": MISFIRE_GRACE_S}
        self._scheduler = AsyncIOScheduler(timezone=timezone, job_defaults=defaults)
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        for job in jobs:
            try:
                trigger = CronTrigger(timezone=timezone, **job.when)
            except (ValueError, TypeError) as exc:
                raise ConfigError([f"job {job.name}: {exc}"]) from exc
            self._scheduler.add_job(self._counted, trigger, args=(job.work,), id=job.name, name=job.name)

    def start(self) -> None:
        """Begin to run jobs as tasks of the running event loop."""
        self._scheduler.start()

    async def close(self, grace_s: float) -> None:
        """Start nothing more, wait for running work up to ``grace_s`` seconds, then cancel it."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("calendar_jobs_cancelled running=%d grace_s=%g", self._running, grace_s)
        self._scheduler.shutdown(wait=False)  # in the next turn of the loop; cancels what still runs, without waiting for it
        await asyncio.sleep(0)
        await self._idle.wait()

    async def _counted(self, work: Work) -> None:
        self._running += 1
        self._idle.clear()
        try:
            await work()
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()


def _report(event: JobEvent) -> None:
    if isinstance(event, JobExecutionEvent) and event.exception is not None:
        if isinstance(event.exception, asyncio.CancelledError):
            return  # by close, which has said so
        known = isinstance(event.exception, QualitywatchError)  # its message says it all; a bug needs its traceback
        log.error("job_failed name=%s error=%s", event.job_id, event.exception, exc_info=None if known else event.exception)
    elif event.code == EVENT_JOB_MISSED:
        log.warning("job_missed name=%s: the machine slept or was busy for more than %d s", event.job_id, MISFIRE_GRACE_S)
    else:
        log.warning("job_skipped name=%s: the previous run is still going on", event.job_id)
