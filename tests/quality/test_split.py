"""Splitting a peer's reported loss into its own and what the other leg of the call had already lost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.quality.split import GapSplit, SentCounter


def test_packets_sent_are_interpolated_between_reports() -> None:
    sent = SentCounter()
    sent.observe(10.0, 100)
    assert sent.at(10.0) is None  # one report has no slope
    sent.observe(12.0, 200)
    assert sent.at(11.0) == 150
    assert sent.at(13.0) == 250
    assert sent.covers(11.0)
    assert not sent.covers(13.0)


def test_a_receiver_report_of_ours_means_nothing_was_sent() -> None:
    sent = SentCounter()
    sent.observe(10.0, 100)
    sent.observe(12.0, 200)
    sent.observe(14.0, None)
    assert sent.at(13.0) == 200


def test_the_raw_figure_of_the_textbook_case_is_split() -> None:
    # 250 expected, 240 sent, 12 lost: 10 were passed on, 2 of 240 are the leg's own.
    sent = SentCounter()
    for second in range(0, 21, 5):
        sent.observe(float(second), second * 48)
    split = GapSplit(5.0)
    split.add(250, 12)
    taken = split.take(10.0, sent)
    assert taken is not None
    expected, lost = taken
    assert (expected, lost) == (240, 2)
    assert 100 * lost / expected == pytest.approx(0.83, abs=0.01)


def test_nothing_is_given_while_our_own_count_is_unknown() -> None:
    split = GapSplit(0.0)
    split.add(250, 12)
    assert split.take(5.0, SentCounter()) is None
    assert split.take_unsplit() == (250, 12)
    assert split.take_unsplit() is None


@settings(max_examples=40)
@given(
    st.integers(0, 10_000), st.sampled_from([0.0, 0.02, 0.06]), st.sampled_from([0.0, 0.03, 0.09]), st.sampled_from([2.0, 5.0])
)
def test_the_whole_call_comes_out_right_whatever_the_timing(
    seed: int, uplink: float, downlink: float, ours_every: float
) -> None:
    rng = random.Random(seed)
    sent, split = SentCounter(), None
    sent_packets = lost = 0
    last_sequence = last_lost = 0
    next_ours, next_theirs = ours_every + rng.random(), 0.25 + rng.random()
    total_expected = total_lost = own_lost = judged_lost = 0.0
    for sequence in range(1, 60 * 50 + 1):
        now = sequence * 0.02
        if rng.random() < uplink:
            lost += 1  # a gap of the other leg, passed on
        else:
            sent_packets += 1
            if rng.random() < downlink:
                lost += 1
                own_lost += split is not None
        if now >= next_ours:
            sent.observe(now, sent_packets)
            next_ours += ours_every
        if now >= next_theirs:
            next_theirs += 4.6 + rng.random()
            if split is None:
                split, own_lost = GapSplit(now), 0.0
            else:
                split.add(sequence - last_sequence, lost - last_lost)
                taken = split.take(now, sent)
                if taken is not None:
                    total_expected, total_lost = total_expected + taken[0], total_lost + taken[1]
                    judged_lost = own_lost
            last_sequence, last_lost = sequence, lost
    assert total_expected > 2000
    assert 100 * total_lost / total_expected == pytest.approx(100 * judged_lost / total_expected, abs=1.0)
    if uplink == downlink == 0:
        assert total_lost == 0
