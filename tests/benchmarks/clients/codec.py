"""Our own decoder, alone: every event is cut out and looked at, those nobody wants are dropped by their first line."""

from __future__ import annotations

import asyncio

from qualitywatch.ami.codec import Decoder
from qualitywatch.ami.events import WANTED_EVENTS
from tests.benchmarks.clients.said import EVENTS, PORT, Count


async def main() -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=1 << 18)
    count, decoder = Count(), Decoder(WANTED_EVENTS)
    writer.write(b"Action: Login\r\nUsername: bench\r\nSecret: bench\r\n\r\n")
    while count.events + decoder.skipped < EVENTS and (data := await reader.read(1 << 18)):
        for message in decoder.feed(data):
            raw = message.raw
            if raw.startswith(b"Event: RTCP"):
                count.take(message.name, message.get("Channel"), message.get("Report0FractionLost"))
            elif raw.startswith(b"Event: "):
                count.take(message.name, None, None)
    count.events += decoder.skipped
    count.say()
    writer.close()


asyncio.run(main())
