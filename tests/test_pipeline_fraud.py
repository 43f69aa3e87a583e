"""A call to a forbidden number outlives what we see of it: a lost connection, a restart of either side, a clock that is set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qualitywatch.model import (
    Booted,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    ClockAdvanced,
    Connected,
    DialBegun,
    Disconnected,
    NotifyReason,
    PbxEvent,
    Resynced,
)
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.rules.loader import load_rules

START = 1_795_400_000.0
CALLER = Channel("PJSIP/600-00000001", "7.1", "7.1", "Up")
TRUNK = Channel("PJSIP/prov-00000002", "7.2", "7.1", "Up")
BOTH = frozenset({"7.1", "7.2"})


class Fraud:
    """Phone 600 calls a satellite for an hour."""

    def __init__(self, folder: Path) -> None:
        (folder / "mine.yml").write_text("rules: [{name: premium, kind: destination, deny: [+882], clear_hold: 60s}]")
        self._specs = load_rules([folder])
        self.pipeline = self._begun()
        self.told: list[tuple[float, str]] = []
        self.stored: dict[str, str] = {}
        self.hears(Connected(START - 5), Booted(START - 5, 10_000.0), Resynced(START - 4, frozenset()))
        self.hears(ChannelChanged(START, CALLER), ChannelChanged(START, TRUNK))
        self.hears(DialBegun(START, TRUNK, CALLER, "0088216123456"))

    def hears(self, *events: PbxEvent) -> None:
        for event in events:
            self._note(self.pipeline.feed(event))

    def waits(self, until_s: float) -> None:
        self._note(self.pipeline.advance(START + until_s))

    def begins_anew(self) -> None:
        """The daemon is killed and started again, with what it had stored."""
        self.pipeline = self._begun(alerts=self.pipeline.alerts, rule_memories=self.stored)

    def _begun(self, **known: Any) -> Pipeline:
        return Pipeline("office", self._specs, trunk_peers={"PJSIP/prov": "PJSIP/74990@prov"}, **known)

    def _note(self, effects: Effects) -> None:
        self.stored |= effects.learned
        for each in effects.transitions:
            if each.reason is not NotifyReason.NONE and each.alert.key.rule == "premium":
                self.told.append((each.at - START, str(each.reason)))

    @property
    def channels(self) -> tuple[str, ...]:
        return next((alert.channels for alert in self.pipeline.alerts if alert.key.rule == "premium"), ())


def reconnected(at: float, channels: frozenset[str] | None) -> list[PbxEvent]:
    listed = [ChannelChanged(at + 6, each, listed=True) for each in (CALLER, TRUNK) if channels and each.uniqueid in channels]
    return [Disconnected(at, "lost"), Connected(at + 5), *listed, Resynced(at + 6, channels)]


def test_a_call_that_goes_on_stays_an_alert_and_can_still_be_ended(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.hears(*reconnected(START + 100, BOTH))
    fraud.waits(1800)
    assert fraud.told == [(0, "firing")]
    assert fraud.channels == (CALLER.name,)
    fraud.hears(*reconnected(START + 1800, BOTH), ChannelHungUp(START + 3600, TRUNK, 16))
    fraud.waits(4000)
    assert fraud.told == [(0, "firing"), (3660, "resolved")]


def test_a_call_that_ended_unseen_is_over_when_the_list_says_so(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.hears(*reconnected(START + 100, frozenset()))
    fraud.waits(1800)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]
    assert fraud.told[1][0] == pytest.approx(166, abs=1)


def test_where_channels_may_not_be_listed_nobody_knows_and_the_alert_does_not_stay_for_ever(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.hears(*reconnected(START + 100, None))
    fraud.waits(150)
    assert fraud.told == [(0, "firing")]
    fraud.waits(600)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]


def test_a_call_outlives_a_restart_of_the_daemon(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.begins_anew()
    fraud.hears(*reconnected(START + 100, BOTH)[1:])
    fraud.waits(1800)
    assert fraud.told == [(0, "firing")]
    assert fraud.channels == (CALLER.name,)
    fraud.hears(ChannelHungUp(START + 3600, TRUNK, 16))
    fraud.waits(4000)
    assert fraud.told == [(0, "firing"), (3660, "resolved")]
    assert not any(fraud.stored.values())


def test_a_call_that_ended_while_the_daemon_did_not_run_is_over(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.begins_anew()
    fraud.hears(*reconnected(START + 100, frozenset())[1:])
    fraud.waits(1800)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]
    assert fraud.told[1][0] == pytest.approx(166, abs=1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[1, 2, 3, 4, 5]", '[1, 2, 3, [], [["a"]]]', '["x", 2, 3, [], []]', "[1e999, 2, 1e999, [], []]"]
)
def test_what_was_stored_in_another_form_ends_nothing_but_the_alert(tmp_path: Path, text: str) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.stored = dict.fromkeys(fraud.stored, text)
    fraud.begins_anew()
    fraud.hears(*reconnected(START + 100, BOTH)[1:])
    fraud.waits(1800)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_call_that_nobody_knows_of_any_more_does_not_come_back_when_the_clock_is_set(tmp_path: Path, step: float) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.hears(*reconnected(START + 100, None))
    fraud.waits(600)
    at = START + 700 + step
    if step > 0:
        fraud.hears(ClockAdvanced(at, step))
    fraud.hears(ChannelChanged(at, Channel("PJSIP/601-00000009", "9.1", "9.1", "Up")))
    fraud.waits(700 + step + 7200)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]


def test_a_list_that_could_not_be_read_once_is_made_good_by_the_next(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    fraud.hears(*reconnected(START + 100, None))
    fraud.hears(Resynced(START + 110, BOTH))
    fraud.waits(1800)
    assert fraud.told == [(0, "firing")]
    fraud.hears(ChannelHungUp(START + 1800, TRUNK, 16))
    fraud.waits(2000)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]


def test_a_restart_of_asterisk_ends_the_call(tmp_path: Path) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    lost, back, *_ = reconnected(START + 100, None)
    fraud.hears(lost, back, Booted(START + 105, 3.0), Resynced(START + 106, frozenset()))
    fraud.waits(600)
    assert fraud.told == [(0, "firing"), (165, "resolved")]


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_clock_that_is_set_does_not_end_the_call(tmp_path: Path, step: float) -> None:
    fraud = Fraud(tmp_path)
    fraud.waits(100)
    at = START + 101
    if step > 0:
        fraud.hears(ClockAdvanced(at + step, step))
    fraud.hears(ChannelChanged(at + step, CALLER))
    fraud.waits(102 + step + 600)
    assert fraud.told == [(0, "firing")]
    fraud.hears(ChannelHungUp(at + step + 700, TRUNK, 16))
    fraud.waits(101 + step + 800)
    assert [reason for _, reason in fraud.told] == ["firing", "resolved"]
