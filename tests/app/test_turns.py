"""Who waits for the interpreter beside a thread that computes gets it sooner."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import threading, time
from qualitywatch.app import turns

over = threading.Event()

def compute():
    while not over.is_set():
        sum(range(100))

def of_twenty_turns_s():
    begun = time.perf_counter()
    for _ in range(20):
        time.sleep(0)  # as any look at a socket: it lets go of the interpreter
    return time.perf_counter() - begun

thread = threading.Thread(target=compute)
thread.start()
before_s = min(of_twenty_turns_s() for _ in range(5))
turns.shorten()
after_s = min(of_twenty_turns_s() for _ in range(5))
over.set()
thread.join()
print(after_s < before_s / 2)
"""


def test_the_loop_waits_less_for_its_turn() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["True"]
