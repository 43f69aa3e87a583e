"""How long to wait between two attempts: exponential backoff with full jitter.

Strategy: the ceiling doubles from 1 s to 60 s and each delay is drawn evenly between zero and the ceiling, so that several
daemons (or PBXes) that failed together do not come back together.

Standard: M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), variant "full jitter".
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

FIRST_CEILING_S: Final = 1.0
LAST_CEILING_S: Final = 60.0


def delays(rng: random.Random, *, first_s: float = FIRST_CEILING_S, last_s: float = LAST_CEILING_S) -> Iterator[float]:
    """Yield delays in seconds without end; start anew after a success that lasted."""
    ceiling_s = first_s
    while True:
        yield rng.uniform(0.0, ceiling_s)
        ceiling_s = min(ceiling_s * 2.0, last_s)
