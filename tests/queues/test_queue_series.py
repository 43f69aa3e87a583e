"""The figures of queues as a series: kept per minute, and read back."""

from __future__ import annotations

from pathlib import Path

from qualitywatch.model import Gauge, QueuesListed, QueueSummarySeen
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.store.backends.rollup import RollupOptions, RollupStore

START = 1_700_000_040.0  # the beginning of a minute


async def test_a_minute_of_a_queue_is_kept_with_its_mean_and_extremes(tmp_path: Path) -> None:
    pipeline = Pipeline("office", ())
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    for at, callers, longest_s in ((START, 2, 10), (START + 30, 6, 40), (START + 60, 0, 0)):
        seen = pipeline.feed(QueueSummarySeen(at, "support", callers, longest_s, available=0, logged_in=3))
        listed = pipeline.feed(QueuesListed(at))
        await store.write(SeriesBatch(kpis=(*seen.kpis, *listed.kpis)))
    await store.flush(START + 200)
    points = await store.kpis("office", "support", START, START + 120)
    kept = {(point.at - START, point.kpi): (point.mean, point.low, point.high) for point in points}
    assert kept[0, Gauge.QUEUE_CALLERS] == (4, 2, 6)
    assert kept[0, Gauge.QUEUE_LONGEST_HOLD_S] == (25, 10, 40)
    assert kept[0, Gauge.QUEUE_AGENTS_LOGGED_IN] == (3, 3, 3)
    assert kept[60, Gauge.QUEUE_CALLERS] == (0, 0, 0)
    await store.close(START + 200)


def test_what_is_not_known_is_not_kept_as_zero() -> None:
    pipeline = Pipeline("office", ())
    unknown = QueueSummarySeen(START, "support", callers=None, longest_hold_s=None, available=None, logged_in=2)
    kpis = {record.kpi for record in pipeline.feed(unknown).kpis}
    assert kpis == {Gauge.QUEUE_AGENTS_LOGGED_IN, Gauge.QUEUE_CALLERS_UNATTENDED}
