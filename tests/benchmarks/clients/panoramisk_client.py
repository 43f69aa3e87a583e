# mypy: ignore-errors
from __future__ import annotations

import asyncio

from panoramisk import Manager
from said import PORT, Count


async def main() -> None:
    count, done = Count(), asyncio.Event()
    manager = Manager(host="127.0.0.1", port=PORT, username="bench", secret="bench", ping_delay=600)

    @manager.register_event("*")
    def hear(manager, message) -> None:
        if count.take(message.event, message.channel, message.report0fractionlost):
            done.set()

    await manager.connect()
    await done.wait()
    count.say()


asyncio.run(main())
