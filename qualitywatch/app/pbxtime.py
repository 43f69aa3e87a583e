"""The PBX's own time, as far as we can tell from here.

Strategy: every stamped message says what time it is there; between two of them time passes as it does everywhere.  So rules
work on one clock, the PBX's, whatever our own shows; a step of ours is mended by the next stamp (Asterisk stamps the answer
to every Ping), and a recording played at many times its speed is lived through at that speed.

A stamp that is far ahead of where steady time has led says that the PBX's clock was set forward, or that its machine slept.
Late messages are no sign of that, for they only ever look too early; nor is what never kept our pace, as a played recording.
"""

from __future__ import annotations

from typing import Final

STEP_S: Final = 60.0  # less is scheduling, a full queue, or a clock being slewed
STEADY_S: Final = 30.0  # so long stamps must have kept the pace of our monotonic clock
SLACK_S: Final = 10.0  # give or take


class PbxTime:
    """Unix seconds at the PBX; arguments named ``monotonic`` are this machine's monotonic seconds."""

    def __init__(self, now: float, monotonic: float) -> None:
        self._base = now
        self._base_monotonic = monotonic
        self.calibrated = False
        self._ahead_by = 0.0  # of our monotonic clock, since ``_steady_since`` (monotonic)
        self._steady_since: float | None = None

    def stamp(self, at: float, monotonic: float) -> float:
        """Take in the stamp of a message that is being processed now; return by how much the clock was set forward."""
        set_back, last_monotonic = at < self._base - STEP_S, self._base_monotonic
        self._base, self._base_monotonic, self.calibrated = at, monotonic, True
        ahead_by = at - monotonic
        gained_s = ahead_by - self._ahead_by
        if self._steady_since is not None and not set_back and gained_s <= SLACK_S:
            return 0.0
        steady = self._steady_since is not None and not set_back and last_monotonic - self._steady_since >= STEADY_S
        self._ahead_by, self._steady_since = ahead_by, monotonic
        return gained_s if steady and gained_s > STEP_S else 0.0

    def now(self, monotonic: float) -> float:
        """The time at the PBX."""
        return self._base + max(0.0, monotonic - self._base_monotonic)
