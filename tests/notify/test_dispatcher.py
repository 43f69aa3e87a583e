"""From incidents to what targets show: at least once, nobody waiting for anybody else, the same message after a restart."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.backoff import Backoff
from qualitywatch.errors import MessageGoneError, NotifyError
from qualitywatch.model import Bulletin, Form, Incident, Notification, Severity
from tests.notify.targets import (
    T0,
    Chat,
    Clock,
    Store,
    acknowledged,
    changed,
    closed,
    incident,
    later,
    line_of,
    never,
    render,
    running,
    tell,
    worse,
)


class MovableChat(Chat):
    """A chat whose id may change."""

    new_chat_id: int | None = None

    def moved(self, new_chat_id: int) -> Mapping[str, str]:
        self.new_chat_id, self.place = new_chat_id, str(new_chat_id)
        return {"chat": str(new_chat_id)}


async def test_what_was_there_before_the_start_and_what_comes_later_is_told() -> None:
    store, ops, item = Store(), Chat(), incident(1)
    await tell(store, None, item)
    async with running(store, {"ops": ops}) as dispatcher:
        await ops.until(lambda ops: ops.messages)
        await tell(store, dispatcher, incident(2))
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, over := closed(item))
        await ops.until(lambda ops: ops.texts[0] == "living\n" + line_of(over))
        assert (dispatcher.stats.delivered, dispatcher.stats.edited) == (2, 1)
        assert dispatcher.waiting == 0


async def test_every_step_is_stored_before_the_next() -> None:
    store, ops = Store(), Chat()
    async with running(store, {"ops": ops}) as dispatcher:
        store.full_for = 1_000_000
        await tell(store, dispatcher, incident(1), incident(2))
        await ops.until(lambda ops: ops.messages)
        assert not await dispatcher.drain(0.2)
        assert len(ops.messages) == 1
        store.full_for = 0
        assert await dispatcher.drain(5)
    assert len(ops.messages) == len(store.posts) == 2


async def test_a_full_disk_costs_no_message_and_no_duplicate_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store, ops = Store(), Chat()
    store.full_for = 3
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1), incident(2))
        assert await dispatcher.drain(5)
    assert [text for _, text in ops.attempts] == ["send", "send"]
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "messages: state.db cannot be written: the disk is full; next attempt in 0 s",
        "messages: works again",
    ]


async def test_a_target_that_hangs_or_fails_does_not_delay_another() -> None:
    store, hanging, failing, well = Store(), Chat(asyncio.Event()), Chat(*[later()] * 1000), Chat()
    async with running(store, {"hanging": hanging, "failing": failing, "well": well}) as dispatcher:
        await tell(store, dispatcher, incident(1, targets=("hanging", "failing")))
        await hanging.until(lambda chat: chat.attempts)
        await failing.until(lambda chat: len(chat.attempts) >= 3)
        await tell(store, dispatcher, incident(2, targets=("hanging", "failing", "well")))
        await well.until(lambda chat: chat.messages)
        assert dispatcher.waiting == 4
    assert not hanging.messages
    assert not failing.messages


async def test_a_pause_that_was_asked_for_is_kept() -> None:
    store, ops = Store(), Chat(later(retry_after_s=0.3))
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.messages)
    (first, _), (second, _) = ops.attempts
    assert second - first >= 0.3


async def test_pauses_grow_when_nothing_was_asked_for() -> None:
    store, ops = Store(), Chat(*[later()] * 4)
    async with running(store, {"ops": ops}, backoff=Backoff(first_s=0.01, limit_s=300)) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.messages)
    pauses = [after - before for before, after in itertools.pairwise(at for at, _ in ops.attempts)]
    assert all(pause >= 0.01 for pause in pauses)
    assert pauses[3] >= 0.04


@given(failures=st.integers(min_value=0, max_value=5000), seed=st.integers())
def test_a_pause_is_between_a_second_and_five_minutes(failures: int, seed: int) -> None:
    pause_s = Backoff().pause_s(failures, Random(seed))
    assert 1.0 <= pause_s <= 300.0
    assert min(2.0 ** min(failures, 10), 300.0) / 2 <= pause_s


@given(failures=st.integers(min_value=0, max_value=50), seed=st.integers(), asked_s=st.none() | st.floats(0, 10_000))
def test_who_asks_for_a_pause_never_gets_a_shorter_one_nor_the_others_by_it(
    failures: int, seed: int, asked_s: float | None
) -> None:
    own_s, pause_s = Backoff().pause_s(failures, Random(seed)), Backoff().pause_s(failures, Random(seed), asked_s)
    assert pause_s == max(own_s, asked_s or 0.0)


async def test_the_limits_of_a_channel_are_waited_for_and_what_comes_meanwhile_goes_first_if_it_is_worse() -> None:
    store, ops = Store(), Chat()
    ops.pause = 0.05
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await asyncio.sleep(0)
        await tell(store, dispatcher, incident(2, Severity.CRITICAL))
        assert not ops.attempts
        ops.pause = 0.0
        await ops.until(lambda ops: len(ops.messages) == 2)
    assert [message.incidents for message in ops.messages.values()] == [(2,), (1,)]


async def test_what_is_refused_lets_the_next_pass_and_arrives_later(caplog: pytest.LogCaptureFixture) -> None:
    store, ops, clock = Store(), Chat(never(), never()), Clock()
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        await tell(store, dispatcher, incident(1), incident(2), incident(3))
        assert await dispatcher.drain(5)
        assert (dispatcher.stats.failed_attempts, dispatcher.stats.delivered, dispatcher.waiting) == (2, 1, 2)
        clock.step_s = 301
        assert await dispatcher.drain(5)
        assert (dispatcher.stats.given_up, dispatcher.stats.delivered, dispatcher.waiting) == (0, 3, 0)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line == 'target "ops": thrown out; the message is tried again in 300 s'


async def test_what_is_over_and_refused_twice_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    store, ops, clock = Store(), Chat(never(), never("no rights")), Clock()
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        await tell(store, dispatcher, closed(incident(1)))
        assert await dispatcher.drain(5)
        clock.step_s = 301
        assert await dispatcher.drain(5)
        assert (dispatcher.stats.given_up, dispatcher.waiting) == (1, 0)
    assert [post.failed for post in store.posts.values()] == ["no rights"]
    assert caplog.records[-1].getMessage() == 'target "ops": no rights; the message is given up'


async def test_a_target_that_is_no_longer_configured_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    store, ops = Store(), Chat()
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1, targets=("old", "ops")))
        await tell(store, dispatcher, incident(2, targets=("old",)))
        assert await dispatcher.drain(5)
        assert dispatcher.waiting == 0
    assert len(ops.messages) == 1
    assert [record.getMessage() for record in caplog.records] == [
        'target "old" is no longer in the configuration; what it was to be told is left out'
    ]


async def test_without_any_target_the_dispatcher_rests() -> None:
    store = Store()
    async with running(store, {}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        assert await dispatcher.drain(5)


async def test_the_same_trouble_is_logged_once_and_then_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store, ops = Store(), Chat(*[later(text="no network")] * 5)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.messages)
        assert await dispatcher.drain(5)
        assert dispatcher.stats.failed_attempts == 5
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ['target "ops": no network; next attempt in 0 s', 'target "ops": works again']


async def test_a_deleted_message_is_replaced() -> None:
    store, ops, item = Store(), Chat(), incident(1)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
        ops.deleted.add(1)
        await tell(store, dispatcher, closed(item))
        await ops.until(lambda ops: len(ops.messages) == 2)
    assert ops.texts == ["living\n" + line_of(closed(item))]


async def test_a_channel_that_calls_a_new_message_gone_is_not_asked_without_a_pause() -> None:
    store, ops = Store(), Chat(*[MessageGoneError("?", permanent=False)] * 3)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.messages)
    instants = [at for at, _ in ops.attempts]
    assert all(after - before >= 0.01 for before, after in itertools.pairwise(instants))


async def test_a_moved_chat_is_followed_and_remembered() -> None:
    store, ops = Store(), MovableChat(NotifyError("moved", permanent=False, new_chat_id=-100_999))
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        assert await dispatcher.drain(5)
    assert ops.new_chat_id == -100_999
    assert (await store.load()).meta == {"chat": "-100999"}
    assert len(ops.messages) == 1


async def test_chats_that_move_in_a_circle_do_not_keep_the_dispatcher_busy() -> None:
    store = Store()
    ops = MovableChat(*[NotifyError("moved", permanent=False, new_chat_id=chat) for chat in (1, 2, 3)])
    async with running(store, {"ops": ops}, backoff=Backoff(first_s=60)) as dispatcher:
        await tell(store, dispatcher, incident(1))
        assert await dispatcher.drain(5)
    assert len(ops.attempts) == 3


# --- restarts


async def test_after_a_restart_the_same_message_goes_on_being_changed() -> None:
    store, ops, item = Store(), Chat(), incident(1)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
    async with running(store, {"ops": ops}) as dispatcher:
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, over := closed(item))
        assert await dispatcher.drain(5)
    assert ops.texts == ["living\n" + line_of(over)]
    assert [what for _, what in ops.attempts] == ["send", "edit"]


async def test_a_kill_between_sending_and_recording_costs_one_duplicate_and_no_loss() -> None:
    store, ops = Store(), Chat()
    store.full_for = 1_000_000
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1), incident(2))
        await ops.until(lambda ops: ops.messages)
    store.full_for = 0
    async with running(store, {"ops": ops}) as dispatcher:
        assert await dispatcher.drain(5)
    assert [message.incidents for message in ops.messages.values()] == [(1,), (1,), (2,)]


async def test_what_waited_for_a_target_that_was_away_is_told_after_a_restart_worst_first() -> None:
    store, ops = Store(), Chat(*[later()] * 1000)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1), incident(2, Severity.CRITICAL), incident(3))
        await ops.until(lambda ops: len(ops.attempts) > 3)
    ops.plan.clear()
    async with running(store, {"ops": ops}) as dispatcher:
        assert await dispatcher.drain(5)
    assert [message.incidents for message in ops.messages.values()] == [(2,), (1,), (3,)]


async def test_a_wall_clock_that_is_set_back_delays_nothing() -> None:
    store, ops, clock = Store(), Chat(later(retry_after_s=0.1)), Clock()
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        await tell(store, dispatcher, incident(1, news=1))
        await ops.until(lambda ops: ops.attempts)
        clock.step_s = -7200
        await tell(store, dispatcher, incident(2, Severity.CRITICAL))
        await ops.until(lambda ops: ops.messages)


# --- what a channel may do


async def test_a_bug_in_a_channel_is_retried_then_rests_and_its_text_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    store, ops = Store(), Chat(*[ValueError("https://host/bot123:SECRET")] * 5)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: len(ops.attempts) == 5)
        await tell(store, dispatcher, incident(2))
        await ops.until(lambda ops: ops.messages)
        assert dispatcher.waiting == 1
    assert 'target "ops": unexpected ValueError at ' in caplog.text
    assert "SECRET" not in caplog.text
    assert [message.incidents for message in ops.messages.values()] == [(2,)]


async def test_a_channel_that_never_returns_is_interrupted_and_asked_again() -> None:
    store, ops = Store(), Chat(asyncio.Event())
    async with running(store, {"ops": ops}, delivery_limit_s=0.1) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.messages)
    assert len(ops.attempts) == 2


async def test_what_cannot_be_worded_is_told_in_bare_words_and_silences_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    class Tongue(Chat):
        tripped = True

        def render(self, bulletin: Bulletin) -> Notification:
            if self.tripped and any(item.id == 1 for item in bulletin.incidents):
                raise KeyError("SECRET")
            return render(bulletin)

        def post(self, notification: Notification, reply_to: int | None = None) -> int | None:
            told = {"form": Form.LIVING, "incidents": (1,)}
            return super().post(replace(notification, payload={**told, **notification.payload}), reply_to)

    store, ops, odd = Store(), Tongue(), incident(1, Severity.CRITICAL)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, odd, incident(2, Severity.CRITICAL, at=T0 + 5))
        assert await dispatcher.drain(5)
        assert dispatcher.waiting == 0
        assert [text.splitlines()[0] for text in ops.texts] == ["critical: call-loss SIP/1 (office, incident 1)", "living"]
        ops.tripped = False
        await tell(store, dispatcher, changed(odd, 7.0))
        assert await dispatcher.drain(5)
        assert ops.texts[0] == "living\n#1 critical firing 7%", "once it can be, it is worded as ever"
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith('target "ops": text: unexpected KeyError at ')
    assert line.endswith("please report it; told in bare words")
    assert "SECRET" not in caplog.text + "".join(map(str, ops.texts))


# --- pictures


async def test_a_picture_follows_its_message_and_delays_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qualitywatch.notify.agenda.PICTURE_AFTER_S", 0.0)
    gate = asyncio.Event()

    async def draw(_: Incident, target: str) -> bytes | None:
        assert target == "ops"
        await gate.wait()
        return b"png"

    store, ops = Store(), Chat(pictures=True)
    async with running(store, {"ops": ops}, draw=draw) as dispatcher:
        await tell(store, dispatcher, incident(1))
        await store.until(lambda posts: posts)
        await tell(store, dispatcher, incident(2))
        await ops.until(lambda ops: len(ops.messages) == 2)
        assert not ops.pictures
        gate.set()
        await store.until(lambda posts: len(posts) == 2 and all(post.picture_id for post in posts))
    assert sorted(ops.pictures) == [(1, "SIP/1"), (2, "SIP/2")]


@pytest.mark.parametrize("error", [None, ValueError("no font")])
async def test_a_chart_that_cannot_be_drawn_costs_the_chart(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    monkeypatch.setattr("qualitywatch.notify.agenda.PICTURE_AFTER_S", 0.0)

    async def draw(_: Incident, target: str) -> bytes | None:
        assert target == "ops"
        if error is not None:
            raise error
        return None

    store, ops, item = Store(), Chat(pictures=True), incident(1)
    async with running(store, {"ops": ops}, draw=draw) as dispatcher:
        await tell(store, dispatcher, item)
        await store.until(lambda posts: any(post.picture_id == 0 for post in posts))
        await tell(store, dispatcher, closed(item))
        await ops.until(lambda ops: "over" in ops.texts[0])
    assert not ops.pictures


# --- shutting down, and being watched


async def test_draining_shows_the_last_that_is_known_and_does_not_wait_for_what_must_wait() -> None:
    store, away, ops, item = Store(), Chat(later(retry_after_s=60)), Chat(), incident(1, targets=("ops", "away"))
    async with running(store, {"away": away, "ops": ops}) as dispatcher:
        await tell(store, dispatcher, item)
        await ops.until(lambda ops: ops.messages)
        item = worse(item)
        await tell(store, dispatcher, item)
        await tell(store, dispatcher, item := changed(item, 9))
        assert await dispatcher.drain(5)
        assert dispatcher.waiting == 1
    assert not away.messages
    assert [message.form for message in ops.messages.values()] == [Form.SUPERSEDED, Form.LIVING]
    assert ops.texts[1] == "living\n" + line_of(item)


async def test_draining_says_when_it_took_too_long() -> None:
    store, gate = Store(), asyncio.Event()
    slow = Chat(gate)
    async with running(store, {"slow": slow}) as dispatcher:
        await tell(store, dispatcher, incident(1, targets=("slow",)))
        assert not await dispatcher.drain(0.05)
        gate.set()
        assert await dispatcher.drain(5)
    assert slow.messages


async def test_changes_after_a_drain_are_saved_up_again() -> None:
    store, ops, item = Store(), Chat(), incident(1)
    async with running(store, {"ops": ops}) as dispatcher:
        await tell(store, dispatcher, item)
        assert await dispatcher.drain(5)
        await tell(store, dispatcher, item := changed(item, 5))
        await asyncio.sleep(0.02)
        assert ops.messages[1].edits == 0
        await tell(store, dispatcher, acknowledged(item))  # but a press is answered at once
        await ops.until(lambda ops: ops.messages[1].edits == 1)


async def test_progress_stands_still_while_a_delivery_hangs_and_is_now_while_there_is_nothing_to_do() -> None:
    store, gate, clock = Store(), asyncio.Event(), Clock()
    ops, clock.monotonic_at = Chat(gate), 100.0
    async with running(store, {"ops": ops}, clock=clock) as dispatcher:
        assert await dispatcher.drain(5)
        assert dispatcher.progress_at == 100.0
        await tell(store, dispatcher, incident(1))
        await ops.until(lambda ops: ops.attempts)
        clock.monotonic_at = 200.0
        assert dispatcher.progress_at == 100.0
        gate.set()
        assert await dispatcher.drain(5)
        assert dispatcher.progress_at == 200.0


PLANS = st.lists(
    st.lists(st.sampled_from(["ok", "later", "pause", "bug", "never", "gone"]), max_size=12), min_size=1, max_size=3
)


@settings(max_examples=40, deadline=None)
@given(PLANS, st.integers(1, 8), st.integers(0, 8))
def test_whatever_targets_do_every_incident_is_told_or_given_up(plans: list[list[str]], size: int, stop_after: int) -> None:
    asyncio.run(_run_plans(plans, size, stop_after))


async def _run_plans(plans: list[list[str]], size: int, stop_after: int) -> None:
    meaning = {
        "ok": None,
        "later": later(),
        "pause": later(retry_after_s=0.002),
        "bug": KeyError("x"),
        "never": never(),
        "gone": MessageGoneError("gone", permanent=True),
    }
    chats = {f"t{index}": Chat(*(meaning[step] for step in plan)) for index, plan in enumerate(plans)}
    store, quick, clock = Store(), Backoff(first_s=0.001, limit_s=0.002), Clock()
    items = [incident(number, targets=tuple(chats)) for number in range(1, size + 1)]
    await tell(store, None, *items)
    first = next(iter(chats.values()))
    async with running(store, chats, backoff=quick) as dispatcher:  # stopped somewhere on the way, as by a kill
        await first.until(lambda chat: len(chat.attempts) >= min(stop_after, 1))
        await tell(store, dispatcher, *map(closed, items[: size // 2]))
    async with running(store, chats, clock=clock, backoff=quick) as dispatcher:
        async with asyncio.timeout(10):
            while dispatcher.waiting:
                assert await dispatcher.drain(5)
                clock.step_s += 3600.0  # refusals rest so long
                await asyncio.sleep(0.002)
        assert await dispatcher.drain(5)
    given_up = {(post.target, told.incident) for post in store.posts.values() if post.failed for told in post.told}
    for name, chat in chats.items():
        for item in items:
            living = chat.living(item.id)
            assert living or (name, item.id) in given_up, "nobody was told"
            told = [post for post in store.posts.values() if post.target == name and item.id in {t.incident for t in post.told}]
            assert len(told) == 1
