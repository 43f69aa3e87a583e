"""The walk through all objects is made when the daemon says so, and finds what died in a cycle."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, gc, weakref
from qualitywatch.app import garbage

class Thing: ...

garbage.spare_what_lasts()
walks = []
gc.callbacks.append(lambda phase, about: walks.append(about["generation"]) if phase == "start" else None)
thing = Thing(); thing.self = thing; gone = weakref.ref(thing)
kept = [[number] for number in range(400_000)]
print(0 in walks, 1 in walks, 2 in walks)
del thing
asyncio.run(garbage.collect())
print(2 in walks, gone() is None, len(kept))
"""


def test_all_objects_are_walked_through_by_the_calendar_alone() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["True True False", "True True 400000"]
