"""What peers have in common when they are in trouble at once: a share of those of one place."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.model.words import Share


@dataclass(frozen=True, slots=True)
class ShareObservation:
    """Of the ``total`` active peers of a place, ``lossy`` lose audibly at once and ``ruined`` of these so that talk is ruined.

    ``worst`` names some of the lossy ones with their figures, such as "SIP/6117 24.5%", the worst first.
    """

    at: float
    share: Share
    pbx: str
    subject: str
    lossy: int
    ruined: int
    total: int
    worst: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """What rules that look at it listen to."""
        return self.share
