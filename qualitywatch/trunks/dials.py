"""Which calls leave the PBX by a trunk: who dials what number, on which channel, and when it is over.

Strategy: a call is what one channel dials to one number; a second trunk that is tried after the first, or at once with it, is
the same call by another leg.  The caller is the peer whose channel dials.  Behind a Local channel (a ring group, a forwarding)
it is the peer that began the call, found by Linkedid; where there is none, the trunk stands for it.  Calls from peer to peer
dial no number, and calls of our own, to whoever is on call, concern nobody.

Calls outlive a lost connection, and a restart of ours where somebody remembers them.  The list that follows tells which of them
go on: these are told once more, others are over.  Where it cannot be read they stay in doubt, and are told no more.

Standard: ``DialBegin`` of ``main/dial.c`` and ``apps/app_dial.c``; Linkedid is the uniqueid of a call's first channel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.model import Channel, ChannelChanged, ChannelHungUp, DialBegun, DialObservation

# Lines of a telephone card: whatever number is dialled there leaves the house.
_LINES: Final = "DAHDI/"
_PEERS: Final = ("SIP/", "PJSIP/", "IAX2/")
_LOCAL: Final = "Local/"
UNREADABLE: Final = "?"  # what is told of a call over a trunk to something that is no number: it is a call all the same


@dataclass(slots=True)
class _Caller:
    """What one channel has dialled so far, and over how many legs that last."""

    numbers: set[str]
    legs: int = 0
    is_gone: bool = False


class DialTracker:
    """Turns dials into calls that leave by a trunk."""

    def __init__(self, pbx: str, carries: Callable[[str], bool], *, own: str) -> None:
        """``carries`` tells of a peer that it is known to be a trunk; ``own``: how uniqueids of our own calls begin."""
        self._pbx = pbx
        self._carries = carries
        self._own = own
        self._legs: dict[str, tuple[DialObservation, str | None]] = {}  # by uniqueid of the called channel: it, its caller
        self._callers: dict[str, _Caller] = {}  # by uniqueid of the channel that dials
        self._first: dict[str, str] = {}  # the peer that began a call, by Linkedid
        self._doubtful: set[str] = set()  # channels from before a gap: no list has named them since
        self._unlisted: frozenset[str] = frozenset()  # of these, those for whom a list came that could not be read

    def see(self, event: ChannelChanged) -> None:
        """A channel was created: the first of its call tells who began it."""
        channel = event.channel
        if channel.linkedid == channel.uniqueid and not channel.name.startswith(_LOCAL):
            self._first[channel.uniqueid] = _peer(channel)

    def begun(self, event: DialBegun) -> tuple[DialObservation, ...]:
        """Some channel is called; return the call it belongs to when it leaves by a trunk."""
        dest, caller = event.dest, event.caller
        number = UNREADABLE if event.is_unreadable else event.number
        if number is None or dest.uniqueid in self._legs or dest.uniqueid.startswith(self._own) or not self._leaves(dest):
            return ()
        is_new = True
        if caller is not None:
            known = self._callers.setdefault(caller.uniqueid, _Caller(set()))
            is_new = number not in known.numbers
            known.numbers.add(number)
            known.legs += 1
        # Of a Local channel little is left once the call is answered; the leg by the trunk is what costs.
        offending = dest if caller is None or caller.name.startswith(_LOCAL) else caller
        subject = self._subject(caller) or _peer(dest)
        call = DialObservation(event.at, self._pbx, subject, number, _peer(dest), offending.name, dest.uniqueid, is_new=is_new)
        self._legs[dest.uniqueid] = call, None if caller is None else caller.uniqueid
        return (call,)

    def hang_up(self, event: ChannelHungUp) -> tuple[DialObservation, ...]:
        """A channel is gone; return the leg that ends with it."""
        return self._end(event.channel.uniqueid, event.at)

    def recall(self, call: DialObservation) -> None:
        """A leg that an earlier run of ours knew to last; the next list tells whether it does."""
        self._legs[call.uniqueid] = call, None
        self._doubtful.add(call.uniqueid)

    def doubt(self) -> None:
        """There is a gap in what we see: calls in progress may have ended in it."""
        for uniqueid in self._unlisted:  # from before another gap: where channels may not be listed nobody will ever tell
            self._end(uniqueid, 0.0)
        self._unlisted = frozenset()
        self._doubtful.update(self._legs, self._callers, self._first)

    def listed(self, at: float, channels: Collection[str] | None) -> tuple[DialObservation, ...]:
        """The list after a gap is over (None: it could not be read); return the legs from before it, as they are now."""
        if channels is None:
            self._unlisted = frozenset(self._doubtful)
            return ()
        doubtful, self._doubtful, self._unlisted = self._doubtful, set(), frozenset()
        told: list[DialObservation] = []
        for uniqueid in sorted(doubtful):
            told += self._going_on(uniqueid) if uniqueid in channels else self._end(uniqueid, at)
        return tuple(told)

    def going_on(self) -> tuple[DialObservation, ...]:
        """Return once more all legs that are known to last."""
        return tuple(told for uniqueid in self._legs if uniqueid not in self._doubtful for told in self._going_on(uniqueid))

    def end_all(self, at: float) -> tuple[DialObservation, ...]:
        """Asterisk began anew: return all legs as over."""
        told = tuple(over for uniqueid in tuple(self._legs) for over in self._end(uniqueid, at))
        self._callers.clear()
        self._first.clear()
        self._doubtful.clear()
        self._unlisted = frozenset()
        return told

    def _going_on(self, uniqueid: str) -> tuple[DialObservation, ...]:
        leg = self._legs.get(uniqueid)
        return () if leg is None else (replace(leg[0], is_new=False),)

    def _end(self, uniqueid: str, at: float) -> tuple[DialObservation, ...]:
        self._hung_up(uniqueid)
        self._doubtful.discard(uniqueid)
        call, by = self._legs.pop(uniqueid, (None, None))
        if call is None:
            return ()
        if by is not None and by in self._callers:
            self._callers[by].legs -= 1
            self._release(by)
        return (replace(call, at=at, is_new=False, is_over=True),)

    def _hung_up(self, uniqueid: str) -> None:
        self._first.pop(uniqueid, None)
        caller = self._callers.get(uniqueid)
        if caller is not None:
            caller.is_gone = True
            self._release(uniqueid)

    def _release(self, uniqueid: str) -> None:
        caller = self._callers[uniqueid]
        if caller.is_gone and caller.legs <= 0:
            del self._callers[uniqueid]

    def _leaves(self, dest: Channel) -> bool:
        return dest.name.startswith(_LINES) or (dest.name.startswith(_PEERS) and self._carries(dest.peer))

    def _subject(self, caller: Channel | None) -> str | None:
        if caller is None:
            return None
        if not caller.name.startswith(_LOCAL):
            return _peer(caller)
        return self._first.get(caller.linkedid or "")


def _peer(channel: Channel) -> str:
    """The peer of a channel; of ``DAHDI/i1/74951112233-5`` the span alone, since the rest is a number."""
    return "/".join(channel.peer.split("/")[:2])
