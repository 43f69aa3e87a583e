"""How many calls a trunk carries at once, in both directions: it has so many lines, and nobody says when they are taken.

Strategy: a trunk's channels are counted, made or told of by a list, until they hang up; those being tried occupy a line too.
After a connect the list of channels comes one by one; its count as it grows is nobody's load, so all is told when the list is
over, or has been for so long that none can be coming.  Which peers are trunks may be known later than their first channel, so
all channels of peers are kept and only the number of a trunk's is told, when it is another than was told last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from qualitywatch.model import ChannelChanged, ChannelHungUp, Gauge, LevelObservation
from qualitywatch.trunks.traffic import CARRIERS

LISTED_WITHIN_S: Final = 30.0


class LoadTracker:
    """Counts the channels of trunks."""

    def __init__(self, pbx: str, carries: Callable[[str], bool]) -> None:
        """``carries`` tells of a peer that it is known to be a trunk."""
        self._pbx = pbx
        self._carries = carries
        self._peers: dict[str, str] = {}  # by uniqueid
        self._channels: defaultdict[str, set[str]] = defaultdict(set)  # uniqueids by peer
        self._told: dict[str, int] = {}
        self._owed: set[str] = set()  # told before a gap: also that none are left is news of them
        self._is_listing = False
        self._list_began_at: float | None = None

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

    def connected(self) -> None:
        """A list is coming; what there was before it is not known any more."""
        self.forget()
        self._is_listing, self._list_began_at = True, None

    def listed(self, at: float, channels: Iterable[str] | None) -> tuple[LevelObservation, ...]:
        """The list is over; channels it did not name hung up while we did not look (None: it could not be read)."""
        self._is_listing = False
        peers = {*self._channels, *self._owed}
        if channels is not None:
            for uniqueid in self._peers.keys() - set(channels):
                self._drop(self._peers.pop(uniqueid), uniqueid)
        told = tuple(level for peer in sorted(peers) for level in self._tell(peer, at))
        self._owed.clear()
        return told

    def forget(self) -> None:
        """Drop all: a list will tell which calls there are."""
        self._peers.clear()
        self._channels.clear()
        self._owed.update(self._told)
        self._told.clear()

    def _drop(self, peer: str, uniqueid: str) -> None:
        self._channels[peer].discard(uniqueid)
        if not self._channels[peer]:
            del self._channels[peer]

    def _tell(self, peer: str, at: float) -> tuple[LevelObservation, ...]:
        if not self._carries(peer) or self._comes(at):
            return ()
        count = len(self._channels.get(peer, ()))
        if self._told.get(peer, -1 if peer in self._owed else 0) == count:
            return ()
        self._told[peer] = count
        return (LevelObservation(at, self._pbx, peer, {Gauge.CONCURRENT_CALLS: float(count)}),)

    def _comes(self, at: float) -> bool:
        """Whether the list may still be coming."""
        if self._is_listing:
            self._list_began_at = at if self._list_began_at is None else self._list_began_at
            self._is_listing = at - self._list_began_at < LISTED_WITHIN_S
        return self._is_listing
