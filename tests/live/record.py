"""Makes a recording: ``python -m tests.live.record SITUATION FOLDER [--asterisk 16|22] ...``.

Writes ``input.ami``, every byte that Asterisk sent to a manager user who may read everything, and ``truth.yml``, what was done
and when, in the form of ``tests/captures``.  With ``measured`` it notes what the reports of the session add up to.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import yaml

from tests.live import install
from tests.live.ami import AmiReader
from tests.live.bench import Bench, bench
from tests.live.install import SUITES, Suite
from tests.live.isolation import isolate
from tests.live.measure import heard
from tests.live.situations import SITUATIONS, Truth

QUEUES_EVERY_S = 10.0


async def record(suite: Suite, situation: str, folder: Path, rtcp_interval_ms: int) -> None:
    """Run one situation on a fresh bench and write its recording."""
    truth = Truth()
    async with bench(suite, rtcp_interval_ms=rtcp_interval_ms) as b:
        version = await b.pbx.version()
        async with b.ami(tls=situation == "tls") as session:
            polling = b.tasks.create_task(_ask_for_queues(session)) if situation == "queue" else None
            await SITUATIONS[situation](b, truth)
            if polling is not None:
                polling.cancel()
            await _quiet(b, session)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "input.ami").write_bytes(bytes(session.raw[: session.raw.rfind(b"\r\n\r\n") + 4]))
        (folder / "truth.yml").write_text(_yaml(version, truth, session))


async def _ask_for_queues(session: AmiReader) -> None:
    """Ask as the daemon does: Asterisk does not tell of queues by itself."""
    while True:
        await session.act("QueueSummary", ActionID="queues")
        await asyncio.sleep(QUEUES_EVERY_S)


async def _quiet(b: Bench, session: AmiReader) -> None:
    """Wait until no channel is left, so that the recording ends with the last hangup."""
    await session.act("CoreShowChannels", ActionID="end")
    await session.event("CoreShowChannelsComplete", ActionID="end")


def _yaml(version: str, truth: Truth, session: AmiReader) -> str:
    """One key a block, one item a line, as the other recordings have it."""
    lines = [f"asterisk: {version}", f"what: {_flow(truth.what)}"]
    listed = {"injected": truth.injected, "faults": truth.faults, "timeline": truth.timeline, "measured": _measured(session)}
    for key, items in listed.items():
        lines += [f"{key}:", *(f"  - {_flow(item)}" for item in items)] if items else []
    lines += [f"notes: {_flow(truth.notes)}"] if truth.notes else []
    return "\n".join(lines) + "\n"


def _measured(session: AmiReader) -> list[dict[str, Any]]:
    return [
        {
            "channel": stream.channel,
            "direction": stream.direction,
            "expected": stream.expected,
            "loss_percent": round(stream.net_loss_percent, 2),
            "loss_percent_reported": round(stream.loss_percent, 2),
            "jitter_ticks": round(stream.jitter_ticks),
        }
        for stream in heard(session.messages)
        if stream.loss_percent is not None and stream.net_loss_percent is not None
    ]


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n...\n").strip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.live.record", description=__doc__)
    parser.add_argument("situation", choices=sorted(SITUATIONS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--asterisk", type=int, choices=sorted(SUITES), default=16)
    parser.add_argument(
        "--rtcp-interval-ms", type=int, default=2000, help="how often Asterisk reports; its own default is 5000"
    )
    options = parser.parse_args()
    suite = SUITES[options.asterisk]
    install.ensure_pbx(suite)  # needs the network, so before there is none
    isolate()
    asyncio.run(record(suite, options.situation, options.folder, options.rtcp_interval_ms))


if __name__ == "__main__":
    main()
