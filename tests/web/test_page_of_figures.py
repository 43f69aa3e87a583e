"""Figures of queues and trunks as the page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.model import Gauge, KpiRecord, LevelObservation
from qualitywatch.model.observations import Observed
from qualitywatch.ports import SeriesBatch
from tests.web.browser import Visit, needs_browser, visit
from tests.web.house import House, house

pytestmark = [needs_browser, pytest.mark.slow]

TRUNK = "SIP/74993801@127.0.0.1"


async def store(home: House, batch: SeriesBatch) -> None:
    for each in home.daemon._shift._keeper._series:
        await each.write(batch)


async def cells(here: Visit, table: str, name: str) -> list[str]:
    row = here.page.locator(f"#{table} tbody tr").filter(has_text=name).first
    await row.wait_for()
    return [(await cell.inner_text()).strip() for cell in await row.locator("td").all()]


async def test_queues_show_who_waits_and_who_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        levels = {
            Gauge.QUEUE_CALLERS: 3.0,
            Gauge.QUEUE_LONGEST_HOLD_S: 95.0,
            Gauge.QUEUE_AGENTS_AVAILABLE: 0.0,
            Gauge.QUEUE_CALLERS_UNATTENDED: 3.0,
        }
        now = home.daemon.watchers[0].now
        await store(home, SeriesBatch(observed=(Observed(now, LevelObservation(now, "office", "support", levels)),)))
        async with visit(home.url) as here:
            await here.see("queues")
            _, callers, hold, free, logged_in, _ = await cells(here, "queues", "support")
            assert "3" in callers and "critical" in callers, "callers wait, and nobody is there"
            assert (hold, free) == ("1 min 35 s", "0")
            assert logged_in == "–", "could not be read: not 0"


async def test_a_trunk_shows_what_became_of_its_calls(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        now = next(watcher.now for watcher in home.daemon.watchers if watcher.name == "branch")
        answered = [KpiRecord(now - 5, "branch", TRUNK, "answered", float(number < 3)) for number in range(4)]
        delivered = [KpiRecord(now - 5, "branch", TRUNK, "delivered", 1.0) for _ in range(4)]
        durations = [KpiRecord(now - 5, "branch", TRUNK, "call_duration_s", total) for total in (60.0, 120.0, 180.0)]
        await store(home, SeriesBatch(kpis=(*answered, *delivered, *durations)))
        async with visit(home.url) as here:
            await here.see("trunks")
            row = here.page.locator("#trunks tbody tr").filter(has_text=TRUNK).filter(has_text="branch")
            await row.get_by_text("75 %").wait_for()
            text = await row.inner_text()
            assert "100 %" in text and "2 min" in text and "4" in text
            await here.see("trunk")
            await here.page.locator("#kpis").get_by_text("75 %").wait_for()
            assert "Mean talk (ACD)\n2 min" in await here.text("#kpis")
