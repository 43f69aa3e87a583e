"""What the daemon says of stores that cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from qualitywatch.app.keeper import TRUNK_KEY, Keeper, trunk_memories
from qualitywatch.clock import SystemClock
from qualitywatch.desk.change import DeskChange
from qualitywatch.errors import StoreError
from qualitywatch.model import AuditRow, Incident
from qualitywatch.pipeline import Effects
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemorySeriesOptions, MemorySeriesStore, MemoryStateStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.patient import PatientStore
from tests.store.model_values import NOW, a_sample, an_incident

ROW = AuditRow(NOW, "Anna (12345)", "acknowledge", "incident 1", 1)
FULL = "rollup.db: the disk is full"


class FullDisk(MemorySeriesStore):
    """Takes in what it is given, as long as there is memory, and cannot write it."""

    is_full = True

    async def flush(self, now: float) -> None:
        if self.is_full:
            raise StoreError(FULL)
        await super().flush(now)


async def test_a_disk_is_full_until_something_is_written_to_it_whatever_memory_takes_in() -> None:
    state = await MemoryStateStore.open(Path(), now=NOW)
    series = await FullDisk.open(Path(), MemorySeriesOptions(), now=NOW)
    keeper = Keeper(state, [series], SystemClock())
    await keeper.flush()
    assert keeper.troubles == [FULL]
    await keeper.keep("office", [Effects(samples=(a_sample(1.0),))], DeskChange())
    assert keeper.troubles == [FULL]
    series.is_full = False
    await keeper.flush()
    assert not keeper.is_failing


@pytest.mark.parametrize("steps", range(8))
async def test_who_is_cut_short_has_done_it_once(steps: int, tmp_path: Path) -> None:
    """A command whose time is up, a reload or a stop: one acknowledgement is one row, and is told."""
    state = PatientStore(await SqliteStateStore.open(tmp_path, now=NOW))
    keeper, told = Keeper(state, [], SystemClock()), list[Incident]()

    def tell(incidents: Sequence[Incident]) -> None:
        told.extend(incidents)

    keeper.tell = tell
    asking = asyncio.ensure_future(keeper.keep_change(StateChange(incidents=(an_incident(),), audit=(ROW,))))
    for _ in range(1 + steps):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    await keeper.commit_waiting()
    await state.retry()
    assert await state.audit(10) == (ROW,)
    assert (keeper.waiting, told) == (0, [an_incident()])
    await state.close()


async def test_a_post_that_is_cut_short_is_stored_once(tmp_path: Path) -> None:
    state = PatientStore(await SqliteStateStore.open(tmp_path, now=NOW))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await state.commit(StateChange(audit=(ROW,)))
    await state.retry()
    assert await state.audit(10) == (ROW,)
    await state.close()


def test_a_pbx_remembers_no_trunk_of_another_whose_name_begins_like_its_own() -> None:
    meta = {f"{TRUNK_KEY}pbx.SIP/1@a.example": "own", f"{TRUNK_KEY}pbx.msk.SIP/2@a.example": "of another"}
    assert trunk_memories("pbx", meta) == {"SIP/1@a.example": "own"}
    assert trunk_memories("pbx.msk", meta) == {"SIP/2@a.example": "of another"}
