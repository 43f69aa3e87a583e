"""From RTCP reports to samples: every trap of the manager interface by name, and sums that agree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import (
    Channel,
    ChannelChanged,
    ChannelHungUp,
    CodecSeen,
    Direction,
    Metric,
    ReportBlock,
    RtcpReport,
    Sample,
    SenderInfo,
    Verdict,
)
from qualitywatch.quality.streams import EXPIRE_EVERY_S, IDLE_LIMIT_S, StreamTracker

TO_PEER, FROM_PEER = Direction.TO_PEER, Direction.FROM_PEER
OURS, THEIRS, STRANGER = 0x1111, 0x2222, 0x3333
GARBAGE = 0xEA52089D  # the hour of the day in NTP, printed as an SSRC
AUDIO_PORT, VIDEO_PORT = 11872, 11874
CHANNEL = Channel("SIP/6117-00000002", "1700000000.2", "1700000000.1", "Up", codec="alaw")


def block(
    expected: int,
    lost: int,
    *,
    ssrc: int = THEIRS,
    fraction: int = 0,
    jitter: int = 8,
    lsr: int = 1,
    dlsr_s: float | None = 1.0,
    begin: int = 1000,
) -> ReportBlock:
    """A report block from the totals since the beginning of the stream."""
    return ReportBlock(ssrc, fraction, lost, begin + expected, jitter, lsr, dlsr_s)


def sender(at: float, packets: int, *, clock_hz: int = 8000, rtp: int | None = None) -> SenderInfo:
    return SenderInfo(1.7e9 + at, (round(at * clock_hz) if rtp is None else rtp) & 0xFFFFFFFF, packets, packets * 160)


def sent(
    at: float,
    heard: ReportBlock | None = None,
    *,
    packets: int | None = None,
    ssrc: int = OURS,
    channel: Channel | None = CHANNEL,
    port: int = AUDIO_PORT,
    ours: SenderInfo | None = None,
) -> RtcpReport:
    """RTCPSent: what we sent and what we heard of the peer; without ``packets`` it is a receiver report."""
    info = ours if ours is not None else (None if packets is None else sender(at, packets))
    return RtcpReport(at, FROM_PEER, channel, ssrc, info, heard, None, "10.0.0.2:4001", f"10.0.0.1:{port}")


def received(
    at: float,
    heard: ReportBlock | None,
    *,
    rtt_s: float | None = 0.04,
    ssrc: int = GARBAGE,
    theirs: SenderInfo | None = None,
    channel: Channel | None = CHANNEL,
    port: int = AUDIO_PORT,
) -> RtcpReport:
    """RTCPReceived: what the peer heard of us."""
    return RtcpReport(at, TO_PEER, channel, ssrc, theirs, heard, rtt_s, f"10.0.0.1:{port}", "10.0.0.2:4001")


def observed(tracker: StreamTracker, *reports: RtcpReport) -> list[Sample]:
    return [sample for report in reports for sample in tracker.observe(report)]


def of(samples: list[Sample], metric: Metric, direction: Direction | None = None) -> list[tuple[float, Verdict]]:
    return [
        (round(sample.value, 4), sample.verdict)
        for sample in samples
        if sample.metric is metric and direction in {None, sample.direction}
    ]


def uplink(*blocks: ReportBlock, every_s: float = 5.0, channel: Channel = CHANNEL) -> list[Sample]:
    """Samples of what we hear of a peer, from one report after another."""
    tracker = StreamTracker("office")
    return observed(tracker, *(sent(n * every_s, each, packets=n * 250, channel=channel) for n, each in enumerate(blocks)))


def downlink(
    *blocks: ReportBlock, every_s: float = 5.0, pace: int = 50, tracker: StreamTracker | None = None, begin: float = 0.0
) -> list[Sample]:
    """Samples of what a peer hears of us, half way between our own reports; we send ``pace`` packets a second."""
    tracker = StreamTracker("office") if tracker is None else tracker
    samples = []
    for number, each in enumerate(blocks):
        at = begin + number * every_s
        samples += observed(tracker, sent(at, packets=round(at * pace)), received(at + every_s / 2, each))
    return samples


def steady(reports: int, *, lost_each: int = 0, ssrc: int = OURS, each: int = 250) -> list[ReportBlock]:
    return [block(n * each, n * lost_each, ssrc=ssrc) for n in range(reports)]


# --- One stream --------------------------------------------------------------------------------------------------------


def test_the_first_report_of_a_stream_measures_nothing() -> None:
    assert uplink(block(500, 400)) == []


def test_a_report_measures_everything_there_is() -> None:
    samples = uplink(block(1000, 4), block(1110, 10))
    assert [sample.metric for sample in samples] == [
        Metric.JITTER_MS,
        Metric.LOSS_PERCENT_REPORTED,
        Metric.LOSS_PERCENT,
        Metric.R_FACTOR,
        Metric.MOS,
    ]
    assert of(samples, Metric.LOSS_PERCENT) == [(5.4545, Verdict.OK)]
    assert of(samples, Metric.LOSS_PERCENT_REPORTED) == [(5.4545, Verdict.OK)]
    assert of(samples, Metric.JITTER_MS) == [(1.0, Verdict.OK)]
    assert of(samples, Metric.MOS) == [(3.8744, Verdict.OK)]


def test_a_sample_says_whose_it_is() -> None:
    sample = uplink(block(0, 0), block(250, 0))[1]
    assert sample == Sample(
        5.0,
        Metric.LOSS_PERCENT_REPORTED,
        0.0,
        "office",
        "SIP/6117",
        FROM_PEER,
        "SIP/6117-00000002",
        "1700000000.2",
        Verdict.OK,
        250.0,
        "alaw",
    )


def test_late_packets_are_no_loss() -> None:
    assert of(uplink(block(0, 5), block(250, 2)), Metric.LOSS_PERCENT) == [(0.0, Verdict.NEGATIVE_LOSS)]


def test_a_missed_report_loses_nothing() -> None:
    samples = uplink(block(0, 0), block(250, 25), block(1000, 100))
    assert of(samples, Metric.LOSS_PERCENT) == [(10.0, Verdict.OK), (10.0, Verdict.OK)]
    assert samples[-1].weight == 750


def test_a_stream_that_stands_still_is_not_a_good_one() -> None:
    assert uplink(block(500, 4), block(500, 4), block(500, 4)) == []


def test_contradicting_counters_are_told_apart() -> None:
    samples = uplink(block(0, 0), block(250, 400, fraction=64), block(500, 400))
    assert of(samples, Metric.LOSS_PERCENT) == [(25.0, Verdict.ABSURD), (0.0, Verdict.OK)]
    assert of(samples, Metric.LOSS_PERCENT_REPORTED)[0] == (25.0, Verdict.ABSURD)
    assert len(of(samples, Metric.MOS)) == 1, "no score from a figure nobody believes"


def test_counters_that_contradict_each_other_and_the_fraction_are_no_loss_figure() -> None:
    samples = uplink(block(0, 0), block(250, 400, fraction=255))
    assert [sample.metric for sample in samples] == [Metric.JITTER_MS]


def test_a_new_ssrc_is_a_new_stream() -> None:
    samples = uplink(block(0, 0), block(250, 0), block(10, 9, ssrc=STRANGER), block(260, 9, ssrc=STRANGER))
    assert of(samples, Metric.LOSS_PERCENT) == [(0.0, Verdict.OK), (0.0, Verdict.OK)]


def test_a_stream_that_jumps_back_begins_anew() -> None:
    samples = uplink(block(0, 0), block(20_000, 0), block(2, 1), block(252, 1))
    assert of(samples, Metric.LOSS_PERCENT) == [(0.0, Verdict.OK)]


def test_a_report_of_nobody_is_nobody_s() -> None:
    tracker = StreamTracker("office")
    assert observed(tracker, sent(0, block(0, 0), channel=None), sent(5, block(250, 50), channel=None)) == []
    assert len(tracker) == 0


def test_a_report_without_a_block_measures_nothing() -> None:
    tracker = StreamTracker("office")
    assert observed(tracker, sent(0, packets=0), sent(5, packets=250), received(6, None)) == []
    assert len(tracker) == 1


@pytest.mark.parametrize("direction", [FROM_PEER, TO_PEER])
def test_blocks_about_ssrc_zero_say_nothing(direction: Direction) -> None:
    """A phone that heard nothing yet reports on SSRC 0 with every number 0; so does one that holds."""
    nothing = ReportBlock(0, 0, 0, 0, 0, 0, 0.0)
    tracker = StreamTracker("office")
    blocks = [nothing, nothing, *steady(3, ssrc=OURS if direction is TO_PEER else THEIRS), nothing]
    for n, each in enumerate(blocks):
        at = n * 5.0
        heard = None if direction is TO_PEER else each
        samples = observed(tracker, sent(at, heard, packets=n * 250))
        if direction is TO_PEER:
            samples += observed(tracker, received(at + 2, each))
        assert all(sample.value == 0 for sample in samples if sample.metric is Metric.LOSS_PERCENT)
        assert bool(samples) is (n in {3, 4})


# --- Round trips -------------------------------------------------------------------------------------------------------


def round_trips(*reports: tuple[float | None, int], dlsr_s: float | None = 1.0) -> list[Sample]:
    tracker = StreamTracker("office")
    samples = []
    for n, (rtt_s, lsr) in enumerate(reports):
        heard = block(n * 250, 0, ssrc=OURS, lsr=lsr, dlsr_s=dlsr_s)
        samples += observed(tracker, sent(n * 5.0, packets=n * 250), received(n * 5.0 + 1, heard, rtt_s=rtt_s))
    return samples


def test_a_round_trip_has_no_direction() -> None:
    (sample,) = [each for each in round_trips((0.04, 1), (0.0414, 1)) if each.metric is Metric.RTT_MS]
    assert (round(sample.value, 1), sample.direction, sample.verdict) == (41.4, None, Verdict.OK)


@pytest.mark.parametrize("rtt_s", [65535.9, 10.01, 0.0, -1.0])
def test_a_skewed_clock_is_no_round_trip(rtt_s: float) -> None:
    samples = round_trips((0.04, 1), (rtt_s, 1))
    assert of(samples, Metric.RTT_MS) == [(round(rtt_s * 1000, 4), Verdict.RTT_SKEW)]
    assert of(samples, Metric.MOS)[-1] == of(round_trips((None, 1), (None, 1)), Metric.MOS)[-1], "nor part of a score"


def test_a_phone_that_never_tells_its_delay_has_no_round_trip() -> None:
    """Up to a whole interval of ours would be taken for the way there and back."""
    samples = round_trips((1.0, 1), (1.0, 1), dlsr_s=0.0)
    assert of(samples, Metric.RTT_MS) == [(1000.0, Verdict.RTT_SKEW)]
    assert of(samples, Metric.MOS)[-1] == of(round_trips((None, 1), (None, 1)), Metric.MOS)[-1], "nor part of a score"


def test_a_round_trip_repeated_without_an_lsr_is_not_measured_again() -> None:
    samples = round_trips((0.04, 1), (0.05, 1), (0.05, 0), (0.05, 0), (0.06, 1))
    assert [value for value, _ in of(samples, Metric.RTT_MS)] == [50.0, 60.0]


def test_an_unknown_round_trip_is_not_zero() -> None:
    assert of(round_trips((None, 1), (None, 1)), Metric.RTT_MS) == []


def test_the_round_trip_is_part_of_the_score_and_stays_so() -> None:
    near = of(round_trips((0.02, 1), (0.02, 1), (None, 0)), Metric.MOS)
    far = of(round_trips((0.6, 1), (0.6, 1), (None, 0)), Metric.MOS)
    assert near[0] == near[1]
    assert far[0] == far[1]
    assert far[0][0] < near[0][0] - 0.3


# --- Whose stream ------------------------------------------------------------------------------------------------------


def test_the_sender_ssrc_of_rtcp_received_is_garbage_and_never_used() -> None:
    def story(ssrcs: list[int]) -> list[Sample]:
        tracker = StreamTracker("office")
        samples = []
        for n, ssrc in enumerate(ssrcs):
            heard = block(n * 250, n * 20, ssrc=OURS)
            samples += observed(tracker, sent(n * 5.0, packets=n * 250), received(n * 5.0 + 1, heard, ssrc=ssrc))
        return samples

    good = story([OURS] * 6)
    assert len(of(good, Metric.LOSS_PERCENT)) >= 4
    assert story([0xEA520800 + 5 * n for n in range(6)]) == good
    assert story([0] * 6) == good


def test_a_stranger_s_block_is_refused_while_ours_is_reported_on() -> None:
    """Asterisk lets reports of unknown senders pass: only what is about a stream of ours counts."""
    tracker = StreamTracker("office")
    samples = []
    for n in range(8):
        at = n * 5.0
        samples += observed(tracker, sent(at, packets=n * 250), received(at + 1, block(n * 250, 0, ssrc=OURS)))
        samples += observed(tracker, received(at + 2, block(n * 250, n * 200, ssrc=STRANGER)))
    assert {value for value, _ in of(samples, Metric.LOSS_PERCENT_REPORTED)} == {0.0}


def test_a_stranger_s_block_counts_when_nothing_of_ours_is_reported_on_any_more() -> None:
    """After a transfer the peer may report on a stream that Asterisk never announced."""
    tracker = StreamTracker("office")
    assert downlink(*steady(3), tracker=tracker)
    samples = []
    for n in range(3, 20):
        samples += observed(
            tracker, sent(n * 5.0, packets=n * 250), received(n * 5.0 + 2.5, block(n * 250, n * 25, ssrc=STRANGER))
        )
    reported = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT_REPORTED]
    assert reported[0].at > 12.5 + 30
    assert {round(sample.value) for sample in reported} == {10}


def test_an_ssrc_announced_anew_does_not_disown_the_old_one() -> None:
    """After a hold Asterisk's RTCP has a new SSRC while RTP and the peer's reports stay with the old one."""
    tracker = StreamTracker("office")
    samples = []
    for n in range(10):
        ssrc = OURS if n < 4 else 0x9999
        heard = block(n * 250, n * 20, ssrc=OURS)
        samples += observed(tracker, sent(n * 5.0, packets=n * 250, ssrc=ssrc), received(n * 5.0 + 2.5, heard))
    values = [value for value, _ in of(samples, Metric.LOSS_PERCENT)]
    assert len(values) >= 8
    assert set(values) == {8.0}


# --- Split -------------------------------------------------------------------------------------------------------------


def test_gaps_of_the_other_leg_are_not_the_peer_s_loss() -> None:
    samples = downlink(*steady(6, lost_each=25), pace=45)
    assert {value for value, _ in of(samples, Metric.LOSS_PERCENT_REPORTED)} == {10.0}
    assert {value for value, _ in of(samples, Metric.LOSS_PERCENT)} == {0.0}
    assert {sample.verdict for sample in samples} == {Verdict.OK}


def test_the_peer_s_own_loss_is() -> None:
    samples = downlink(*steady(6, lost_each=25))
    assert {value for value, _ in of(samples, Metric.LOSS_PERCENT)} == {10.0}


def test_nothing_is_said_of_a_leg_until_our_own_count_is_known() -> None:
    tracker = StreamTracker("office")
    samples = observed(tracker, sent(0, packets=0), received(1, block(0, 0, ssrc=OURS)), received(3, block(100, 10, ssrc=OURS)))
    assert of(samples, Metric.LOSS_PERCENT_REPORTED) == [(10.0, Verdict.OK)]
    assert of(samples, Metric.LOSS_PERCENT) == []
    samples = observed(tracker, sent(5, packets=250), received(6, block(250, 25, ssrc=OURS)))
    loss = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT]
    assert {round(sample.value, 4) for sample in loss} == {10.0}
    assert sum(sample.weight for sample in loss) == pytest.approx(250), "what was held back is not lost"


def test_what_a_report_leaves_open_our_next_count_tells_for_that_leg() -> None:
    tracker = StreamTracker("office")
    observed(tracker, *(sent(5.0 * n, packets=250 * n) for n in range(2)), received(5.1, block(5, 0, ssrc=OURS)))
    assert of(observed(tracker, received(9.9, block(245, 60, ssrc=OURS))), Metric.LOSS_PERCENT) == []
    samples = observed(tracker, sent(10, packets=500))
    (loss,) = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT]
    assert (loss.direction, loss.at, loss.channel) == (Direction.TO_PEER, 10, CHANNEL.name)
    assert loss.value == pytest.approx(25, abs=2)
    assert {Metric.MOS, Metric.R_FACTOR} <= {sample.metric for sample in samples}


def test_without_our_counters_the_report_is_taken_as_it_is_and_marked() -> None:
    tracker = StreamTracker("office")
    samples = []
    for n in range(6):
        samples += observed(tracker, received(n * 5.0, block(n * 250, n * 25, ssrc=OURS)))
    loss = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT]
    assert [(sample.at, sample.value, sample.weight) for sample in loss] == [
        (15.0, 10.0, 750.0),  # everything since the beginning, once patience has run out
        (20.0, 10.0, 250.0),
        (25.0, 10.0, 250.0),
    ]
    assert {sample.verdict for sample in loss} == {Verdict.NOT_SPLIT}


@given(st.lists(st.tuples(st.floats(0.5, 10), st.booleans(), st.integers(0, 20)), min_size=2, max_size=40))
def test_with_our_counters_no_report_is_ever_taken_as_it_is(steps: list[tuple[float, bool, int]]) -> None:
    tracker, at, lost = StreamTracker("office"), 0.0, 0
    samples = observed(tracker, sent(0.0, packets=0))
    for pause, by_us, percent in steps:
        at += pause
        if by_us:
            samples += observed(tracker, sent(at, packets=round(at * 50)))
        else:
            lost += round(pause * 50) * percent // 100
            samples += observed(tracker, received(at, block(round(at * 50), lost, ssrc=OURS)))
    assert Verdict.NOT_SPLIT not in {sample.verdict for sample in samples}
    assert all(0 <= sample.value <= 100 for sample in samples if sample.metric is Metric.LOSS_PERCENT)


@pytest.mark.parametrize("fraction", [26, 255])
def test_one_absurd_report_does_not_make_an_innocent_peer_guilty_for_the_rest_of_the_call(fraction: int) -> None:
    """The other leg loses a tenth throughout; in one report the peer's counters contradict each other."""
    blocks = steady(14, lost_each=25)
    blocks[5:] = [replace(each, cumulative_lost=each.cumulative_lost + 900, fraction_lost=fraction) for each in blocks[5:]]
    samples = downlink(*blocks, pace=45)
    trusted = [value for value, verdict in of(samples, Metric.LOSS_PERCENT) if verdict is Verdict.OK]
    assert len(trusted) >= 8
    assert set(trusted) == {0.0}


# --- Renumbering -------------------------------------------------------------------------------------------------------


def test_a_sequence_that_ran_on_during_a_hold_is_a_new_beginning() -> None:
    tracker = StreamTracker("office")
    first = downlink(*steady(4, lost_each=25), tracker=tracker)
    assert first
    samples = []
    for n in range(4, 9):
        # 750 numbers were skipped, none was sent, and the phone counts its losses from 0 again.
        heard = block(n * 250 + 750, (n - 4) * 25, ssrc=OURS)
        samples += observed(tracker, sent(n * 5.0, packets=n * 250), received(n * 5.0 + 2.5, heard))
    loss = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT]
    assert {round(sample.value, 4) for sample in loss} == {10.0}
    assert sum(sample.weight for sample in loss) == pytest.approx(4 * 250), "what was never sent was not expected"
    assert min(sample.at for sample in samples) > 22.5


@pytest.mark.parametrize("leap", [9574, -5812, 750])
def test_a_sequence_that_leaps_in_a_transfer_is_a_new_beginning(leap: int) -> None:
    tracker = StreamTracker("office")
    samples = downlink(*steady(4, lost_each=25), tracker=tracker)
    for n in range(4, 9):
        heard = replace(block(n * 250, n * 25, ssrc=OURS, begin=10_000 + leap))
        samples += observed(tracker, sent(n * 5.0, packets=n * 250), received(n * 5.0 + 2.5, heard))
    loss = [sample for sample in samples if sample.metric is Metric.LOSS_PERCENT]
    assert {round(sample.value, 4) for sample in loss} == {10.0}
    assert sum(sample.weight for sample in loss) < 9 * 250


# --- Clocks and codecs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "ticks", "milliseconds", "verdict"),
    [
        ("alaw", 240, 30.0, Verdict.OK),
        ("g722", 160, 20.0, Verdict.OK),  # ticks at 8000 whatever it samples at, RFC 3551
        ("opus", 960, 20.0, Verdict.OK),
        ("speex16", 320, 20.0, Verdict.OK),
        (None, 160, 20.0, Verdict.ASSUMED_CLOCK),
        ("slin", 160, 20.0, Verdict.ASSUMED_CLOCK),  # the core side of a transcoded call, not what is on the wire
        ("alaw", 8001, 1000.125, Verdict.ABSURD_JITTER),
        (None, 8001, 1000.125, Verdict.ABSURD_JITTER),
    ],
)
def test_jitter_is_counted_by_the_stream_s_clock(codec: str | None, ticks: int, milliseconds: float, verdict: Verdict) -> None:
    samples = uplink(block(0, 0, jitter=ticks), block(250, 0, jitter=ticks), channel=replace(CHANNEL, codec=codec))
    assert of(samples, Metric.JITTER_MS) == [(milliseconds, verdict)]


def test_the_peer_s_sender_reports_tell_the_clock_when_nobody_else_does() -> None:
    tracker = StreamTracker("office")
    nameless = replace(CHANNEL, codec=None)
    samples = []
    for n in range(6):
        at = n * 5.0
        theirs = sender(at, n * 250, clock_hz=48000)
        samples += observed(
            tracker,
            received(at, block(n * 250, 0, ssrc=OURS), theirs=theirs, channel=nameless),
            sent(at + 1, block(n * 250, 0, jitter=960), ours=sender(at + 1, n * 250, clock_hz=48000), channel=nameless),
        )
    jitter = of(samples, Metric.JITTER_MS, FROM_PEER)
    assert jitter[0] == (120.0, Verdict.ASSUMED_CLOCK)
    assert jitter[-1] == (20.0, Verdict.OK)
    assert of(samples, Metric.MOS, FROM_PEER)[-1][1] is Verdict.UNGROUNDED_CODEC, "48000 can only be Opus"


def test_a_native_bridge_times_opus_by_another_clock() -> None:
    opus = replace(CHANNEL, codec="opus")
    tracker = StreamTracker("office")
    samples = []
    for n in range(4):
        ours = sender(n * 5.0, 1 + n * 250, rtp=0)  # packets leave, the timestamp stands still
        samples += observed(tracker, sent(n * 5.0, block(n * 250, 0, jitter=800), ours=ours, channel=opus))
    assert {verdict for _, verdict in of(samples, Metric.JITTER_MS)} == {Verdict.MIXED_CLOCK}
    assert of(samples, Metric.LOSS_PERCENT)[-1] == (0.0, Verdict.OK)


@pytest.mark.parametrize(
    ("codec", "verdict"),
    [
        ("alaw", Verdict.OK),
        ("g729", Verdict.OK),
        ("g722", Verdict.UNGROUNDED_CODEC),
        ("opus", Verdict.UNGROUNDED_CODEC),
        (None, Verdict.UNKNOWN_CODEC),
        ("slin", Verdict.UNKNOWN_CODEC),
        ("codec2", Verdict.UNKNOWN_CODEC),
    ],
)
def test_a_score_is_as_good_as_what_is_known_of_the_codec(codec: str | None, verdict: Verdict) -> None:
    samples = uplink(block(0, 0), block(250, 0), channel=replace(CHANNEL, codec=codec))
    assert [found for _, found in of(samples, Metric.MOS)] == [verdict]
    assert [found for _, found in of(samples, Metric.R_FACTOR)] == [verdict]


def test_a_codec_that_was_asked_for_counts_where_none_is_named() -> None:
    tracker = StreamTracker("office")
    nameless = replace(CHANNEL, codec=None)
    assert tracker.see(ChannelChanged(0.0, nameless)), "worth asking for"
    assert not tracker.see(ChannelChanged(0.1, nameless)), "once"
    tracker.learn_codec(CodecSeen(0.2, nameless.uniqueid, "g722"))
    tracker.learn_codec(CodecSeen(0.2, "unheard.of", "g722"))
    samples = observed(tracker, sent(0.3, block(0, 0), channel=nameless), sent(5.3, block(250, 0), channel=nameless))
    assert {sample.codec for sample in samples} == {"g722"}
    assert [verdict for _, verdict in of(samples, Metric.JITTER_MS)] == [Verdict.OK]


def test_a_codec_that_is_named_is_not_asked_for() -> None:
    tracker = StreamTracker("office")
    assert not tracker.see(ChannelChanged(0.0, CHANNEL))
    tracker.learn_codec(CodecSeen(0.1, CHANNEL.uniqueid, "opus"))
    samples = observed(tracker, sent(0.3, block(0, 0)), sent(5.3, block(250, 0)))
    assert {sample.codec for sample in samples} == {"alaw"}


# --- Audio and video ---------------------------------------------------------------------------------------------------


def video_call(
    reports: int = 6, *, video_first: bool = False, clock_known: bool = True, quiet_from: int = 99
) -> tuple[list[Sample], list[Sample]]:
    """Audio without a fault beside video with a fifth lost and 60 ms of jitter by its own clock."""
    tracker = StreamTracker("office")
    audio, video = [], []
    for n in range(reports):
        at = n * 5.0
        picture = (
            sent(
                at - 0.02 if video_first else at + 0.02,
                block(n * 400, n * 80, jitter=5400),
                ours=sender(at, n * 400, clock_hz=90000, rtp=None if clock_known else 0),
                port=VIDEO_PORT,
            ),
            received(
                at + 0.02,
                block(n * 400, n * 80, ssrc=OURS, jitter=5400),
                theirs=sender(at, n * 400, clock_hz=90000) if clock_known else None,
                port=VIDEO_PORT,
            ),
        )
        if video_first:
            video += observed(tracker, *picture)
        if n < quiet_from:
            audio += observed(
                tracker,
                sent(at, block(n * 250, 0), packets=n * 250),
                received(at + 1, block(n * 250, 0, ssrc=OURS), theirs=sender(at + 1, n * 250)),
            )
        if not video_first:
            video += observed(tracker, *picture)
    return audio, video


@pytest.mark.parametrize("clock_known", [True, False])
def test_video_is_not_judged_as_voice(*, clock_known: bool) -> None:
    audio, video = video_call(clock_known=clock_known)
    assert video == []
    assert {value for value, _ in of(audio, Metric.LOSS_PERCENT)} == {0.0}
    assert max(value for value, verdict in of(audio, Metric.JITTER_MS) if verdict is Verdict.OK) == 1.0
    assert min(value for value, _ in of(audio, Metric.MOS)) > 4


def test_video_that_is_heard_first_is_not_judged_once_its_clock_is_known() -> None:
    audio, video = video_call(8, video_first=True)
    assert all(sample.at < 10.0 for sample in video)
    assert {value for value, _ in of(audio, Metric.LOSS_PERCENT)} == {0.0}
    assert max(sample.at for sample in audio) > 30.0


def test_video_stays_unjudged_where_the_audio_pauses() -> None:
    _, video = video_call(60, quiet_from=10)
    assert video == []


def test_a_session_that_takes_the_place_of_another_is_judged_though_no_clock_tells_what_it_is() -> None:
    tracker = StreamTracker("office")
    for n in range(6):
        observed(tracker, sent(n * 5.0, block(n * 250, 0), packets=n * 250))
    samples = []
    for n in range(30):
        ours = sender(30 + n * 5.0, n * 250, rtp=0)
        samples += observed(tracker, sent(30 + n * 5.0, block(n * 250, n * 25), ours=ours, port=VIDEO_PORT))
    assert {value for value, _ in of(samples, Metric.LOSS_PERCENT)} == {10.0}


def test_a_codec_that_the_clock_contradicts_is_not_that_of_the_stream() -> None:
    tracker = StreamTracker("office")
    samples = []
    for n in range(6):
        theirs = sender(n * 5.0, n * 250, clock_hz=48000)
        samples += observed(
            tracker,
            received(n * 5.0, block(n * 250, 0, ssrc=OURS), theirs=theirs),
            sent(n * 5.0 + 1, block(n * 250, 0), packets=n * 250),
        )
    assert of(samples, Metric.MOS, FROM_PEER)[-1][1] is Verdict.UNGROUNDED_CODEC


# --- Calls and memory --------------------------------------------------------------------------------------------------


def hung_up(at: float, channel: Channel = CHANNEL) -> ChannelHungUp:
    return ChannelHungUp(at, channel, 16)


def test_the_record_of_a_call() -> None:
    tracker = StreamTracker("office")
    tracker.see(ChannelChanged(0.0, replace(CHANNEL, state="Ring")))
    tracker.see(ChannelChanged(3.0, CHANNEL))
    observed(tracker, sent(5.0, block(0, 0)), sent(10.0, block(250, 25, jitter=80)), sent(15.0, block(500, 25, jitter=40)))
    record = tracker.hang_up(hung_up(20.0))
    assert record is not None
    assert (record.pbx, record.subject, record.channel, record.uniqueid) == (
        "office",
        "SIP/6117",
        "SIP/6117-00000002",
        "1700000000.2",
    )
    assert (record.started_at, record.answered_at, record.ended_at, record.cause) == (0.0, 3.0, 20.0, 16)
    assert (record.from_peer.lost, record.from_peer.expected) == (25, 500)
    assert (record.from_peer.jitter_max_ms, record.codec, record.linkedid) == (10.0, "alaw", "1700000000.1")
    assert record.from_peer.mos_min == pytest.approx(3.41, abs=0.02)
    assert record.to_peer.expected == 0
    assert record.to_peer.mos_min is None


def test_a_call_that_was_never_seen_has_no_record() -> None:
    assert StreamTracker("office").hang_up(hung_up(20.0)) is None


def test_a_call_nobody_answered_has_no_time_of_answer() -> None:
    tracker = StreamTracker("office")
    tracker.see(ChannelChanged(0.0, replace(CHANNEL, state="Ring")))
    record = tracker.hang_up(hung_up(20.0))
    assert record is not None
    assert record.answered_at is None


steps = st.lists(
    st.tuples(
        st.floats(0.0, 12.0),
        st.sampled_from([FROM_PEER, TO_PEER]),
        st.integers(-300, 1500),
        st.integers(-20, 400),
        st.integers(0, 255),
        st.integers(0, 9000),
        st.none() | st.floats(-1, 20),
        st.sampled_from([AUDIO_PORT, VIDEO_PORT]),
    ),
    max_size=40,
)


@given(steps)
def test_the_sums_of_a_record_are_those_of_its_samples(
    reports: list[tuple[float, Direction, int, int, int, int, float | None, int]],
) -> None:
    """Whatever a phone says, the call's record and the trusted samples tell the same story."""
    tracker = StreamTracker("office")
    at, packets = 0.0, 0
    counters = dict.fromkeys(Direction, (10_000, 0))
    samples: list[Sample] = []
    for pause, direction, expected, lost, fraction, jitter, rtt_s, port in reports:
        at += pause
        packets += max(0, round(pause * 50))
        highest, cumulative = counters[direction]
        counters[direction] = highest, cumulative = (highest + expected) & 0xFFFFFFFF, cumulative + lost
        heard = ReportBlock(OURS if direction is TO_PEER else THEIRS, fraction, cumulative, highest, jitter, 1, 1.0)
        report = (
            received(at, heard, rtt_s=rtt_s, port=port) if direction is TO_PEER else sent(at, heard, packets=packets, port=port)
        )
        samples += observed(tracker, report)
    record = tracker.hang_up(hung_up(at))
    if not reports:
        assert record is None
        return
    assert record is not None

    believed = {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT}
    sums: dict[tuple[Direction | None, Metric], float] = defaultdict(float)
    for sample in samples:
        if sample.verdict in believed:
            sums[sample.direction, sample.metric] += sample.value * sample.weight / 100
            sums[sample.direction, Metric.R_FACTOR] += sample.weight if sample.metric is Metric.LOSS_PERCENT else 0
    for direction, totals in ((TO_PEER, record.to_peer), (FROM_PEER, record.from_peer)):
        assert totals.lost == pytest.approx(sums[direction, Metric.LOSS_PERCENT], abs=1e-6)
        assert totals.lost_reported == pytest.approx(sums[direction, Metric.LOSS_PERCENT_REPORTED], abs=1e-6)
        jitters = [s.value for s in samples if (s.metric, s.direction, s.verdict) == (Metric.JITTER_MS, direction, Verdict.OK)]
        assert totals.jitter_max_ms == max(jitters, default=None)
        scores = [s.value for s in samples if (s.metric, s.direction) == (Metric.MOS, direction)]
        assert totals.mos_min == min(scores, default=None)
        assert 0 <= totals.lost <= totals.expected + 1e-6
        assert 0 <= totals.lost_reported <= totals.expected_reported + 1e-6
    round_trip = [s.value for s in samples if s.metric is Metric.RTT_MS and s.verdict is Verdict.OK]
    assert record.rtt_max_ms == max(round_trip, default=None)
    assert len(tracker) == 0


def many(tracker: StreamTracker, count: int, at: float = 0.0) -> None:
    for number in range(count):
        tracker.see(ChannelChanged(at, Channel(f"SIP/1-{number:08x}", f"1.{number}")))


def test_memory_goes_with_the_hangup() -> None:
    tracker = StreamTracker("office")
    many(tracker, 100)
    for number in range(100):
        tracker.hang_up(hung_up(1.0, Channel(f"SIP/1-{number:08x}", f"1.{number}")))
    assert len(tracker) == 0


def test_memory_goes_with_the_list_of_what_is_alive() -> None:
    tracker = StreamTracker("office")
    many(tracker, 100)
    tracker.keep_only(frozenset({"1.7", "1.99", "1.100"}))
    assert len(tracker) == 2


def test_memory_goes_with_a_restart() -> None:
    tracker = StreamTracker("office")
    many(tracker, 100)
    tracker.forget()
    assert len(tracker) == 0


def test_memory_of_a_missed_hangup_goes_with_time() -> None:
    tracker = StreamTracker("office")
    many(tracker, 100)
    tracker.expire(1.0)
    observed(tracker, sent(1000.0, block(0, 0)))
    tracker.expire(IDLE_LIMIT_S)
    assert len(tracker) == 101
    tracker.expire(IDLE_LIMIT_S + EXPIRE_EVERY_S)
    assert len(tracker) == 1, "a call that still reports is alive"
    tracker.expire(IDLE_LIMIT_S + 1000 + EXPIRE_EVERY_S)
    assert len(tracker) == 0


def test_intervals_do_not_span_a_gap_but_the_call_goes_on() -> None:
    tracker = StreamTracker("office")
    observed(tracker, sent(0.0, block(0, 0)), sent(5.0, block(250, 25)))
    tracker.forget_streams()
    assert observed(tracker, sent(60.0, block(3000, 300))) == []
    observed(tracker, sent(65.0, block(3250, 300)))
    record = tracker.hang_up(hung_up(70.0))
    assert record is not None
    assert (record.started_at, record.from_peer.expected, record.from_peer.lost) == (0.0, 500, 25)
