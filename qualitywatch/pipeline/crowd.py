"""Who is on the PBX now: channels whose end was missed are ended here for everybody, and there are never more than any PBX has.

Whoever follows channels keeps something of each until it is hung up.  Hangups are missed: a connection that was cut, an inbox
that ran over, a filter of events, a bug of Asterisk.  So one place counts channels for all.  One that two lists in a row do not
name is hung up, with a cause nobody knows (two, because a Hangup may be a moment behind the list that is first without it).
Where channels may not be listed nobody finds out, and a PBX gone mad announces them without end: beyond a limit the oldest go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Final

from qualitywatch.model import (
    Audited,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    DialBegun,
    PbxEvent,
    Resynced,
    RtcpReport,
)

MOST_CHANNELS: Final = 20_000  # twice the legs of 5,000 calls


class Crowd:
    """Who is there, by uniqueid, in the order of coming."""

    def __init__(self, most: int = MOST_CHANNELS) -> None:
        self._most = most
        self._there: dict[str, Channel] = {}
        self._missing: set[str] = set()  # from the last list
        self._is_first_list = True  # of a connection: whoever it does not name, nobody follows any more

    def __len__(self) -> int:
        return len(self._there)

    def see(self, event: PbxEvent) -> Sequence[ChannelHungUp]:
        """Take in an event before anybody else does; return ends that were missed, or made for want of room."""
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
            self._missing.discard(event.channel.uniqueid)
        elif isinstance(event, Connected):
            self._is_first_list = True
        elif isinstance(event, Audited):
            return self._look({channel.uniqueid for channel in event.channels}, event.at)
        elif isinstance(event, Resynced) and event.channels is not None:
            if not self._is_first_list:
                return self._look(event.channels, event.at)
            self._is_first_list = False
            self._keep_only(event.channels)
        oldest = list(islice(self._there, max(0, len(self._there) - self._most)))
        return [ChannelHungUp(event.at, self._there.pop(uniqueid), None) for uniqueid in oldest]

    def clear(self) -> None:
        """Asterisk began anew."""
        self._there.clear()
        self._missing = set()

    def _look(self, alive: Collection[str], at: float) -> list[ChannelHungUp]:
        missing = self._there.keys() - alive
        gone = [uniqueid for uniqueid in self._there if uniqueid in missing and uniqueid in self._missing]
        self._missing = missing.difference(gone)
        return [ChannelHungUp(at, self._there.pop(uniqueid), None) for uniqueid in gone]

    def _keep_only(self, alive: Collection[str]) -> None:
        self._there = {uniqueid: channel for uniqueid, channel in self._there.items() if uniqueid in alive}
        self._missing = set()
