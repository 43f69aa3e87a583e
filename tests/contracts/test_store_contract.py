"""What every store must do, whatever it is made of: one suite for state, one for series, each over its registry."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.errors import StoreError
from qualitywatch.model import AlertState, Metric
from qualitywatch.ports import SeriesBatch, StateChange, StoredState
from qualitywatch.store.registry import STATE_STORES, STORES, SeriesBackend, StateBackend
from tests.contracts.crash_writer import TARGETS
from tests.store.model_values import NOW, a_call, a_log, a_notification, a_sample, an_agent, an_alert, without_id

DURABLE = sorted(STATE_STORES.keys() - {"memory"})
EVERYTHING = float("inf")


# --- State ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(STATE_STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateBackend]:
    opened = await STATE_STORES[request.param].open(tmp_path, now=NOW)
    yield opened
    await opened.close()


async def test_a_new_store_is_empty(store: StateBackend) -> None:
    assert await store.load() == StoredState((), (), {})
    assert await store.due(EVERYTHING) == []
    assert await store.next_due_at() is None
    assert await store.given_up() == []


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


async def test_one_rule_keeps_directions_apart(store: StateBackend) -> None:
    alert = an_alert()
    undirected = replace(alert, key=replace(alert.key, direction=None))
    await store.commit(StateChange(alerts=(alert, undirected)))
    await store.commit(StateChange(alerts=(replace(alert, state=AlertState.INACTIVE),)))
    assert (await store.load()).alerts == (undirected,)


async def test_due_gives_the_oldest_first_and_nothing_early(store: StateBackend) -> None:
    first, second, later = a_notification("noc"), a_notification("duty"), a_notification("noc", not_before=NOW + 5)
    await store.commit(StateChange(notifications=(first, later)))
    await store.commit(StateChange(notifications=(second,)))
    due = await store.due(NOW)
    assert list(map(without_id, due)) == [first, second]
    assert [notification.id for notification in due] == sorted({notification.id for notification in due})
    assert due[0].id > 0
    assert list(map(without_id, await store.due(NOW + 5))) == [first, later, second]  # in the order they arose
    assert list(map(without_id, await store.due(NOW + 5, limit=1))) == [first]
    assert await store.next_due_at() == 0.0


async def test_delivered_is_gone(store: StateBackend) -> None:
    await store.commit(StateChange(notifications=(a_notification("noc"), a_notification("duty"))))
    noc, duty = await store.due(NOW)
    await store.delivered(noc, NOW)
    await store.delivered(noc, NOW)  # said twice: no harm
    assert await store.due(EVERYTHING) == [duty]
    await store.delivered(duty, NOW)
    assert await store.next_due_at() is None


async def test_postponed_comes_back_with_one_attempt_more(store: StateBackend) -> None:
    await store.commit(StateChange(notifications=(a_notification(),)))
    (first,) = await store.due(NOW)
    await store.postpone(first, NOW + 30, "502 Bad Gateway")
    assert await store.due(NOW + 29.9) == []
    assert await store.next_due_at() == NOW + 30
    (again,) = await store.due(NOW + 30)
    assert again == replace(first, attempts=1, not_before=NOW + 30)
    await store.postpone(again, NOW + 60, "502 Bad Gateway")
    assert [notification.attempts for notification in await store.due(EVERYTHING)] == [2]


async def test_given_up_leaves_the_outbox_but_stays_readable(store: StateBackend) -> None:
    await store.commit(StateChange(notifications=(a_notification("gone"), a_notification("noc"))))
    gone, noc = await store.due(NOW)
    await store.give_up(gone, NOW, "403 Forbidden: bot was blocked")
    await store.give_up(gone, NOW, "said twice")
    assert await store.due(EVERYTHING) == [noc]
    assert await store.given_up() == [(replace(gone, attempts=1), "403 Forbidden: bot was blocked")]


async def test_ids_are_never_used_again(store: StateBackend) -> None:
    await store.commit(StateChange(notifications=(a_notification(),)))
    (first,) = await store.due(NOW)
    await store.delivered(first, NOW)
    await store.commit(StateChange(notifications=(a_notification(),)))
    (second,) = await store.due(NOW)
    assert second.id > first.id


async def test_any_text_is_kept(store: StateBackend) -> None:
    hostile = "\udc80\x00\n'\"; DROP TABLE alert; 😀"
    alert = an_alert(f"SIP/{hostile}")
    await store.commit(
        StateChange(
            alerts=(replace(alert, details={hostile: hostile}),),
            notifications=(a_notification("noc", subject=hostile),),
            agents=(an_agent(hostile, hostile),),
            meta={hostile: hostile},
        )
    )
    state = await store.load()
    assert state == StoredState(
        (replace(alert, details={hostile: hostile}),), (an_agent(hostile, hostile),), {hostile: hostile}
    )
    (notification,) = await store.due(NOW)
    await store.postpone(notification, NOW, hostile)
    await store.give_up(notification, NOW, "over")
    await store.commit(StateChange(alerts=(replace(alert, state=AlertState.INACTIVE),)))
    assert (await store.load()).alerts == ()


async def test_commits_made_at_once_are_all_kept(store: StateBackend) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            change = StateChange(alerts=(an_alert(f"SIP/{number}"),), notifications=(a_notification(subject=f"SIP/{number}"),))
            tasks.create_task(store.commit(change))
    assert len((await store.load()).alerts) == len(await store.due(NOW)) == 50


async def test_a_closed_store_refuses(store: StateBackend) -> None:
    await store.close()
    await store.close()  # a second call does nothing
    with pytest.raises(StoreError, match="already closed"):
        await store.commit(StateChange(alerts=(an_alert(),)))
    with pytest.raises(StoreError, match="already closed"):
        await store.due(NOW)


@pytest.mark.parametrize("backend", DURABLE)
async def test_everything_is_there_after_a_restart(backend: str, tmp_path: Path) -> None:
    store = await STATE_STORES[backend].open(tmp_path, now=NOW)
    change = StateChange(
        (an_alert(),), (a_notification("noc"), a_notification("duty"), a_notification("gone")), (an_agent(),), {"a": "1"}
    )
    await store.commit(change)
    noc, duty, gone = await store.due(NOW)
    await store.delivered(noc, NOW)
    await store.postpone(duty, NOW + 30, "timed out")
    await store.give_up(gone, NOW, "403 Forbidden")
    await store.close()

    again = await STATE_STORES[backend].open(tmp_path, now=NOW + 60)
    assert await again.load() == StoredState(change.alerts, change.agents, {"a": "1"})
    assert await again.due(NOW + 60) == [replace(duty, attempts=1, not_before=NOW + 30)]
    assert await again.given_up() == [(replace(gone, attempts=1), "403 Forbidden")]
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
        assert sorted(alerts) == list(range(max(0, last - 9), last + 1))
        outbox = [
            (notification.target, notification.transition.alert.key.subject) for notification in await store.due(NOW, 10**9)
        ]
        assert outbox == [(target, f"SIP/{step}") for step in range(last + 1) for target in TARGETS]  # both or neither
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
