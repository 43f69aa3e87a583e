"""The limits of a bot are kept over every window, and nobody waits longer than they ask."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.notify.pacing import Pacer

CHATS = st.sampled_from([1, 2, 55, -100, -200, "@noc"])
WISHES = st.lists(st.tuples(CHATS, st.floats(0, 3)), max_size=300)


def most_within(instants: list[float], window_s: float) -> int:
    return max((bisect_left(instants, at + window_s) - index for index, at in enumerate(instants)), default=0)


@settings(max_examples=60, deadline=None)
@given(WISHES, st.integers(1, 12), st.integers(1, 20), st.sampled_from([0.0, 0.5, 1.0]))
def test_no_window_ever_holds_more_than_is_allowed(
    wishes: list[tuple[int | str, float]], overall: int, group: int, interval_s: float
) -> None:
    pacer, now = Pacer(overall, interval_s, group), 0.0
    sent: dict[int | str, list[float]] = {}
    for chat, idle_s in wishes:
        now += idle_s if idle_s > 2 else 0.0  # mostly in a hurry
        while (pause_s := pacer.pause_s(chat, now)) > 0:
            now += pause_s
        pacer.spend(chat, now)
        sent.setdefault(chat, []).append(now)
    assert most_within(sorted(at for instants in sent.values() for at in instants), 1.0 - 1e-6) <= overall
    for chat, instants in sent.items():
        if interval_s:
            assert most_within(instants, interval_s - 1e-6) <= 1
        if isinstance(chat, str) or chat < 0:
            assert most_within(instants, 60.0 - 1e-6) <= group


def test_a_private_chat_takes_one_a_second_and_a_group_twenty_a_minute() -> None:
    pacer = Pacer()
    assert pacer.pause_s(7, 100.0) == 0
    pacer.spend(7, 100.0)
    assert pacer.pause_s(7, 100.0) == 1.0
    assert pacer.pause_s(8, 100.0) == 0
    for second in range(20):
        assert pacer.pause_s(-1, 200.0 + second) == 0
        pacer.spend(-1, 200.0 + second)
    assert pacer.pause_s(-1, 220.0) == 40.0
    assert pacer.pause_s(-1, 260.0) == 0


def test_a_pause_the_server_asked_for_holds_one_chat_or_all() -> None:
    pacer = Pacer()
    pacer.hold(7, 130.0)
    pacer.hold(7, 110.0)  # a shorter one does not cut it
    assert (pacer.pause_s(7, 100.0), pacer.pause_s(8, 100.0)) == (30.0, 0.0)
    pacer.hold(None, 105.0)
    assert (pacer.pause_s(8, 100.0), pacer.pause_s(8, 105.0)) == (5.0, 0.0)


def test_questions_never_take_the_room_of_alerts() -> None:
    pacer, group = Pacer(), -100
    answered = 0
    for second in range(60):
        if pacer.pause_s(group, second) == 0 and pacer.may_answer(group, second):
            pacer.spend(group, second, is_answer=True)
            answered += 1
    assert answered == 8
    alerts = 0
    for second in range(20, 60):
        if pacer.pause_s(group, second + 0.5) == 0:
            pacer.spend(group, second + 0.5)
            alerts += 1
    assert alerts == 12
    assert pacer.may_answer(group, 60)


def test_a_bot_that_may_send_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing at all"):
        Pacer(overall_per_s=0)


def test_news_does_not_wait_for_a_change_that_has_just_been_made() -> None:
    pacer = Pacer()
    pacer.spend(7, 100.0)
    assert pacer.pause_s(7, 100.1, is_news=True) == 0
    pacer.spend(7, 100.1, is_news=True)
    assert pacer.pause_s(7, 100.1) == pytest.approx(1.9), "the change after it makes up for that"
    assert pacer.pause_s(7, 100.1, is_news=True) == pytest.approx(1.0)


def test_news_passes_changes_that_come_without_end() -> None:
    pacer, now = Pacer(), 100.0
    for _ in range(30):
        now += pacer.pause_s(7, now)
        pacer.spend(7, now)
    assert now == pytest.approx(129.0)
    assert pacer.pause_s(7, now + 0.5, is_news=True) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=300))
def test_news_goes_one_call_ahead_and_no_further(wishes: list[tuple[bool, float]]) -> None:
    pacer, now = Pacer(), 0.0
    calls, news = list[float](), list[float]()
    for is_news, idle_s in wishes:
        now += idle_s if idle_s > 2 else 0.0
        now += pacer.pause_s(7, now, is_news=is_news) + 1e-9
        pacer.spend(7, now, is_news=is_news)
        calls.append(now)
        news += [now] if is_news else []
    assert most_within(news, 1.0 - 1e-6) <= 1
    for window_s in (1.0, 2.0, 5.0, 30.0):
        assert most_within(calls, window_s - 1e-6) <= window_s + 1
