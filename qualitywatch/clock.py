"""The only reader of wall time. Everything else takes ``now`` as an argument."""

from __future__ import annotations

import time


class SystemClock:
    """Unix time and monotonic time of this machine, in seconds."""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never step, from an arbitrary start."""
        return time.monotonic()
