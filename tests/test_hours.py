"""Times of the week, as of a maintenance window, on ordinary days and on those two of the year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.document import Hours

BERLIN = ZoneInfo("Europe/Berlin")  # 2026: gap 29 March 02:00-03:00, 25 October 02:00-03:00 comes twice
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # moves by half an hour
HOUR_S = 3600.0


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def window(start: str, end: str, *weekdays: int, zone: ZoneInfo = BERLIN) -> Hours:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return Hours(minutes[0], minutes[1], zone, frozenset(weekdays))


@pytest.mark.parametrize(
    ("given_window", "begin", "end"),
    [
        (window("02:00", "04:00"), "2026-07-15T00:00", "2026-07-15T02:00"),  # an ordinary day in summer
        (window("22:00", "06:00"), "2026-07-15T20:00", "2026-07-16T04:00"),  # over midnight
        (window("22:00", "22:00"), "2026-07-15T20:00", "2026-07-16T20:00"),  # a whole day
        (window("02:30", "05:00"), "2026-03-29T01:00", "2026-03-29T03:00"),  # begins in the gap: at 03:00, which is its end
        (window("01:00", "02:30"), "2026-03-29T00:00", "2026-03-29T01:00"),  # ends in the gap
        (window("01:00", "04:00"), "2026-03-29T00:00", "2026-03-29T02:00"),  # over the gap: an hour shorter
        (window("02:30", "05:00"), "2026-10-25T00:30", "2026-10-25T04:00"),  # begins in the hour that comes twice: the first
        (window("01:00", "02:30"), "2026-10-24T23:00", "2026-10-25T01:30"),  # ends in it: the second
        (window("02:00", "03:00"), "2026-10-25T00:00", "2026-10-25T02:00"),  # is it: both
        (window("23:00", "03:00", 5), "2026-10-24T21:00", "2026-10-25T02:00"),  # of Saturday, ends on Sunday
        (window("02:10", "04:00", zone=LORD_HOWE), "2026-10-03T15:30", "2026-10-03T17:00"),  # a gap of half an hour
    ],
)
def test_a_window_covers_exactly(given_window: Hours, begin: str, end: str) -> None:
    begins_at, ends_at = utc(begin), utc(end)
    assert given_window.ends_at(begins_at) == ends_at
    assert given_window.ends_at(ends_at - 0.001) == ends_at
    assert given_window.ends_at(ends_at) != ends_at
    assert given_window.ends_at(begins_at - 0.001) != ends_at
    assert given_window.next_edge(begins_at) == ends_at
    assert given_window.next_edge(begins_at - 60) == begins_at


def test_a_window_inside_the_gap_does_not_take_place() -> None:
    assert window("02:10", "02:40").ends_at(utc("2026-03-29T01:00")) is None
    assert window("02:10", "02:40").ends_at(utc("2026-03-30T00:20")) == utc("2026-03-30T00:40")


def test_a_weekday_is_that_on_which_a_window_begins() -> None:
    friday_night = window("22:00", "04:00", 4)  # 17 July 2026 is a Friday
    assert friday_night.ends_at(utc("2026-07-17T21:00")) == utc("2026-07-18T02:00")
    assert friday_night.ends_at(utc("2026-07-18T01:00")) == utc("2026-07-18T02:00")
    assert friday_night.ends_at(utc("2026-07-17T01:00")) is None
    assert friday_night.next_edge(utc("2026-07-18T02:00")) == utc("2026-07-24T20:00")


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
    weekdays=st.frozensets(st.integers(0, 6)),
    zone=st.sampled_from(["Europe/Berlin", "Europe/Moscow", "America/St_Johns", "Asia/Tehran", "Australia/Lord_Howe"]),
    day=st.integers(0, 720),
)
def test_between_two_edges_nothing_changes(start: int, end: int, weekdays: frozenset[int], zone: str, day: int) -> None:
    given_window = Hours(start, end, ZoneInfo(zone), weekdays)
    wall = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)).timestamp()
    edge = given_window.next_edge(wall)
    assert wall < edge <= wall + 8 * 24 * HOUR_S
    here = given_window.ends_at(wall)
    for share in (0.25, 0.5, 0.75, 0.999):
        assert given_window.ends_at(wall + (edge - wall) * share) == here
    assert here is None or here >= edge
    assert given_window.ends_at(edge) != here
