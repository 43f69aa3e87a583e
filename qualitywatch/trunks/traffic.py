"""What becomes of the calls over each trunk: tried, delivered, answered, how long, and why not."""

from __future__ import annotations

from collections.abc import Callable

from qualitywatch.model import ChannelChanged, ChannelHungUp, DialBegun, DialEnded, TallyObservation


class TrafficTracker:
    """Counts calls by the peer that carries them."""

    def __init__(self, pbx: str, carries: Callable[[str], bool]) -> None:
        """``carries`` tells whether a peer is a trunk."""
        self._pbx = pbx
        self._carries = carries

    def begun(self, event: DialBegun) -> None:
        """A call over some peer is being tried."""

    def see(self, event: ChannelChanged) -> None:
        """A channel rings or is answered."""

    def ended(self, event: DialEnded) -> None:
        """The attempt is over, as the dial plan sees it."""

    def hang_up(self, event: ChannelHungUp) -> tuple[TallyObservation, ...]:
        """The called channel is gone, which tells what really became of it."""
        return ()

    def forget(self) -> None:
        """Drop calls in progress: their ends will not be seen."""
