"""Memory is bounded, whatever is sent: measured as the resident size of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("piece", ['b"x" * 65536', 'b"a: b\\r\\n" * 10922'], ids=["a frame of 1 GB", "a million headers"])
def test_a_frame_without_an_end_is_given_up(piece: str) -> None:
    assert grown_mb(ONE_FRAME.format(piece=piece)) < 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_channels_that_never_end_are_let_go_of() -> None:
    assert grown_mb(CHANNELS.format(count=1_000_000)) < 250
