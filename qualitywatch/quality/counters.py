"""RFC 3550 report-block arithmetic: what happened to a stream between two reports about it.

Strategy: only differences of the cumulative counters are trusted, because they survive a missed report; the fraction of the
last interval is the fallback when the counters contradict each other or stand still.  Every outcome carries a verdict, so
that a figure nobody can vouch for never reaches a rule.  Standard: RFC 3550 sections 6.4.1 and A.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qualitywatch.model import ReportBlock, Verdict

# Audio rarely exceeds 100 packets a second (10 ms frames); twice that plus a margin for bursts is still far from the 65536 that
# a sequence wrap counted twice would add.
MAX_PACKETS_PER_SECOND = 100
BURST_MARGIN_PACKETS = 200

# Up to so many packets backwards is reordering (or the same report twice), beyond it the stream was restarted.
REORDER_LIMIT_PACKETS = 100

# Late packets can lower the count of lost ones by a few; a fall beyond that is a receiver that began to count anew, as phones
# do after a hold, under the same SSRC.
LATE_LIMIT_PACKETS = 10

# Two reports closer together than this and with nothing new in them are the farewell pair phones send at hangup.
DUPLICATE_WITHIN_S = 1.0

_FRACTION_UNUSABLE = 255


@dataclass(init=False, slots=True, unsafe_hash=True)
class Counters:
    """The cumulative counters of one stream at one instant; ``suspicious`` when they may be stuck."""

    at: Final[float]
    extended_highest_sequence: Final[int]
    cumulative_lost: Final[int]
    suspicious: Final[bool]

    def __init__(
        self,
        at: float,
        extended_highest_sequence: int,
        cumulative_lost: int,
        suspicious: bool = False,
    ) -> None:
        self.at = at
        self.extended_highest_sequence = extended_highest_sequence
        self.cumulative_lost = cumulative_lost
        self.suspicious = suspicious

    @classmethod
    def of(cls, at: float, block: ReportBlock) -> Counters:
        """Take the counters out of a report block."""
        return cls(at, block.extended_highest_sequence, block.cumulative_lost)


@dataclass(init=False, slots=True, unsafe_hash=True)
class Interval:
    """What one report adds to its predecessor: packets expected and lost, or None where it cannot be told."""

    verdict: Final[Verdict]
    expected: Final[int | None]
    lost: Final[float | None]
    baseline: Final[Counters | None]  # what the next report is to be compared with; None: keep the old one

    def __init__(
        self,
        verdict: Verdict,
        expected: int | None,
        lost: float | None,
        baseline: Counters | None,
    ) -> None:
        self.verdict = verdict
        self.expected = expected
        self.lost = lost
        self.baseline = baseline


def signed32(value: int) -> int:
    """Read the low 32 bits as a two's complement number."""
    value &= 0xFFFFFFFF
    return value - 0x100000000 if value >= 0x80000000 else value


def signed24(value: int) -> int:
    """Read the low 24 bits as a two's complement number: 0xFFFFFD is -3 (RFC 3550 section 6.4.1)."""
    value &= 0xFFFFFF
    return value - 0x1000000 if value >= 0x800000 else value


def interval(previous: Counters, at: float, block: ReportBlock) -> Interval | None:
    """Compare a report with its predecessor; None when it repeats it or arrived out of order."""
    current = Counters.of(at, block)
    elapsed_s = max(0.0, at - previous.at)
    expected = signed32(current.extended_highest_sequence - previous.extended_highest_sequence)
    lost = float(signed24(current.cumulative_lost - previous.cumulative_lost))
    if expected == 0 and elapsed_s < DUPLICATE_WITHIN_S:
        return None
    if expected == 0:
        return Interval(Verdict.SEQ_FROZEN, None, None, current)
    if -REORDER_LIMIT_PACKETS <= expected < 0:
        return None
    leapt = expected < 0 or expected > 2 * MAX_PACKETS_PER_SECOND * elapsed_s + BURST_MARGIN_PACKETS
    if leapt or lost < -LATE_LIMIT_PACKETS:
        return Interval(Verdict.SSRC_RESET, None, None, current)
    if lost < 0:
        return Interval(Verdict.NEGATIVE_LOSS, expected, 0.0, current)
    if lost > expected:
        usable = block.fraction_lost < _FRACTION_UNUSABLE
        return Interval(Verdict.ABSURD, expected, expected * block.fraction_lost / 256 if usable else None, current)
    if lost == 0 and block.fraction_lost > 0:
        # Some phones freeze the cumulative counter. Once may be rounding of a late packet, twice is a habit.
        current = Counters(at, current.extended_highest_sequence, current.cumulative_lost, suspicious=True)
        if previous.suspicious:
            lost = expected * block.fraction_lost / 256
    return Interval(Verdict.OK, expected, lost, current)
