"""What is remembered of one channel while it lives: its media streams, clocks, counters and whole-call sums."""

from __future__ import annotations

from qualitywatch.model import CallRecord, Channel, ChannelHungUp, Direction, DirectionTotals, SenderInfo, Verdict
from qualitywatch.quality.clockrate import ClockRate
from qualitywatch.quality.codecs import Codec, codec_named
from qualitywatch.quality.counters import Counters
from qualitywatch.quality.peerpace import LegReports
from qualitywatch.quality.sentcounter import SentCounter
from qualitywatch.quality.split import GapSplit

VIDEO_CLOCK_HZ = 90_000  # of every video format (RFC 3551 section 5), and of no audio that is spoken over the telephone
SESSION_ALIVE_S = 60.0  # a session without a report for so long is no longer the audio of its channel
SSRCS_KEPT = 100  # a stream that is renewed with every report is none that anybody reports on


class Stream:
    """One RTP stream as the reports about it describe it: the last counters, and for our own streams the gap balance."""

    __slots__ = ("counters", "jitter_ms", "split", "verdict")

    def __init__(self, counters: Counters, split: GapSplit | None) -> None:
        self.counters = counters
        self.split = split
        # Of the newest report, as far as it can be believed; and what is thought of its loss.
        self.jitter_ms: float | None = None
        self.verdict = Verdict.OK


class Media:
    """One RTP session of a channel (audio and video are two), known by our own address, which never changes behind NAT."""

    __slots__ = (
        "_our_last",
        "bridged_undecoded",
        "known_report_at",
        "last_at",
        "our_clock",
        "our_ssrcs",
        "peer_clock",
        "peer_reports",
        "sent",
        "streams",
    )

    def __init__(self, at: float) -> None:
        self.last_at = at
        self.our_ssrcs: tuple[int, ...] = ()  # mostly one
        self.known_report_at: float | None = None
        self.sent = SentCounter()
        self.our_clock = ClockRate()
        self.peer_clock = ClockRate()
        self.peer_reports = LegReports()
        self.streams: dict[tuple[Direction, int], Stream] = {}
        self.bridged_undecoded = False
        self._our_last: SenderInfo | None = None

    def note_ours(self, at: float, ssrc: int | None, sender: SenderInfo | None) -> None:
        """Take in what a report of ours says about our own stream."""
        if ssrc is not None and ssrc not in self.our_ssrcs:
            self.our_ssrcs = (*self.our_ssrcs, ssrc)[-SSRCS_KEPT:]
        self.sent.observe(at, sender.packets if sender is not None else None)
        if sender is None:
            return
        self.our_clock.observe(sender)
        last, self._our_last = self._our_last, sender
        if last is None:
            self.bridged_undecoded = sender.rtp_timestamp == 0
        elif sender.packets > last.packets:
            # Packets left while the timestamp stood still: a native bridge forwards them without looking inside.
            self.bridged_undecoded = sender.rtp_timestamp == last.rtp_timestamp

    def begin_anew(self) -> None:
        """What was counted until now is not to be compared with what comes."""
        self.sent = SentCounter()
        self.streams.clear()

    @property
    def is_video(self) -> bool | None:
        """Whether the stream of either side ticks as video does; None while no clock is known."""
        if VIDEO_CLOCK_HZ in {self.our_clock.hz, self.peer_clock.hz}:
            return True
        return None if self.our_clock.hz is None and self.peer_clock.hz is None else False

    def clock_hz(self, direction: Direction, codec: Codec | None) -> int | None:
        """RTP clock of the stream a block in ``direction`` speaks of, or None when nothing tells it.

        Order: sender reports of the stream itself, the codec Asterisk names, sender reports of the opposite stream (bridged
        packets keep our own timestamp standing still, and both ways of a call use one codec).
        """
        own, other = (
            (self.peer_clock, self.our_clock) if direction is Direction.FROM_PEER else (self.our_clock, self.peer_clock)
        )
        if own.hz is not None:
            return own.hz
        if codec is not None:
            return codec.clock_hz
        return other.hz


class Totals:
    """Whole-call sums of one direction, growing."""

    __slots__ = ("expected", "expected_reported", "jitter_max_ms", "lost", "lost_reported", "mos_min")

    def __init__(self) -> None:
        self.expected = self.lost = self.expected_reported = self.lost_reported = 0.0
        self.jitter_max_ms: float | None = None
        self.mos_min: float | None = None

    def freeze(self) -> DirectionTotals:
        """The sums as a value."""
        return DirectionTotals(
            self.lost, self.lost_reported, self.expected, self.expected_reported, self.jitter_max_ms, self.mos_min
        )


class Call:
    """One channel from its first to its last event."""

    __slots__ = (
        *("_from_peer", "_to_peer"),
        *("answered_at", "channel", "codec_name", "last_at", "media", "rtt_max_ms", "rtt_ms", "started_at"),
    )

    def __init__(self, channel: Channel, at: float) -> None:
        self.channel = channel
        self.started_at = at
        self.last_at = at
        self.answered_at: float | None = None
        self.codec_name: str | None = None
        self.rtt_ms: float | None = None
        self.rtt_max_ms: float | None = None
        self.media: dict[str, Media] = {}
        self._to_peer, self._from_peer = Totals(), Totals()
        self.update(channel, at)

    def update(self, channel: Channel, at: float) -> None:
        """Take in the newest channel block."""
        self.channel = channel
        self.last_at = max(self.last_at, at)
        if channel.codec is not None:
            self.codec_name = channel.codec
        if channel.state == "Up" and self.answered_at is None:
            self.answered_at = at

    def totals(self, direction: Direction) -> Totals:
        """The sums of one direction."""
        return self._to_peer if direction is Direction.TO_PEER else self._from_peer

    def codec(self) -> Codec | None:
        """The codec Asterisk names on the channel, or None where it names none on the wire (``slin`` is not one)."""
        found = codec_named(self.codec_name)
        return found if found.name == self.codec_name else None

    def is_voice(self, media: Media, at: float) -> bool:
        """Whether a session is the audio of this channel; while no clock tells, it is the one that was heard first.

        Frames of a picture leave all at once or spread out, which by RFC 3550 is jitter, and nobody hears what is lost of them.
        """
        is_video = media.is_video
        if is_video is not None or len(self.media) == 1:
            return not is_video
        is_earlier = True
        for other in self.media.values():
            if other is media:
                is_earlier = False
            elif at - other.last_at < SESSION_ALIVE_S and (other.is_video is False or (is_earlier and other.is_video is None)):
                return False
        return True

    @property
    def peer_interval_s(self) -> float | None:
        """How often the peer reported on what it heard; None for too few reports."""
        known = [media.peer_reports.interval_s for media in self.media.values()]
        return max([interval_s for interval_s in known if interval_s is not None], default=None)

    def record(self, pbx: str, hangup: ChannelHungUp) -> CallRecord:
        """Close the book on this channel."""
        return CallRecord(
            pbx=pbx,
            subject=self.channel.peer,
            channel=self.channel.name,
            uniqueid=self.channel.uniqueid,
            linkedid=hangup.channel.linkedid or self.channel.linkedid,
            started_at=self.started_at,
            answered_at=self.answered_at,
            ended_at=hangup.at,
            cause=hangup.cause,
            codec=self.codec_name,
            to_peer=self._to_peer.freeze(),
            from_peer=self._from_peer.freeze(),
            rtt_max_ms=self.rtt_max_ms,
        )
