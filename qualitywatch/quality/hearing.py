"""Whether the PBX tells what it ought to: an open connection on which a class of events never comes.

Strategy: silence alone proves nothing, so each class is missed only by what another source says must have made events.
FullyBooted answers the login of whoever may read ``system``.  A channel that is listed, or reported on, and was made after we
came, must have been announced (``call``).  An answered call that nobody but the PBX can have carried (it was alone with an
application, or the same two peers were reported on before this login) must have made reports (``reporting``): media past the
PBX makes none.  One report since the login proves the right to all: a call without any is then a fax (T.38), for example.
Who sees channels nobody announced, and hears nothing at all meanwhile, is as blind as without a connection.
``security`` cannot be missed: nobody has to fail to log in.

Source: ``main/manager.c`` (``process_events``, ``match_filter``) of Asterisk 13 to 23: rights are taken at login, lists and
answers pass whatever the rights and filters are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from qualitywatch.model import (
    Audited,
    Booted,
    CallRecord,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    DialBegun,
    DialEnded,
    EventsState,
    LoginFailed,
    PbxEvent,
    PeerStateSeen,
    Reloaded,
    Resynced,
    RtcpReport,
    ShuttingDown,
    StatusObservation,
    TrunkStateSeen,
)
from qualitywatch.quality.coverage import RTP_TECHNOLOGIES

_T = TypeVar("_T")

BOOT_PATIENCE_S: Final = 300.0  # FullyBooted may take that long on a PBX that is still starting
ANNOUNCED_WITHIN_S: Final = 30.0  # an event may queue behind many others, but not for so long
UNANNOUNCED_CHANNELS: Final = 2  # so many are proof
UNREPORTED_CALLS: Final = 3  # so many answered calls
UNREPORTED_S: Final = 180.0  # and so long in all: ``rtcpinterval`` may be as much as a minute
CLOCKS_S: Final = 5.0  # a channel made so shortly after the login may have been made before it
REMEMBERED: Final = 5000  # channels, and pairs of peers

NO_EVENTS: Final = "sends no events although calls are up: check read= and eventfilter in manager.conf"
_WELL: Final = (EventsState.COMPLETE, "")
_WORST_FIRST: Final = (EventsState.NO_CALLS, EventsState.NO_REPORTS, EventsState.NO_SYSTEM)


class Hearing:
    """What of the classes of events arrives from one PBX."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._told: tuple[EventsState, str] = _WELL
        self._missing: dict[EventsState, tuple[float, str]] = {}  # since when, and how many prove it
        self._pairs: OrderedDict[frozenset[str], None] = OrderedDict()  # peers whose calls with each other were reported on
        self._connected_at: float | None = None
        self._unbooted_since: float | None = None
        self._heard_at: float | None = None  # the last event that rights and filters let pass
        self._announced: OrderedDict[str, None] = OrderedDict()
        self._doubted: OrderedDict[str, float] = OrderedDict()  # channels nobody announced, and since when they are known
        self._proven: dict[str, float] = {}  # those of them that must have been
        self._reported = False  # since the login, which settles what we may hear
        self._calls, self._talked_s, self._unreported_since = 0, 0.0, 0.0
        self.deaf_since: float | None = None  # since when nothing at all is heard, although calls are up

    @property
    def waiting(self) -> bool:
        """Whether the mere passing of time may change something."""
        return self._unbooted_since is not None

    def connect(self, at: float) -> None:
        """A new login: rights may have changed, and nobody announces the channels that are up already."""
        self._connected_at = at
        self._heard_at = self._unbooted_since = self.deaf_since = None
        self._announced.clear()
        self._doubted.clear()
        self._proven.clear()
        self._reported, self._calls, self._talked_s = False, 0, 0.0

    def take(self, event: PbxEvent) -> tuple[StatusObservation, ...]:
        """Take in any event before it is judged; return how well we hear, when that has changed."""
        match event:
            case RtcpReport():  # most events are
                self._hear(event.at)
                self._reported, self._calls, self._talked_s = True, 0, 0.0
                if self._missing:
                    self._missing.pop(EventsState.NO_REPORTS, None)
                if event.channel is not None:
                    self._doubt(event.channel, event.at)
            case Booted():
                self._unbooted_since = None
                self._missing.pop(EventsState.NO_SYSTEM, None)
            case Resynced():
                if not event.booted and self._unbooted_since is None:
                    self._unbooted_since = event.at
                if not event.events_on and self.deaf_since is None:
                    self.deaf_since = event.at
            case Audited():
                self._audit(event)
            case ChannelChanged(listed=False) | ChannelHeld() | ChannelHungUp():
                self._hear(event.at)
                self._announce(event.channel.uniqueid)
            case PeerStateSeen(snapshot=False) | TrunkStateSeen(snapshot=False):
                self._hear(event.at)
            case DialBegun() | DialEnded() | LoginFailed() | Reloaded() | ShuttingDown():
                self._hear(event.at)
            case _:
                pass  # answers and lists come whatever the rights are
        return self._changed(event.at)

    def call_over(self, call: CallRecord, others: Iterable[str], watched_s: float) -> tuple[StatusObservation, ...]:
        """Count an answered call that was watched long enough to be reported on; ``others`` are the peers of its other legs."""
        pair = frozenset({call.subject, *others})
        if call.to_peer.expected_reported or call.from_peer.expected_reported:
            _remember(self._pairs, pair)
            return ()
        if self._reported:
            return ()  # it is this call that made none: a fax (T.38), for example
        if len(pair) > 1 and pair not in self._pairs:
            return ()  # media may have gone past the PBX
        if not self._calls:
            self._unreported_since = call.ended_at - watched_s
        self._calls += 1
        self._talked_s += watched_s
        if self._calls >= UNREPORTED_CALLS and self._talked_s >= UNREPORTED_S:
            self._miss(EventsState.NO_REPORTS, self._unreported_since, str(self._calls))
        return self._changed(call.ended_at)

    def tick(self, now: float) -> tuple[StatusObservation, ...]:
        """Return how well we hear, when time has changed it."""
        if self._unbooted_since is not None and now - self._unbooted_since >= BOOT_PATIENCE_S:
            self._miss(EventsState.NO_SYSTEM, self._unbooted_since, "")
            self._unbooted_since = None
        return self._changed(now)

    def clock_set_back(self, now: float) -> None:
        """Let nothing have begun in the future."""
        self._reset_clock(lambda at: min(at, now))

    def clock_set_forward(self, by_s: float) -> None:
        """Let nothing have lasted longer for it."""
        self._reset_clock(lambda at: at + by_s)

    def _reset_clock(self, moved: Callable[[float], float]) -> None:
        """Tell the same moments by another clock; channels are named by the old one."""
        self._missing = {state: (moved(since_at), proof) for state, (since_at, proof) in self._missing.items()}
        self._connected_at, self._unbooted_since, self._heard_at, self.deaf_since = (
            None if at is None else moved(at)
            for at in (self._connected_at, self._unbooted_since, self._heard_at, self.deaf_since)
        )
        self._doubted.clear()
        self._proven.clear()

    def _hear(self, at: float) -> None:
        self._heard_at, self.deaf_since = at, None

    def _announce(self, uniqueid: str) -> None:
        _remember(self._announced, uniqueid)
        self._doubted.pop(uniqueid, None)
        self._proven.pop(uniqueid, None)
        if not self._proven:
            self._missing.pop(EventsState.NO_CALLS, None)

    def _audit(self, event: Audited) -> None:
        """Look over a list of the channels that are up."""
        for channel in event.channels:
            self._doubt(channel, event.at)
        listed = {channel.uniqueid for channel in event.channels}
        for uniqueid, since_at in [item for item in self._doubted.items() if item[0] not in listed]:
            # It came and went, and still nobody has said a word of it.
            self._prove(uniqueid, since_at, event.at)
            del self._doubted[uniqueid]
        known = [channel for channel in event.channels if self._ought_to_be_announced(channel)]
        if known and not self._doubted:
            self._proven.clear()
            self._missing.pop(EventsState.NO_CALLS, None)

    def _doubt(self, channel: Channel, at: float) -> None:
        if channel.uniqueid in self._announced or not self._ought_to_be_announced(channel):
            return
        self._prove(channel.uniqueid, self._doubted.setdefault(channel.uniqueid, at), at)
        if len(self._doubted) > REMEMBERED:
            self._doubted.popitem(last=False)

    def _prove(self, uniqueid: str, since_at: float, now: float) -> None:
        if now - since_at < ANNOUNCED_WITHIN_S or len(self._proven) >= REMEMBERED:
            return
        self._proven[uniqueid] = since_at
        if len(self._proven) < UNANNOUNCED_CHANNELS:
            return
        first = min(self._proven.values())
        if self._heard_at is None or self._heard_at < first:
            self.deaf_since = first
        else:
            self._miss(EventsState.NO_CALLS, first, str(len(self._proven)))

    def _ought_to_be_announced(self, channel: Channel) -> bool:
        if self._connected_at is None or not channel.name.startswith(RTP_TECHNOLOGIES):
            return False
        made_at = _made_at(channel.uniqueid)
        return made_at is not None and made_at > self._connected_at + CLOCKS_S

    def _miss(self, state: EventsState, since_at: float, proof: str) -> None:
        known = self._missing.get(state)
        self._missing[state] = (since_at if known is None else known[0]), proof

    def _changed(self, at: float) -> tuple[StatusObservation, ...]:
        if not self._missing and self._told == _WELL:
            return ()
        state = next((state for state in _WORST_FIRST if state in self._missing), EventsState.COMPLETE)
        since_at, proof = self._missing.get(state, (at, ""))
        if (state, proof) == self._told:
            return ()
        self._told = state, proof
        return (StatusObservation(at, "events", self._pbx, self._pbx, state, since_at, proof or None),)


def _made_at(uniqueid: str) -> float | None:
    """When a channel was made, by its name: ``1795377989.10`` or, with a systemname, ``pbx-1795377989.10``."""
    seconds, dot, _ = uniqueid.rpartition("-")[2].partition(".")
    return float(seconds) if dot and seconds.isascii() and seconds.isdecimal() and len(seconds) < 12 else None


def _remember(known: OrderedDict[_T, None], what: _T) -> None:
    known[what] = None
    known.move_to_end(what)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
