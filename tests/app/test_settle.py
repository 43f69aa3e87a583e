"""What is left to do at a stop is done, as long as there is time for it."""

from __future__ import annotations

import asyncio

import pytest

from qualitywatch.ami.codec import Message
from qualitywatch.app.watcher import SLICE
from qualitywatch.model import Connected
from tests.app.office import START, office

STORM = 5 * SLICE


async def test_a_stop_judges_what_was_read_but_never_longer_than_it_may(caplog: pytest.LogCaptureFixture) -> None:
    async with office() as here:
        inbox = here.client.inbox
        inbox.put(Connected(START))
        for number in range(STORM):
            raw = f"Event: PeerStatus\r\nTimestamp: {START + number}\r\nPeer: SIP/{number}\r\nPeerStatus: Registered\r\n\r\n"
            inbox.put((START, Message(raw.encode())))
        await here.watcher.settle(asyncio.get_running_loop().time())
        assert len(inbox) == STORM + 1
        assert [record.getMessage() for record in caplog.records] == [
            f"stop.not_judged pbx=office messages={STORM + 1} why=no_time"
        ]
        await here.watcher.settle(asyncio.get_running_loop().time() + 60)
        assert len(inbox) == 0
        assert here.pipeline.now == START + STORM - 1
