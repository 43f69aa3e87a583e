"""Walks through objects are made when the daemon says so, are short, and find what died in a cycle."""

from __future__ import annotations

import subprocess
import sys

BEGIN = """
import asyncio, gc, weakref
from collections import deque
from qualitywatch.app import garbage

class Thing: ...

def dead():
    thing = Thing(); thing.self = thing
    return weakref.ref(thing)

garbage.spare_what_lasts()
walks = []
gc.callbacks.append(lambda phase, about: walks.append(about["generation"]) if phase == "start" else None)
"""

ALL = """
thing = Thing(); thing.self = thing; gone = weakref.ref(thing)
kept = [[number] for number in range(400_000)]
print(0 in walks, 1 in walks, 2 in walks)
del thing
asyncio.run(garbage.collect())
print(2 in walks, gone() is None, len(kept))
"""

YOUNG = """
LASTS = 300_000

async def busy_as_a_minute_ago(held, until):
    # One dies for each that is made, so the count of new ones stands still.
    most = 0
    while not until():
        for number in range(5_000):
            held.append([number])
        most = max(most, len(gc.get_objects(generation=0)))
        await asyncio.sleep(0)
    return most

async def main():
    held = deque(([number] for number in range(LASTS)), maxlen=LASTS)
    looks = asyncio.create_task(garbage.look_among_young(0.001))
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        for _ in range(5):
            gone = dead()
            most = await busy_as_a_minute_ago(held, lambda: gone() is None)
    looks.cancel()
    print(most < LASTS // 2, 1 in walks, 2 in walks)

asyncio.run(main())
"""


def told(program: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_all_objects_are_walked_through_by_the_calendar_alone() -> None:
    assert told(ALL) == ["True False False", "True True 400000"]


def test_what_was_made_lately_is_looked_through_by_the_clock_and_what_lasts_only_once() -> None:
    assert told(YOUNG) == ["True False False"]
