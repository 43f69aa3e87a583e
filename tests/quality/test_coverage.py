"""RTCP coverage: which calls were reported on, and that silence is called unknown, with its reason where there is one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import (
    AlertState,
    CallRecord,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    Direction,
    DirectionTotals,
    Disconnected,
    LogRecord,
    PeerState,
    PeerStateSeen,
    ReportBlock,
    Resynced,
    Roster,
    RtcpReport,
    Tally,
    Transition,
)
from qualitywatch.notify.render import headline
from qualitywatch.pipeline import Pipeline
from qualitywatch.quality.coverage import coverage, unmeasured
from qualitywatch.rules.loader import load_rules
from tests.conftest import CAPTURES

SPECS = load_rules([Path(__file__).parents[2] / "rules"])
CALL = CallRecord(
    "office", "SIP/6117", "SIP/6117-1", "1", "1", 990, 1000, 1040, 16, "alaw", DirectionTotals(), DirectionTotals(), None
)
HEARD = DirectionTotals(expected_reported=1900, expected=1900)


def perhaps_past_the_pbx(other: str) -> str:
    return f"perhaps direct media with {other}, past the PBX (directmedia=no or direct_media=no would tell)"


def counted(call: CallRecord, **facts: Any) -> list[tuple[float, float, str | None]]:
    assert all(tally.tally is Tally.COVERED for tally in coverage(call, **facts))
    return [(tally.good, tally.total, tally.detail) for tally in coverage(call, **facts)]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (replace(CALL, to_peer=HEARD), [(1, 1, None)]),
        (replace(CALL, from_peer=HEARD), [(0, 1, None)]),  # we hear it, and it does not say what it hears
        (CALL, [(0, 1, None)]),
        (replace(CALL, ended_at=1014.9), []),
        (replace(CALL, ended_at=1015.0), [(0, 1, None)]),
        (replace(CALL, answered_at=None), []),
        (replace(CALL, subject="IAX2/branch"), []),
        (replace(CALL, subject="Local/6117@default"), []),
        (replace(CALL, subject="PJSIP/701"), [(0, 1, None)]),
        (replace(CALL, ended_at=900), []),  # the clock was set back meanwhile
    ],
)
def test_an_answered_call_of_15_s_counts(call: CallRecord, found: list[tuple[float, float, str | None]]) -> None:
    assert counted(call) == found


def test_what_was_not_seen_is_not_held_against_a_phone() -> None:
    assert counted(CALL, seen_since=1026) == []
    assert counted(CALL, seen_since=1025) == [(0, 1, None)]
    assert unmeasured(CALL, seen_since=1026) is None


@pytest.mark.parametrize(
    ("lasted_s", "interval_s", "found"),
    [
        (40, None, [(0, 1, None)]),
        (40, 5, [(0, 1, None)]),  # 15 s, as where it is not known
        (14, 1, []),
        (40, 30, []),
        (89, 30, []),
        (91, 30, [(0, 1, None)]),
    ],
)
def test_a_phone_is_given_three_intervals_of_its_own(
    lasted_s: float, interval_s: float | None, found: list[tuple[float, float, str | None]]
) -> None:
    call = replace(CALL, ended_at=1000 + lasted_s)
    assert counted(call, interval_s=interval_s) == found
    heard = replace(call, to_peer=HEARD)  # what was reported was, however short the call
    assert counted(heard, interval_s=interval_s) == ([(1, 1, None)] if lasted_s >= 15 else [])


def test_direct_media_is_named_as_what_may_be() -> None:
    assert counted(CALL, direct_with="SIP/6118") == [(0, 1, "direct_media")]
    assert counted(replace(CALL, to_peer=HEARD), direct_with="SIP/6118") == [(1, 1, None)]
    assert unmeasured(CALL) == "call of 40 s without any usable RTCP report: quality unknown"
    told = unmeasured(CALL, direct_with="SIP/6118")
    assert told == f"call of 40 s without any usable RTCP report: {perhaps_past_the_pbx('SIP/6118')}"
    assert unmeasured(replace(CALL, from_peer=HEARD)) is None


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_call_is_good_only_by_a_report_of_the_far_end(answered: float, lasted: float, to: float, back: float) -> None:
    call = replace(
        CALL,
        answered_at=answered,
        ended_at=answered + lasted,
        to_peer=DirectionTotals(expected_reported=to),
        from_peer=DirectionTotals(expected_reported=back),
    )
    for good, total, _ in counted(call):
        assert total == 1
        assert good == (1 if to > 0 else 0)
    assert (unmeasured(call) is None) == (not counted(call) or to > 0 or back > 0)


def logs_of(recording: Path) -> tuple[list[LogRecord], Pipeline]:
    pipeline = Pipeline("pbx", SPECS)
    logs = [
        entry
        for timed in read_recording((recording / "input.ami").read_bytes())
        for event in translate(timed.message, timed.at)
        for entry in pipeline.feed(event).logs
        if entry.kind == "unmeasured"
    ]
    return logs, pipeline


@pytest.mark.parametrize(
    ("version", "caller", "called"), [("asterisk-16", "SIP/6151", "SIP/6152"), ("asterisk-22", "PJSIP/751", "PJSIP/752")]
)
def test_direct_media_is_recognised_on_both_legs_and_on_nobody_else_s(version: str, caller: str, called: str) -> None:
    logs, pipeline = logs_of(CAPTURES / version / "direct-media")
    told = {entry.subject: entry.text.rpartition(": ")[2] for entry in logs}
    assert told == {caller: perhaps_past_the_pbx(called), called: perhaps_past_the_pbx(caller)}
    assert pipeline.direct_media == {caller, called}


def test_a_phone_that_sends_nothing_to_an_application_is_no_direct_media() -> None:
    logs, pipeline = logs_of(CAPTURES / "asterisk-20/one-way-audio")
    assert [(entry.subject, entry.text.rpartition(": ")[2]) for entry in logs] == [("PJSIP/707", "quality unknown")]
    assert not pipeline.direct_media


LISTS = (("SIP/6117", "SIP/6118"), ("SIP/6118",), ("SIP/6118",))  # an account is gone when two lists do not name it


def roster(*names: str) -> Roster:
    return Roster("peer", "SIP", frozenset(names))


class Phones:
    """Two phones that call each other again and again; reports may stop."""

    def __init__(self) -> None:
        self.pipeline = Pipeline("office", SPECS)
        self.at, self.number = 1000.0, 0
        self.told: list[Transition] = []
        self.logged: list[str] = []

    def feed(self, *events: Any) -> None:
        for event in events:
            effects = self.pipeline.feed(event)
            self.told += effects.transitions
            self.logged += [entry.text for entry in effects.logs if entry.kind == "unmeasured"]

    def call(self, *, reports: bool = True, ours: bool = True, every_s: float = 5, lasts_s: float = 40) -> None:
        self.number += 2
        linked = f"{self.at:.0f}.{self.number}"
        channels = [
            Channel(
                f"SIP/611{7 + index}-{self.number + index:08x}",
                f"{self.at:.0f}.{self.number + index}",
                linked,
                "Up",
                codec="alaw",
            )
            for index in range(2)
        ]
        self.feed(*(ChannelChanged(self.at, channel) for channel in channels))
        for step in range(1, math.ceil((lasts_s - 5) / every_s)):
            for channel in channels:
                at, block = self.at + every_s * step, ReportBlock(7, 0, 0, round(50 * every_s) * step, 8, 1, 1.0)
                if ours:
                    self.feed(RtcpReport(at, Direction.FROM_PEER, channel, 1, None, block, None, "10.0.0.2:1", "10.0.0.1:1"))
                if reports:
                    self.feed(RtcpReport(at, Direction.TO_PEER, channel, None, None, block, 0.01, "10.0.0.1:1", "10.0.0.2:1"))
        self.at += lasts_s
        self.feed(*(ChannelHungUp(self.at, channel, 16) for channel in channels))
        self.at += 20

    @property
    def heard(self) -> list[str]:
        return [headline(change, "en") for change in self.told if change.old_state is not change.new_state]


def test_phones_that_stop_reporting_are_named_and_come_back() -> None:
    phones = Phones()
    for _ in range(20):
        phones.call()
    for _ in range(5):
        phones.call(reports=False)
    assert phones.heard == [
        "SIP/6117 no longer reports what it hears: 0 of the last 5 calls (before: 100%), quality unknown",
        "SIP/6118 no longer reports what it hears: 0 of the last 5 calls (before: 100%), quality unknown",
    ]
    for _ in range(3):
        phones.call()
    assert [change.new_state for change in phones.told[2:]] == [AlertState.INACTIVE] * 2
    assert phones.heard[2].startswith("SIP/6117 reports what it hears again after ")


def test_direct_media_that_was_switched_on_is_told_as_what_may_be() -> None:
    phones = Phones()
    for _ in range(20):
        phones.call()
    for _ in range(5):
        phones.call(reports=False, ours=False)
    assert phones.heard[0] == (
        "SIP/6117 no longer reports what it hears: 0 of the last 5 calls (before: 100%), perhaps direct media, past the PBX "
        "(directmedia=no or direct_media=no would tell), quality unknown"
    )
    russian = headline(phones.told[0], "ru")
    assert russian == (
        "SIP/6117: нет отчётов о качестве, за последние звонки 0 из 5 (было 100%), возможно, звук идёт мимо АТС "
        "(проверка: directmedia=no или direct_media=no), качество неизвестно"
    )


def test_one_late_report_of_either_side_is_no_proof_of_direct_media() -> None:
    """Where ``rtcpinterval`` is 30 s, a call through the PBX has one report each way, as one past it has before it is moved."""
    phones = Phones()
    phones.call(every_s=30, lasts_s=40)
    assert phones.pipeline.direct_media == {"SIP/6117", "SIP/6118"}
    assert [text.partition(" report: ")[2] for text in phones.logged] == [
        perhaps_past_the_pbx("SIP/6118"),
        perhaps_past_the_pbx("SIP/6117"),
    ]


def test_a_phone_that_reports_every_30_s_is_not_missed_in_short_calls() -> None:
    phones = Phones()
    for _ in range(20):
        phones.call(every_s=30, lasts_s=130)
    for _ in range(10):
        phones.call(reports=False, lasts_s=70)
    assert phones.heard == []
    for _ in range(5):
        phones.call(reports=False, lasts_s=100)
    assert [text.partition(":")[0] for text in phones.heard] == [f"SIP/611{n} no longer reports what it hears" for n in (7, 8)]


def test_direct_media_of_a_slow_phone_is_seen_in_short_calls() -> None:
    phones = Phones()
    for _ in range(3):
        phones.call(every_s=30, lasts_s=130)
    phones.call(reports=False, ours=False)
    assert phones.pipeline.direct_media == {"SIP/6117", "SIP/6118"}
    phones.call(reports=False)
    assert not phones.pipeline.direct_media


def test_who_is_no_longer_configured_is_forgotten() -> None:
    phones = Phones()
    phones.feed(*(PeerStateSeen(phones.at, name, PeerState.REACHABLE, snapshot=True) for name in LISTS[0]))
    for _ in range(3):
        phones.call(every_s=30, lasts_s=130)
    phones.call(reports=False, ours=False)
    phones.feed(*(Resynced(phones.at + step, frozenset(), True, True, (roster(*names),)) for step, names in enumerate(LISTS)))
    assert phones.pipeline.direct_media == {"SIP/6118"}
    assert phones.pipeline.streams.paces.interval_s("SIP/6117") is None
    assert phones.pipeline.streams.paces.interval_s("SIP/6118") == 30


def test_phones_that_never_reported_are_no_news() -> None:
    phones = Phones()
    for _ in range(40):
        phones.call(reports=False)
    assert phones.told == []


def test_calls_that_lasted_through_a_lost_connection_are_not_counted_as_silent() -> None:
    phones = Phones()
    for _ in range(20):
        phones.call()
    for _ in range(10):
        channel = Channel(f"SIP/6117-{phones.at:.0f}", f"{phones.at:.0f}.9", f"{phones.at:.0f}.9", "Up")
        phones.feed(ChannelChanged(phones.at, channel), Disconnected(phones.at + 1, "reset"), Connected(phones.at + 100))
        phones.feed(ChannelHungUp(phones.at + 110, channel, 16))
        phones.at += 200
    assert not [change for change in phones.told if change.alert.key.rule == "rtcp-coverage"]


def test_faxes_do_not_make_us_deaf_where_reports_were_heard() -> None:
    """T.38 makes no reports, and a fax is alone with an application."""
    phones = Phones()
    phones.feed(Connected(phones.at - 5))
    phones.call()
    for number in range(4):
        fax = Channel(f"SIP/fax-{number:08x}", f"{phones.at:.0f}.9", f"{phones.at:.0f}.9", "Up", codec="alaw")
        phones.feed(ChannelChanged(phones.at, fax), ChannelHungUp(phones.at + 90, fax, 16))
        phones.at += 100
    assert phones.told == []
