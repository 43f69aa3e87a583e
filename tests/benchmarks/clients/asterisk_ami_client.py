# mypy: ignore-errors
from __future__ import annotations

import os
import threading

from asterisk.ami import AMIClient
from said import PORT, Count

count, done = Count(), threading.Event()


def hear(source=None, event=None, **more) -> None:
    if count.take(event.name, event.keys.get("Channel"), event.keys.get("Report0FractionLost")):
        done.set()


client = AMIClient(address="127.0.0.1", port=PORT, timeout=30)
client.add_event_listener(hear)
client.login(username="bench", secret="bench")
done.wait()
count.say()
print(end="", flush=True)
os._exit(0)  # its thread would wait for ever
