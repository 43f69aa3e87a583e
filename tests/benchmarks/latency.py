"""``python -m tests.benchmarks.latency``: from the last byte of a report to the request that tells Telegram.

The daemon runs as a process beside a background of 1,000 events/s of 1,500 channels, one event a segment; every second a
channel of its own reports so much loss that a rule without a hold fires.  Each becomes an incident of its own, with a picture
half a minute later and a change at its end.  A bot may send one message a second to a chat, so three chats take turns.

What the machine did meanwhile is told too: how long the daemon was ready to run and had no processor.
"""

from __future__ import annotations

import asyncio
import gc
import math
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.served import BANNER, answer_actions
from tests.benchmarks.speed import daemon
from tests.benchmarks.stream import BEGINS_AT, Stream
from tests.fakes.fake_telegram import FakeTelegram

RATE: Final = 1_000
CALLS: Final = 1_500  # 600 reports a second in real time
PROBES: Final = 120
EVERY_S: Final = 1.0
BEFORE_S: Final = 5.0
MOST_MS: Final = 50.0
CHATS: Final = (4242, 4243, 4244)
OTHER_CHAT: Final = 4245
RULE: Final = """
rules:
  - name: probe
    kind: threshold
    metric: loss_percent_reported
    subject: PJSIP/9*
    min_expected: 1
    critical: {enter: 20, clear: 10, for: 0s}
"""


def subject(number: int) -> str:
    """The peer of a probe; its first digits tell the chat."""
    return f"9{number % len(CHATS)}{number:03}"


def probe(number: int, at: float, *, packets: int, lost: int) -> bytes:
    """A report on channel ``number`` of those that are watched for."""
    lines = (
        *(
            "Event: RTCPSent",
            "Privilege: reporting,all",
            f"Timestamp: {at:.6f}",
            f"Channel: PJSIP/{subject(number)}-0000{number:04x}",
        ),
        *("ChannelState: 6", "ChannelStateDesc: Up", f"CallerIDNum: {subject(number)}", "CallerIDName: Probe"),
        *(f"Uniqueid: 17.{number}", f"Linkedid: 17.{number}", "To: 10.9.9.9:4000", "From: 10.17.45.1:5000"),
        *("SSRC: 0x00000007", "PT: 201(RR)", "ReportCount: 1", "Report0SourceSSRC: 0x00000009"),
        *(f"Report0FractionLost: {min(255, lost)}", f"Report0CumulativeLost: {lost}", f"Report0HighestSequence: {packets}"),
        *("Report0SequenceNumberCycles: 0", "Report0IAJitter: 8", "Report0LSR: 7", "Report0DLSR: 0.1000"),
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def feed(writer: asyncio.StreamWriter, probed: dict[int, float]) -> None:
    """Send the background and the probes in real time."""
    loop = asyncio.get_running_loop()
    stream, begun, sent = Stream(calls=CALLS, lossy_share=0.0, bad_share=0.0), loop.time(), 0
    begins_at = [10 + number * EVERY_S for number in range(PROBES)]
    opened = 0
    while len(probed) < PROBES:
        passed = loop.time() - begun
        while sent < passed * RATE:
            writer.write(stream.event())
            sent += 1
        at = BEGINS_AT + passed
        if opened < PROBES and passed >= begins_at[opened] - BEFORE_S:
            writer.write(probe(opened, at, packets=1000, lost=0))
            opened += 1
        number = len(probed)
        if passed >= begins_at[number]:
            writer.write(probe(number, at, packets=1250, lost=150))
            probed[number] = loop.time()
        await writer.drain()
        await asyncio.sleep(0.001)
    await asyncio.sleep(3)


async def measure(folder: Path) -> list[float]:
    """Milliseconds of each probe that was told, the quickest first."""
    probed: dict[int, float] = {}
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(BANNER)
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(answer_actions(reader, writer, ready))
            await ready.wait()
            await asyncio.sleep(2)
            await feed(writer, probed)
            answering.cancel()
        done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    rules = folder / "rules"
    rules.mkdir()
    (rules / "probe.yml").write_text(RULE)
    async with server, FakeTelegram() as telegram:
        port = server.sockets[0].getsockname()[1]
        more = {
            "rules": {"directory": str(rules)},
            "incidents": {"group_by": ["subject"]},  # each is news, and none a change of an earlier message
            # What the background is alerted of goes to another chat: one news a second is all that a chat may get.
            "notify": [
                *(
                    {"name": f"ops-{turn}", "kind": "telegram", "chat_id": chat, "min_severity": "critical"}
                    for turn, chat in enumerate(CHATS)
                ),
                {"name": "others", "kind": "telegram", "chat_id": OTHER_CHAT, "min_severity": "critical"},
            ],
            "routes": [
                *({"match": {"subject": f"PJSIP/9{turn}*"}, "to": [f"ops-{turn}"]} for turn in range(len(CHATS))),
                {"to": ["others"]},
            ],
        }
        async with daemon(folder, port, telegram.url, more) as (used, _):
            await done.wait()
            print(f"the daemon used {used.cpu_s:.1f} s of a processor and waited {used.waited_s:.1f} s for one")
        print(f"{sum(call.method == 'sendPhoto' for call in telegram.calls)} pictures hung up (none without matplotlib)")
        took = []
        for number, sent_at in probed.items():
            told = [call.at for call in telegram.calls if subject(number) in str(call.params.get("text", ""))]
            if told:
                took.append(1000 * (min(told) - sent_at))
    return sorted(took)


async def main() -> int:
    gc.freeze()
    gc.disable()  # pauses of whoever measures are none of the daemon's
    with tempfile.TemporaryDirectory() as folder:
        took = await measure(Path(folder))
    if not took:
        print("no probe was told")
        return 1
    p50, p99 = took[len(took) // 2], took[math.ceil(0.99 * len(took)) - 1]
    print(f"{len(took)} of {PROBES} reports told; from the last byte to the request: median {p50:.0f} ms, p99 {p99:.0f} ms")
    print("the slowest:", ", ".join(f"{each:.0f}" for each in took[-10:]))
    print(f"at most {MOST_MS:.0f} ms wanted at {RATE:,} events/s")
    return 0 if p99 <= MOST_MS and len(took) == PROBES else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
