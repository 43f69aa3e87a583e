"""When cycles of dead objects are looked for: among young objects twice a second, among all once an hour.

What is held of calls and windows is hundreds of thousands of objects, and to walk through them stops everything for a fifth of
a second, several times a minute if Python is left to choose (it counts objects that stayed, and on a busy PBX samples do,
for a minute).  They die by their reference counts; cycles are made by exceptions and connections, and mostly die young.  So
the walk through everything is taken out of Python's hands and made by the calendar, without what was loaded at the start.

Nor can the walk through the young be left to a count.  Python takes old objects that die off the number of new ones, so on a
PBX that is as busy as a minute ago the count stands still while everything made meanwhile is young: walks were rare, and of
a tenth of a second.  By the clock each object that lasts is walked through once, those of half a second at a time.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

log = logging.getLogger(__name__)

YOUNG: Final = 20_000  # more objects than at the last look; a dozen reports make Python's 700, and none of them is dead
NEVER: Final = 1_000_000_000
EVERY_S: Final = 0.5


def spare_what_lasts() -> None:
    """Call once everything is built: what there is by now stays for good, and whatever lasts is left to ``collect``."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, NEVER, NEVER)  # the count has its say in a flood, when half a second makes very many


async def look_among_young(every_s: float = EVERY_S) -> NoReturn:
    """Look for dead cycles among what was made since the last look, for ever."""
    while True:
        await asyncio.sleep(every_s)
        gc.collect(0)


@contextmanager
def rarely() -> Iterator[None]:
    """Look so rarely while a long recording is read, and as before afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, before[1], NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def collect() -> None:
    """Look for dead cycles among all objects made since the start."""
    found = gc.collect()
    log.debug("garbage.collected objects=%d", found)
