"""No more channels at a time than any PBX has: those that never end are let go of, the oldest first.

Whoever follows channels keeps something of each until it is hung up.  Hangups are missed (a connection that was cut, a filter
of events, a bug of Asterisk), and where channels may not be listed nobody finds out; a PBX gone mad announces them without end.
So one place counts them for all, and what is too much is hung up for everybody, with a cause nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from qualitywatch.model import Channel, ChannelChanged, ChannelHungUp, DialBegun, PbxEvent, Resynced, RtcpReport

MOST_CHANNELS: Final = 20_000  # twice the legs of 5,000 calls


class Crowd:
    """Who is there, by uniqueid, in the order of coming."""

    def __init__(self, most: int = MOST_CHANNELS) -> None:
        self._most = most
        self._there: dict[str, Channel] = {}

    def __len__(self) -> int:
        return len(self._there)

    def see(self, event: PbxEvent) -> Sequence[ChannelHungUp]:
        """Take in an event before anybody else does; return the ends of channels that there is no room for any more."""
        if isinstance(event, RtcpReport | ChannelChanged):
            if event.channel is None or event.channel.uniqueid in self._there:
                return ()
            self._there[event.channel.uniqueid] = event.channel
        elif isinstance(event, DialBegun):
            for channel in (event.caller, event.dest):
                if channel is not None:
                    self._there.setdefault(channel.uniqueid, channel)
        elif isinstance(event, ChannelHungUp):
            self._there.pop(event.channel.uniqueid, None)
        elif isinstance(event, Resynced) and event.channels is not None:
            self._keep_only(event.channels)
        oldest = list(islice(self._there, max(0, len(self._there) - self._most)))
        return [ChannelHungUp(event.at, self._there.pop(uniqueid), None) for uniqueid in oldest]

    def clear(self) -> None:
        """Asterisk began anew."""
        self._there.clear()

    def _keep_only(self, alive: Iterable[str]) -> None:
        there = frozenset(alive)
        self._there = {uniqueid: channel for uniqueid, channel in self._there.items() if uniqueid in there}
