"""How many packets a second a stream has while somebody speaks.

Strategy: in pauses a stream looks slower than it is, never faster, so the fastest that was seen is believed, and nothing below
the 50 a second of nearly every phone unless one report after the other agrees on it, as pauses never make them do.
"""

from __future__ import annotations

import math

USUAL_PER_S = 50.0  # frames of 20 ms
AGREEING_STEPS = 3
AGREEMENT = 0.02
LONG_ENOUGH_S = 2.0
# Beyond audio's frames of 10 ms packets come in bursts (a picture at once): time says nothing about their number.
FASTEST_PER_S = 105.0
JITTER_S = 0.02  # by how much stamps and packets are misplaced against each other


class PacketPace:
    """The pace of one stream, as far as it has been seen."""

    __slots__ = ("_agreeing", "_last_per_s", "per_s")

    def __init__(self, per_s: float = USUAL_PER_S) -> None:
        self.per_s = per_s
        self._last_per_s = 0.0
        self._agreeing = 0

    def learn(self, packets: float, seconds: float) -> bool:
        """Take in what one report adds; True when the stream is faster than it was taken to be."""
        if seconds < LONG_ENOUGH_S or self.per_s == math.inf:
            return False
        seen = packets / seconds
        if seen > self.per_s * (1 + AGREEMENT + JITTER_S / seconds):
            self.per_s = math.inf if seen > FASTEST_PER_S else max(USUAL_PER_S, seen)
            self._agreeing = 0
            return True
        agrees = seen > 0 and abs(seen - self._last_per_s) <= AGREEMENT * seen
        self._agreeing = self._agreeing + 1 if agrees else 0
        self._last_per_s = seen
        if self._agreeing >= AGREEING_STEPS:
            self.per_s = seen
        return False

    def most(self, seconds: float) -> float:
        """The most packets there can be in so many seconds."""
        return self.per_s * (max(0.0, seconds) + JITTER_S)
