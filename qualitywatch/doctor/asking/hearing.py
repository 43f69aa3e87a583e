"""What a PBX tells while we listen: which channels were up, which of them were reported on, how often.

Strategy: one pass over the messages, in the time of the PBX where it stamps them, so that a recording played fast is judged
as if it had been lived through.  The lists of channels, where they can be had, add the calls that began before us: those count
from the first event on, for until then nobody knows what time it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import WANTED_EVENTS
from qualitywatch.ami.fields import channel, timestamp
from qualitywatch.ami.rtcp import rtcp_received, rtcp_sent
from qualitywatch.doctor.facts import CallHeard, Heard
from qualitywatch.model import Channel, Direction, RtcpReport

MEDIA: Final = ("SIP/", "PJSIP/")
"""Technologies with RTP at Asterisk: Local, IAX2 and DAHDI channels have none of it."""

_UP: Final = "up"
_SPURT_S: Final = 0.3  # two reports closer than that are one compound packet and its NACK


@dataclass(slots=True)
class _Call:
    channel: Channel
    up_at: float | None = None
    up_s: float = 0.0
    sent: int = 0
    received: int = 0
    codec_told: bool = False
    announced: bool = True
    vanished: bool = False

    @property
    def is_up(self) -> bool:
        return (self.channel.state or "").casefold() == _UP


@dataclass(slots=True)
class Hearing:
    """Collects; ``heard`` says at any time what it came to.  Instants are Unix seconds."""

    username: str
    _calls: dict[str, _Call] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _classes: set[str] = field(default_factory=set)
    _reported_at: dict[object, float] = field(default_factory=dict)
    _gaps_s: list[float] = field(default_factory=list)
    _events: int = 0
    _unread: int = 0
    _stamped: int = 0
    _unstamped: int = 0
    _strays: int = 0
    _own_login: bool = False
    _first_at: float | None = None
    _first_received_at: float = 0.0
    _last_at: float | None = None

    @property
    def known(self) -> frozenset[str]:
        """The channels that are known by now, by uniqueid."""
        return frozenset(self._calls)

    def listed(self, channels: Sequence[Channel], *, is_first: bool, known: frozenset[str] | None = None) -> None:
        """Take in a list of all channels: the first one shows what began before us, a later one what was not announced.

        ``known`` are those that were known when it was asked for: what began since need not be in it.  None: all of them.
        """
        known = self.known if known is None else known
        for each in channels:
            if each.uniqueid not in self._calls and each.uniqueid not in self._ended:
                self._calls[each.uniqueid] = _Call(each, announced=is_first)
                if self._last_at is not None:
                    self._answered(each, self._last_at)
        if not is_first:
            alive = {each.uniqueid for each in channels}
            for uniqueid, call in self._calls.items():
                call.vanished = uniqueid in known and uniqueid not in alive and uniqueid not in self._ended

    @property
    def has_secrets(self) -> bool:
        """Whether channels came or went that nobody told of."""
        return any(call.vanished or not call.announced for call in self._calls.values())

    def take(self, message: Message, received_at: float) -> None:
        """Take in one message; whatever is no event is passed over."""
        if message.kind != "event" or message.action_id is not None or message.name == "FullyBooted":
            return
        stamp = timestamp(message)
        at = stamp or received_at
        if self._first_at is None:
            self._first_at, self._first_received_at = at, received_at
            for call in self._calls.values():
                self._answered(call.channel, at)
        self._last_at = max(at, self._last_at or at)
        self._events += 1
        self._stamped, self._unstamped = self._stamped + (stamp is not None), self._unstamped + (stamp is None)
        self._unread += message.name not in WANTED_EVENTS
        self._classes.update(word.strip() for word in (message.get("Privilege") or "").split(",") if word.strip() != "all")
        if message.name == "SuccessfulAuth" and message.get("Service") == "AMI" and message.get("AccountID") == self.username:
            self._own_login = True
        if message.name == "RTCPSent":
            self._report(rtcp_sent(message, at), at)
        elif message.name == "RTCPReceived":
            self._report(rtcp_received(message, at), at)
        else:
            self._follow(message, at)

    @property
    def calls(self) -> int:
        """How many channels with media were up."""
        return sum(1 for call in self._calls.values() if call.up_at is not None or call.up_s)

    @property
    def peers_reported(self) -> int:
        """How many peers sent or got reports."""
        return len({call.channel.peer for call in self._calls.values() if call.sent or call.received})

    def heard(self, seconds: float, now: float) -> Heard:
        """Say what came in so many seconds until now."""
        end_at = None
        if self._first_at is not None and self._last_at is not None:
            end_at = max(self._last_at, self._first_at + now - self._first_received_at)
        return Heard(
            seconds=seconds,
            events=self._events,
            unread=self._unread,
            stamped=self._stamped,
            unstamped=self._unstamped,
            classes=frozenset(self._classes),
            own_login=self._own_login,
            calls=tuple(
                self._summed(call, seconds, end_at) for call in self._calls.values() if call.channel.name.startswith(MEDIA)
            ),
            gaps_s=tuple(self._gaps_s),
            strays=self._strays,
        )

    @staticmethod
    def _summed(call: _Call, seconds: float, end_at: float | None) -> CallHeard:
        if end_at is None:  # not one event: what was listed as up at the beginning was up all the time, as far as we know
            lasted_s = seconds if call.is_up and call.announced else 0.0
        else:
            lasted_s = max(0.0, end_at - call.up_at) if call.up_at is not None else 0.0
        return CallHeard(
            call.channel.peer,
            call.up_s + lasted_s,
            call.sent,
            call.received,
            call.codec_told,
            announced=call.announced,
            vanished=call.vanished,
        )

    def _follow(self, message: Message, at: float) -> None:
        found = channel(message)
        if found is None or found.uniqueid in self._ended:
            return
        call = self._calls.setdefault(found.uniqueid, _Call(found))
        call.codec_told = call.codec_told or found.codec is not None
        call.announced = call.announced or message.name == "Newchannel"
        if message.name == "Hangup":
            self._ended.add(found.uniqueid)
            call.vanished = False
            if call.up_at is not None:
                call.up_s, call.up_at = call.up_s + max(0.0, at - call.up_at), None
        else:
            self._answered(found, at)

    def _answered(self, found: Channel, at: float) -> None:
        call = self._calls[found.uniqueid]
        if call.up_at is None and (found.state or "").casefold() == _UP:
            call.up_at = at

    def _report(self, reports: Iterable[RtcpReport], at: float) -> None:
        for report in reports:
            found = report.channel
            if found is None or not found.name.startswith(MEDIA):
                self._strays += 1
                continue
            call = self._calls.setdefault(found.uniqueid, _Call(found))
            call.codec_told = call.codec_told or found.codec is not None
            if found.uniqueid not in self._ended:
                self._answered(found, at)
            if report.direction is Direction.TO_PEER:
                call.received += 1
                continue
            call.sent += 1
            key = (found.uniqueid, report.to_address)
            before_at = self._reported_at.get(key)
            if before_at is None or at - before_at > _SPURT_S:
                self._reported_at[key] = at
                if before_at is not None:
                    self._gaps_s.append(at - before_at)
