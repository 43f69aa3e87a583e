"""``python -m tests.fuzz.memory``: by how much the resident size of a process grows that reads what never ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REPOSITORY = Path(__file__).parents[2]
RESIDENT = """
def resident_mb():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) // 1024
before = resident_mb()
"""
ONE_FRAME = """
from qualitywatch.ami.codec import Decoder
from qualitywatch.errors import AmiProtocolError
decoder, taken = Decoder(), 0
try:
    decoder.feed(b"Event: X\\r\\n")
    for _ in range(16384):
        taken += 65536
        decoder.feed({piece})
except AmiProtocolError:
    pass
"""
CHANNELS = """
from pathlib import Path
from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import translate
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules
pipeline = Pipeline("office", load_rules([Path("rules")]))
for number in range({count}):
    at = 1_700_000_000 + number * 0.001
    raw = (
        f"Event: Newchannel\\r\\nTimestamp: {{at:.6f}}\\r\\nChannel: SIP/{{number % 5000}}-{{number:08x}}\\r\\n"
        f"ChannelStateDesc: Up\\r\\nUniqueid: 1.{{number}}\\r\\nLinkedid: 1.{{number}}\\r\\n\\r\\n"
    )
    for event in translate(Message(raw.encode()), at):
        pipeline.feed(event)
"""


def grown_mb(what: str) -> int:
    """By how much a process grows that does this."""
    script = f"{RESIDENT}{what}\nprint(resident_mb() - before)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return int(done.stdout)


ENDLESS_FRAMES: Final[Mapping[str, str]] = {
    "a frame of 1 GB": ONE_FRAME.format(piece='b"x" * 65536'),
    "a million headers": ONE_FRAME.format(piece='b"a: b\\r\\n" * 10922'),
}


def main() -> None:
    """Print the table."""
    print("| input | grown by MB |\n|---|--:|", flush=True)
    for name, what in {**ENDLESS_FRAMES, "a million channels that never end": CHANNELS.format(count=1_000_000)}.items():
        print(f"| {name} | {grown_mb(what)} |", flush=True)


if __name__ == "__main__":
    main()
