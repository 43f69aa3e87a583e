"""When cycles of dead objects are looked for: among young objects all the time, among all once an hour.

What is held of calls and windows is hundreds of thousands of objects, and to walk through them stops everything for a fifth of
a second, several times a minute if Python is left to choose (it counts objects that stayed, and on a busy PBX samples do,
for a minute).  They die by their reference counts; cycles are made by exceptions and connections, and mostly die young.  So
the walk through everything is taken out of Python's hands and made by the calendar, without what was loaded at the start.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

log = logging.getLogger(__name__)

YOUNG: Final = 20_000  # more objects than at the last look; a dozen reports make Python's 700, and none of them is dead
NEVER: Final = 1_000_000_000


def spare_what_lasts() -> None:
    """Call once everything is built: what there is by now stays for good, and old objects are left to ``collect``."""
    gc.collect()
    gc.freeze()
    _set()


@contextmanager
def rarely() -> Iterator[None]:
    """Look so rarely while a long recording is read, and as before afterwards."""
    before = gc.get_threshold()
    _set()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _set() -> None:
    _, middle, _ = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, NEVER)


async def collect() -> None:
    """Look for dead cycles among all objects made since the start."""
    found = gc.collect()
    log.debug("garbage.collected objects=%d", found)
