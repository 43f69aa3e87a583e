"""``python -m tests.benchmarks.soak``: memory of the daemon with 5,000 channels at once, over a million events.

It runs as a process with its stores, Telegram, InfluxDB and the socket of ``top``; channels come and go all the while, so that
what stays of ended ones would be seen to grow.  ``--events N``, ``--rate R`` (events a second; more than the machine can judge
would measure the queue, which is bounded, and not the state).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.served_process import served
from tests.benchmarks.speed import daemon
from tests.benchmarks.stream import write_stream
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.influx_server import InfluxServer

CHANNELS: Final = 5_000
LOOKS: Final = 10
MOST_MB: Final = 120.0
GROWTH: Final = 1.1  # of the second half of the looks


async def soak(folder: Path, events: int, rate: float) -> list[float]:
    """Memory in MB at each look."""
    stream = folder / "stream.ami"
    write_stream(stream, events, calls=CHANNELS)
    found: list[float] = []
    async with FakeTelegram() as telegram, InfluxServer() as influx, served(stream, rate) as server:
        more = {"influx": [{"url": influx.url, "org": "office", "token": "t0ken", "keep": "30d"}]}
        async with daemon(folder, server.port, telegram.url, more) as (used, log):
            await server.when("BEGIN")
            for look in range(LOOKS):
                await asyncio.sleep(events / rate / LOOKS)
                influx.lines.clear()
                found.append(used.memory_mb)
                print(f"{(look + 1) * events // LOOKS:>10,} events {found[-1]:7.0f} MB, peak {used.peak_mb:.0f} MB", flush=True)
            if "inbox_overflow" in log.read_text(errors="replace"):
                print("reports were dropped: a lower --rate measures the state, not the queue")
    return found


async def main() -> int:
    parser = argparse.ArgumentParser(description="Memory over a million events.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=3_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = await soak(Path(folder), options.events, options.rate)
    late = found[LOOKS // 2 :]
    print(
        f"at most {max(found):.0f} MB (at most {MOST_MB:.0f}), the second half grew by {100 * (late[-1] / late[0] - 1):.0f} %"
    )
    return 0 if max(found) <= MOST_MB and late[-1] <= GROWTH * late[0] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
