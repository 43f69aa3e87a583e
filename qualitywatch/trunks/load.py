"""How many calls a trunk carries at once, in both directions: it has so many lines, and nobody says when they are taken.

Strategy: a trunk's channels are counted, made or told of by a list, until they hang up; those being tried occupy a line too.
Which peers are trunks may be known later than their first channel, so all channels of peers are kept and only the number of
a trunk's is told, when it is another than was told last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from qualitywatch.model import ChannelChanged, ChannelHungUp, Gauge, LevelObservation
from qualitywatch.trunks.traffic import CARRIERS


class LoadTracker:
    """Counts the channels of trunks."""

    def __init__(self, pbx: str, carries: Callable[[str], bool]) -> None:
        """``carries`` tells of a peer that it is known to be a trunk."""
        self._pbx = pbx
        self._carries = carries
        self._peers: dict[str, str] = {}  # by uniqueid
        self._channels: defaultdict[str, set[str]] = defaultdict(set)  # uniqueids by peer
        self._told: dict[str, int] = {}

    def see(self, event: ChannelChanged) -> tuple[LevelObservation, ...]:
        """A channel was made, renamed, or found in a list."""
        channel = event.channel
        before = self._peers.get(channel.uniqueid)
        if not channel.name.startswith(CARRIERS):
            return ()
        self._peers[channel.uniqueid] = channel.peer
        if before is not None and before != channel.peer:
            self._drop(before, channel.uniqueid)
        self._channels[channel.peer].add(channel.uniqueid)
        changed = (channel.peer,) if before is None or before == channel.peer else (before, channel.peer)
        return tuple(level for peer in changed for level in self._tell(peer, event.at))

    def hang_up(self, event: ChannelHungUp) -> tuple[LevelObservation, ...]:
        """A channel is gone."""
        peer = self._peers.pop(event.channel.uniqueid, None)
        if peer is None:
            return ()
        self._drop(peer, event.channel.uniqueid)
        return self._tell(peer, event.at)

    def keep_only(self, channels: Iterable[str]) -> None:
        """Forget channels that hung up while we did not look; what is left is told with the next call."""
        for uniqueid in self._peers.keys() - set(channels):
            self._drop(self._peers.pop(uniqueid), uniqueid)

    def forget(self) -> None:
        """Drop all: a list will tell which calls there are."""
        self._peers.clear()
        self._channels.clear()
        self._told.clear()

    def _drop(self, peer: str, uniqueid: str) -> None:
        self._channels[peer].discard(uniqueid)
        if not self._channels[peer]:
            del self._channels[peer]

    def _tell(self, peer: str, at: float) -> tuple[LevelObservation, ...]:
        if not self._carries(peer):
            return ()
        count = len(self._channels.get(peer, ()))
        if self._told.get(peer, 0) == count:
            return ()
        self._told[peer] = count
        return (LevelObservation(at, self._pbx, peer, {Gauge.CONCURRENT_CALLS: float(count)}),)
