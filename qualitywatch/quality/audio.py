"""Dead air and one-way audio, by the highest sequence numbers of both ends."""

from __future__ import annotations

from qualitywatch.model import ChannelChanged, ChannelHeld, ChannelHungUp, RtcpReport, StatusObservation


class AudioTracker:
    """Tells of every peer whether sound goes both ways on its calls."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx

    def see(self, event: ChannelChanged | ChannelHeld) -> tuple[StatusObservation, ...]:
        """Note that a channel was answered or held."""
        return ()

    def observe(self, report: RtcpReport) -> tuple[StatusObservation, ...]:
        """Take in one report; return the peer's state when it changed."""
        return ()

    def hang_up(self, event: ChannelHungUp) -> tuple[StatusObservation, ...]:
        """The call is over: judge it by all that was heard of it."""
        return ()

    def tick(self, now: float) -> tuple[StatusObservation, ...]:
        """Return whom the mere passing of time makes suspicious."""
        return ()

    @property
    def waiting(self) -> bool:
        """Whether the mere passing of time may change a state."""
        return False

    def forget(self) -> None:
        """Drop what was observed: there is a gap in what we saw."""
