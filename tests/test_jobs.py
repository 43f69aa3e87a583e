"""Calendar jobs on the real scheduler: what runs, what is said when it fails, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from qualitywatch.errors import ConfigError, StoreError
from qualitywatch.jobs import CalendarJobs, Job, calendar

EVERY_SECOND: Final = {"second": "*"}


class Work:
    """Counts its runs, and lets a test hold it up or make it fail."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.error = error
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.started_count = self.ended = self.cancelled = 0

    async def __call__(self) -> None:
        self.started_count += 1
        self.started.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.ended += 1


async def started(*works: Work) -> None:
    async with asyncio.timeout(5):
        for work in works:
            await work.started.wait()


async def test_close_waits_for_running_work(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    jobs = CalendarJobs([Job("slow", EVERY_SECOND, work)], UTC)
    jobs.start()
    await started(work)
    async with asyncio.TaskGroup() as tasks:
        closing = tasks.create_task(jobs.close(grace_s=5))
        await asyncio.sleep(0)
        assert not closing.done()
        work.may_end.set()
    assert (work.ended, work.cancelled) == (1, 0)
    assert caplog.messages == []
    await jobs.close(grace_s=5)  # a second call does nothing


async def test_close_cancels_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    jobs = CalendarJobs([Job("stuck", EVERY_SECOND, work)], UTC)
    jobs.start()
    await started(work)
    await jobs.close(grace_s=0.01)
    assert (work.ended, work.cancelled) == (0, 1)
    assert caplog.messages == ["calendar_jobs_cancelled running=1 grace_s=0.01"]


async def test_failures_are_logged_once_and_do_not_stop_the_schedule(caplog: pytest.LogCaptureFixture) -> None:
    known, bug = Work(error=StoreError("rollup.db: the disk is full")), Work(error=ZeroDivisionError("oops"))
    for work in (known, bug):
        work.may_end.set()
    jobs = CalendarJobs([Job("prune", EVERY_SECOND, known), Job("poll", EVERY_SECOND, bug)], UTC)
    jobs.start()
    await started(known, bug)
    known.started.clear()
    await started(known)  # again, though it failed
    await jobs.close(grace_s=5)
    prune = [record for record in caplog.records if "name=prune" in record.message]
    poll = [record for record in caplog.records if "name=poll" in record.message]
    assert prune[0].message == "job_failed name=prune error=rollup.db: the disk is full"
    assert prune[0].exc_info is None
    assert poll[0].exc_info is not None  # a bug: with its traceback
    assert len(prune) == known.started_count
    assert len(prune) + len(poll) == len(caplog.records)


async def test_a_job_never_runs_twice_at_once(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    skipped = asyncio.Event()

    class Watcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            skipped.set()

    logger, watcher = logging.getLogger("qualitywatch.jobs"), Watcher()
    logger.addHandler(watcher)
    jobs = CalendarJobs([Job("slow", EVERY_SECOND, work)], UTC)
    jobs.start()
    try:
        await started(work)
        async with asyncio.timeout(5):
            await skipped.wait()
    finally:
        logger.removeHandler(watcher)
        work.may_end.set()
        await jobs.close(grace_s=5)
    assert work.started_count == 1
    assert caplog.messages[0] == "job_skipped name=slow: the previous run is still going on"


@pytest.mark.parametrize("when", [{"minute": 61}, {"hour": "x"}, {"fortnight": 1}])
def test_impossible_time_is_a_configuration_error(when: dict[str, int | str]) -> None:
    with pytest.raises(ConfigError, match="job prune: "):
        CalendarJobs([Job("prune", when, Work())], UTC)


async def test_the_daemons_table_keeps_away_from_summer_time() -> None:
    jobs = calendar(prune_series=Work(), poll_user_agents=Work(), collect_garbage=Work())
    assert [job.name for job in jobs] == ["prune_series", "poll_user_agents", "collect_garbage"]
    assert all(job.when.get("hour", 4) not in range(1, 4) for job in jobs)
    running = CalendarJobs(jobs, ZoneInfo("Europe/Berlin"))  # accepts them all
    running.start()
    await running.close(grace_s=1)
