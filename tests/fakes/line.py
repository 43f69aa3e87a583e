"""A call as its reports tell it: made up, exact, and as silent as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qualitywatch.model import (
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Direction,
    PbxEvent,
    ReportBlock,
    RtcpReport,
    SenderInfo,
)

START = 1_700_000_000.0
FOREVER = 1e9


@dataclass
class Line:
    """A call as its reports tell it. Times are seconds after the answer; the two ways work unless told otherwise."""

    peer: str = "PJSIP/101"
    uniqueid: str = "1.1"
    linkedid: str | None = "1.1"
    codec: str | None = "ulaw"
    deaf: tuple[tuple[float, float], ...] = ()  # nothing of ours reaches the peer
    mute: tuple[tuple[float, float], ...] = ()  # nothing of the peer's reaches us
    quiet: tuple[tuple[float, float], ...] = ()  # the peer sends nothing, and says so
    ours_paused: tuple[tuple[float, float], ...] = ()  # we send nothing
    peer_reports: bool = True
    gone_at: float = 1e9  # the peer is switched off
    first_sequence: int = 65_000
    our_phase_s: float = 5.0
    peer_phase_s: float = 4.9
    interval_s: float = 5.0
    origin: float = START

    @property
    def channel(self) -> Channel:
        return Channel(f"{self.peer}-{self.uniqueid}", self.uniqueid, self.linkedid, "Up", codec=self.codec)

    def begin(self) -> list[PbxEvent]:
        ringing = replace(self.channel, state="Ring")
        return [ChannelChanged(self.origin - 1, ringing), ChannelChanged(self.origin, self.channel)]

    def end(self, at: float) -> PbxEvent:
        return ChannelHungUp(self.origin + at, self.channel, 16)

    def reports(self, until: float) -> list[PbxEvent]:
        """All reports up to an instant, in the order of their times."""
        found: list[tuple[float, PbxEvent]] = []
        at = self.our_phase_s
        while at <= until:
            found.append((at, self._ours(at)))
            at += self.interval_s
        at = self.peer_phase_s
        while at <= min(until, self.gone_at) and self.peer_reports:
            found.append((at, self._theirs(at)))
            at += self.interval_s
        return [event for _, event in sorted(found, key=lambda pair: pair[0])]

    def whole(self, until: float) -> list[PbxEvent]:
        return [*self.begin(), *self.reports(until), self.end(until + 0.1)]

    def _ours(self, at: float) -> RtcpReport:
        sent, came = _packets(at, self.ours_paused), self._last_of_peer(at)
        sender = SenderInfo(self.origin + at, sent * 160, sent, sent * 160)
        return RtcpReport(
            self.origin + at,
            Direction.FROM_PEER,
            self.channel,
            0xA,
            sender,
            self._block(0xB, came),
            None,
            "198.51.100.7:17001",
            "192.0.2.10:11873",
        )

    def _theirs(self, at: float) -> RtcpReport:
        sent = _packets(at, self.quiet)
        return RtcpReport(
            self.origin + at,
            Direction.TO_PEER,
            self.channel,
            0xFEED,
            SenderInfo(self.origin + at, sent * 160, sent, sent * 160),
            self._block(0xA, _last(at, self.ours_paused, self.deaf)) or ReportBlock(0, 0, 0, 0, 0, 0, 0.0),
            None,
            "192.0.2.10:11873",
            "198.51.100.7:17001",
        )

    def _last_of_peer(self, at: float) -> int | None:
        return _last(min(at, self.gone_at), self.quiet, self.mute)

    def _block(self, ssrc: int, last: int | None) -> ReportBlock | None:
        return None if last is None else ReportBlock(ssrc, 0, 0, self.first_sequence + last, 0, 0, 0.0)


def _packets(at: float, pauses: Sequence[tuple[float, float]]) -> int:
    """50 a second, but for the pauses."""
    return int(50 * (at - sum(max(0.0, min(at, end) - start) for start, end in pauses if start < at)))


def _last(at: float, pauses: Sequence[tuple[float, float]], lost: Sequence[tuple[float, float]]) -> int | None:
    """Number of the last packet that came through before an instant; None when none ever did."""
    for start, end in sorted(lost, reverse=True):
        if start <= at < end:
            at = start
    return _packets(at, pauses) or None
