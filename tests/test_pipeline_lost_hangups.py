"""Hangups that never came, as the lists of channels show them: nobody is told for ever of calls that are over."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.model import (
    Audited,
    Channel,
    ChannelChanged,
    Connected,
    DialBegun,
    DialEnded,
    NotifyReason,
    PbxEvent,
    Resynced,
)
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules

START = 1_700_000_000.0
AUDIT_S = 120.0
RULES = """
rules:
  - {name: lines, kind: level, gauge: concurrent_calls, warning: {enter: 3, clear: 2}}
  - {name: premium, kind: destination, deny: [+882], clear_hold: 30s}
  - {name: failing, kind: ratio, tally: answered, window: 1h, min_total: 1, warning: {enter: 50, clear: 80}}
"""


class Office:
    """A pipeline with one trunk, and what it has told."""

    def __init__(self, folder: Path) -> None:
        (folder / "mine.yml").write_text(RULES, encoding="utf-8")
        self.pipeline = Pipeline("office", load_rules([folder]), trunk_peers={"PJSIP/prov": "PJSIP/1@prov"})
        self.told: list[tuple[str, str]] = []
        self.say(Connected(START), Resynced(START, frozenset()))

    def say(self, *events: PbxEvent) -> None:
        for event in events:
            self._note(self.pipeline.feed(event).transitions)

    def pass_time(self, until: float) -> None:
        self._note(self.pipeline.advance(START + until).transitions)

    def _note(self, transitions: object) -> None:
        for transition in transitions:  # type: ignore[attr-defined]
            if transition.reason is not NotifyReason.NONE:
                self.told.append((transition.alert.key.rule, str(transition.reason)))


def line(number: int, state: str = "Up") -> Channel:
    return Channel(f"PJSIP/prov-{number:08x}", f"1700000000.{number}", f"1700000000.{number}", state)


def test_lines_in_use_are_free_again_once_two_lists_do_not_name_them(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.say(*(ChannelChanged(START + 10 + number, line(number)) for number in range(3)))
    assert office.told == [("lines", "firing")]
    office.say(Audited(START + AUDIT_S, ()))
    assert office.told == [("lines", "firing")], "its Hangup may be behind the list"
    office.say(Audited(START + 2 * AUDIT_S, ()))
    assert office.told == [("lines", "firing"), ("lines", "resolved")]


def test_who_is_listed_stays(tmp_path: Path) -> None:
    office = Office(tmp_path)
    there = tuple(line(number) for number in range(3))
    office.say(*(ChannelChanged(START + 10, each) for each in there))
    office.say(*(Audited(START + number * AUDIT_S, there) for number in range(1, 31)))
    assert office.told == [("lines", "firing")]


@pytest.mark.parametrize("is_resynced_between", [False, True])
def test_a_forbidden_call_is_over_and_counts_as_no_failure(is_resynced_between: bool, tmp_path: Path) -> None:
    office = Office(tmp_path)
    phone = Channel("SIP/6117-00000001", "1700000000.1", "1700000000.1", "Up")
    dest = line(2, "Ringing")
    office.say(
        ChannelChanged(START + 9, phone),
        ChannelChanged(START + 10, dest),
        DialBegun(START + 10, dest, phone, "0088216123456"),
    )
    assert office.told == [("premium", "firing")]
    first = Resynced(START + AUDIT_S, frozenset()) if is_resynced_between else Audited(START + AUDIT_S, ())
    office.say(first, Audited(START + 2 * AUDIT_S, ()))
    office.pass_time(3 * AUDIT_S)
    assert office.told == [("premium", "firing"), ("premium", "resolved")], "what became of the call nobody knows"


def test_a_call_whose_end_was_told_before_counts_as_it_ended(tmp_path: Path) -> None:
    office = Office(tmp_path)
    dest = line(2, "Down")
    office.say(
        ChannelChanged(START + 10, dest),
        DialBegun(START + 10, dest, None, "74951234567"),
        DialEnded(START + 20, dest, "CONGESTION"),
        Audited(START + AUDIT_S, ()),
        Audited(START + 2 * AUDIT_S, ()),
    )
    assert office.told == [("failing", "firing")]
