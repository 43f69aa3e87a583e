"""Local clocks: mornings, jumps, and how a time is written."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.chat.times import clock_time_after, short_time
from tests.chat.build import MOSCOW, NOW

BERLIN = ZoneInfo("Europe/Berlin")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@given(
    now=st.floats(0, 4e9),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
    at_least_s=st.sampled_from([0.0, 3600.0]),
)
def test_the_next_morning_is_later_and_soon(now: float, hour: int, minute: int, zone: str, at_least_s: float) -> None:
    at = clock_time_after(now, hour, minute, ZoneInfo(zone), at_least_s)
    assert now + at_least_s < at <= now + at_least_s + 49 * 3600


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2025, 3, 29, 20, 0, tzinfo=BERLIN), datetime(2025, 3, 30, 6, 0, tzinfo=UTC)),  # a night an hour shorter
        (datetime(2025, 10, 25, 20, 0, tzinfo=BERLIN), datetime(2025, 10, 26, 7, 0, tzinfo=UTC)),  # an hour longer
        (datetime(2025, 7, 1, 8, 0, tzinfo=BERLIN), datetime(2025, 7, 2, 6, 0, tzinfo=UTC)),  # it is eight: the next one
        (datetime(2025, 7, 1, 7, 59, tzinfo=BERLIN), datetime(2025, 7, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_eight_in_the_morning_is_eight_on_the_local_clock(now: datetime, expected: datetime) -> None:
    assert clock_time_after(now.timestamp(), 8, 0, BERLIN) == expected.timestamp()


def test_a_time_that_occurs_twice_is_the_next_of_both() -> None:
    first, second = (datetime(2025, 10, 26, hour, 30, tzinfo=UTC).timestamp() for hour in (0, 1))
    assert clock_time_after(first - 60, 2, 30, BERLIN) == first
    assert clock_time_after(first, 2, 30, BERLIN) == second


def test_times_of_today_are_short() -> None:
    assert short_time(NOW, NOW, MOSCOW, MONTHS) == "03:12"
    assert short_time(NOW - 4 * 3600, NOW, MOSCOW, MONTHS) == "22 Nov 23:12"
    assert short_time(NOW - 365 * 86_400, NOW, MOSCOW, MONTHS) == "23 Nov 2024 03:12"
    assert short_time(1e300, NOW, MOSCOW, MONTHS) == "?"
