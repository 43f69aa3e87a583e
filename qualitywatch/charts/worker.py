"""The process that draws: a request as JSON on standard input, a PNG on standard output.

A process of its own, because the plotting library takes 70 MiB and half a second of pure computing: neither is to be felt by
who watches calls, and the memory goes back at once.  It steps back behind everything else that wants the processor.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import Final

from qualitywatch.charts import wire
from qualitywatch.charts.drawing import draw

_NICE: Final = 10


def main() -> None:
    """Draw one picture."""
    # A sandbox may forbid it (systemd's @resources); then the picture is merely drawn at normal priority.
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    # A letter that no font has becomes a box; that is no news for the log.
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(draw(wire.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
