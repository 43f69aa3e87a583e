"""Dead air and one-way audio of every peer, from the calls it is in.

Strategy: each call is judged by itself (``voice``); a peer is as bad as its worst call.  A call that is held, or whose other
party holds, is not judged, and begins anew when it is resumed.  When the last bad call is over the peer's state is unknown,
until another call proves sound in the ways that were silent.  ``calls`` of an observation counts the bad ones among the last
five that could be judged, so that a rule may take one call for chance and two for a fault.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

from qualitywatch.model import (
    AudioState,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    Direction,
    RtcpReport,
    StatusObservation,
)
from qualitywatch.quality.pace import ReportPace
from qualitywatch.quality.voice import VoiceCall

ENTITY = "audio"
CALLS_REMEMBERED = 5
REMEMBERED_S = 24 * 3600.0
CALLS_NAMED = 3
# A channel without a word for so long has lost its hangup.
IDLE_LIMIT_S = 12 * 3600.0
EXPIRE_EVERY_S = 600.0

_STATES: Final[Mapping[Direction, AudioState]] = {
    Direction.TO_PEER: AudioState.HEARS_NOTHING,
    Direction.FROM_PEER: AudioState.SENDS_NOTHING,
}


class _Judged:
    """One call of a peer's recent past."""

    __slots__ = ("at", "bad", "uniqueid")

    def __init__(self, uniqueid: str, at: float, *, bad: bool) -> None:
        self.uniqueid, self.at, self.bad = uniqueid, at, bad


class _Peer:
    """What is known of one peer: its calls now, the last few, and what was last told."""

    __slots__ = ("calls", "fills_reports", "judged", "settled_until", "silent_ways", "told")

    def __init__(self) -> None:
        self.calls: dict[str, VoiceCall] = {}
        self.judged: deque[_Judged] = deque(maxlen=CALLS_REMEMBERED)
        self.silent_ways: frozenset[Direction] = frozenset()  # not disproved yet
        self.told: StatusObservation | None = None
        self.settled_until = -math.inf  # so long there is nothing to tell unless a call changes
        self.fills_reports = False  # its reports have blocks in them: an empty one says that nothing came

    def remember(self, uniqueid: str, at: float, *, bad: bool) -> bool:
        """Count a call, once, and return whether it is new; one that was bad stays so."""
        known = next((judged for judged in self.judged if judged.uniqueid == uniqueid), None)
        if known is None:
            self.judged.append(_Judged(uniqueid, at, bad=bad))
        elif bad:
            known.bad = True
        return known is None

    def settle(self, *, is_news: bool) -> None:
        """Note that all calls were looked at: to look again brings nothing new until one changes, or is forgotten.

        Of more good calls than are remembered it does not matter which are, as long as none is bad.
        """
        if not any(judged.bad for judged in self.judged):
            self.settled_until = math.inf
        elif not is_news:
            self.settled_until = min(judged.at for judged in self.judged) + REMEMBERED_S

    def matters(self, now: float) -> bool:
        """Whether anything is known of it that a later call needs."""
        if self.calls or self.silent_ways:
            return True
        return any(abs(now - judged.at) <= REMEMBERED_S for judged in self.judged)

    def bad_calls(self, now: float) -> int:
        """How many of the last calls were bad."""
        return sum(judged.bad for judged in self.judged if abs(now - judged.at) <= REMEMBERED_S)


class AudioTracker:
    """Tells of every peer whether sound goes both ways on its calls.

    Time alone tells nothing: silence is only ever told by a report, and where reports are missing nothing is known.
    """

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._calls: dict[str, VoiceCall] = {}
        self._peers: dict[str, _Peer] = {}
        self._held: dict[str, str | None] = {}  # uniqueid of a channel that holds, and its call
        self._pace = ReportPace()  # how often RTCPSent comes, if it does: its absence means something
        self._expired_at: float | None = None

    @property
    def known(self) -> int:
        """How many peers something is remembered of."""
        return len(self._peers)

    def see(self, event: ChannelChanged | ChannelHeld) -> tuple[StatusObservation, ...]:
        """Note that a channel was created, answered, renamed, held or resumed."""
        call, told = self._call(event.channel, event.at)
        uniqueid, linkedid = event.channel.uniqueid, call.channel.linkedid
        if not isinstance(event, ChannelHeld):
            return (*told, *self._tell(call.channel.peer, event.at))
        if event.on_hold:
            self._held[uniqueid] = linkedid
        else:
            self._held.pop(uniqueid, None)
        involved = [call]
        if linkedid is not None:
            involved = [other for other in self._calls.values() if other.channel.linkedid == linkedid]
        for other in involved:
            other.begin(event.at)
        peers = dict.fromkeys(other.channel.peer for other in involved)
        return (*told, *(observation for peer in peers for observation in self._tell(peer, event.at)))

    def observe(self, report: RtcpReport) -> tuple[StatusObservation, ...]:
        """Take in one report; return the peer's state when it changed."""
        if report.channel is None or not report.channel.uniqueid:
            return ()
        call, told = self._call(report.channel, report.at)
        peer = self._peers[call.channel.peer]
        if report.direction is Direction.TO_PEER and report.block is not None and report.block.source_ssrc:
            peer.fills_reports = True
        if call.answered_at is None or self._is_held(call):
            return told
        changed = call.observe(report, reports_blocks=peer.fills_reports, pace=self._pace)
        if not changed and not told and report.at < peer.settled_until:
            return ()
        return (*told, *self._tell(call.channel.peer, report.at))

    def hang_up(self, event: ChannelHungUp) -> tuple[StatusObservation, ...]:
        """The call is over: judge it by all that was heard of it, then say what is left."""
        uniqueid = event.channel.uniqueid
        call = self._calls.get(uniqueid)
        if call is None:
            return ()
        peer = call.channel.peer
        found: tuple[StatusObservation, ...] = ()
        if not self._is_held(call):
            call.hang_up(event.at)
            found = self._tell(peer, event.at)
        self._drop(uniqueid)
        return (*found, *self._tell(peer, event.at))

    def forget(self) -> None:
        """Drop what was observed of calls in progress: there is a gap in what we saw. How the last calls were stays true."""
        self._calls.clear()
        self._held.clear()
        self._pace = ReportPace()
        for peer in self._peers.values():
            peer.calls.clear()
            peer.settled_until = -math.inf
            peer.silent_ways, peer.told = frozenset(), None
        self._expired_at = None

    def _call(self, channel: Channel, at: float) -> tuple[VoiceCall, tuple[StatusObservation, ...]]:
        """The call of a channel, and what is to be told of the peer it belonged to when it was renamed."""
        call = self._calls.get(channel.uniqueid)
        if call is None:
            self._expire(at)
            call = self._calls[channel.uniqueid] = VoiceCall(channel, at)
        elif channel is call.heard and channel.state is not None:
            call.last_at = at
            return call, ()
        before = call.channel.peer
        call.update(channel, at)
        if channel.uniqueid in self._held:
            self._held[channel.uniqueid] = call.channel.linkedid
        peer = self._peers.setdefault(call.channel.peer, _Peer())
        peer.calls[channel.uniqueid] = call
        peer.settled_until = -math.inf
        if before == call.channel.peer:
            return call, ()
        self._peers[before].calls.pop(channel.uniqueid, None)
        self._peers[before].settled_until = -math.inf
        return call, self._tell(before, at)

    def _drop(self, uniqueid: str) -> None:
        call = self._calls.pop(uniqueid)
        self._held.pop(uniqueid, None)
        peer = self._peers[call.channel.peer]
        peer.calls.pop(uniqueid, None)
        peer.settled_until = -math.inf

    def _is_held(self, call: VoiceCall) -> bool:
        """Whether either party of the call holds the other."""
        if not self._held:
            return False
        linkedid = call.channel.linkedid
        return call.channel.uniqueid in self._held or (linkedid is not None and linkedid in self._held.values())

    def _tell(self, subject: str, at: float) -> tuple[StatusObservation, ...]:
        """How a peer stands, when that is news."""
        peer = self._peers[subject]
        is_news = False
        for uniqueid, call in peer.calls.items():
            if call.is_bad or call.is_proven:
                is_news = peer.remember(uniqueid, at, bad=call.is_bad) or is_news
        peer.settle(is_news=is_news)
        told = self._status(subject, peer, at)
        if told is None:
            return ()
        before, peer.told = peer.told, told
        return () if before is not None and _same(before, told) else (told,)

    def _status(self, subject: str, peer: _Peer, at: float) -> StatusObservation | None:
        """Worst of its calls; after bad ones what is proven since; None while there is nothing to say."""
        calls = peer.calls.values()
        bad = [call for call in calls if call.is_bad]
        if bad:
            bad.sort(key=lambda call: (call.bad_since, call.channel.name))
            silent = [call.silent_ways for call in bad]
            peer.silent_ways = peer.silent_ways.union(*silent)
            state = AudioState.DEAD if any(len(ways) > 1 for ways in silent) else _STATES[min(silent[0])]
            return self._observation(subject, peer, at, state, bad[0].bad_since, _named(bad))
        if not peer.silent_ways and any(call.is_proven for call in calls):
            return self._observation(subject, peer, at, AudioState.OK, at)
        proven = {way for call in calls for way in call.proven_ways}
        was_silent = bool(peer.silent_ways)
        peer.silent_ways -= proven
        if peer.silent_ways:
            return self._observation(subject, peer, at, AudioState.UNKNOWN, at)
        if was_silent or len(proven) == len(Direction):
            return self._observation(subject, peer, at, AudioState.OK, at)
        return None

    def _observation(
        self, subject: str, peer: _Peer, at: float, state: AudioState, since_at: float, detail: str | None = None
    ) -> StatusObservation:
        return StatusObservation(at, ENTITY, self._pbx, subject, state, since_at, detail, calls=peer.bad_calls(at))

    def _expire(self, now: float) -> None:
        """Drop calls whose hangup we missed, and peers of whose calls nothing is left: strangers come under a new name each."""
        if self._expired_at is not None and 0 <= now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        for uniqueid in [uid for uid, call in self._calls.items() if now - call.last_at > IDLE_LIMIT_S]:
            self._drop(uniqueid)
        self._peers = {subject: peer for subject, peer in self._peers.items() if peer.matters(now)}


def _named(calls: list[VoiceCall]) -> str:
    """The channels, as the console of the PBX knows them."""
    names = [call.channel.name for call in calls]
    return ", ".join([*names[:CALLS_NAMED], "..."] if len(names) > CALLS_NAMED else names)


def _same(one: StatusObservation, other: StatusObservation) -> bool:
    return (one.status, one.detail, one.calls) == (other.status, other.detail, other.calls)
