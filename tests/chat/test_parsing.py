"""What people type with one thumb, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.chat.misread import Misread, Problem
from qualitywatch.chat.parsing import (
    MAX_SPAN_S,
    MIN_SPAN_S,
    PeerWish,
    WorstWish,
    pattern,
    read_button,
    read_language,
    read_peer,
    read_silence_ids,
    read_span,
    read_worst,
    span_s,
    split_command,
)
from qualitywatch.chat.silence_parsing import SilenceWish, read_silence
from qualitywatch.model import ButtonAction, Metric
from qualitywatch.notify.buttons import ButtonData
from tests.chat.build import MOSCOW, NOW

HOUR_S = 3600.0
TYPED = """
/silence 6117 SIP/6117 SIP/* 2h 30m 1h30m 2ч 30мин until till до 08:00 8:5 25:00 morning утра 2025-11-24 2025-02-30 all все
rule=loss rule= rule=a,b pbx=office severity=critical severity=bad peer=/( x=y = , # #3 3 loss mos jitter 7d 99d 0s
/^a$/ // ? ***** -5 1e9h
"""
PIECES = st.sampled_from(TYPED.split())
WORDS = st.lists(st.one_of(PIECES, st.text(min_size=1, max_size=12).filter(lambda text: not text.isspace())), max_size=7)


def silence(text: str, now: float = NOW, zone: ZoneInfo = MOSCOW) -> SilenceWish:
    return read_silence(tuple(text.split()), now, zone, (8, 0))


def problem_of(read: Callable[[], object]) -> Problem:
    with pytest.raises(Misread) as caught:
        read()
    return caught.value.problem


@given(WORDS)
def test_nothing_but_misread_ever_comes_of_words(words: list[str]) -> None:
    readers: list[Callable[[tuple[str, ...]], object]] = [
        lambda told: read_peer(told, 60),
        lambda told: read_worst(told, 60),
        lambda told: read_span(told, 60),
        read_silence_ids,
        lambda told: read_language(told, ("en", "ru")),
        lambda told: read_silence(told, NOW, MOSCOW, (8, 0)),
        lambda told: split_command(" ".join(told)),
        lambda told: read_button("".join(told)),
    ]
    for read in readers:
        try:
            read(tuple(words))
        except Misread as misread:
            assert misread.problem in Problem


@given(WORDS)
def test_a_silence_always_ends_within_a_month_and_names_something(words: list[str]) -> None:
    try:
        wish = read_silence(tuple(words), NOW, MOSCOW, (8, 0))
    except Misread:
        return
    assert NOW < wish.ends_at <= NOW + MAX_SPAN_S
    assert wish.everything or wish.named or wish.rules or wish.subjects or wish.pbxes or wish.severities


@given(st.text(max_size=20))
def test_a_span_is_a_finite_time_or_none(word: str) -> None:
    seconds = span_s(word)
    assert seconds is None or 0 <= seconds < 1e15


@given(st.sampled_from(ButtonAction), st.integers(0, 10**18 - 1))
def test_a_button_is_read_as_it_was_written(action: ButtonAction, incident: int) -> None:
    assert read_button(f"{action}:{incident}") == ButtonData(action, incident)
    assert read_button(f"{action}:{incident}:5f0c9a3e") == ButtonData(action, incident, "5f0c9a3e")


@pytest.mark.parametrize("data", ["", "ac", "ack:", "ack:x", "ack:-1", "ACK:1", "nack:1", "ack:#1", "ack:" + "9" * 19])
@pytest.mark.parametrize("rest", ["", ":", ":2", ":5f0c9a3e:2"])
def test_a_button_that_is_none_is_said_to_be_none(data: str, rest: str) -> None:
    assert problem_of(lambda: read_button(data + rest)) is Problem.NO_BUTTON


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("/peer 6117 1h", "peer", ("6117", "1h")),
        ("/Status@our_bot", "status", ()),
        ("  /peer\n6117 ", "peer", ("6117",)),
        ("/", "", ()),
    ],
)
def test_a_command_is_split(text: str, name: str, words: tuple[str, ...]) -> None:
    assert split_command(text) == (name, words)


def test_a_peer_may_have_a_name_of_several_words_and_a_span() -> None:
    assert read_peer(("Anna", "Smith", "24h"), 60) == PeerWish("Anna Smith", 24 * HOUR_S)
    assert read_peer(("6117",), 60) == PeerWish("6117", 60)
    assert read_peer(("1h",), 60) == PeerWish("1h", 60)
    assert problem_of(lambda: read_peer((), 60)) is Problem.NO_PEER
    assert problem_of(lambda: read_peer(("6117", "99d"), 60)) is Problem.BAD_SPAN


def test_worst_takes_its_words_in_any_order() -> None:
    assert read_worst(("7d", "MOS"), 60) == WorstWish(Metric.MOS, 7 * 24 * HOUR_S)
    assert read_worst(("потери", "2ч"), 60) == WorstWish(Metric.LOSS_PERCENT, 2 * HOUR_S)
    assert read_worst((), 60) == WorstWish(Metric.LOSS_PERCENT, 60)
    with pytest.raises(Misread) as caught:
        read_worst(("jiter",), 60)
    assert caught.value.problem is Problem.NO_SUCH_METRIC
    assert caught.value.near == ("jitter",)


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("30m", 1800), ("1h30m", 5400), ("7d", 604_800), ("2ч", 7200), ("30мин", 1800), ("1дн", 86_400), ("2H", 7200)],
)
def test_spans_are_read_in_both_languages(word: str, seconds: float) -> None:
    assert span_s(word) == seconds


@pytest.mark.parametrize("word", ["", "h", "2", "2x", "-2h", "2 h", "1e3s"])
def test_what_is_no_span_is_none(word: str) -> None:
    assert span_s(word) is None


def test_spans_have_bounds() -> None:
    assert read_span((f"{MIN_SPAN_S:.0f}s",), 5) == MIN_SPAN_S
    assert problem_of(lambda: read_span(("59s",), 5)) is Problem.BAD_SPAN
    assert problem_of(lambda: read_span(("32d",), 5)) is Problem.BAD_SPAN
    assert problem_of(lambda: read_span(("1h", "2h"), 5)) is Problem.BAD_SPAN


def test_silences_are_named_by_number_or_all() -> None:
    assert read_silence_ids(("3",)) == (3,)
    assert read_silence_ids(("#3,", "4", "3")) == (3, 4)
    assert read_silence_ids(("ALL",)) is None
    assert problem_of(lambda: read_silence_ids(())) is Problem.NO_SILENCE_ID
    assert problem_of(lambda: read_silence_ids(("SIP/6117",))) is Problem.NO_SUCH_SILENCE


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("SIP/6117 2h", SilenceWish(NOW + 2 * HOUR_S, named=("SIP/6117",))),
        ("2h SIP/6117", SilenceWish(NOW + 2 * HOUR_S, named=("SIP/6117",))),
        ("6117 2h new cable, 3 h of work", SilenceWish(NOW + 2 * HOUR_S, named=("6117",), comment="new cable, 3 h of work")),
        ("6117 6118 30m", SilenceWish(NOW + 1800, named=("6117", "6118"))),
        ("SIP/61* 30m", SilenceWish(NOW + 1800, subjects=("SIP/61*",))),
        ("all 30m", SilenceWish(NOW + 1800, everything=True)),
        ("все до утра", SilenceWish(NOW + 4 * HOUR_S + 48 * 60, everything=True)),
        ("rule=loss pbx=office until 08:00", SilenceWish(NOW + 4 * HOUR_S + 48 * 60, rules=("loss",), pbxes=("office",))),
        ("rule=loss,mos 1h", SilenceWish(NOW + HOUR_S, rules=("loss", "mos"))),
        ("severity=WARNING 1h", SilenceWish(NOW + HOUR_S, severities=("warning",))),
        ("6117 until 03:12", SilenceWish(NOW + 24 * HOUR_S, named=("6117",))),  # now is not later than now
        ("6117 until 3:13", SilenceWish(NOW + 60, named=("6117",))),
        ("6117 until 2025-11-24 03:12 moved", SilenceWish(NOW + 24 * HOUR_S, named=("6117",), comment="moved")),
    ],
)
def test_a_silence_is_read(text: str, wish: SilenceWish) -> None:
    assert silence(text) == wish


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.NO_WHAT),
        ("2h", Problem.NO_WHAT),
        ("6117", Problem.NO_END),
        ("6117 until", Problem.BAD_UNTIL),
        ("6117 until 24:00", Problem.BAD_UNTIL),
        ("6117 until 2025-02-30 08:00", Problem.BAD_UNTIL),
        ("6117 until 2025-11-23 03:00", Problem.PAST),
        ("6117 until 2026-11-23 03:00", Problem.BAD_SPAN),
        ("6117 10s", Problem.BAD_SPAN),
        ("ruel=loss 2h", Problem.NO_SUCH_KEY),
        ("rule= 2h", Problem.BAD_SELECTOR),
        ("severity=bad 2h", Problem.BAD_SELECTOR),
        ("rule=/(a+)+$/ 2h", Problem.BAD_SELECTOR),
        ("*a*b*c*d 2h", Problem.BAD_SELECTOR),
    ],
)
def test_a_silence_that_cannot_be_read_says_why(text: str, problem: Problem) -> None:
    assert problem_of(lambda: silence(text)) is problem


def test_until_follows_the_local_clock_over_the_change_to_winter_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2025, 10, 25, 22, 0, tzinfo=berlin).timestamp()
    wish = silence("all until 08:00", evening, berlin)
    assert wish.ends_at - evening == 11 * HOUR_S  # the night has an hour more
    assert datetime.fromtimestamp(wish.ends_at, UTC).hour == 7


def test_a_wildcard_from_a_chat_can_never_take_for_ever() -> None:
    for word in ("/(a+)+$/", "*" * 4, "a" * 101):
        assert problem_of(lambda word=word: pattern(word)) is Problem.BAD_SELECTOR  # type: ignore[misc]
    assert pattern("SIP/*7*").matches("sip/6117")
