"""What the daemon says of stores that cannot write."""

from __future__ import annotations

from pathlib import Path

from qualitywatch.app.keeper import Keeper
from qualitywatch.clock import SystemClock
from qualitywatch.desk.change import DeskChange
from qualitywatch.errors import StoreError
from qualitywatch.pipeline import Effects
from qualitywatch.store.backends.memory import MemorySeriesOptions, MemorySeriesStore, MemoryStateStore
from tests.store.model_values import NOW, a_sample

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
