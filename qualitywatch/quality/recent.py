"""The loss of one stream over the last minute: packets lost over packets expected, never a mean of percentages."""

from __future__ import annotations

from array import array
from typing import Final

from qualitywatch.model import Sample, Verdict

WINDOW_S: Final = 60.0  # as the loss rule's own window
# Fewer packets tell nothing: one lost of 100 is already 1 %.
MIN_PACKETS: Final = 200.0
TRUSTED: Final = frozenset({Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT})


class RecentLoss:
    """One direction of one leg.  ``at`` only grows; asking moves the window on."""

    __slots__ = ("_reports", "_unsplit", "lost", "packets")

    def __init__(self) -> None:
        # Instant, packets (negative where the other leg's gaps are in it) and lost, one report after the other: of ten thousand
        # streams, tuples would take five times the memory, and be walked through by the garbage collector.
        self._reports = array("d")
        self.packets = self.lost = 0.0
        self._unsplit = 0

    def add(self, sample: Sample) -> None:
        """Take in a sample of net loss; one nobody vouches for is left out."""
        if sample.verdict not in TRUSTED or sample.weight <= 0:
            return
        lost, unsplit = sample.value * sample.weight / 100, sample.verdict is Verdict.NOT_SPLIT
        self._reports.extend((sample.at, -sample.weight if unsplit else sample.weight, lost))
        self.packets += sample.weight
        self.lost += lost
        self._unsplit += unsplit
        if self._reports[0] <= sample.at - WINDOW_S:
            self.move_on(sample.at)

    def totals(self, now: float) -> tuple[float, float]:
        """(packets, lost) of the window that ends now."""
        if self._reports and self._reports[0] <= now - WINDOW_S:
            self.move_on(now)
        return self.packets, max(0.0, self.lost)

    def percent(self, now: float) -> float | None:
        """Loss in percent; None where too little was heard to tell: silence is not 0 %."""
        if self._reports and self._reports[0] <= now - WINDOW_S:
            self.move_on(now)
        return 100 * max(0.0, self.lost) / self.packets if self.packets >= MIN_PACKETS else None

    def is_split(self, now: float) -> bool:
        """Whether gaps of the call's other leg are left out of all of it."""
        self.move_on(now)
        return self._unsplit == 0

    def move_on(self, now: float) -> None:
        """Leave out what the window that ends now does not hold any more."""
        reports = self._reports
        gone, end = 0, len(reports)
        while gone < end and reports[gone] <= now - WINDOW_S:
            packets = reports[gone + 1]
            self.packets -= abs(packets)
            self.lost -= reports[gone + 2]
            self._unsplit -= packets < 0
            gone += 3
        del reports[:gone]
        if not reports:
            self.packets = self.lost = 0.0  # what rounding has left


def percent_of(packets: float, lost: float) -> float | None:
    """Loss in percent; None below the packets it takes to tell."""
    return 100 * lost / packets if packets >= MIN_PACKETS else None
