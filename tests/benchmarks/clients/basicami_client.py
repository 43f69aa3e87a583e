# mypy: ignore-errors
from __future__ import annotations

import asyncio

from basicami import BasicAMI
from said import PORT, Count


async def main() -> None:
    count, is_over = Count(), False
    client = await BasicAMI.connect("127.0.0.1", PORT, "bench", "bench")
    while not is_over:
        for event in await client.get_events(timeout=10, max_events=1000):
            is_over = count.take(event.get("Event", ""), event.get("Channel"), event.get("Report0FractionLost")) or is_over
    count.say()


asyncio.run(main())
