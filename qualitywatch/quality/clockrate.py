"""The RTP clock of a stream, measured from its sender reports.

Strategy: an SR pairs a wall-clock time with an RTP timestamp, so two of them give ticks per second.  Three in agreement,
snapped to a clock that exists, are believed; a step over silence, hold or a new SSRC disagrees with its neighbours and
starts the count anew. Packets bridged without decoding leave the timestamp standing still: such reports say nothing.
Standard: RFC 3550 section 6.4.1.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Final

from qualitywatch.model import SenderInfo

CLOCKS_HZ: Final = (8000, 12000, 16000, 24000, 32000, 44100, 48000, 90000)
_MIDDLES_HZ: Final = tuple((lower + higher) / 2 for lower, higher in pairwise(CLOCKS_HZ))
TOLERANCE = 0.03
AGREEING_STEPS = 2  # two steps are three reports


class ClockRate:
    """Remembers the last sender report and the clock its predecessors agreed on."""

    __slots__ = ("_candidate_hz", "_previous", "_steps", "hz")

    def __init__(self) -> None:
        self.hz: int | None = None
        self._previous: SenderInfo | None = None
        self._candidate_hz: int | None = None
        self._steps = 0

    def observe(self, sender: SenderInfo) -> None:
        """Take in the next sender report of the stream; ``hz`` is set once three agree."""
        previous, self._previous = self._previous, sender
        if previous is None:
            return
        step_hz = _snap(previous, sender)
        if step_hz is None:
            self._steps, self._candidate_hz = 0, None
            return
        self._steps = self._steps + 1 if step_hz == self._candidate_hz else 1
        self._candidate_hz = step_hz
        if self._steps >= AGREEING_STEPS:
            self.hz = step_hz


def _snap(previous: SenderInfo, current: SenderInfo) -> int | None:
    seconds = current.ntp_at - previous.ntp_at
    ticks = (current.rtp_timestamp - previous.rtp_timestamp) & 0xFFFFFFFF
    if seconds <= 0.2 or ticks == 0:
        return None
    slope = ticks / seconds
    nearest = CLOCKS_HZ[bisect_left(_MIDDLES_HZ, slope)]
    return nearest if abs(nearest - slope) <= TOLERANCE * nearest else None
