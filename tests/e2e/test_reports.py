"""A daemon that was due to tell of yesterday: it does so once, with the whole report as a file and a chart of the worst."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from qualitywatch.model import Metric
from qualitywatch.ports import SeriesBatch
from qualitywatch.store.backends.rollup import RollupOptions, RollupStore
from tests.e2e.processes import CHAT, Site, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.store.model_values import a_call, a_sample


def configured(tmp_path: Path, url: str, now: datetime) -> Path:
    """A daemon that should have told of yesterday five minutes ago."""
    config = Site(tmp_path, {"office": 9}, url).write()
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    due = now - timedelta(minutes=5)
    if due.date() != now.date():
        pytest.skip("it is just past midnight")
    document["timezone"] = str(now.tzinfo)
    document["reports"] = [{"every": "day", "at": f"{due:%H:%M}", "targets": ["ops"]}]
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    return config


@pytest.mark.slow
async def test_where_midnight_is_not_on_the_hour_it_is_told_once_too(tmp_path: Path) -> None:
    now = datetime.now(ZoneInfo("Asia/Kolkata"))
    noon = (now.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)).timestamp()
    store = await RollupStore.open(tmp_path / "state", RollupOptions(), now=noon)
    await store.write(SeriesBatch((a_sample(3.0, weight=3000, at=noon),), calls=(a_call(),)))
    await store.close(time.time())
    async with FakeTelegram() as telegram:
        config = configured(tmp_path, telegram.url, now)
        async with running(config) as daemon:
            await daemon.logged("report.told target=ops")
            assert await daemon.stop() == 0
        async with running(config) as daemon:
            await daemon.logged("started pbx=office")
            assert await daemon.stop() == 0
        assert len([text for text in telegram.texts(CHAT) if text.startswith("Daily report")]) == 1


@pytest.mark.slow
async def test_a_group_that_became_a_supergroup_gets_its_report_and_is_remembered(tmp_path: Path) -> None:
    now = datetime.now(ZoneInfo("UTC"))
    noon = (now.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)).timestamp()
    store = await RollupStore.open(tmp_path / "state", RollupOptions(), now=noon)
    await store.write(SeriesBatch((a_sample(3.0, weight=3000, at=noon),), calls=(a_call(),)))
    await store.close(time.time())
    async with FakeTelegram() as telegram:
        telegram.moved[CHAT] = CHAT - 1
        config = configured(tmp_path, telegram.url, now)
        async with running(config) as daemon:
            await daemon.logged("report.told target=ops")
            assert await daemon.stop() == 0
        assert [text for text in telegram.texts(CHAT - 1) if text.startswith("Daily report")]
        asked = len(telegram.calls)
        async with running(config) as daemon:
            await daemon.logged("started pbx=office")
            assert await daemon.stop() == 0
        later = [call.params["chat_id"] for call in telegram.calls[asked:] if call.method.startswith("send")]
        assert str(CHAT) not in later


@pytest.mark.slow
async def test_nothing_is_told_of_a_day_nobody_watched(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        async with running(configured(tmp_path, telegram.url, datetime.now(ZoneInfo("UTC")))) as daemon:
            await daemon.logged("report.left_out weekly=no why=nobody_watched_then")
            assert await daemon.stop() == 0
        assert not [text for text in telegram.texts(CHAT) if text.startswith("Daily report")]


@pytest.mark.slow
async def test_yesterday_is_told_once(tmp_path: Path) -> None:
    now = datetime.now(ZoneInfo("UTC"))
    noon = (now.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)).timestamp()
    store = await RollupStore.open(tmp_path / "state", RollupOptions(), now=noon)
    minutes = [a_sample(3.0, weight=3000, at=noon + 60 * minute) for minute in range(30)]
    jitter = [a_sample(12.0, metric=Metric.JITTER_MS, at=noon + 60 * minute) for minute in range(30)]
    before = [a_sample(1.0, weight=3000, at=noon - 7 * 86_400)]
    await store.write(SeriesBatch((*minutes, *jitter, *before), calls=(a_call(),)))
    await store.close(time.time())
    async with FakeTelegram() as telegram:
        config = configured(tmp_path, telegram.url, now)
        async with running(config) as daemon:
            await daemon.logged("report.told target=ops")
            await telegram.wait(lambda: len(telegram.living(CHAT)) >= 3, timeout_s=40)
            assert await daemon.stop() == 0
        shown = telegram.living(CHAT)
        message = next(each for each in shown if each.text.startswith("Daily report"))
        assert f"{now - timedelta(days=1):%Y-%m-%d} 00:00" in message.text
        row = next(line for line in message.text.splitlines() if line.startswith("SIP/6117"))
        assert row.split() == ["SIP/6117", "3.00", "-", "+2.00"]
        assert [each for each in shown if each.document is not None], "the whole report"
        assert [each for each in shown if each.picture is not None], "the chart"
        async with running(config) as daemon:
            await daemon.logged("started pbx=office")
            assert await daemon.stop() == 0
        daily = [text for text in telegram.texts(CHAT) if text.startswith("Daily report")]
        assert len(daily) == 1, "told once"
