"""One call as its sound goes: does the peer hear us, do we hear the peer.

Strategy: every RTP session of the channel has two ways (``sound``).  Where both ends report, a way is judged by both.  Where
the peer tells nothing of itself, our own reports decide: nothing ever came, or a stream that never paused stopped, or stream
and reports of a phone that used to report stopped together while we go on sending.  A channel with several sessions (video)
is judged as a whole: whatever moves in any of them disproves silence.

Limits: a phone that reports nothing cannot be said to hear nothing; media past the PBX is not reported on and never judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from qualitywatch.model import Channel, Direction, RtcpReport
from qualitywatch.quality.pace import ReportPace
from qualitywatch.quality.sound import ENOUGH_PACKETS, LASTING_S, ON_THE_WAY_S, Mark, Way

# Without the peer's word for it that it sends, or without any report of ours, more patience: ringing, learning of addresses.
UNSAID_S = 9.0
UNREPORTED_S = 8.0
# A peer whose reports used to come is gone when none came for so long, and for so many of its own intervals.
GONE_S = 12.0
GONE_INTERVALS = 2.5
# Of a shorter call nothing is said: its first packets may have been on their way.
SHORTEST_S = 4.0
# Codecs that pause by themselves, by the beginning of Asterisk's name for them.
PAUSING_CODECS: Final = ("g729", "g723", "opus", "speex", "silk", "amr")


class Session:
    """One RTP session of a channel, known by our own address."""

    __slots__ = (
        "_interval_s",
        "_moving",
        "_strangers",
        "from_peer",
        "our_reported_at",
        "our_reports",
        "our_ssrc",
        "ours",
        "peer_reported_at",
        "to_peer",
    )

    def __init__(self, ours: str, at: float, *, from_zero: bool) -> None:
        self.ours = ours
        self.to_peer = Way(at, from_zero=from_zero)
        self.from_peer = Way(at, from_zero=from_zero, is_paced=True)
        self.our_ssrc: int | None = None
        self.our_reports = 0  # since it began to be judged
        self.our_reported_at: float | None = None
        self.peer_reported_at: float | None = None
        self._interval_s: float | None = None
        # Of nearly every session there are none.
        self._strangers: dict[int, int] | None = None
        self._moving: set[int] | None = None

    def begin(self, at: float, *, from_zero: bool = False) -> None:
        """Judge anew from here on."""
        self.to_peer.begin(at, from_zero=from_zero)
        self.from_peer.begin(at, from_zero=from_zero)
        self.our_reports = 0
        self.peer_reported_at = None
        self._interval_s = None
        self._forget_strangers()

    def note_ours(self, report: RtcpReport, pace: ReportPace) -> bool:
        """Take in RTCPSent; return whether something came from the peer."""
        self.our_reports += 1
        if self.our_reported_at is not None:
            pace.learn(report.at - self.our_reported_at)
        self.our_reported_at = report.at
        if report.ssrc is not None and report.ssrc != self.our_ssrc:
            if self.our_ssrc is not None:
                self.to_peer.begin(report.at)  # the peer's next reports may still be about the old stream
                self._forget_strangers()
            self.our_ssrc = report.ssrc
        self.to_peer.sent.note(report.at, report.sender.packets if report.sender is not None else None)
        return self.from_peer.report(report.at, _mark(report))

    def note_theirs(self, report: RtcpReport, *, reports_blocks: bool) -> bool:
        """Take in RTCPReceived; return whether something reached the peer."""
        if self.peer_reported_at is not None and report.at - self.peer_reported_at >= 1:
            self._interval_s = max(self._interval_s or 0.0, report.at - self.peer_reported_at)
        self.peer_reported_at = report.at
        self.from_peer.sent.note(report.at, report.sender.packets if report.sender is not None else None)
        if (report.blocks or 0) > 1:
            return False  # only the first block is told, and it may be about a stream of ours that ended
        mark = _mark(report)
        if mark is None:
            # An empty report says that nothing came, if the phone is one that fills its reports at all.
            return (reports_blocks or report.block is not None) and self.to_peer.report(report.at, None)
        return self._is_current(mark) and self.to_peer.report(report.at, mark)

    def _forget_strangers(self) -> None:
        self._strangers = self._moving = None

    def _is_current(self, mark: Mark) -> bool:
        """Whether a block is about what we send now: the stream we announce, or another that was seen to move.

        A bridge may pass the other leg's stream through as it is; one that stands still may be one that ended long ago.
        """
        ssrc, sequence = mark
        if ssrc in {0, self.our_ssrc} or self.our_ssrc is None:
            return True
        if self._strangers is None or self._moving is None:
            self._strangers, self._moving = {}, set()
        before = self._strangers.get(ssrc)
        self._strangers[ssrc] = sequence
        if before is not None and before != sequence:
            self._moving.add(ssrc)
        return ssrc in self._moving

    def goes_unanswered(self, for_s: float) -> bool:
        """Whether we have sent and reported for so long, and nothing came meanwhile."""
        quiet_s = self.from_peer.quiet_for_s
        if quiet_s < for_s:
            return False
        since_at = self.from_peer.since_at
        return self.to_peer.sent.grown(since_at, since_at + quiet_s, from_zero=False) >= ENOUGH_PACKETS

    def left(self, at: float) -> bool:
        """Whether a peer that used to report has fallen silent in that too."""
        if self.peer_reported_at is None or self._interval_s is None:
            return False
        return at - self.peer_reported_at >= max(GONE_S, GONE_INTERVALS * self._interval_s)


class VoiceCall:
    """One channel from its first event to its last; ``deaf_since`` and ``mute_since`` are None while nothing is proven."""

    __slots__ = ("_sessions", "_witnessed", "answered_at", "channel", "deaf_since", "heard", "last_at", "mute_since")

    def __init__(self, channel: Channel, at: float) -> None:
        self.channel = channel
        self.heard: Channel | None = None  # the block that was taken in last, as it came
        self.last_at = at
        self.answered_at: float | None = None
        self.deaf_since: float | None = None
        self.mute_since: float | None = None
        self._witnessed = channel.state not in {None, "Up"}  # its answer is yet to come, and will be seen
        self._sessions: tuple[Session, ...] = ()  # mostly one

    @property
    def is_bad(self) -> bool:
        return self.deaf_since is not None or self.mute_since is not None

    @property
    def bad_since(self) -> float:
        """Since when it is bad; only asked of a call that is."""
        return min(since_at for since_at in (self.deaf_since, self.mute_since) if since_at is not None)

    @property
    def silent_ways(self) -> frozenset[Direction]:
        """The ways in which nothing comes."""
        ways = ((Direction.TO_PEER, self.deaf_since), (Direction.FROM_PEER, self.mute_since))
        return frozenset(way for way, since_at in ways if since_at is not None)

    @property
    def proven_ways(self) -> frozenset[Direction]:
        """The ways in which sound was seen to move since the call began to be judged, and has not stopped."""
        sessions = self._sessions
        ways = set()
        if any(session.to_peer.proven for session in sessions):
            ways.add(Direction.TO_PEER)
        if any(session.from_peer.proven for session in sessions):
            ways.add(Direction.FROM_PEER)
        return frozenset(ways) - self.silent_ways

    @property
    def is_proven(self) -> bool:
        """Whether sound was seen to move both ways, and has not stopped."""
        if self.deaf_since is not None or self.mute_since is not None:
            return False
        to_peer = from_peer = False
        for session in self._sessions:
            to_peer = to_peer or session.to_peer.proven
            from_peer = from_peer or session.from_peer.proven
        return to_peer and from_peer

    def update(self, channel: Channel, at: float) -> None:
        """Take in the newest channel block."""
        self.last_at = at
        if channel is self.heard and channel.state is not None:
            return
        self.heard = channel
        if channel.state is None:  # renamed: the call became another one
            channel = replace(self.channel, name=channel.name)
            self.begin(at)
        elif channel.linkedid is None or channel.codec is None:
            linkedid, codec = channel.linkedid or self.channel.linkedid, channel.codec or self.channel.codec
            if (linkedid, codec) != (channel.linkedid, channel.codec):
                channel = replace(channel, linkedid=linkedid, codec=codec)
        self.channel = channel
        if channel.state == "Up" and self.answered_at is None:
            self.answered_at = at
            for session in self._sessions:
                session.begin(at, from_zero=self._witnessed)

    def begin(self, at: float) -> None:
        """Judge anew from here on: held, resumed, or made another call."""
        self.deaf_since = self.mute_since = None
        for session in self._sessions:
            session.begin(at)

    def observe(self, report: RtcpReport, *, reports_blocks: bool, pace: ReportPace) -> bool:
        """Take in one report of an answered call and judge both ways; return whether any of them is seen otherwise now."""
        ours = (report.from_address if report.direction is Direction.FROM_PEER else report.to_address) or ""
        for session in self._sessions:
            if session.ours == ours:
                break
        else:
            is_first = self._witnessed and not self._sessions
            session = Session(ours, self.answered_at or report.at, from_zero=is_first)
            self._sessions = (*self._sessions, session)
        to_peer, from_peer = session.to_peer, session.from_peer
        before = to_peer.proven, from_peer.proven, self.deaf_since, self.mute_since
        if report.direction is Direction.FROM_PEER:
            if session.note_ours(report, pace):
                self.mute_since = None
        elif session.note_theirs(report, reports_blocks=reports_blocks):
            self.deaf_since = None
        if to_peer.quiet or from_peer.quiet or not session.our_reports:
            self._judge(session, report.at, pace.late_after_s)
        return (to_peer.proven, from_peer.proven, self.deaf_since, self.mute_since) != before

    def _judge(self, session: Session, at: float, late_after_s: float | None) -> None:
        """Look for silence; there is none where the last reports of both ways moved, and ours come."""
        to_peer, from_peer = session.to_peer, session.from_peer
        left = self._has_left(session, at)
        if self.deaf_since is None and (to_peer.stalled() or left):
            self.deaf_since = self._undisputed(Direction.TO_PEER, from_peer.since_at if left else to_peer.since_at)
        silent = from_peer.stalled() or left or self._never_spoke(session) or self._stopped(session)
        if self.mute_since is None and (silent or self._unreported(session, at, late_after_s)):
            self.mute_since = self._undisputed(Direction.FROM_PEER, from_peer.since_at)

    def _undisputed(self, direction: Direction, since_at: float) -> float | None:
        """Since when it is silent, None when another session of the channel has moved since."""
        for session in self._sessions:
            way = session.to_peer if direction is Direction.TO_PEER else session.from_peer
            if way.proven and way.since_at > since_at:
                return None
        return since_at

    @staticmethod
    def _has_left(session: Session, at: float) -> bool:
        """Stream and reports stopped together while we go on: the phone lost its network, or its power."""
        return session.from_peer.proven and session.goes_unanswered(LASTING_S) and session.left(at)

    @staticmethod
    def _never_spoke(session: Session) -> bool:
        """We send and report, and not a single packet has ever come back."""
        return not session.from_peer.arrived and session.goes_unanswered(UNSAID_S)

    def _stopped(self, session: Session) -> bool:
        """A stream that never paused stands still, and the phone says nothing of itself."""
        if session.peer_reported_at is not None or (self.channel.codec or "").startswith(PAUSING_CODECS):
            return False
        return session.from_peer.steady and session.goes_unanswered(UNSAID_S)

    @staticmethod
    def _unreported(session: Session, at: float, late_after_s: float | None) -> bool:
        """The peer says that it sends, and we have nothing to report at all: nothing was sent and nothing came.

        Only where reports of ours are published, and this one's turn has surely come.
        """
        way = session.from_peer
        if late_after_s is None or session.our_reports > 0 or at - way.since_at < max(UNREPORTED_S, late_after_s):
            return False
        return way.sending(at - ON_THE_WAY_S)

    def hang_up(self, at: float) -> None:
        """The call is over: judge what there was no time to judge."""
        if self.answered_at is None or at - self.answered_at < SHORTEST_S:
            return
        sessions = self._sessions
        if self.deaf_since is None and sessions and all(session.to_peer.never_came() for session in sessions):
            self.deaf_since = self.answered_at
        if self.mute_since is None and sessions and all(session.from_peer.never_came() for session in sessions):
            self.mute_since = self.answered_at


def _mark(report: RtcpReport) -> Mark | None:
    block = report.block
    return None if block is None else (block.source_ssrc, block.extended_highest_sequence)
