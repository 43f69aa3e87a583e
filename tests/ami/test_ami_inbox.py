from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.codec import Message
from qualitywatch.ami.inbox import HARD_LIMIT_FACTOR, Inbox, InboxItem
from qualitywatch.model import Connected, Disconnected, Resynced


def rtcp(number: int) -> InboxItem:
    return float(number), Message(f"Event: RTCPSent\r\nUniqueid: {number}\r\n\r\n".encode())


def peer(number: int) -> InboxItem:
    return float(number), Message(f"Event: PeerStatus\r\nPeer: SIP/{number}\r\n\r\n".encode())


def test_items_come_out_in_the_order_they_came() -> None:
    inbox = Inbox()
    items: list[InboxItem] = [Connected(1.0), rtcp(2), peer(3), Resynced(4.0), Disconnected(5.0, "gone")]
    for item in items:
        inbox.put(item)
    assert inbox.take_now(2) == items[:2]
    assert inbox.take_now() == items[2:]
    assert inbox.take_now() == []
    assert len(inbox) == 0


async def test_taking_waits_for_something() -> None:
    inbox = Inbox()
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(inbox.take())
        await asyncio.sleep(0)
        assert not taking.done()
        inbox.put(peer(1))
    assert taking.result() == [peer(1)]


async def test_a_cancelled_take_loses_nothing() -> None:
    inbox = Inbox()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await inbox.take()
    inbox.put(peer(1))
    assert await inbox.take() == [peer(1)]


def test_overflow_drops_the_oldest_rtcp_reports_only() -> None:
    inbox = Inbox(limit=4)
    for item in (Connected(0.0), rtcp(1), peer(2), rtcp(3), peer(4), rtcp(5), Disconnected(6.0, "gone")):
        inbox.put(item)
    assert inbox.dropped == 2
    assert inbox.dropped_others == 0
    assert inbox.take_now() == [Connected(0.0), peer(2), peer(4), rtcp(5), Disconnected(6.0, "gone")]


def test_without_rtcp_reports_the_inbox_grows_to_the_hard_limit_and_keeps_its_marks() -> None:
    inbox = Inbox(limit=3)
    inbox.put(Connected(0.0))
    for number in range(100):
        inbox.put(peer(number))
    items = inbox.take_now()
    assert len(items) == 3 * HARD_LIMIT_FACTOR
    assert items[0] == Connected(0.0)
    assert items[-1] == peer(99)
    assert inbox.dropped == inbox.dropped_others == 100 - (len(items) - 1)


@given(st.lists(st.sampled_from("rpmt"), max_size=300), st.integers(min_value=1, max_value=20))
def test_whatever_happens_order_marks_and_count_hold(steps: list[str], limit: int) -> None:
    inbox = Inbox(limit)
    put: list[InboxItem] = []
    taken: list[InboxItem] = []
    for number, step in enumerate(steps):
        if step == "t":
            taken += inbox.take_now(3)
            continue
        item = rtcp(number) if step == "r" else peer(number) if step == "p" else Connected(float(number))
        put.append(item)
        inbox.put(item)
    waiting = len(inbox)
    rest = inbox.take_now(10_000)
    assert len(rest) == waiting
    taken += rest
    assert len(put) == len(taken) + inbox.dropped
    assert sorted(taken, key=put.index) == taken
    assert [item for item in taken if isinstance(item, Connected)] == [item for item in put if isinstance(item, Connected)]


def test_a_full_inbox_does_not_grow_by_what_it_dropped() -> None:
    inbox = Inbox(limit=10)
    for number in range(10_000):
        inbox.put(rtcp(number))
    assert len(inbox) == 10
    assert inbox.dropped == 9_990
    assert inbox.take_now() == [rtcp(number) for number in range(9_990, 10_000)]


def test_an_inbox_needs_room() -> None:
    with pytest.raises(ValueError, match="room"):
        Inbox(limit=0)
