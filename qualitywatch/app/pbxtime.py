"""The PBX's own time, as far as we can tell from here.

Strategy: every stamped message says what time it is there; between two of them time passes as it does everywhere.  So rules
work on one clock, the PBX's, whatever our own shows; a step of ours is mended by the next stamp (Asterisk stamps the answer
to every Ping), and a recording played at many times its speed is lived through at that speed.
"""

from __future__ import annotations


class PbxTime:
    """Unix seconds at the PBX; arguments named ``monotonic`` are this machine's monotonic seconds."""

    def __init__(self, now: float, monotonic: float) -> None:
        self._base = now
        self._base_monotonic = monotonic
        self.calibrated = False

    def stamp(self, at: float, monotonic: float) -> None:
        """Take in the stamp of a message that is being processed now."""
        self._base, self._base_monotonic, self.calibrated = at, monotonic, True

    def now(self, monotonic: float) -> float:
        """The time at the PBX."""
        return self._base + max(0.0, monotonic - self._base_monotonic)
