"""What every store must do, whatever it is made of: one suite for state, one for series, each over its registry."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.errors import StoreError
from qualitywatch.model import AlertState, Direction, HistoryPoint, Incident, KpiRecord, Metric, Post, Silence, Told, Verdict
from qualitywatch.ports import SeriesBatch, StateChange, StoredState
from qualitywatch.store.bounds import USUAL, Bounds
from qualitywatch.store.registry import STATE_STORES, STORES, SeriesBackend, StateBackend
from tests.store.model_values import (
    NOW,
    a_call,
    a_log,
    a_post,
    a_sample,
    a_silence,
    an_agent,
    an_alert,
    an_audit_row,
    an_incident,
)

DURABLE = sorted(STATE_STORES.keys() - {"memory"})


# --- State ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(STATE_STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateBackend]:
    opened = await STATE_STORES[request.param].open(tmp_path, now=NOW)
    yield opened
    await opened.close()


@pytest.fixture(params=sorted(STATE_STORES))
async def small_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateBackend]:
    """One that soon has enough of the past."""
    bounds = Bounds(closed_loaded=2, silences_loaded=2, closed_kept=4, silences_kept=4, audit_kept=3, commits_between=5)
    opened = await STATE_STORES[request.param].open(tmp_path, now=NOW, bounds=bounds)
    yield opened
    await opened.close()


def ids(values: Iterable[Incident | Post | Silence]) -> list[int]:
    return [value.id for value in values]


async def test_a_new_store_is_empty(store: StateBackend) -> None:
    assert await store.load() == StoredState((), (), {})
    assert await store.audit(10) == ()


async def test_what_is_committed_is_loaded(store: StateBackend) -> None:
    change = StateChange(alerts=(an_alert(), an_alert("SIP/6118")), agents=(an_agent(),), meta={"boot": "1"})
    await store.commit(change)
    state = await store.load()
    assert (set(map(repr, state.alerts)), state.agents, state.meta) == (
        set(map(repr, change.alerts)),
        change.agents,
        {"boot": "1"},
    )


async def test_a_later_commit_replaces_and_an_inactive_alert_is_deleted(store: StateBackend) -> None:
    await store.commit(StateChange(alerts=(an_alert(), an_alert("SIP/6118")), agents=(an_agent(),), meta={"a": "1", "b": "1"}))
    await store.commit(
        StateChange(
            alerts=(an_alert(value=12.0), an_alert("SIP/6118", state=AlertState.INACTIVE)),
            agents=(an_agent(user_agent=None),),
            meta={"b": "2"},
        )
    )
    assert await store.load() == StoredState((an_alert(value=12.0),), (an_agent(user_agent=None),), {"a": "1", "b": "2"})


async def test_an_empty_fact_is_deleted(store: StateBackend) -> None:
    await store.commit(StateChange(meta={"a": "1", "b": "1"}))
    await store.commit(StateChange(meta={"a": "", "c": ""}))
    assert (await store.load()).meta == {"b": "1"}


async def test_one_rule_keeps_directions_apart(store: StateBackend) -> None:
    alert = an_alert()
    undirected = replace(alert, key=replace(alert.key, direction=None))
    await store.commit(StateChange(alerts=(alert, undirected)))
    await store.commit(StateChange(alerts=(replace(alert, state=AlertState.INACTIVE),)))
    assert (await store.load()).alerts == (undirected,)


async def test_incidents_posts_and_silences_are_loaded_as_they_were(store: StateBackend) -> None:
    incidents = (an_incident(1), an_incident(2, closed_at=NOW + 420))
    posts = (a_post(1), a_post(2, Told(2, 1, 1, closed=True)))
    silences = (a_silence(1), a_silence(2, expired_at=NOW + 5))
    await store.commit(StateChange(incidents=incidents[::-1], posts=posts[::-1], silences=silences[::-1]))
    state = await store.load()
    assert (state.incidents, state.posts, state.silences) == (incidents, posts, silences)  # by id


async def test_a_later_commit_replaces_by_id(store: StateBackend) -> None:
    await store.commit(StateChange(incidents=(an_incident(1),), posts=(a_post(1),), silences=(a_silence(1),)))
    later = an_incident(1, closed_at=NOW + 9, revision=7), a_post(1, Told(1, 1, 7)), a_silence(1, expired_at=NOW)
    await store.commit(StateChange(incidents=later[:1], posts=later[1:2], silences=later[2:]))
    state = await store.load()
    assert (*state.incidents, *state.posts, *state.silences) == later


async def test_the_audit_is_read_from_its_end(store: StateBackend) -> None:
    rows = [an_audit_row(f"incident {number}", at=NOW - number) for number in range(5)]  # order of arrival, not of clocks
    await store.commit(StateChange(audit=tuple(rows[:3])))
    await store.commit(StateChange(audit=tuple(rows[3:])))
    assert list(await store.audit(3)) == rows[:1:-1]
    assert list(await store.audit(100)) == rows[::-1]


async def close_one_by_one(store: StateBackend, numbers: Iterable[int]) -> None:
    """Incidents that are over and told of."""
    for number in numbers:
        incident, post = an_incident(number, closed_at=NOW + number), a_post(number, Told(number, 1, 1, closed=True))
        await store.commit(StateChange(incidents=(incident,), posts=(post,)))


async def test_of_what_is_over_only_the_newest_is_loaded(small_store: StateBackend) -> None:
    await small_store.commit(StateChange(incidents=(an_incident(1),), posts=(a_post(1),)))  # this one is still open
    await close_one_by_one(small_store, range(2, 6))
    state = await small_store.load()
    assert (ids(state.incidents), ids(state.posts)) == ([1, 4, 5], [1, 4, 5])


@pytest.mark.parametrize(
    ("incident", "post"),
    [
        (an_incident(1, closed_at=NOW, revision=2), a_post(1, Told(1, news=1, revision=1))),
        (an_incident(1, closed_at=NOW, news=2), a_post(1, Told(1, news=1, revision=1))),
        (an_incident(1, closed_at=NOW), a_post(1, Told(1, news=1, revision=1), superseded=(77,))),
        (an_incident(1, closed_at=NOW, targets=("noc", "duty")), a_post(1, Told(1, news=1, revision=1))),
    ],
    ids=["its end", "news", "a message to be struck out", "a target that has heard nothing"],
)
async def test_what_somebody_has_still_to_be_told_is_loaded_however_old(
    small_store: StateBackend, incident: Incident, post: Post
) -> None:
    await small_store.commit(StateChange(incidents=(incident,), posts=(post,)))
    await close_one_by_one(small_store, range(2, 5))
    state = await small_store.load()
    assert (state.incidents[0], state.posts[0]) == (incident, post)


@pytest.mark.parametrize(
    ("incident", "post"),
    [
        (an_incident(1, closed_at=NOW, revision=2), a_post(1, Told(1, news=1, revision=1), failed="403 Forbidden")),
        (an_incident(1, closed_at=NOW, news=0), None),
        (an_incident(1, closed_at=NOW), a_post(1, Told(1, news=1, revision=1), target="noc", failed="403 Forbidden")),
    ],
    ids=["given up", "always muted", "never sent, given up"],
)
async def test_what_nobody_will_be_told_any_more_is_left_alone(
    small_store: StateBackend, incident: Incident, post: Post | None
) -> None:
    await small_store.commit(StateChange(incidents=(incident,), posts=(post,) if post else ()))
    await close_one_by_one(small_store, range(2, 5))
    assert ids((await small_store.load()).incidents) == [3, 4]


async def test_the_newest_post_is_always_loaded_so_that_its_id_is_not_given_twice(small_store: StateBackend) -> None:
    await close_one_by_one(small_store, range(1, 5))
    late = a_post(99, Told(1, 1, 1, closed=True))  # a new message of an old incident
    await small_store.commit(StateChange(posts=(late,)))
    state = await small_store.load()
    assert ids(state.incidents) == [1, 3, 4]
    assert ids(state.posts) == [1, 3, 4, 99]


async def test_a_digest_is_loaded_with_all_it_speaks_of(small_store: StateBackend) -> None:
    await close_one_by_one(small_store, range(1, 5))
    digest = replace(a_post(50, Told(1, 1, 1), Told(4, 1, 1)), is_digest=True)
    other = replace(a_post(49, Told(1, 1, 1), Told(2, 1, 1)), is_digest=True, target="duty")
    await small_store.commit(StateChange(posts=(digest, other)))
    state = await small_store.load()
    assert ids(state.incidents) == [1, 2, 3, 4]  # 2 shares a digest with 1, and 1 with 4
    assert ids(state.posts) == [1, 2, 3, 4, 49, 50]


async def test_silences_not_ended_are_loaded_however_old(small_store: StateBackend) -> None:
    await small_store.commit(StateChange(silences=(a_silence(1), a_silence(2, ends_at=NOW), a_silence(3, expired_at=NOW))))
    await small_store.commit(StateChange(silences=(a_silence(4), a_silence(5, ends_at=NOW))))
    assert ids((await small_store.load()).silences) == [1, 4, 5]


async def test_the_past_is_bounded(small_store: StateBackend) -> None:
    silences = [a_silence(1), *(a_silence(number, ends_at=NOW) for number in range(2, 8))]
    await small_store.commit(StateChange(incidents=(an_incident(1),), posts=(a_post(1),), silences=tuple(silences)))
    await close_one_by_one(small_store, range(2, 20))
    untold = [an_incident(number, closed_at=NOW, revision=5) for number in range(2, 20)]  # would all be loaded, were they there
    await small_store.commit(StateChange(audit=tuple(an_audit_row(str(number)) for number in range(9))))
    assert [row.what for row in await small_store.audit(100)] == ["8", "7", "6"]  # this was the 20th commit
    state = await small_store.load()
    assert ids(state.incidents) == [1, 18, 19]
    assert ids(state.silences) == [1, 6, 7]
    await small_store.commit(StateChange(incidents=tuple(untold[-4:])))
    state = await small_store.load()
    assert (ids(state.incidents), ids(state.posts)) == ([1, 16, 17, 18, 19], [1, 16, 17, 18, 19])
    await small_store.commit(StateChange(incidents=tuple(untold[:14])))
    state = await small_store.load()
    assert ids(state.posts) == [1, 16, 17, 18, 19]  # the posts of the others were deleted with them


async def test_any_text_is_kept(store: StateBackend) -> None:
    hostile = "\udc80\x00\n'\"; DROP TABLE alert; 😀"
    alert = replace(an_alert(f"SIP/{hostile}"), details={hostile: hostile})
    change = StateChange(
        alerts=(alert,),
        incidents=(replace(an_incident(1, subject=hostile, targets=(hostile,)), pbx=hostile),),
        posts=(replace(a_post(1), target=hostile, looks=hostile),),
        silences=(replace(a_silence(1), comment=hostile, by=hostile),),
        audit=(replace(an_audit_row(hostile), by=hostile, action=hostile),),
        agents=(an_agent(hostile, hostile),),
        meta={hostile: hostile},
    )
    await store.commit(change)
    parts = (change.alerts, change.agents, {hostile: hostile}, change.incidents, change.posts, change.silences)
    assert await store.load() == StoredState(*parts, last_incident=1, last_silence=1)
    assert await store.audit(1) == change.audit
    await store.commit(StateChange(alerts=(replace(alert, state=AlertState.INACTIVE),)))
    assert (await store.load()).alerts == ()


async def test_commits_made_at_once_are_all_kept(store: StateBackend) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, 51):
            change = StateChange(alerts=(an_alert(f"SIP/{number}"),), incidents=(an_incident(number),))
            tasks.create_task(store.commit(change))
    state = await store.load()
    assert len(state.alerts) == len(state.incidents) == 50


async def test_a_closed_store_refuses(store: StateBackend) -> None:
    await store.close()
    await store.close()  # a second call does nothing
    with pytest.raises(StoreError, match="already closed"):
        await store.commit(StateChange(alerts=(an_alert(),)))
    with pytest.raises(StoreError, match="already closed"):
        await store.load()
    with pytest.raises(StoreError, match="already closed"):
        await store.audit(1)


@pytest.mark.parametrize("backend", DURABLE)
async def test_everything_is_there_after_a_restart(backend: str, tmp_path: Path) -> None:
    store = await STATE_STORES[backend].open(tmp_path, now=NOW)
    change = StateChange(
        alerts=(an_alert(),),
        incidents=(an_incident(1),),
        posts=(a_post(1, superseded=(7, 8)),),
        silences=(a_silence(1),),
        audit=(an_audit_row(),),
        agents=(an_agent(),),
        meta={"a": "1"},
    )
    await store.commit(change)
    before = await store.load()
    await store.close()

    again = await STATE_STORES[backend].open(tmp_path, now=NOW + 60)
    assert await again.load() == before
    assert (before.incidents, before.posts, before.silences) == (change.incidents, change.posts, change.silences)
    assert await again.audit(10) == change.audit
    await again.close()


async def kill_rounds(backend: str, directory: Path, rounds: int) -> None:
    """Kill a writing process at random moments, and check what is found afterwards each time."""
    dice = random.Random(20)
    writer = Path(__file__).with_name("crash_writer.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, str(writer), backend, str(directory)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        returned = [int(process.stdout.readline()) for _ in range(dice.randint(1, 40))]
        try:
            process.wait(dice.random() / 50)  # a random moment within the next commits
        except subprocess.TimeoutExpired:
            process.kill()
        returned += [int(line) for line in process.stdout.read().split()]
        process.stdout.close()
        assert process.wait() == -9

        store = await STATE_STORES[backend].open(directory, now=NOW)
        state = await store.load()
        last = int(state.meta["step"])
        assert last >= max(returned)  # every commit that returned is there
        alerts = [int(alert.key.subject.removeprefix("SIP/")) for alert in state.alerts]
        assert sorted(alerts) == list(range(max(1, last - 9), last + 1))
        steps = list(range(1, last + 1))
        assert ids(state.incidents) == ids(state.posts) == steps  # all of a step or nothing
        assert [int(row.what) for row in await store.audit(USUAL.audit_kept)] == steps[-USUAL.audit_kept :][::-1]
        await store.close()


@pytest.mark.parametrize("backend", DURABLE)
async def test_kill_minus_9_loses_nothing_that_was_committed(backend: str, tmp_path: Path) -> None:
    await kill_rounds(backend, tmp_path, rounds=3)


@pytest.mark.slow
@pytest.mark.parametrize("backend", DURABLE)
async def test_many_kills_lose_nothing_either(backend: str, tmp_path: Path) -> None:
    await kill_rounds(backend, tmp_path, rounds=30)


# --- Series -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(STORES))
async def series(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SeriesBackend]:
    backend = STORES[request.param]
    opened = await backend.open(tmp_path, backend.Options(), now=NOW)
    yield opened
    await opened.close(NOW)


A_BATCH = SeriesBatch(
    samples=tuple(a_sample(metric=metric) for metric in Metric),
    calls=(a_call(),),
    logs=(a_log(),),
)


async def test_series_go_through_their_whole_life(series: SeriesBackend) -> None:
    await series.write(SeriesBatch())
    await series.flush(NOW)
    await series.write(A_BATCH)
    await series.flush(NOW + 60)
    await series.prune(NOW + 120)
    await series.write(A_BATCH)  # late, for a minute already written
    await series.close(NOW + 180)
    await series.close(NOW + 180)  # a second call does nothing


async def test_series_take_any_text(series: SeriesBackend) -> None:
    hostile = "SIP/\udc80\x00'😀"
    await series.write(
        SeriesBatch(
            samples=(a_sample(subject=hostile), a_sample(uniqueid=hostile)),
            calls=(replace(a_call(hostile), codec=hostile, linkedid=None),),
            logs=(replace(a_log(hostile), pbx=hostile, kind=hostile),),
        )
    )
    await series.flush(NOW + 120)
    await series.close(NOW + 120)


async def test_writes_and_flushes_may_overlap(series: SeriesBackend) -> None:
    async with asyncio.TaskGroup() as tasks:
        for minute in range(20):
            tasks.create_task(series.write(SeriesBatch((a_sample(at=NOW + 60 * minute),), (a_call(),), (a_log(),))))
            tasks.create_task(series.flush(NOW + 60 * minute))
            tasks.create_task(series.prune(NOW))


async def test_a_closed_series_store_refuses(series: SeriesBackend) -> None:
    await series.close(NOW)
    with pytest.raises(StoreError, match="already closed"):
        await series.write(A_BATCH)


HISTORY = (NOW - 3600, NOW + 3600)


async def test_history_is_empty_where_nothing_is_known(series: SeriesBackend) -> None:
    assert list(await series.history("office", "SIP/6117", *HISTORY)) == []
    assert list(await series.subjects("office", *HISTORY)) == []


async def test_history_is_known_before_it_is_written_and_after(series: SeriesBackend) -> None:
    """The same figures, whether they wait in memory, are on the disk, or half of both."""
    first = [a_sample(10.0, weight=100), a_sample(9.0, metric=Metric.JITTER_MS), a_sample(40.0, metric=Metric.RTT_MS)]
    second = [a_sample(0.0, weight=300), a_sample(3.0, metric=Metric.JITTER_MS), a_sample(60.0, metric=Metric.RTT_MS)]

    async def seen() -> list[HistoryPoint]:
        return [replace(point, at=0.0, seconds=0.0) for point in await series.history("office", "SIP/6117", *HISTORY)]

    await series.write(SeriesBatch((*first, *second)))
    expected = await seen()
    rtt, to_peer = expected
    assert (rtt.direction, rtt.rtt_ms, rtt.rtt_ms_max, rtt.loss_percent, rtt.packets) == (None, 50.0, 60.0, None, None)
    assert (to_peer.direction, to_peer.calls, to_peer.packets, to_peer.rtt_ms) == (Direction.TO_PEER, 1, 400.0, None)
    assert (to_peer.loss_percent, to_peer.loss_percent_max, to_peer.loss_percent_reported) == (2.5, 10.0, None)
    assert (to_peer.jitter_ms, to_peer.jitter_ms_max, to_peer.mos, to_peer.mos_min) == (6.0, 9.0, None, None)
    await series.flush(NOW + 60)
    assert await seen() == expected
    await series.write(SeriesBatch((a_sample(50.0, weight=400),)))  # late, for the minute already written
    rtt, to_peer = await seen()
    assert (to_peer.loss_percent, to_peer.packets, to_peer.loss_percent_max, to_peer.calls) == (26.25, 800.0, 50.0, 1)


async def test_history_is_of_one_subject_and_time_in_order(series: SeriesBackend) -> None:
    samples = [a_sample(float(minute), at=NOW + 60 * minute) for minute in (3, 1, 2, 0, 4)]
    others = [a_sample(99.0, subject="SIP/6118"), replace(a_sample(99.0), pbx="branch")]
    await series.write(SeriesBatch((*samples[:3], *others)))
    await series.flush(NOW + 120)
    await series.write(SeriesBatch(tuple(samples[3:])))
    since = NOW + 40  # a full minute
    found = await series.history("office", "SIP/6117", since, since + 120)
    assert [point.loss_percent for point in found] == [1.0, 2.0]
    assert [point.loss_percent for point in await series.history("office", "SIP/6117", NOW + 65, NOW + 66)] == [
        1.0
    ]  # reaches in
    assert {point.seconds for point in found} <= {10.0, 60.0}


async def test_subjects_are_those_with_calls_in_that_time(series: SeriesBackend) -> None:
    await series.write(SeriesBatch((a_sample(subject="SIP/2"), a_sample(subject="SIP/1"), a_sample(subject="SIP/1"))))
    await series.flush(NOW + 120)
    later = a_sample(subject="SIP/3", at=NOW + 600)
    await series.write(SeriesBatch((later, replace(a_sample(subject="SIP/4"), pbx="branch"), a_sample(subject="SIP/0"))))
    assert list(await series.subjects("office", NOW - 60, NOW + 60)) == ["SIP/0", "SIP/1", "SIP/2"]
    assert list(await series.subjects("office", NOW + 500, NOW + 700)) == ["SIP/3"]
    assert list(await series.subjects("branch", NOW - 60, NOW + 60)) == ["SIP/4"]


async def test_untrusted_samples_are_no_history(series: SeriesBackend) -> None:
    await series.write(SeriesBatch((a_sample(verdict=Verdict.ABSURD),)))
    assert list(await series.history("office", "SIP/6117", *HISTORY)) == []
    assert list(await series.subjects("office", *HISTORY)) == []


# --- Figures of trunks and queues -------------------------------------------------------------------------------------


def a_kpi(
    total: float, kpi: str = "answered", *, at: float = NOW, count: float = 1.0, subject: str = "PJSIP/trunk-a"
) -> KpiRecord:
    return KpiRecord(at, "office", subject, kpi, total, count)


async def figures_of(series: SeriesBackend, subject: str = "PJSIP/trunk-a") -> dict[tuple[float, str], tuple[float, float]]:
    found = await series.kpis("office", subject, NOW - 600, NOW + 600)
    return {(point.at, point.kpi): (point.count, round(point.mean, 6)) for point in found}


async def test_calls_of_a_trunk_are_kept_by_the_minute_as_counts_and_means(series: SeriesBackend) -> None:
    minute = NOW // 60 * 60
    await series.write(SeriesBatch(kpis=(a_kpi(1), a_kpi(0), a_kpi(0), a_kpi(0), a_kpi(90, "call_duration_s"))))
    before = await figures_of(series)
    await series.flush(minute + 120)
    assert before == await figures_of(series) == {(minute, "answered"): (4, 0.25), (minute, "call_duration_s"): (1, 90)}
    await series.write(
        SeriesBatch(kpis=(a_kpi(30, "call_duration_s"), a_kpi(1, at=minute + 60), a_kpi(1, subject="SIP/other")))
    )
    await series.flush(minute + 240)
    assert await figures_of(series) == {
        (minute, "answered"): (4, 0.25),
        (minute, "call_duration_s"): (2, 60),
        (minute + 60, "answered"): (1, 1),
    }


async def test_the_extremes_of_a_minute_are_kept(series: SeriesBackend) -> None:
    for value in (3.0, 17.0, 5.0):
        await series.write(SeriesBatch(kpis=(a_kpi(value, "concurrent_calls"),)))
        await series.flush(NOW + 120)
    (point,) = await series.kpis("office", "PJSIP/trunk-a", NOW - 60, NOW + 60)
    assert (point.low, point.high, point.count) == (3, 17, 3)


async def test_trunks_figures_do_not_make_it_a_measured_peer(series: SeriesBackend) -> None:
    await series.write(SeriesBatch(kpis=(a_kpi(1),)))
    await series.flush(NOW + 120)
    assert list(await series.subjects("office", NOW - 60, NOW + 60)) == []
    assert list(await series.history("office", "PJSIP/trunk-a", NOW - 60, NOW + 60)) == []
