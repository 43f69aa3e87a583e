"""Recurring windows in which nobody is told."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.desk.policy import MaintenanceWindow, Matcher
from qualitywatch.document import Hours, compile_selector
from tests.config.conftest import ONE_PBX, Problems, Read


def test_windows_are_read(read: Read) -> None:
    config = read(
        ONE_PBX
        + """
maintenance:
  - {name: night backup, days: [mon, sun], from: "01:00", to: "03:30", timezone: Europe/Moscow, match: {topic: mos}}
  - {name: late, days: fri, from: "23:00", to: "01:15"}
  - {name: rebuilding, from: "00:00", to: "24:00"}
timezone: Europe/Berlin
"""
    )
    assert config.desk.windows == (
        MaintenanceWindow(
            "night backup",
            Hours(60, 210, ZoneInfo("Europe/Moscow"), frozenset({0, 6})),
            Matcher(topics=(compile_selector("mos"),)),
        ),
        MaintenanceWindow("late", Hours(1380, 75, ZoneInfo("Europe/Berlin"), frozenset({4}))),
        MaintenanceWindow("rebuilding", Hours(0, 0, ZoneInfo("Europe/Berlin"))),
    )


def test_there_is_none_by_default(read: Read) -> None:
    assert read(ONE_PBX + "maintenance:\n").desk.windows == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.integers(0, 1439), st.integers(0, 1439))
def test_every_time_of_day_is_read_to_the_minute(read: Read, start: int, end: int) -> None:
    if start == end:
        return
    times = [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end)]
    (window,) = read(f"{ONE_PBX}maintenance: [{{name: n, from: '{times[0]}', to: '{times[1]}'}}]").desk.windows
    assert (window.hours.start, window.hours.end, window.hours.zone) == (start, end, UTC)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("from: '01:00', to: '02:00'", ["name: missing"]),
        ("name: n", ["from: missing", "to: missing"]),
        (
            "name: n, from: '01:00', to: '1:00'",
            ['to: is the same time as "from"; for a whole day write from: "00:00", to: "24:00"'],
        ),
        ("name: n, from: '24:00', to: '01:00'", ['from: must be a time of day such as "08:00" or "23:30"']),
        (
            "name: n, from: '01:60', to: 1h",
            [f'{key}: must be a time of day such as "08:00" or "23:30"' for key in ("from", "to")],
        ),
        ("name: n, from: 22:00, to: '01:00'", ["from: must be text, but YAML reads this as a number: put it in quotes"]),
        (
            "name: n, from: '01:00', to: '02:00', days: [Mon]",
            ['days[0]: must be one of mon, tue, wed, thu, fri, sat, sun, not "Mon", did you mean "mon"?'],
        ),
        ("name: n, from: '01:00', to: '02:00', days: []", ["days: is empty; fill it in or remove it"]),
        (
            "name: n, from: '01:00', to: '02:00', timezone: Europe/Moskow",
            ['timezone: unknown time zone, did you mean "Europe/Moscow"?'],
        ),
        ("name: n, from: '01:00', to: '02:00', match: ", ["match: is empty; fill it in or remove it"]),
        ("name: n, from: '01:00', to: '02:00', until: x", None),
    ],
)
def test_what_is_wrong_is_told_at_its_line(problems: Problems, window: str, expected: list[str] | None) -> None:
    found = problems(f"{ONE_PBX}maintenance:\n  - {{{window}}}\n")
    if expected is None:
        assert found == ["3: maintenance[0].until: unknown key; known here: from, to, timezone, days, name, match"]
    else:
        assert found == [f"3: maintenance[0].{each}" for each in expected]


def test_names_differ(problems: Problems) -> None:
    text = "maintenance:\n  - {name: n, from: '01:00', to: '02:00'}\n  - {name: n, from: '03:00', to: '04:00'}\n"
    assert problems(ONE_PBX + text) == ['4: maintenance[1].name: name "n" is already taken in line 3; give another name']
