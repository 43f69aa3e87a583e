"""What is kept for backtests: to the last bit, of the right minutes, and no more than a day may cost."""

from __future__ import annotations

import random
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.errors import StoreError
from qualitywatch.model import (
    ChangeObservation,
    Direction,
    Metric,
    PeerState,
    Sample,
    StatusObservation,
    Tally,
    TallyObservation,
    Verdict,
)
from qualitywatch.model.observations import Belonging, Gap, Observed
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.windows import USABLE
from qualitywatch.store import journal
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.detail import AFTER, KEPT_VERDICTS, DetailCollector, unpack
from qualitywatch.store.past import Past

START = 1_800_000_000 - 1_800_000_000 % 60
DAY_S = 86_400


def a_sample(at: float, value: float = 5.0, metric: Metric = Metric.LOSS_PERCENT, subject: str = "SIP/6117") -> Sample:
    return Sample(at, metric, value, "office", subject, Direction.TO_PEER, "", "call-1", Verdict.OK, 250.0, "alaw")


samples = st.builds(
    Sample,
    at=st.integers(0, 59_999_999).map(lambda micros: (START * 1_000_000 + micros) / 1e6),
    metric=st.sampled_from(
        [Metric.LOSS_PERCENT, Metric.LOSS_PERCENT_REPORTED, Metric.JITTER_MS, Metric.RTT_MS, Metric.R_FACTOR]
    ),
    value=st.one_of(st.just(0.0), st.floats(0, 1e4)),
    pbx=st.just("office"),
    subject=st.just("SIP/6117"),
    direction=st.sampled_from([None, *Direction]),
    channel=st.just(""),
    uniqueid=st.text(max_size=8),
    verdict=st.sampled_from(KEPT_VERDICTS),
    weight=st.floats(1, 1e5),
    codec=st.one_of(st.none(), st.sampled_from(["alaw", "opus", "g729"])),
)


@settings(max_examples=60)
@given(taken=st.lists(samples, min_size=1, max_size=20))
def test_reports_are_kept_to_the_last_bit(taken: list[Sample]) -> None:
    collector = DetailCollector()
    collector.add([a_sample(START + 1.0, 100.0), *taken])
    (detail,) = collector.take(START, everything=True)()
    assert list(unpack(detail)) == [a_sample(START + 1.0, 100.0), *taken]


def test_every_verdict_a_rule_counts_is_kept() -> None:
    assert {verdict for verdicts in USABLE.values() for verdict in verdicts} <= {*KEPT_VERDICTS}


@pytest.mark.parametrize("flush_every_s", [60, 20, 240])
def test_a_bad_minute_is_kept_with_its_neighbours(flush_every_s: int) -> None:
    collector = DetailCollector()
    kept: list[int] = []
    for second in range(0, 20 * 60, 5):
        minute = second // 60
        collector.add([a_sample(START + second + 0.25, 5.0 if minute == 8 else 0.0)])
        if second % flush_every_s == 0:
            kept += [(detail.start_at - START) // 60 for detail in collector.take(START + second)()]
    kept += [(detail.start_at - START) // 60 for detail in collector.take(START + 1200, everything=True)()]
    if flush_every_s <= 60:
        assert kept == list(range(7, 8 + AFTER + 1))
    assert set(range(8, 8 + AFTER + 1)) <= set(kept)


def test_good_minutes_leave_nothing_and_hold_no_memory() -> None:
    collector = DetailCollector()
    for minute in range(500):
        collector.add([a_sample(START + 60 * minute + 1, 0.5)])
        assert collector.take(START + 60 * minute + 70)() == []
    assert len(collector._held["office", "SIP/6117"]) <= 2


def test_a_day_costs_no_more_than_it_may() -> None:
    collector, chance, kept = DetailCollector(bytes_per_day=200_000), random.Random(1), 0
    by_hour = [0] * 48
    for minute in range(2 * 1440):
        at = START + 60 * minute
        collector.add(a_sample(at + place, chance.uniform(2, 90), subject=f"SIP/{place}") for place in range(30))
        size = sum(len(detail.packed) for detail in collector.take(at + 65)())
        kept += size
        by_hour[minute // 60] += size
    assert 1.9 * 200_000 < kept <= 2.2 * 200_000
    assert min(by_hour) > 0  # spread over the day, not used up in the morning


what = st.one_of(
    st.builds(
        StatusObservation,
        at=st.floats(1e9, 2e9),
        entity=st.sampled_from(["peer", "trunk", "pbx", "audio"]),
        pbx=st.just("office"),
        subject=st.text(max_size=12),
        status=st.sampled_from(list(PeerState)).map(str),
        since_at=st.floats(1e9, 2e9),
        detail=st.one_of(st.none(), st.text(max_size=12)),
        calls=st.one_of(st.none(), st.integers(0, 5)),
    ),
    st.builds(
        TallyObservation,
        at=st.floats(1e9, 2e9),
        tally=st.sampled_from(Tally),
        pbx=st.just("office"),
        subject=st.text(max_size=12),
        good=st.sampled_from([0.0, 1.0]),
        total=st.just(1.0),
        detail=st.one_of(st.none(), st.text(max_size=20)),
    ),
    st.builds(
        ChangeObservation,
        at=st.floats(1e9, 2e9),
        pbx=st.just("office"),
        subject=st.text(max_size=12),
        attribute=st.just("user_agent"),
        old=st.one_of(st.none(), st.text(max_size=12)),
        new=st.text(max_size=12),
    ),
    st.builds(Gap, at=st.floats(1e9, 2e9), pbx=st.just("office"), subject=st.just("office"), begins=st.booleans()),
    st.builds(
        Belonging,
        at=st.floats(1e9, 2e9),
        pbx=st.just("office"),
        subject=st.text(max_size=12),
        trunk=st.one_of(st.none(), st.text(max_size=12)),
    ),
)


@settings(max_examples=60)
@given(
    observed=st.lists(st.builds(Observed, at=st.floats(1e9, 2e9), what=what, by_tick=st.booleans()), min_size=1, max_size=20)
)
def test_what_was_judged_is_kept_as_it_was(observed: list[Observed]) -> None:
    (packed,) = journal.pack(observed)
    assert list(journal.unpack(packed)) == observed
    assert (packed.first_at, packed.last_at) == (min(each.at for each in observed), max(each.at for each in observed))


_BATCH = st.lists(st.builds(Observed, at=st.floats(1e9, 2e9), what=what, by_tick=st.booleans()), min_size=1, max_size=9)


@settings(max_examples=40)
@given(first=_BATCH, then=_BATCH, last=_BATCH, is_small=st.booleans())
def test_minutes_put_together_are_what_they_were(
    first: list[Observed], then: list[Observed], last: list[Observed], is_small: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if is_small:  # a Python without it
            patch.setattr(journal, "lzma", None)
        (packed,), (more,), (most,) = map(journal.pack, (first, then, last))
    together = journal.joined(packed.packed, more.packed, "office")
    assert together is not None
    together = journal.joined(together, most.packed, "office")
    assert together is not None
    assert list(journal.unpack(replace(packed, packed=together))) == [*first, *then, *last]
    old = zlib.compress(b'[2.0,0,"Gap",{"subject":"office"}]')
    assert journal.joined(old, more.packed, "office") is None


def test_of_one_kind_only_that_is_read_which_tells_a_field() -> None:
    tallies = [TallyObservation(2.0, Tally.ANSWERED, "office", "SIP/1", 0.0, 1.0, detail) for detail in ("17", None)]
    told: list[Gap | TallyObservation] = [Gap(2.0, "office", "office"), *tallies]
    (packed,) = journal.pack([Observed(2.0, what) for what in told])
    assert [each.what for each in journal.unpack(packed, "TallyObservation", "detail")] == tallies[:1]
    assert [each.what for each in journal.unpack(packed, "TallyObservation")] == tallies


async def test_what_was_judged_minute_by_minute_shares_rows(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    at = [START + 30.0 * place for place in range(100)]
    for each in at:
        seen = [Observed(each, Gap(each, pbx, pbx)) for pbx in ("office", "home")]
        await store.write(SeriesBatch(observed=tuple(seen)))
        await store.flush(each + 200)
    await store.close(at[-1])
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        assert file.execute("SELECT count(*) < 15, min(ts), max(until) FROM judged").fetchone() == (1, at[0], at[-1])
    past = Past.open(tmp_path / ROLLUP_FILE)
    assert [each.at for each in past.observed("office", at[3], at[90])] == at[3:90]
    past.close()


def a_state(at: float, status: str, detail: str | None = None) -> Observed:
    return Observed(at, StatusObservation(at, "peer", "office", "SIP/6117", status, at, detail))


async def test_what_has_no_room_in_a_row_is_followed_by_newer_rows_only(tmp_path: Path) -> None:
    chance = random.Random(1)
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    for place, size in enumerate((2_000, 15_000, 1_500, 13_000, 2_500, 10)):
        at = START + 60.0 * place
        await store.write(SeriesBatch(observed=(a_state(at, f"state {place}", chance.randbytes(size).hex()),)))
        await store.flush(at + 30)
    await store.close(START + 400.0)
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        rows = file.execute("SELECT ts, until FROM judged ORDER BY id").fetchall()
    assert len(rows) == 4
    assert [at for row in rows for at in row] == sorted(at for row in rows for at in row)
    with closing(Past.open(tmp_path / ROLLUP_FILE)) as past:
        for place in range(6):
            (stood,) = past.standing("office", START + 60.0 * place + 1)
            assert isinstance(stood.what, StatusObservation)
            assert stood.what.status == f"state {place}"


async def test_how_a_peer_stood_is_what_was_told_last_whichever_row_tells_it(tmp_path: Path) -> None:
    await (await RollupStore.open(tmp_path, RollupOptions(), now=START)).close(START)
    overlapping = [[a_state(START, "up"), a_state(START + 120.0, "lagged")], [a_state(START + 60.0, "gone")]]
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE, isolation_level=None)) as file:
        for batch in overlapping:
            (packed,) = journal.pack(batch)
            row = packed.first_at, packed.last_at, packed.pbx, packed.packed
            file.execute("INSERT INTO judged(ts, until, pbx, observed) VALUES (?, ?, ?, ?)", row)
    with closing(Past.open(tmp_path / ROLLUP_FILE)) as past:
        assert past.standing("office", START + 200.0) == [overlapping[0][1]]
        assert past.standing("office", START + 100.0) == [overlapping[1][0]]


def in_tables(text: str) -> bytes:
    return b"\x01" + zlib.compress(text.encode())


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x01nonsense",
        b"\x02\xff\xff",
        b"\x02",
        in_tables("[]"),
        in_tables("[1,2]"),
        in_tables("[[7],[]]"),
        in_tables('[[0,0],[[["Gap","subject"],[[1.0],[0],["office"]]]]]'),
        in_tables('[[0],[[["Gap","subject"],["1",[0],["office"]]]]]'),
        in_tables('[[0],{"0":[]}]'),
        in_tables("[" * 100_000),
    ],
)
async def test_a_damaged_row_keeps_nothing_from_being_written(tmp_path: Path, damaged: bytes) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    for place in range(2):
        at = START + 60.0 * place
        await store.write(SeriesBatch(observed=(Observed(at, Gap(at, "office", "office")),)))
        await store.flush(at + 30)
        with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file, file:
            file.execute("UPDATE judged SET observed = ? WHERE ts = ?", (damaged, START))
    await store.close(START + 200.0)
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        assert file.execute("SELECT ts FROM judged ORDER BY id").fetchall() == [(START,), (START + 60,)]
    with closing(Past.open(tmp_path / ROLLUP_FILE)) as past:
        assert [each.at for each in past.observed("office", START + 30, START + 90)] == [START + 60.0]
        with pytest.raises(StoreError, match="stored"):
            past.observed("office", START, START + 30)


async def test_what_needs_lzma_is_left_alone_by_a_python_without_it(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    with pytest.MonkeyPatch.context() as patch:
        for place in range(3):
            at = START + 60.0 * place
            await store.write(SeriesBatch(observed=(Observed(at, Gap(at, "office", "office")),)))
            await store.flush(at + 30)
            patch.setattr(journal, "lzma", None)
    await store.close(START + 200.0)
    with closing(Past.open(tmp_path / ROLLUP_FILE)) as past:
        assert [each.at for each in past.observed("office", START, START + 200)] == [START, START + 60.0, START + 120.0]
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        assert file.execute("SELECT ts FROM judged ORDER BY id").fetchall() == [(START,), (START + 60,)]


def test_single_reports_give_way_to_what_else_is_kept() -> None:
    kept = []
    for others in (0, 50, 10**9):
        collector = DetailCollector(bytes_per_day=200_000)
        sizes = []
        for minute in range(1440):
            at = START + 60 * minute
            collector.add(a_sample(at + place, place + 2, subject=f"SIP/{place}") for place in range(30))
            collector.count_others(others)
            sizes.append(sum(len(detail.packed) for detail in collector.take(at + 65)()))
        kept.append(sum(sizes))
    assert kept[0] > 200_000
    assert kept[1] == pytest.approx(kept[0] - 2 * 1440 * 50, rel=0.05)
    assert kept[2] == pytest.approx(200_000 * (1 / 8 + 1 / 8), rel=0.05)


def test_what_a_newer_version_judged_is_passed_over() -> None:
    (packed,) = journal.pack([Observed(1.0, Gap(1.0, "office", "office"))])
    lines = b'[1.0,0,"Prophecy",{"subject":"x"}]\n[2.0,0,"Gap",{"subject":"office"}]'
    newer = journal.Journal(1.0, 2.0, "office", zlib.compress(lines))
    assert [each.at for each in journal.unpack(newer)] == [2.0]
    with pytest.raises(StoreError, match="damaged"):
        list(journal.unpack(journal.Journal(1.0, 1.0, "office", packed.packed[:-3])))


async def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    for day in (0, 10, 20):
        at = float(START + day * DAY_S)
        await store.write(SeriesBatch((a_sample(at),), observed=(Observed(at, Gap(at, "office", "office")),)))
        await store.flush(at + 200)
    await store.prune(START + 26 * DAY_S)
    await store.close(START + 26 * DAY_S)
    connection = sqlite3.connect(tmp_path / ROLLUP_FILE)
    assert connection.execute("SELECT ts FROM detail").fetchall() == [(START + 20 * DAY_S,)]
    assert connection.execute("SELECT ts FROM judged").fetchall() == [(START + 20 * DAY_S,)]
    connection.close()


async def test_the_past_is_read_while_the_daemon_writes(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=START)
    await store.write(SeriesBatch((a_sample(START + 1.0),)))
    await store.flush(START + 70)
    past = Past.open(tmp_path / ROLLUP_FILE)
    assert len(past.samples("office", START, START + 60)) == 1
    await store.write(SeriesBatch((a_sample(START + 61.0),)))
    await store.flush(START + 130)  # raises if our reading held the file
    assert len(past.samples("office", START, START + 120)) == 2
    past.close()
    await store.close(START + 200)
