"""One-way audio from reports to words: who is told what, how urgently, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from qualitywatch.model import (
    Alert,
    AlertState,
    Booted,
    Connected,
    Disconnected,
    NotifyReason,
    PbxEvent,
    Resynced,
    Transition,
)
from qualitywatch.notify.phrases import sentence
from qualitywatch.pipeline import Pipeline
from tests.accuracy.findings import SHIPPED
from tests.fakes.line import FOREVER, START, Line

RULE = "one-way-audio"
SILENT = Line(deaf=((0, FOREVER),))


class Office:
    """A PBX with one phone, and what is told of its sound."""

    def __init__(self, alerts: Sequence[Alert] = ()) -> None:
        self.pipeline = Pipeline("office", SHIPPED, names={"PJSIP/101": "Anna"}, alerts=alerts)
        self.moves: list[Transition] = []

    def live(self, events: Sequence[PbxEvent], until: float) -> None:
        for event in events:
            self.moves += self.pipeline.feed(event).transitions
        self.moves += self.pipeline.advance(START + until).transitions

    def told(self, language: str = "en") -> list[tuple[int, str, str]]:
        return [
            (round(move.at - START), str(move.alert.severity), sentence(move, language, UTC))
            for move in self.moves
            if move.reason is not NotifyReason.NONE and move.alert.key.rule == RULE
        ]

    @property
    def alert(self) -> Alert | None:
        return next((alert for alert in self.pipeline.alerts if alert.key.rule == RULE), None)


def test_one_silent_call_is_a_warning_that_ends_a_minute_after_the_call() -> None:
    office = Office()
    office.live(SILENT.whole(25), until=200)
    assert office.told() == [
        (10, "warning", "Anna PJSIP/101 hears nothing: our packets do not get there (PJSIP/101-1.1)"),
        (86, "warning", "audio of Anna PJSIP/101: no more calls to judge, ended after 25 s"),
    ]
    assert office.told("ru") == [
        (10, "warning", "Anna PJSIP/101: не слышит собеседника, наши пакеты не доходят (PJSIP/101-1.1)"),
        (86, "warning", "Звук у Anna PJSIP/101: звонков для оценки больше нет, завершено через 25 с"),
    ]
    assert office.alert is None


def test_sound_that_returns_is_told_as_that() -> None:
    line = Line(mute=((0, 22.0),))
    office = Office()
    office.live([*line.begin(), *line.reports(120)], until=120)
    assert [text for _, _, text in office.told()] == [
        "Anna PJSIP/101 is not heard: no packets come from there (PJSIP/101-1.1)",
        "Anna PJSIP/101 is heard again after 25 s",
    ]
    assert office.told("ru")[1][2] == "Anna PJSIP/101: собеседнику снова слышно через 25 с"


def test_the_second_silent_call_of_five_is_critical_and_one_message_more() -> None:
    office = Office()
    again = replace(SILENT, uniqueid="2.1", linkedid="2.1", origin=START + 60)
    office.live([*SILENT.whole(25), *again.whole(25)], until=300)
    assert [(at, severity) for at, severity, _ in office.told()] == [(10, "warning"), (70, "critical"), (146, "critical")]


def test_a_good_call_between_does_not_excuse_two_bad_ones() -> None:
    office = Office()
    good = Line(uniqueid="2.1", linkedid="2.1", origin=START + 200)
    again = replace(SILENT, uniqueid="3.1", linkedid="3.1", origin=START + 400)
    office.live([*SILENT.whole(25), *good.whole(60), *again.whole(25)], until=600)
    assert [severity for _, severity, _ in office.told()] == ["warning", "warning", "critical", "critical"]


def test_an_alert_from_before_a_restart_ends_when_nobody_calls_any_more() -> None:
    before = Office()
    before.live([*SILENT.begin(), *SILENT.reports(20)], until=20)
    alert = before.alert
    assert alert is not None
    assert alert.state is AlertState.FIRING
    after = Office([alert])
    after.live([Connected(START + 25), Resynced(START + 26)], until=600)
    assert [text for _, _, text in after.told()] == ["audio of Anna PJSIP/101: no more calls to judge, ended after 2 min 26 s"]
    assert after.alert is None


def test_an_alert_lasts_through_a_restart_in_mid_call() -> None:
    before = Office()
    before.live([*SILENT.begin(), *SILENT.reports(20)], until=20)
    assert before.alert is not None
    after = Office([before.alert])
    after.live([Connected(START + 25), *(e for e in SILENT.reports(200) if e.at > START + 26)], until=200)
    assert after.told() == []
    assert after.alert is not None


def test_nothing_is_said_while_the_pbx_cannot_be_seen() -> None:
    office = Office()
    office.live([*SILENT.begin(), *SILENT.reports(8), Disconnected(START + 9, "connection lost")], until=300)
    assert office.told() == []
    office.live([Connected(START + 301), Booted(START + 301, 10.0)], until=400)
    assert office.told() == []
