"""From the outbox to the targets: at least once, in order, nobody waiting for anybody else."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.errors import NotifyError
from qualitywatch.notify import outbox
from qualitywatch.notify.backoff import Backoff
from qualitywatch.ports import StateChange
from qualitywatch.store.backends.memory import MemoryStateStore
from tests.notify.build import notification
from tests.notify.targets import Clock, Store, Target, put, running


def later(retry_after_s: float | None = None, text: str = "away") -> NotifyError:
    return NotifyError(text, permanent=False, retry_after_s=retry_after_s)


def never(text: str = "thrown out") -> NotifyError:
    return NotifyError(text, permanent=True)


async def left(store: Store) -> list[str]:
    return [row.transition.alert.key.subject for row in await store.due(math.inf)]


async def test_rows_that_were_there_before_the_start_and_rows_that_come_later_are_delivered_in_order() -> None:
    store, ops = Store(), Target()
    await put(store, "ops", 1, 2, 3)
    async with running(store, {"ops": ops}) as dispatcher:
        await ops.until(lambda ops: len(ops.taken) == 3)
        await put(store, "ops", 4, 5)
        dispatcher.wake()
        assert await dispatcher.drain(5)
        assert ops.taken == ["SIP/1", "SIP/2", "SIP/3", "SIP/4", "SIP/5"]
        assert dispatcher.stats.delivered == 5
    assert await left(store) == []


async def test_nothing_overtakes_a_message_that_must_wait() -> None:
    store, ops = Store(), Target(None, later(), later(), later())
    await put(store, "ops", 1, 2, 3)
    async with running(store, {"ops": ops}):
        await ops.until(lambda ops: len(ops.taken) == 3)
    assert [subject for _, subject in ops.attempts] == ["SIP/1", "SIP/2", "SIP/2", "SIP/2", "SIP/2", "SIP/3"]


async def test_a_message_that_is_not_due_yet_holds_back_those_behind_it() -> None:
    store, ops, clock = Store(), Target(), Clock()
    await put(store, "ops", 1)
    await store.commit(StateChange(notifications=(replace(notification("ops", 2), not_before=clock.now() + 0.2),)))
    await put(store, "ops", 3)
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        assert await dispatcher.drain(5)
        assert ops.taken == ["SIP/1"]
        await ops.until(lambda ops: len(ops.taken) == 3)
    assert ops.taken == ["SIP/1", "SIP/2", "SIP/3"]


async def test_a_target_that_hangs_or_fails_does_not_delay_another() -> None:
    store, hanging, failing, well = Store(), Target(asyncio.Event()), Target(*[later()] * 1000), Target()
    await put(store, "hanging", 1)
    await put(store, "failing", 2)
    async with running(store, {"hanging": hanging, "failing": failing, "well": well}) as dispatcher:
        await hanging.until(lambda target: target.attempts)
        await failing.until(lambda target: len(target.attempts) >= 3)
        await put(store, "well", 3, 4)
        dispatcher.wake()
        await well.until(lambda target: len(target.taken) == 2)
    assert not hanging.taken
    assert not failing.taken


async def test_a_pause_that_was_asked_for_is_recorded_exactly() -> None:
    store, ops, clock = Store(), Target(later(retry_after_s=17)), Clock()
    clock.stopped_at = 1_000_000.0
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}, clock=clock):
        await asyncio.wait_for(store.postponed.wait(), 5)
    (row,) = await store.due(math.inf)
    assert (row.not_before, row.attempts) == (1_000_017.0, 1)


async def test_a_pause_that_was_asked_for_is_kept() -> None:
    store, ops = Store(), Target(later(retry_after_s=0.3))
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}):
        await ops.until(lambda ops: ops.taken)
    (first, _), (second, _) = ops.attempts
    assert second - first >= 0.3


async def test_pauses_grow_when_nothing_was_asked_for() -> None:
    store, ops = Store(), Target(*[later()] * 4)
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}, backoff=Backoff(first_s=0.01, limit_s=300)):
        await ops.until(lambda ops: ops.taken)
    instants = [at for at, _ in ops.attempts]
    pauses = [after - before for before, after in itertools.pairwise(instants)]
    assert all(pause >= 0.01 for pause in pauses)
    assert pauses[3] >= 0.04


@given(failures=st.integers(min_value=0, max_value=5000), seed=st.integers())
def test_a_pause_is_between_a_second_and_five_minutes(failures: int, seed: int) -> None:
    pause_s = Backoff().pause_s(failures, Random(seed))
    assert 1.0 <= pause_s <= 300.0
    assert min(2.0 ** min(failures, 10), 300.0) / 2 <= pause_s


async def test_a_message_that_can_never_arrive_is_set_aside_and_the_next_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    store, ops = Store(), Target(never(), never())
    await put(store, "ops", 1, 2, 3)
    async with running(store, {"ops": ops}) as dispatcher:
        assert await dispatcher.drain(5)
        assert (dispatcher.stats.given_up, dispatcher.stats.delivered) == (2, 1)
    assert ops.taken == ["SIP/3"]
    assert [(row.transition.alert.key.subject, error) for row, error in await store.given_up()] == [
        ("SIP/1", "thrown out"),
        ("SIP/2", "thrown out"),
    ]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line == 'target "ops": thrown out; the message is set aside'


async def test_a_target_that_is_no_longer_configured_is_given_up_with_a_reason() -> None:
    store, ops = Store(), Target()
    await put(store, "old", 1)
    await put(store, "ops", 2)
    async with running(store, {"ops": ops}) as dispatcher:
        assert await dispatcher.drain(5)
    assert ops.taken == ["SIP/2"]
    assert [error for _, error in await store.given_up()] == ["it is no longer in the configuration"]


async def test_without_any_target_the_outbox_is_cleared_and_the_dispatcher_rests() -> None:
    store = Store()
    await put(store, "old", 1)
    async with running(store, {}) as dispatcher:
        assert await dispatcher.drain(5)
    assert await left(store) == []


async def test_the_same_trouble_is_logged_once_and_then_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store, ops = Store(), Target(*[later(text="no network")] * 5)
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}) as dispatcher:
        await ops.until(lambda ops: ops.taken)
        assert await dispatcher.drain(5)
        assert dispatcher.stats.failed_attempts == 5
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ['target "ops": no network; kept, next attempt in 0 s', 'target "ops": works again']


# --- restarts


async def test_a_restart_neither_loses_nor_reorders_what_was_waiting() -> None:
    store, ops = Store(), Target(None, later(retry_after_s=0.2))
    await put(store, "ops", 1, 2, 3, 4)
    async with running(store, {"ops": ops}):
        await asyncio.wait_for(store.postponed.wait(), 5)
    assert await left(store) == ["SIP/2", "SIP/3", "SIP/4"]
    again = Target()
    async with running(store, {"ops": again}):
        await again.until(lambda ops: len(ops.taken) == 3)
    assert again.taken == ["SIP/2", "SIP/3", "SIP/4"]


async def test_a_kill_between_sending_and_recording_costs_one_duplicate_and_no_loss() -> None:
    store, ops = Store("delivered", times=1_000_000), Target()
    await put(store, "ops", 1, 2, 3)
    async with running(store, {"ops": ops}):
        await ops.until(lambda ops: ops.taken)
    assert ops.taken == ["SIP/1"]
    store.failures.clear()
    again = Target()
    async with running(store, {"ops": again}) as dispatcher:
        assert await dispatcher.drain(5)
    assert again.taken == ["SIP/1", "SIP/2", "SIP/3"]


async def test_a_long_pause_of_an_earlier_run_is_not_believed_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RESTART_PATIENCE_S", 0.2)
    store, ops, clock = Store(), Target(), Clock()
    await put(store, "ops", 1)
    (row,) = await store.due(math.inf)
    await store.postpone(row, clock.now() + 3600, "token refused")
    async with running(store, {"ops": ops}, clock=clock):
        started = asyncio.get_running_loop().time()
        await ops.until(lambda ops: ops.taken)
    assert ops.attempts[0][0] - started >= 0.2


async def test_a_wall_clock_that_is_set_back_delays_nothing() -> None:
    store, ops, clock = Store(), Target(later(retry_after_s=0.1)), Clock()
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}, clock=clock):
        await asyncio.wait_for(store.postponed.wait(), 5)
        clock.step_s = -7200
        await ops.until(lambda ops: ops.taken)


# --- what a store and a channel may do


@pytest.mark.parametrize("operation", ["due", "delivered", "postpone", "give_up"])
async def test_a_store_that_fails_for_a_while_costs_no_message_and_no_duplicate(
    operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    store, ops = Store(operation, times=3), Target(later(), None, never(), None)
    await put(store, "ops", 1, 2, 3)
    async with running(store, {"ops": ops}) as dispatcher:
        await ops.until(lambda ops: len(ops.taken) == 2)
        assert await dispatcher.drain(5)
    assert [subject for _, subject in ops.attempts] == ["SIP/1", "SIP/1", "SIP/2", "SIP/3"]
    assert len(await store.given_up()) == 1
    assert await left(store) == []
    assert sum("the disk is full" in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR) == 1


async def test_a_bug_in_a_channel_is_retried_then_set_aside_and_its_text_is_not_repeated() -> None:
    store, ops = Store(), Target(*[ValueError("https://host/bot123:SECRET")] * 5)
    await put(store, "ops", 1, 2)
    async with running(store, {"ops": ops}):
        await ops.until(lambda ops: ops.taken == ["SIP/2"])
    ((row, error),) = await store.given_up()
    assert (row.transition.alert.key.subject, row.attempts) == ("SIP/1", 5)
    assert error.startswith("unexpected ValueError at ")
    assert "SECRET" not in error


async def test_a_channel_that_never_returns_is_interrupted_and_asked_again() -> None:
    store, ops = Store(), Target(asyncio.Event())
    await put(store, "ops", 1)
    async with running(store, {"ops": ops}, delivery_limit_s=0.1):
        await ops.until(lambda ops: ops.taken)
    assert len(ops.attempts) == 2


async def test_an_answer_of_the_store_that_is_out_of_date_repeats_nothing() -> None:
    store, gate = Store(), asyncio.Event()
    ops, other = Target(gate), Target()
    await put(store, "ops", 1)
    async with running(store, {"ops": ops, "other": other}) as dispatcher:
        await ops.until(lambda ops: ops.attempts)
        store.answer_late = asyncio.Event()
        reads = store.reads
        await put(store, "other", 2)
        dispatcher.wake()
        while store.reads == reads:
            await asyncio.sleep(0)
        gate.set()  # delivered and recorded while the answer, which still lists it, is under way
        while len(await MemoryStateStore.due(store, math.inf)) == 2:
            await asyncio.sleep(0)
        store.answer_late.set()
        assert await dispatcher.drain(5)
    assert (ops.taken, other.taken) == (["SIP/1"], ["SIP/2"])


async def test_a_crowd_of_waiting_messages_hides_nobody_behind_it() -> None:
    store, dead, well = Store(), Target(*[later(retry_after_s=60)] * 10), Target()
    await put(store, "dead", *range(450))
    await put(store, "well", 1, 2)
    async with running(store, {"dead": dead, "well": well}):
        await well.until(lambda target: len(target.taken) == 2)
    assert len(dead.attempts) == 1


async def test_more_messages_than_one_look_shows_all_arrive_in_order() -> None:
    store, one, two = Store(), Target(), Target()
    await put(store, "one", *range(250))
    await put(store, "two", *range(250))
    async with running(store, {"one": one, "two": two}) as dispatcher:
        assert await dispatcher.drain(5)
    assert one.taken == two.taken == [f"SIP/{number}" for number in range(250)]


# --- shutting down, and being watched


async def test_draining_waits_for_what_can_be_sent_and_not_for_what_must_wait() -> None:
    store, ops, gate = Store(), Target(later(retry_after_s=60)), asyncio.Event()
    slow = Target(gate)
    await put(store, "ops", 1)
    await put(store, "slow", 2)
    async with running(store, {"ops": ops, "slow": slow}) as dispatcher:
        assert not await dispatcher.drain(0.05)
        gate.set()
        assert await dispatcher.drain(5)
    assert slow.taken == ["SIP/2"]
    assert await left(store) == ["SIP/1"]


async def test_progress_stands_still_while_a_delivery_hangs_and_is_now_while_there_is_nothing_to_do() -> None:
    store, gate, clock = Store(), asyncio.Event(), Clock()
    ops, clock.monotonic_at = Target(gate), 100.0
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        assert await dispatcher.drain(5)
        assert dispatcher.progress_at == 100.0
        await put(store, "ops", 1)
        dispatcher.wake()
        await ops.until(lambda ops: ops.attempts)
        clock.monotonic_at = 200.0
        assert dispatcher.progress_at == 100.0
        gate.set()
        assert await dispatcher.drain(5)
        assert dispatcher.progress_at == 200.0


STEPS = st.lists(st.sampled_from(["ok", "later", "pause", "bug", "never"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(plans=st.lists(STEPS, min_size=1, max_size=3), count=st.integers(min_value=1, max_value=6), stop_after=st.integers(0, 8))
def test_whatever_targets_do_every_message_arrives_in_order_or_is_set_aside(
    plans: list[list[str]], count: int, stop_after: int
) -> None:
    asyncio.run(_run_plans(plans, count, stop_after))


async def _run_plans(plans: list[list[str]], count: int, stop_after: int) -> None:
    meaning = {"ok": None, "later": later(), "pause": later(retry_after_s=0.002), "bug": KeyError("x"), "never": never()}
    targets = {f"t{index}": Target(*(meaning[step] for step in plan)) for index, plan in enumerate(plans)}
    store, quick = Store(), Backoff(first_s=0.001, limit_s=0.002)
    for name in targets:
        await put(store, name, *range(count))
    first = next(iter(targets.values()))
    async with running(store, targets, backoff=quick):  # stopped somewhere on the way, as by a kill
        await first.until(lambda target: len(target.attempts) >= min(stop_after, count))
    async with running(store, targets, backoff=quick) as dispatcher:
        while await store.due(math.inf):
            assert await dispatcher.drain(5)
            await asyncio.sleep(0.002)
    given_up = await store.given_up()
    for name, target in targets.items():
        lost = [row.transition.alert.key.subject for row, _ in given_up if row.target == name]
        assert lost == sorted(lost)
        taken = list(dict.fromkeys(target.taken))
        assert taken == sorted(taken)
        assert set(taken) | set(lost) == {f"SIP/{number}" for number in range(count)}
        assert len(lost) <= sum(step in {"never", "bug"} for step in plans[int(name[1:])])
