"""Hours of a rule: outside them nothing begins, and at their beginning whoever is in trouble is looked at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.document import Hours
from qualitywatch.errors import ConfigError
from qualitywatch.model import Alert, AlertState, NotifyReason, PbxEvent, PeerState, PeerStateSeen
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
ACTIVE = "active: {days: [mon, tue, wed, thu, fri], from: '08:00', to: '18:00', timezone: Europe/Moscow}"
GONE = f"name: gone, kind: state, entity: peer, bad: [unreachable, unregistered], warning: {{for: 5m}}, {ACTIVE}"


def at(text: str, zone: ZoneInfo = MOSCOW) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Office:
    """A PBX whose people work from eight to six."""

    def __init__(self, folder: Path, rule: str = GONE, *, alerts: tuple[Alert, ...] = ()) -> None:
        (folder / "rules.yml").write_text(f"rules: [{{{rule}}}]", encoding="utf-8")
        self.pipeline = Pipeline("office", load_rules([folder]), alerts=alerts, agents_learned=True)
        self.told: list[tuple[str, str]] = []

    def feed(self, event: PbxEvent) -> None:
        self._note(self.pipeline.feed(event).transitions)

    def peer(self, when: str, state: PeerState) -> None:
        self.feed(PeerStateSeen(at(when), "SIP/105", state))

    def wait(self, until: str) -> None:
        """As the clock ticks: a minute at a time."""
        now = self.pipeline.now or at(until)
        while now < at(until):
            now = min(now + 60, at(until))
            self._note(self.pipeline.advance(now).transitions)

    def _note(self, transitions: tuple[object, ...]) -> None:
        for move in transitions:
            if move.reason is not NotifyReason.NONE:  # type: ignore[attr-defined]
                when = datetime.fromtimestamp(move.at, MOSCOW)  # type: ignore[attr-defined]
                self.told.append((f"{when:%a %H:%M:%S}", str(move.reason)))  # type: ignore[attr-defined]


def test_a_phone_that_is_gone_in_working_hours_is_told(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-02 11:00", PeerState.REGISTERED)  # a Monday
    office.peer("2026-03-02 12:00", PeerState.UNREGISTERED)
    office.wait("2026-03-02 13:00")
    assert office.told == [("Mon 12:05:00", "firing")]


def test_a_phone_that_is_off_at_night_is_told_when_the_day_has_begun_and_its_time_is_up(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-02 17:00", PeerState.REGISTERED)
    office.peer("2026-03-02 20:00", PeerState.UNREGISTERED)
    office.wait("2026-03-03 09:00")
    assert office.told == [("Tue 08:05:00", "firing")]


def test_a_phone_that_is_back_in_the_morning_is_not(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-02 17:00", PeerState.REGISTERED)
    office.peer("2026-03-02 20:00", PeerState.UNREGISTERED)
    office.peer("2026-03-03 08:04", PeerState.REGISTERED)
    office.wait("2026-03-03 12:00")
    assert office.told == []


def test_friday_evening_waits_for_monday(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-06 17:00", PeerState.REGISTERED)
    office.peer("2026-03-06 19:00", PeerState.UNREACHABLE)
    office.wait("2026-03-09 09:00")
    assert office.told == [("Mon 08:05:00", "firing")]


def test_what_began_to_be_pending_before_closing_time_begins_anew(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-02 17:00", PeerState.REGISTERED)
    office.peer("2026-03-02 17:58", PeerState.UNREACHABLE)
    office.wait("2026-03-02 17:59")
    assert [alert.state for alert in office.pipeline.alerts] == [AlertState.PENDING]
    office.wait("2026-03-02 18:01")
    assert office.pipeline.alerts == []
    office.wait("2026-03-03 09:00")
    assert office.told == [("Tue 08:05:00", "firing")]


def test_what_fires_at_closing_time_goes_on_and_ends_at_night(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.peer("2026-03-02 17:00", PeerState.REGISTERED)
    office.peer("2026-03-02 17:30", PeerState.UNREACHABLE)
    office.wait("2026-03-02 22:00")
    office.peer("2026-03-02 23:00", PeerState.REACHABLE)
    office.wait("2026-03-03 10:00")
    assert office.told == [("Mon 17:35:00", "firing"), ("Mon 23:00:00", "resolved")]


def test_after_a_restart_at_night_the_next_look_is_enough(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.feed(PeerStateSeen(at("2026-03-02 17:00"), "SIP/105", PeerState.REGISTERED, snapshot=True))
    office.feed(PeerStateSeen(at("2026-03-03 03:00"), "SIP/105", PeerState.UNREGISTERED, snapshot=True))
    office.wait("2026-03-03 09:00")
    assert office.told == [("Tue 08:05:00", "firing")]


def test_the_hours_are_of_the_zone_also_on_the_day_the_clocks_change(tmp_path: Path) -> None:
    """In Berlin eight o'clock is 07:00 UTC on Friday and 06:00 UTC on Monday, after the last Sunday of March."""
    office = Office(tmp_path, GONE.replace("Moscow", "Berlin"))
    office.feed(PeerStateSeen(at("2026-03-27 17:00", BERLIN), "SIP/105", PeerState.REGISTERED))
    office.feed(PeerStateSeen(at("2026-03-27 20:00", BERLIN), "SIP/105", PeerState.UNREGISTERED))
    office.wait("2026-03-30 12:00")
    assert office.told == [("Mon 09:05:00", "firing")]  # 08:05 in Berlin


def test_a_change_outside_the_hours_is_not_told_at_all(tmp_path: Path) -> None:
    rule = f"name: moved, kind: count, changes_of: peer, warning: {{enter: 2}}, {ACTIVE}"
    office = Office(tmp_path, rule)
    for minute, state in enumerate([PeerState.REGISTERED, PeerState.UNREACHABLE, PeerState.REACHABLE]):
        office.peer(f"2026-03-02 20:0{minute}", state)
    office.wait("2026-03-03 09:00")
    assert office.told == []


def test_a_rule_without_hours_counts_always(tmp_path: Path) -> None:
    office = Office(tmp_path, GONE.replace(f", {ACTIVE}", ""))
    office.peer("2026-03-02 20:00", PeerState.REGISTERED)
    office.peer("2026-03-02 21:00", PeerState.UNREACHABLE)
    office.wait("2026-03-02 22:00")
    assert office.told == [("Mon 21:05:00", "firing")]


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    days=st.frozensets(st.integers(0, 6)),
    instant=st.floats(1.77e9, 1.8e9),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_an_instant_is_within_the_hours_until_the_edge_that_is_told(
    start: int, end: int, days: frozenset[int], instant: float, zone: str
) -> None:
    hours = Hours(start, end, ZoneInfo(zone), days)
    opened_at, edge = hours.opened_at(instant), hours.next_edge(instant)
    assert edge > instant
    if opened_at is None:
        assert hours.ends_at(instant) is None
        assert hours.opened_at(edge) == edge, "a pause ends with a beginning"
    else:
        ends_at = hours.ends_at(instant)
        assert ends_at is not None
        assert opened_at <= instant < ends_at
        local = datetime.fromtimestamp(opened_at, ZoneInfo(zone))
        assert not days or local.weekday() in days


@pytest.mark.parametrize(
    ("active", "reason"),
    [
        ("{from: '08:00', to: '18:00'}", "rules[0].active.timezone: missing"),
        ("{from: 8, to: '18:00', timezone: UTC}", "rules[0].active.from: must be"),
        ("{from: '08:00', to: '08:00', timezone: UTC}", 'rules[0].active.to: is the same time as "from"'),
        ("{from: '08:00', to: '18:00', timezone: Europe/Moscov}", 'did you mean "Europe/Moscow"?'),
        ("{from: '08:00', to: '18:00', timezone: UTC, days: [monday]}", "rules[0].active.days[0]: must be one of mon"),
        ("{from: '08:00', to: '18:00', timezone: UTC, until: x}", "rules[0].active.until: unknown key"),
    ],
)
def test_mistakes(tmp_path: Path, active: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Office(tmp_path, GONE.replace(ACTIVE, f"active: {active}"))
    assert reason in str(caught.value)
