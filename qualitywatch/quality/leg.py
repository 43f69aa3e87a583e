"""One leg of a call, and what several of them lost together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qualitywatch.model import Channel, Direction
from qualitywatch.quality.recent import RecentLoss, percent_of

CLEAN_BELOW_PERCENT: Final = 1.0  # acceptable by common advice, and above the error of the split (a packet or two per call)
LOSSY_FROM_PERCENT: Final = 1.5  # where the default loss rule calls a loss over
_NO_MEDIA: Final = ("Local/",)  # legs of the dial plan's own making


class Leg:
    """One channel, which call it belongs to, and what it lost lately in either direction."""

    __slots__ = (
        "_from_peer",
        "_to_peer",
        "ended_at",
        "heard",
        "is_measured",
        "is_up",
        "linkedid",
        "rounds",
        "subject",
        "uniqueid",
    )

    def __init__(self, uniqueid: str, subject: str) -> None:
        self.uniqueid = uniqueid
        self.subject = subject
        self.linkedid: str | None = None
        self.heard: Channel | None = None  # the block that was taken in last
        self.is_up = False
        self.is_measured = False
        self.ended_at: float | None = None
        self.rounds = 0  # of the search for legs without a hangup in which nothing was heard of it
        self._to_peer, self._from_peer = RecentLoss(), RecentLoss()

    @property
    def has_media(self) -> bool:
        """Whether somebody speaks on it: it was answered, and is a device."""
        return (self.is_up or self.is_measured) and not self.subject.startswith(_NO_MEDIA)

    def loss(self, direction: Direction) -> RecentLoss:
        """What was lost in one direction."""
        return self._to_peer if direction is Direction.TO_PEER else self._from_peer

    def percent(self, direction: Direction, now: float) -> float | None:
        """Loss of one direction; None where too little was heard."""
        return self.loss(direction).percent(now)

    def is_lossy(self, direction: Direction, now: float) -> bool:
        """Whether one direction is known to be bad."""
        percent = self.percent(direction, now)
        return percent is not None and percent >= LOSSY_FROM_PERCENT

    def is_clean(self, direction: Direction, now: float) -> bool:
        """Whether one direction is known to be good."""
        percent = self.percent(direction, now)
        return percent is not None and percent < CLEAN_BELOW_PERCENT


def pooled(legs: Iterable[Leg], direction: Direction, now: float) -> float | None:
    """Loss over all the legs together; None where too little was heard."""
    packets = lost = 0.0
    for leg in legs:
        heard, missed = leg.loss(direction).totals(now)
        packets += heard
        lost += missed
    return percent_of(packets, lost)


def figures(legs: Iterable[Leg], now: float) -> dict[str, str]:
    """What is known of the other legs: the figures of one; of several, how many are clean."""
    known = {leg.uniqueid: leg for leg in legs}.values()
    clean = [leg for leg in known if all(leg.is_clean(direction, now) for direction in Direction)]
    if len(known) > 1:
        return {"other_legs": str(len(known)), "clean_legs": str(len(clean))}
    told = {"other_clean": "yes"} if clean else {}
    for leg in known:
        told["other_leg"] = leg.subject
        for direction in Direction:
            percent = leg.percent(direction, now)
            if percent is not None:
                told[f"other_{direction}"] = f"{percent:.1f}"
    return told
