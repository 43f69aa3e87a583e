"""The process that draws: a request as JSON on standard input, a PNG on standard output.

A process of its own, because the plotting library takes 70 MiB and half a second of pure computing: neither is to be felt by
who watches calls, and the memory goes back at once.  It steps back behind everything else that wants the processor.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from importlib import import_module
from typing import Final

from qualitywatch.charts import wire

_NICE: Final = 10


def step_back() -> None:
    """Let everybody else go before; a sandbox may forbid it (systemd's @resources), and then all stays as it is."""
    # Among real-time processes nice counts for nothing, and the policy of whoever began this one was inherited.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.nice(_NICE)


def main() -> None:
    """Draw one picture."""
    step_back()
    draw = import_module("qualitywatch.charts.drawing").draw  # only now: to load the library is half of the work
    # A letter that no font has becomes a box; that is no news for the log.
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(draw(wire.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
