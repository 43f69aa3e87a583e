"""Splitting a peer's reported loss into its own and what the other leg of the call had already lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.quality.packetpace import FASTEST_PER_S, PacketPace
from qualitywatch.quality.sentcounter import SentCounter
from qualitywatch.quality.split import GapSplit
from tests.quality.calls_made_up import FOREVER_S, Made, Told, told

# Packets are lost by chance here, and what chance can do has no bound: the same examples every time.
CHANCE = settings(deadline=None, derandomize=True, max_examples=60)


def counted(*points: tuple[float, int | None]) -> SentCounter:
    counter = SentCounter()
    for at, packets in points:
        counter.observe(at, packets)
    return counter


# --- What we sent ------------------------------------------------------------------------------------------------------


def test_in_steady_talk_what_was_sent_between_two_reports_is_known() -> None:
    fewest, most = counted((10.0, 500), (14.0, 700)).bounds(12.0, PacketPace()) or (0, 0)
    assert (fewest, most) == pytest.approx((600, 600), abs=3)


def test_a_pause_may_have_been_before_or_after() -> None:
    sent = counted((10.0, 500), (14.0, 600))
    assert sent.bounds(12.0, PacketPace()) == (500, 600)
    assert sent.bounds(13.0, PacketPace()) == pytest.approx((550, 600), abs=3)
    assert sent.bounds(11.0, PacketPace()) == pytest.approx((500, 550), abs=3)


def test_after_our_last_report_at_most_the_full_pace_was_sent() -> None:
    sent = counted((10.0, 500), (14.0, 700))
    assert sent.bounds(15.0, PacketPace()) == pytest.approx((700, 750), abs=3)
    assert sent.bounds(9.0, PacketPace()) is None, "nothing is known of the time before"


def test_a_receiver_report_of_ours_means_nothing_was_sent() -> None:
    assert counted((10.0, 100), (12.0, 200), (14.0, None)).bounds(13.0, PacketPace()) == (200, 200)


def test_feedback_out_of_turn_pushes_no_report_out() -> None:
    sent = counted(*((5.0 * n, 250 * n) for n in range(4)), *((15.0 + n / 100, 750 + n) for n in range(1, 60)))
    assert sent.bounds(2.0, PacketPace()) is not None
    assert sent.bounds(15.59, PacketPace()) == pytest.approx((809, 809), abs=3), "the newest count is never left out"


def test_a_first_count_of_one_interval_tells_when_the_stream_began() -> None:
    sent = counted((10.0, 250), (15.0, 500))
    assert sent.bounds(5.2, PacketPace()) == pytest.approx((10, 10), abs=2)
    assert sent.bounds(4.9, PacketPace()) is None


@pytest.mark.parametrize("first", [0, 200, 240, 5000])
def test_of_the_time_before_any_other_first_count_nothing_is_known(first: int) -> None:
    assert counted((10.0, first), (15.0, first + 250)).bounds(5.2, PacketPace()) is None, "pauses, gaps, or a call under way"


# --- The pace ----------------------------------------------------------------------------------------------------------


def test_pauses_do_not_make_a_stream_slow() -> None:
    pace = PacketPace()
    for packets in (120, 80, 250, 10, 0, 200):
        assert not pace.learn(packets, 5.0)
    assert pace.per_s == 50


@pytest.mark.parametrize("per_s", [16.67, 25.0, 33.33])
def test_longer_frames_are_believed_when_reports_agree(per_s: float) -> None:
    pace = PacketPace()
    for _ in range(5):
        pace.learn(round(per_s * 5), 5.0)
    assert pace.per_s == pytest.approx(per_s, rel=0.02)
    assert pace.learn(250, 5.0), "and no longer than they do"
    assert pace.per_s == 50


def test_a_picture_at_once_has_no_pace() -> None:
    pace = PacketPace()
    assert pace.learn(5 * FASTEST_PER_S + 100, 5.0)
    assert pace.most(0.001) > 1e9


# --- The split ---------------------------------------------------------------------------------------------------------


def test_the_raw_figure_of_the_textbook_case_is_split() -> None:
    """250 expected, 240 sent, 12 lost in every interval: 10 were passed on, 2 of 240 are the leg's own."""
    sent, split = SentCounter(), GapSplit(2.5)
    expected = lost = 0.0
    for n in range(61):
        sent.observe(5.0 * n, 240 * n)
        taken = [split.settle(sent)]
        if 0 < n < 60:
            split.add(5.0 * n + 2.5, 250, 12)
            taken.append(split.take(sent))
        for each in taken:
            expected, lost = (expected + each[0], lost + each[1]) if each else (expected, lost)
    assert 100 * lost / expected == pytest.approx(0.83, abs=0.15)
    assert lost <= 2 * 59, "no more than there was"
    assert expected == pytest.approx(240 * 59, rel=0.01)


def test_nothing_is_given_while_our_own_count_is_unknown() -> None:
    split = GapSplit(0.0)
    split.add(5.0, 250, 12)
    assert split.take(SentCounter()) is None
    assert split.take_unsplit() == (250, 12)
    assert split.take_unsplit() is None


def test_where_nothing_is_missing_there_is_nothing_to_split() -> None:
    split = GapSplit(0.0)
    split.add(5.0, 250, 0)
    assert split.take(SentCounter()) == (250, 0)


def given_by(reports: list[Told]) -> tuple[float, float]:
    taken = [each.taken for each in reports if each.taken is not None]
    return sum(expected for expected, _ in taken), sum(lost for _, lost in taken)


def percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def blamed_too_much(reports: list[Told]) -> float:
    """Packets by which the loss told was ever ahead of the truth."""
    lost = most = 0.0
    for each in reports:
        lost += each.taken[1] if each.taken else 0.0
        most = max(most, lost - each.own_lost)
    return most


seeds = st.integers(0, 10**9)
speech = st.sampled_from([(FOREVER_S, 0.0), (1.0, 1.0), (2.0, 1.5), (4.0, 4.0), (10.0, 10.0), (20.0, 20.0), (1.0, 20.0)])
every_s = st.sampled_from([1.0, 2.0, 3.0, 5.0, 10.0])
streams = st.builds(
    lambda seed, speech, **rest: Made(seed, talk_s=speech[0], pause_s=speech[1], **rest),
    seeds,
    speech,
    gaps=st.sampled_from([0.0, 0.01, 0.03, 0.06, 0.15, 0.27]),
    per_s=st.sampled_from([50.0, 50.0, 100 / 3, 25.0]),
    ours_every_s=every_s,
    theirs_every_s=every_s,
    stamps_s=st.sampled_from([0.0, 0.02, 0.1]),
    rtt_s=st.sampled_from([0.0, 0.04, 0.3, 0.8]),
    feedback=st.sampled_from([0.0, 0.7]),
    hold=st.sampled_from([(0.0, 0.0), (60.0, 75.0), (50.0, 170.0)]),
    outages=st.sampled_from([(), ((3.0, 4.0), (50.0, 51.0), (120.0, 122.5)), ((100.0, 106.0),)]),
)


def no_innocent_is_blamed(made: Made) -> None:
    """A phone that loses nothing is told to lose less than any rule notices, at every moment of the call."""
    assert blamed_too_much(list(told(made))) <= 12 + 25 * made.gaps + 150 * made.stamps_s  # 12 are 3 % of 400


@CHANCE
@given(streams)
def test_gaps_of_the_other_leg_blame_nobody_whatever_the_talk_and_the_reports(made: Made) -> None:
    no_innocent_is_blamed(made)


@pytest.mark.slow
@settings(CHANCE, max_examples=1500)
@given(streams)
def test_gaps_of_the_other_leg_blame_nobody_in_many_calls(made: Made) -> None:
    no_innocent_is_blamed(made)


@CHANCE
@given(streams, st.sampled_from([1.5, 3.0, 4.9]))
def test_a_phone_that_tells_a_wrong_delay_is_not_blamed_for_gaps_of_the_other_leg(made: Made, said_s: float) -> None:
    no_innocent_is_blamed(replace(made, rtt_s=0.0, said_rtt_s=said_s))


def own_loss_is_found(made: Made) -> None:
    """Never much more than there was; and all there was but what a few seconds of speech hide, and a seventh."""
    reports = list(told(made))
    sent, own_lost = reports[-1].sent, reports[-1].own_lost
    expected, lost = given_by(reports)
    newest_s = made.theirs_every_s + made.ours_every_s  # of which the newest reports cannot tell yet
    unsure = 12 + made.per_s * (newest_s * (made.own + made.gaps) + made.stamps_s)
    assert lost - own_lost <= unsure
    unsteady = made.pause_s > 0 or made.per_s < 50  # longer frames look like pauses until reports agree on them
    assert own_lost - lost <= 2 * unsure + 0.15 * own_lost + (50 * newest_s if unsteady else 0.0)
    assert expected <= sent * 1.02 + made.per_s


@CHANCE
@given(streams, st.sampled_from([0.03, 0.05, 0.1, 0.25]))
def test_own_loss_is_found_near_its_true_figure(made: Made, own: float) -> None:
    own_loss_is_found(replace(made, own=own))


@pytest.mark.slow
@settings(CHANCE, max_examples=1500)
@given(streams, st.sampled_from([0.03, 0.05, 0.1, 0.25]))
def test_own_loss_is_found_near_its_true_figure_in_many_calls(made: Made, own: float) -> None:
    own_loss_is_found(replace(made, own=own))


@CHANCE
@given(seeds, st.sampled_from([0.05, 0.08, 0.2]), st.sampled_from([0.0, 0.06]))
def test_steady_talk_is_split_to_less_than_a_point(seed: int, own: float, gaps: float) -> None:
    reports = list(told(Made(seed, gaps, own)))
    expected, lost = given_by(reports)
    assert percent(lost, expected) == pytest.approx(percent(reports[-1].own_lost, reports[-1].sent), abs=0.8)


@CHANCE
@given(seeds, st.floats(0.05, 0.3))
def test_without_gaps_the_loss_of_steady_talk_is_known_within_half_a_minute(seed: int, own: float) -> None:
    reports = [each for each in told(Made(seed, 0.0, own)) if each.at <= 32]
    expected, lost = given_by(reports)
    assert expected > 400
    assert percent(lost, expected) == pytest.approx(percent(reports[-1].own_lost, reports[-1].sent), abs=2.5)


def test_a_burst_of_own_loss_is_told_with_our_next_count() -> None:
    sent, split, told_at, settled_at = SentCounter(), GapSplit(2.0), {}, {}
    for n in range(1, 12):
        sent.observe(5.0 * (n - 1), 250 * (n - 1))
        settled_at[n] = split.settle(sent)
        if n > 1:
            split.add(5.0 * n - 3.0, 250, 100 if n == 6 else 0)
            told_at[n] = split.take(sent)
    assert told_at[5] == (250, 0)
    assert told_at[6] is None, "it may be the other leg's: our next count tells"
    assert settled_at[7] == pytest.approx((250, 100), abs=10)
    assert told_at[7] == (250, 0)
    assert [n for n, taken in settled_at.items() if taken is not None] == [7], "nobody else had to wait"
