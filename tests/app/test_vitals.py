"""The daemon's own figures: written to every store, and found there by the dashboard."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from qualitywatch.app.insight import Insight
from qualitywatch.app.vitals import Vitals
from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Lines
from qualitywatch.grafana.sql import Sql
from qualitywatch.sinks.measurements import measurements
from qualitywatch.sinks.servers.victoria import Victoria
from qualitywatch.sinks.sink import Sink
from qualitywatch.sinks.spool import Spool
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.web.inside import Inside
from tests.app.office import START, Office, office, running, until
from tests.grafana.filling import Span, asked, filled

NOBODY = "http://127.0.0.1:9"  # discard: nothing listens there
CHOICES = {"pbx": ["office"]}


def inside(it: Office, *sinks: Sink, waiting: int = 0) -> Callable[[], Inside]:
    return Insight({"office": it.watcher}, sinks, it.keeper, waiting=lambda: waiting, hangs=lambda: None).look


async def test_a_minute_of_the_daemon_is_on_its_dashboard_and_in_its_sinks(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    async with office() as it:
        spool = await Spool.open(path, max_bytes=1 << 20, now=START)
        sink = Sink("vm", Victoria(NOBODY), spool, it.clock, readings=lambda batch: measurements(batch, lambda *of: {}))
        sink.counts.sent, sink.counts.dropped = 40, 2
        store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
        vitals = Vitals(inside(it, sink, waiting=3), [store, sink], it.clock)
        async with running(it.watcher):
            await until(lambda: it.pipeline.now is not None)
            await vitals.write()
        await store.close(START + 60)
        await sink.close(START + 60)
    connection = sqlite3.connect(tmp_path / ROLLUP_FILE)
    connection.row_factory = sqlite3.Row
    shown = {}
    for each in asked(Sql()):
        if each.board.uid == names.DAEMON and isinstance(each.ask, Lines):
            rows = connection.execute(filled(each.query.text, CHOICES, Span(START - 60, START + 60))).fetchall()
            shown[each.ask.figure.name] = {" ".join(str(row[tag]) for tag in each.ask.by): row["value"] for row in rows}
    connection.close()
    assert shown["events"]["office"] > 0, "each event counts, those of connecting too"
    assert shown["lag"]["office"] >= 0
    assert shown["outbox"] == {"": 3.0}
    assert shown["firing"] == {"info": 0.0, "warning": 0.0, "critical": 1.0}
    assert shown["spool"] == {"vm": 0.0}
    assert shown["lines"]["vm sent"] / shown["lines"]["vm dropped"] == pytest.approx(20)
    assert shown["lines"]["vm refused"] == 0

    spool = await Spool.open(path, max_bytes=1 << 20, now=START)
    batch = await spool.oldest()
    await spool.close()
    assert batch is not None and batch.text is not None
    lines = batch.text.decode().splitlines()
    assert all(line.startswith("daemon") for line in lines)
    assert any(line.startswith("daemon,severity=critical firing=1 ") for line in lines)
    assert any(line.startswith("daemon,outcome=sent,sink=vm lines=40,seconds=") for line in lines)
    assert any(line.startswith("daemon waiting=3 ") for line in lines)


async def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    async with office() as it:
        spool = await Spool.open(tmp_path / "spool.db", max_bytes=1 << 20, now=START)
        sink = Sink("vm", Victoria(NOBODY), spool, it.clock, readings=lambda batch: [])
        store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
        vitals = Vitals(inside(it, sink), [store], it.clock)
        for minute, sent in enumerate((40, 45, 45)):
            it.clock.at = START + 60 * minute
            sink.counts.sent = sent
            await vitals.write()
        told = await store.kpis("", "sent vm", START - 60, START + 300)
        await store.close(START)
        await sink.close(START)
    assert [round(point.mean * point.count) for point in told] == [40, 5, 0]


async def test_a_store_that_cannot_take_it_does_not_stop_the_others(tmp_path: Path) -> None:
    async with office() as it:
        closed = await RollupStore.open(tmp_path / "closed", RollupOptions(), now=START)
        await closed.close(START)
        store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
        await Vitals(inside(it, waiting=7), [closed, store], it.clock).write()
        (waiting,) = await store.kpis("", "outbox", START - 60, START + 60)
        assert waiting.high == 7
        await store.close(START)
