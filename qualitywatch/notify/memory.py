"""A record of what people were shown that never fails, only waits.

A store that cannot be written (a full disk) is asked again until it can: to send on without a record would be to send the same
message again and again after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from random import Random
from typing import Final

from qualitywatch.backoff import Backoff
from qualitywatch.errors import StoreError
from qualitywatch.notify.progress import Progress
from qualitywatch.notify.troubles import Troubles
from qualitywatch.ports import StateChange, StateStore

_WHO: Final = "messages"


class Memory:
    """The store, as those see it who must have their change in it before they go on."""

    def __init__(self, store: StateStore, backoff: Backoff, chance: Random, progress: Progress, troubles: Troubles) -> None:
        self._store = store
        self._backoff = backoff
        self._chance = chance
        self._progress = progress
        self._troubles = troubles

    async def keep(self, change: StateChange) -> None:
        """Return when the change is stored."""
        failures = 0
        while True:
            try:
                with self._progress.step():
                    await self._store.commit(change)
            except StoreError as error:
                pause_s = self._backoff.pause_s(failures, self._chance)
                self._troubles.report(_WHO, str(error), f"next attempt in {pause_s:.0f} s", level=logging.ERROR)
                failures += 1
                await asyncio.sleep(pause_s)
            else:
                self._troubles.over(_WHO)
                return
