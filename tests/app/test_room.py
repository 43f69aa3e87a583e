"""The running daemon as chats and the command line ask it."""

from __future__ import annotations

from qualitywatch.room import SilenceRequest
from tests.app.office import START, office


async def test_a_silence_that_is_over_is_known_and_stays_as_it_is() -> None:
    async with office({}) as here:
        silence = await here.room.silence(SilenceRequest(START + 3600, subjects=("SIP/6117",)), "Anna")
        ended = await here.room.expire_silence(silence.id, "Anna")
        assert ended is not None
        assert ended.expired_at is not None
        here.clock.at += 60
        assert await here.room.expire_silence(silence.id, "Boris") == ended
        assert await here.room.expire_silence(99, "Boris") is None
