"""What is said of calls that are not allowed, or come too often, to somebody who was asleep a minute ago."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from qualitywatch.model import Alert, AlertKey, AlertState, Member, MemberState, NotifyReason, Severity, Transition
from qualitywatch.notify.gist import gist
from qualitywatch.notify.members import Cast
from qualitywatch.notify.phrases import sentence

UTC = ZoneInfo("UTC")
FIVE = "+88216123450, +88216123451, +88216123452, +88216123453, +88216123454, ..."


def alert(topic: str, value: float, names: str, window_s: str = "60", subject: str = "SIP/6117") -> Alert:
    return Alert(
        AlertKey("premium-destinations", "office", subject),
        AlertState.FIRING,
        Severity.CRITICAL,
        topic,
        since_at=1000,
        level_since={},
        value=value,
        peak=value,
        display_name="Anna" if subject == "SIP/6117" else None,
        details={"window_s": window_s, "names": names, "names_count": str(names.count(",") + 1)},
    )


def trouble(about: Alert, language: str) -> str:
    change = Transition(1000, about, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.FIRING)
    return sentence(change, language, UTC)


def ending(about: Alert, language: str, because: str) -> str:
    over = replace(about, state=AlertState.INACTIVE, clear_since=1420)
    change = Transition(1540, over, AlertState.FIRING, AlertState.INACTIVE, NotifyReason.RESOLVED, because)
    return sentence(change, language, UTC)


@pytest.mark.parametrize(
    ("about", "english", "russian"),
    [
        (
            alert("destination", 1, "+88216123456"),
            "Anna SIP/6117 is calling +88216123456, not allowed",
            "Anna SIP/6117 звонит на +88216123456, это запрещено",
        ),
        (
            alert("destination", 3, "+88216123456"),
            "Anna SIP/6117 is calling +88216123456: 3 calls in 1 min, not allowed",
            "Anna SIP/6117 звонит на +88216123456: 3 звонка за 1 мин, это запрещено",
        ),
        (
            alert("destination", 240, FIVE, "3600"),
            f"Anna SIP/6117 is calling {FIVE}: 240 calls in 1 h, not allowed",
            f"Anna SIP/6117 звонит на {FIVE}: 240 звонков за 1 ч, это запрещено",
        ),
        (
            alert("call_burst", 11, "030123456, 0301234567"),
            "Anna SIP/6117 calls out too often: 11 calls in 1 min (to 030123456, 0301234567)",
            "Anna SIP/6117 слишком часто звонит наружу: 11 звонков за 1 мин (на 030123456, 0301234567)",
        ),
    ],
)
def test_the_trouble(about: Alert, english: str, russian: str) -> None:
    assert trouble(about, "en") == english
    assert trouble(about, "ru") == russian


@pytest.mark.parametrize(
    ("about", "because", "english", "russian"),
    [
        (
            alert("destination", 3, "+88216123456"),
            "clear",
            "Anna SIP/6117 no longer calls numbers that are not allowed after 7 min, 3 calls in all",
            "Anna SIP/6117 больше не звонит на запрещённые номера через 7 мин, всего 3 звонка",
        ),
        (
            alert("destination", 3, "+88216123456"),
            "no_data",
            "calls of Anna SIP/6117: nothing more is known, ended after 7 min",
            "Звонки от Anna SIP/6117: данных больше нет, завершено через 7 мин",
        ),
        (
            alert("call_burst", 21, "030123456"),
            "clear",
            "Anna SIP/6117 no longer calls out too often after 7 min, at most 21 calls in 1 min",
            "Anna SIP/6117 больше не звонит наружу слишком часто через 7 мин, больше всего 21 звонок за 1 мин",
        ),
    ],
)
def test_the_end(about: Alert, because: str, english: str, russian: str) -> None:
    assert ending(about, "en", because) == english
    assert ending(about, "ru", because) == russian


@pytest.mark.parametrize(
    ("topic", "language", "told"),
    [
        ("destination", "en", "2 peers call numbers that are not allowed"),
        ("destination", "ru", "Звонки на запрещённые номера: 2 пира"),
        ("call_burst", "en", "2 peers call out too often"),
        ("call_burst", "ru", "Слишком много звонков наружу: 2 пира"),
    ],
)
def test_several_at_once(topic: str, language: str, told: str) -> None:
    both = (alert(topic, 3, "+88216123456"), alert(topic, 2, "+88216123456", subject="SIP/6118"))
    members = tuple(Member(each, MemberState.FIRING, joined_at=1000) for each in both)
    assert gist(Cast(members, ()), language, UTC) == told
