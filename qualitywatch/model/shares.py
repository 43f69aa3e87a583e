"""What peers have in common when they are in trouble at once: a share of those of one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Share(StrEnum):
    """Of whom a share is counted.  The subject is the place: a site's name or network, a registration, the PBX itself."""

    SITE_LOSS = "site_loss"  # peers of one site that lose packets on their own lines
    TRUNK_LOSS = "trunk_loss"  # peers that talk over one trunk and hear the gaps of its line
    PBX_LOSS = "pbx_loss"  # peers of several places that lose packets on their own lines


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
