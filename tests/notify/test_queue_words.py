"""What is said of queues, by day and at 3 a.m."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Gauge,
    Incident,
    Member,
    MemberState,
    NotifyReason,
    Severity,
    Transition,
)
from qualitywatch.notify.gist import gist
from qualitywatch.notify.members import cast_of
from qualitywatch.notify.phrases import sentence
from qualitywatch.notify.terms import QUEUE_GAUGES
from qualitywatch.notify.texts import words_of

UTC = ZoneInfo("UTC")


def queue(
    details: dict[str, str],
    *,
    gauge: Gauge = Gauge.QUEUE_LONGEST_HOLD_S,
    subject: str = "support",
    over: bool = False,
    value: float = 200,
) -> Alert:
    return Alert(
        AlertKey("r", "office", subject),
        AlertState.INACTIVE if over else AlertState.FIRING,
        Severity.CRITICAL,
        gauge,
        since_at=1000,
        level_since={},
        clear_since=1420 if over else None,
        value=value,
        peak=630,
        details=details,
    )


def said(language: str, alert: Alert, because: str = "clear") -> str:
    over = alert.state is AlertState.INACTIVE
    old, new = (AlertState.FIRING, AlertState.INACTIVE) if over else (AlertState.PENDING, AlertState.FIRING)
    reason = NotifyReason.RESOLVED if over else NotifyReason.FIRING
    return sentence(Transition(1540, alert, old, new, reason, because if over else None), language, UTC)


def figures(callers: int, longest_s: int, available: int, logged_in: int) -> dict[str, str]:
    return {
        Gauge.QUEUE_CALLERS: str(callers),
        Gauge.QUEUE_LONGEST_HOLD_S: str(longest_s),
        Gauge.QUEUE_AGENTS_AVAILABLE: str(available),
        Gauge.QUEUE_AGENTS_LOGGED_IN: str(logged_in),
    }


@pytest.mark.parametrize(
    ("details", "english", "russian"),
    [
        (
            figures(7, 200, 0, 0),
            "queue support: 7 callers waiting, longest 3 min 20 s, no agent logged in",
            "Очередь support: 7 звонков ждут, самый долгий 3 мин 20 с, ни одного оператора в сети",
        ),
        (
            figures(1, 200, 0, 5),
            "queue support: 1 caller waiting, longest 3 min 20 s, no agent available (5 logged in)",
            "Очередь support: 1 звонок ждёт, самый долгий 3 мин 20 с, свободных операторов нет (в сети 5)",
        ),
        (
            figures(22, 0, 2, 5),
            "queue support: 22 callers waiting, 2 of 5 agents available",
            "Очередь support: 22 звонка ждут, свободных операторов 2 из 5",
        ),
        (
            figures(0, 0, 0, 0),
            "queue support: no caller waiting, no agent logged in",
            "Очередь support: никто не ждёт, ни одного оператора в сети",
        ),
        (
            {Gauge.QUEUE_CALLERS: "2"},
            "queue support: 2 callers waiting",
            "Очередь support: 2 звонка ждут",
        ),
        ({}, "queue support: value unknown", "Очередь support: значение неизвестно"),
        (
            {Gauge.QUEUE_CALLERS: "many", Gauge.QUEUE_AGENTS_LOGGED_IN: "9" * 40},
            "queue support: value unknown",
            "Очередь support: значение неизвестно",
        ),
    ],
)
@pytest.mark.parametrize("gauge", sorted(QUEUE_GAUGES))
def test_the_trouble_is_told_with_all_that_is_known(gauge: Gauge, details: dict[str, str], english: str, russian: str) -> None:
    assert said("en", queue(details, gauge=gauge)) == english
    assert said("ru", queue(details, gauge=gauge)) == russian


@pytest.mark.parametrize(
    ("gauge", "english", "russian"),
    [
        (
            Gauge.QUEUE_LONGEST_HOLD_S,
            "longest wait in queue support is back to normal after 7 min, peak 10 min",
            "Самое долгое ожидание в очереди support снова в норме через 7 мин, пик 10 мин",
        ),
        (
            Gauge.QUEUE_CALLERS_UNATTENDED,
            "callers in queue support no longer wait without an agent after 7 min, peak 630",
            "Звонки в очереди support больше не ждут без операторов через 7 мин, пик 630",
        ),
        (
            Gauge.QUEUE_CALLERS,
            "callers waiting in queue support are fewer again after 7 min, peak 630",
            "Звонков в очереди support снова меньше через 7 мин, пик 630",
        ),
        (
            Gauge.QUEUE_AGENTS_LOGGED_IN,
            "agents of queue support are enough again after 7 min, lowest 630",
            "Операторов очереди support снова достаточно через 7 мин, минимум 630",
        ),
        (
            Gauge.QUEUE_AGENTS_AVAILABLE,
            "available agents of queue support are enough again after 7 min, lowest 630",
            "Свободных операторов очереди support снова достаточно через 7 мин, минимум 630",
        ),
    ],
)
def test_the_end_is_told(gauge: Gauge, english: str, russian: str) -> None:
    assert said("en", queue({}, gauge=gauge, over=True)) == english
    assert said("ru", queue({}, gauge=gauge, over=True)) == russian


def test_an_end_that_nobody_saw_is_no_promise() -> None:
    told = said("en", queue({}, over=True), because="no_data")
    assert told == "longest wait in queue support: nothing more is known, ended after 7 min, peak 10 min"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "longest wait: 2 queues, worst sales 10 min"),
        ("ru", "Самое долгое ожидание: 2 очереди, хуже всего sales 10 мин"),
    ],
)
def test_several_queues_are_queues_and_not_peers(language: str, told: str) -> None:
    members = tuple(
        Member(queue({}, subject=subject, value=value), MemberState.FIRING, 1000)
        for subject, value in (("support", 200), ("sales", 605))
    )
    incident = Incident(1, "office", 1000, members, Severity.CRITICAL, Severity.CRITICAL)
    assert gist(cast_of(incident), language, UTC) == told


def test_a_trunk_is_no_queue() -> None:
    alert = queue({}, gauge=Gauge.CONCURRENT_CALLS, subject="PJSIP/trunk-a", value=30)
    assert said("en", alert) == "concurrent calls over PJSIP/trunk-a 30"


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("gauge", Gauge)
def test_every_gauge_has_words_of_its_own(language: str, gauge: Gauge) -> None:
    words = words_of(language)
    assert gauge in words.series
    assert gauge in words.entities
