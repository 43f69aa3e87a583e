"""Which leg is to blame: the calls of a peer beside their other legs, joined by Linkedid."""

from __future__ import annotations

from qualitywatch.model import Channel, ChannelHungUp, Evaluation, Sample


class LegBook:
    """Remembers the recent loss of every leg, and explains a loss alert by it."""

    def see(self, channel: Channel) -> None:
        """Note which call a channel belongs to."""

    def observe(self, sample: Sample) -> None:
        """Take in a loss sample."""

    def hang_up(self, event: ChannelHungUp) -> None:
        """A leg is gone."""

    def explain(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation with what the legs tell of it in its details."""
        return evaluation

    def forget(self) -> None:
        """Drop everything."""
