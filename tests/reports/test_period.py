"""Days and weeks as people count them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.config import read_config
from qualitywatch.errors import ConfigError
from qualitywatch.reports.period import a_week_before, ended, last_due
from tests.e2e.processes import Site

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_a_day_of_summer_time_has_its_own_length() -> None:
    assert ended(at("2026-03-30 08:10"), BERLIN, is_weekly=False) == (at("2026-03-29 00:00"), at("2026-03-30 00:00"))
    since, until = ended(at("2026-10-26 08:10"), BERLIN, is_weekly=False)
    assert until - since == 25 * 3600
    assert ended(at("2026-11-23 08:10"), BERLIN, is_weekly=True) == (at("2026-11-16 00:00"), at("2026-11-23 00:00"))
    assert a_week_before(since, until, BERLIN) == (at("2026-10-18 00:00"), at("2026-10-19 00:00"))


@given(
    st.floats(at("2026-01-01"), at("2027-01-01")),
    st.none() | st.integers(0, 6),
    st.integers(4, 23),
    st.integers(0, 59),
)
def test_what_was_due_last_is_what_the_calendar_says(moment: float, weekday: int | None, hour: int, minute: int) -> None:
    due = last_due(moment, BERLIN, (hour, minute), weekday)
    assert due <= moment
    trigger = CronTrigger(hour=hour, minute=minute, day_of_week=weekday, timezone=BERLIN)
    following = trigger.get_next_fire_time(None, datetime.fromtimestamp(due + 1, BERLIN))
    assert trigger.get_next_fire_time(None, datetime.fromtimestamp(due, BERLIN)) == datetime.fromtimestamp(due, BERLIN)
    assert following is not None and following.timestamp() > moment


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-29T01:59:00+01:00", "2026-03-28T02:30:00+01:00"),
        ("2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"),  # 02:30 does not come: it is due when the clock has jumped
        ("2026-03-29T03:29:00+02:00", "2026-03-29T03:29:00+02:00"),
        ("2026-03-29T04:00:00+02:00", "2026-03-29T03:30:00+02:00"),
        ("2026-10-25T02:15:00+02:00", "2026-10-24T02:30:00+02:00"),
        ("2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+02:00"),  # it comes twice: the first time counts
        ("2026-10-25T02:45:00+01:00", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_a_time_in_the_hour_that_moves(now: str, due: str) -> None:
    moment = datetime.fromisoformat(now).timestamp()
    assert last_due(moment, BERLIN, (2, 30), None) == datetime.fromisoformat(due).timestamp()
    assert last_due(moment, BERLIN, (2, 30), 6) <= moment


@given(st.integers(0, 364), st.integers(0, 3), st.integers(0, 59))
def test_whoever_runs_all_night_tells_of_each_day_once(day: int, hour: int, minute: int) -> None:
    trigger = CronTrigger(hour=hour, minute=minute, timezone=BERLIN)
    evening = at("2026-01-01 20:00") + day * 86400.0
    fires = trigger.get_next_fire_time(None, datetime.fromtimestamp(evening, BERLIN))
    assert fires is not None
    told = ended(last_due(fires.timestamp(), BERLIN, (hour, minute), None), BERLIN, is_weekly=False)
    assert told[0] < evening <= told[1]


def test_the_section_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    config = Site(tmp_path, {"office": 5038}, "http://127.0.0.1:9").write()
    text = config.read_text(encoding="utf-8")
    config.write_text(
        f"{text}reports:\n- every: day\n- every: week\n  weekday: fri\n  at: '17:00'\n  language: ru\n  targets: [ops]\n"
    )
    daily, weekly = read_config(config).reports
    assert (daily.is_weekly, daily.at, daily.weekday, daily.targets, daily.language) == (False, (8, 10), None, ("ops",), None)
    assert (weekly.is_weekly, weekly.at, weekly.weekday, weekly.language) == (True, (17, 0), 4, "ru")
    config.write_text(f"{text}reports:\n- every: day\n  weekday: fri\n- every: month\n  targets: [nobody]\n")
    with pytest.raises(ConfigError) as caught:
        read_config(config)
    told = "\n".join(caught.value.problems)
    assert "reports[0].weekday" in told or "weekday: is for a weekly report" in told
    assert "nobody" in told and "month" in told
