"""From RTCP reports to samples: one tracker per PBX.

Strategy: a stream is (channel's uniqueid, direction, SSRC the block is about); a new SSRC is a new stream whose first
report is only a baseline.  The header SSRC of RTCPReceived is never used (Asterisk prints garbage there), and a received
block is believed when it is about a stream of ours.  State of a channel goes with its hangup, or after a time of silence
when the hangup was missed.
"""

from __future__ import annotations

import math

from qualitywatch.model import (
    CallRecord,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    CodecSeen,
    Direction,
    Metric,
    ReportBlock,
    RtcpReport,
    Sample,
    Verdict,
)
from qualitywatch.quality.calls import Call, Media, Stream
from qualitywatch.quality.codecs import UNKNOWN_CODEC, Codec, codec_named
from qualitywatch.quality.counters import Counters, Interval, interval
from qualitywatch.quality.mos import mos, mouth_to_ear_ms, normalised_r, r_factor
from qualitywatch.quality.peerpace import PeerPaces
from qualitywatch.quality.split import GapSplit, leapt

ASSUMED_CLOCK_HZ = 8000
# What Asterisk times arrivals by before it has decoded a frame, which in a native bridge is for ever: Opus at 48000 then shows
# 800 ticks of jitter on a perfect line.
UNDECODED_CLOCK_HZ = 8000
ABSURD_JITTER_MS = 1000.0
RTT_LIMIT_S = 10.0  # beyond it the peer's clock or DLSR is wrong (Asterisk publishes up to 65535.9)
STRANGER_PATIENCE_S = 30.0  # a block about an SSRC we never announced counts when ours were not reported on for so long
# A PBX tells its reports in order: one that is so much earlier than the last has seen the clock set back. What less than that
# does to a balance no rule notices.
SET_BACK_S = 1.5
UNSPLIT_PATIENCE_S = 15.0  # so long without sender counters of ours, the peer's report is taken as it is
EXPIRE_EVERY_S = 600.0
# A channel without a word for so long has lost its hangup (a resync finds that out sooner). Long calls past the PBX, by direct
# media, are as silent.
IDLE_LIMIT_S = 12 * 3600.0


class StreamTracker:
    """Turns the reports of one PBX into samples and its finished channels into call records."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self.paces = PeerPaces()
        self._calls: dict[str, Call] = {}
        self._expired_at: float | None = None
        self._reported_at = -math.inf

    def __len__(self) -> int:
        return len(self._calls)

    def see(self, event: ChannelChanged) -> bool:
        """Note that a channel exists and how it stands; True when it has just been answered and nobody told its codec."""
        known = self._calls.get(event.channel.uniqueid)
        was_answered = known is not None and known.answered_at is not None
        call = self._call(event.channel, event.at)
        return call.answered_at is not None and not was_answered and call.codec_name is None

    def learn_codec(self, event: CodecSeen) -> None:
        """Note the codec of a channel that had to be asked for; what the channel's own events say goes first."""
        call = self._calls.get(event.uniqueid)
        if call is not None and call.codec_name is None:
            call.codec_name = event.codec

    def observe(self, report: RtcpReport) -> tuple[Sample, ...]:
        """Return what one RTCP event measures; empty for a first report, a repeated one or one nobody can vouch for."""
        if report.channel is None or not report.channel.uniqueid:
            return ()  # raised by an RTP session without a channel: there is nobody to attribute it to
        if report.at < self._reported_at - SET_BACK_S:
            self._begin_anew()
        self._reported_at = report.at
        call = self._call(report.channel, report.at)
        ours = report.from_address if report.direction is Direction.FROM_PEER else report.to_address
        media = call.media.get(ours or "")
        if media is None:
            media = call.media[ours or ""] = Media(report.at)
        media.last_at = report.at
        _note_sender(media, report)
        if not call.is_voice(media, report.at):
            media.streams.clear()
            return ()
        settled = self._settle(call, media, report.at) if report.direction is Direction.FROM_PEER else ()
        block = report.block
        if block is None or block.source_ssrc == 0 or not _believable(media, report, block):
            return settled
        if report.direction is Direction.TO_PEER:
            media.peer_reports.hear(report.at)
        return (*settled, *self._measure(call, media, report, block))

    def hang_up(self, event: ChannelHungUp) -> CallRecord | None:
        """Forget a channel and return its record; None when it was never seen."""
        call = self._calls.pop(event.channel.uniqueid, None)
        if call is None:
            return None
        self.paces.learn(call.channel.peer, call.peer_interval_s)
        return call.record(self._pbx, event)

    def keep_only(self, uniqueids: frozenset[str]) -> None:
        """Forget every channel the PBX no longer has."""
        self._calls = {uniqueid: call for uniqueid, call in self._calls.items() if uniqueid in uniqueids}

    def forget(self) -> None:
        """Forget everything: Asterisk restarted, or we did not see what happened meanwhile."""
        self._calls.clear()

    def forget_streams(self) -> None:
        """Keep the channels but no counters: reports were missed, intervals must not span the gap."""
        for call in self._calls.values():
            call.media.clear()

    def expire(self, now: float) -> None:
        """Forget channels that have been silent for half a day; looks now and then, however often it is asked."""
        if self._expired_at is not None and 0 <= now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        for uniqueid in [uid for uid, call in self._calls.items() if now - call.last_at > IDLE_LIMIT_S]:
            del self._calls[uniqueid]

    def _begin_anew(self) -> None:
        """Compare nothing across a clock that was set back: by the stamps, packets were sent faster than they were."""
        for call in self._calls.values():
            for media in call.media.values():
                media.begin_anew()

    def _call(self, channel: Channel, at: float) -> Call:
        call = self._calls.get(channel.uniqueid)
        if call is None:
            call = self._calls[channel.uniqueid] = Call(channel, at)
        else:
            call.update(channel, at)
        return call

    def _measure(self, call: Call, media: Media, report: RtcpReport, block: ReportBlock) -> tuple[Sample, ...]:
        at, direction = report.at, report.direction
        followed = _follow(media, direction, at, block)
        if followed is None:
            return ()
        stream, change = followed
        if change.expected is None:
            if stream.split is not None and change.verdict is Verdict.SEQ_FROZEN:
                stream.split.add(at, 0.0, 0.0)  # that nothing came is worth as much: whatever we sent by now was before
            return ()

        expected, lost, totals = float(change.expected), change.lost, call.totals(direction)
        _, clock_hz = _codec_and_clock(call, media, direction)
        pbx, channel, codec_name = self._pbx, call.channel, call.codec_name
        peer, name, uniqueid = channel.peer, channel.name, channel.uniqueid

        jitter_ms = block.jitter_ticks * 1000 / (clock_hz or ASSUMED_CLOCK_HZ)
        jitter_verdict = _jitter_verdict(jitter_ms, clock_hz)
        if direction is Direction.FROM_PEER and media.bridged_undecoded and clock_hz not in {None, UNDECODED_CLOCK_HZ}:
            jitter_verdict = Verdict.MIXED_CLOCK
        jitter = Sample(
            at, Metric.JITTER_MS, jitter_ms, pbx, peer, direction, name, uniqueid, jitter_verdict, expected, codec_name
        )
        samples = [jitter]
        if jitter_verdict is Verdict.OK and (totals.jitter_max_ms is None or jitter_ms > totals.jitter_max_ms):
            totals.jitter_max_ms = jitter_ms

        if direction is Direction.TO_PEER and report.rtt_s is not None and block.lsr != 0:
            verdict, rtt_ms = _note_rtt(call, report.rtt_s, block), report.rtt_s * 1000
            samples.append(Sample(at, Metric.RTT_MS, rtt_ms, pbx, peer, None, name, uniqueid, verdict, expected, codec_name))

        if lost is None:
            return tuple(samples)
        percent, verdict = 100 * lost / expected, change.verdict
        samples.append(
            Sample(
                at, Metric.LOSS_PERCENT_REPORTED, percent, pbx, peer, direction, name, uniqueid, verdict, expected, codec_name
            )
        )
        if verdict is not Verdict.ABSURD:
            totals.expected_reported += expected
            totals.lost_reported += lost
        stream.jitter_ms = jitter_ms if jitter_verdict is Verdict.OK else None
        stream.verdict = verdict
        net = _net(stream, media, report, call.rtt_ms, expected, lost, verdict)
        if net is None:
            return tuple(samples)
        samples += self._leg(call, media, direction, at, stream, net)
        return tuple(samples)

    def _settle(self, call: Call, media: Media, at: float) -> tuple[Sample, ...]:
        """What a count of ours decides of the peer's last report: nobody has to wait for the next one."""
        samples: list[Sample] = []
        for (direction, _), stream in media.streams.items():
            if stream.split is not None and (taken := stream.split.settle(media.sent)) is not None:
                samples += self._leg(call, media, direction, at, stream, (*taken, stream.verdict))
        return tuple(samples)

    def _leg(
        self, call: Call, media: Media, direction: Direction, at: float, stream: Stream, net: tuple[float, float, Verdict]
    ) -> list[Sample]:
        """The samples of what the peer's own leg lost."""
        net_expected, net_lost, net_verdict = net
        pbx, name, uniqueid = self._pbx, call.channel.name, call.channel.uniqueid
        peer, codec_name, totals = call.channel.peer, call.codec_name, call.totals(direction)
        loss_percent = 100 * net_lost / net_expected
        verdict = net_verdict
        samples = [
            Sample(
                at, Metric.LOSS_PERCENT, loss_percent, pbx, peer, direction, name, uniqueid, verdict, net_expected, codec_name
            )
        ]
        if net_verdict is Verdict.ABSURD:
            return samples
        totals.expected += net_expected
        totals.lost += net_lost

        codec, clock_hz = _codec_and_clock(call, media, direction)
        scored = codec or codec_named(None, clock_hz)
        r = normalised_r(scored, r_factor(scored, loss_percent, mouth_to_ear_ms(call.rtt_ms, stream.jitter_ms, scored)))
        score = mos(r)
        totals.mos_min = score if totals.mos_min is None else min(score, totals.mos_min)
        verdict = _score_verdict(scored)
        samples.append(Sample(at, Metric.R_FACTOR, r, pbx, peer, direction, name, uniqueid, verdict, net_expected, codec_name))
        samples.append(Sample(at, Metric.MOS, score, pbx, peer, direction, name, uniqueid, verdict, net_expected, codec_name))
        return samples


def _follow(media: Media, direction: Direction, at: float, block: ReportBlock) -> tuple[Stream, Interval] | None:
    """The stream a block is about and what the block adds; None when it is only a beginning, or no news."""
    key = direction, block.source_ssrc
    stream = media.streams.get(key)
    if stream is None:
        media.streams[key] = Stream(Counters.of(at, block), GapSplit(at) if direction is Direction.TO_PEER else None)
        return None
    change = interval(stream.counters, at, block)
    if change is None:
        return None
    if stream.split is not None and (
        change.verdict is Verdict.SSRC_RESET
        or leapt(change.expected or 0.0, change.lost or 0.0, media.sent.most_between(stream.counters.at, at))
    ):
        media.streams[key] = Stream(Counters.of(at, block), GapSplit(at))
        return None
    if stream.split is not None and change.verdict is Verdict.ABSURD:
        stream.split = GapSplit(at)  # a balance with a hole in it would take every later gap for the peer's own loss
    if change.baseline is not None:
        stream.counters = change.baseline
    return stream, change


def _codec_and_clock(call: Call, media: Media, direction: Direction) -> tuple[Codec | None, int | None]:
    """Codec and RTP clock of a stream, each None where nothing vouches for it.

    The codec on the channel is that of its audio.  Beside other media only the clock tells whether it is this stream's, and
    where the clock says otherwise the clock is right.
    """
    named = call.codec()
    clock_hz = media.clock_hz(direction, named if len(call.media) == 1 else None)
    return (named if named is not None and named.clock_hz == clock_hz else None), clock_hz


def _note_rtt(call: Call, rtt_s: float, block: ReportBlock) -> Verdict:
    # A peer that does not fill in its delay since our report adds that delay, up to an interval, to the round trip.
    if not 0 < rtt_s <= RTT_LIMIT_S or block.dlsr_s == 0.0:
        return Verdict.RTT_SKEW
    call.rtt_ms = rtt_s * 1000
    call.rtt_max_ms = max(call.rtt_ms, call.rtt_max_ms or 0.0)
    return Verdict.OK


def _note_sender(media: Media, report: RtcpReport) -> None:
    if report.direction is Direction.TO_PEER:
        if report.sender is not None:
            media.peer_clock.observe(report.sender)
        return
    media.note_ours(report.at, report.ssrc, report.sender)


def _believable(media: Media, report: RtcpReport, block: ReportBlock) -> bool:
    """Whether a received block is about a stream of ours; bridged streams may carry an SSRC we never announced."""
    if report.direction is Direction.FROM_PEER:
        return True
    if block.source_ssrc in media.our_ssrcs:
        media.known_report_at = report.at
        return True
    if not media.our_ssrcs or media.known_report_at is None:
        return True
    return report.at - media.known_report_at > STRANGER_PATIENCE_S


def _jitter_verdict(jitter_ms: float, clock_hz: int | None) -> Verdict:
    if jitter_ms > ABSURD_JITTER_MS:
        return Verdict.ABSURD_JITTER
    return Verdict.OK if clock_hz is not None else Verdict.ASSUMED_CLOCK


def _score_verdict(codec: Codec) -> Verdict:
    if codec is UNKNOWN_CODEC:
        return Verdict.UNKNOWN_CODEC
    return Verdict.OK if codec.grounded else Verdict.UNGROUNDED_CODEC


def _net(
    stream: Stream, media: Media, report: RtcpReport, rtt_ms: float | None, expected: float, lost: float, verdict: Verdict
) -> tuple[float, float, Verdict] | None:
    """(expected, lost, verdict) of the peer's own leg; None while our sender counters have yet to come."""
    split = stream.split
    if split is None or verdict is Verdict.ABSURD:
        return expected, lost, verdict
    split.add(report.at, expected, lost, None if rtt_ms is None else rtt_ms / 1000)
    taken = split.take(media.sent)
    if taken is not None:
        return *taken, verdict
    if media.sent.known > 0 or report.at - split.started_at < UNSPLIT_PATIENCE_S:
        return None
    unsplit = split.take_unsplit()
    return (*unsplit, Verdict.NOT_SPLIT) if unsplit is not None else None
