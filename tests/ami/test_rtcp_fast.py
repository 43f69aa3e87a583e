"""Reports read in one look, beside the reader of any form: whatever the first reads, the second reads alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami import rtcp
from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import timestamp
from qualitywatch.ami.recording import read_recording
from qualitywatch.ami.rtcp_fast import KEPT, LOOKS, ChannelBlocks, read_report
from qualitywatch.model import RtcpReport
from tests.accuracy.findings import RECORDINGS

RECEIVED_AT = 1_700_000_000.0
USUAL = (
    *("Event: RTCPReceived", "Privilege: reporting,all", "Timestamp: 1795377230.005965", "Channel: SIP/6118-00000003"),
    *("ChannelState: 6", "ChannelStateDesc: Up", "CallerIDNum: 6118", "CallerIDName: Анна", "ConnectedLineNum: 6117"),
    *("ConnectedLineName: <unknown>", "Language: en", "AccountCode: ", "Context: internal", "Exten: 6118", "Priority: 1"),
    *("Uniqueid: 1795377230.3", "Linkedid: 1795377230.2", "ChanVariable: CHANNEL(audioreadformat)=ulaw"),
    *("ChanVariable: FROM_DID=", "To: 127.0.0.1:10371", "From: 127.0.0.1:16121", "RTT: 0.0130", "MES: 88.1"),
    *("SSRC: 0x0536fd2d", "PT: 200(SR)", "ReportCount: 1", "SentNTP: 1795377230.005965", "SentRTP: 160", "SentPackets: 12"),
    *("SentOctets: 1920", "Report0SourceSSRC: 0x5b1c9a04", "Report0FractionLost: 3", "Report0CumulativeLost: 16777213"),
    *("Report0HighestSequence: 17", "Report0SequenceNumberCycles: 2", "Report0IAJitter: 21", "Report0LSR: 4711"),
    "Report0DLSR: 1.2500",
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "0",
                "0.0",
                "-1",
                "1.5",
                "4294967296",
                "65536",
                "256",
                "16777216",
                "0x",
                "0xFFFFFFFF",
                "0x1ffffffff",
                "nan",
            ),
            *("1e5", " 12", "12 ", "٣", "1_0", "99999999999999999999", "00012", "0.", ".5", "1.2.3", "SSRC: 0x1", "<unknown>"),
        ]
    ),
    st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12),
    st.integers(0, 1 << 33).map(str),
    st.integers(0, 1 << 33).map(hex),
    st.floats(0, 1e9).map(lambda number: f"{number:.6f}"),
)
NAMES = st.sampled_from([line.partition(":")[0] for line in USUAL])


def plain(frame: bytes) -> tuple[RtcpReport, ...]:
    message = Message(frame)
    read = rtcp.rtcp_sent if message.name.lower() == "rtcpsent" else rtcp.rtcp_received
    return read(message, timestamp(message) or RECEIVED_AT)


def wire(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


@st.composite
def reports(draw: st.DrawFn) -> bytes:
    """A usual report with a few lines changed, doubled, moved or left out."""
    lines = list(USUAL)
    if draw(st.booleans()):
        lines[0] = "Event: RTCPSent"
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(1, len(lines) - 1))
        name = lines[place].partition(":")[0]
        match draw(st.sampled_from(["value", "drop", "repeat", "swap", "insert", "case", "space"])):
            case "value":
                lines[place] = f"{name}: {draw(VALUES)}"
            case "drop":
                del lines[place]
            case "repeat":
                lines.insert(draw(st.integers(1, len(lines))), lines[place])
            case "swap":
                other = draw(st.integers(1, len(lines) - 1))
                lines[place], lines[other] = lines[other], lines[place]
            case "insert":
                lines.insert(place, f"{draw(NAMES)}: {draw(VALUES)}")
            case "case":
                lines[place] = lines[place].swapcase()
            case _:
                lines[place] = lines[place].replace(": ", draw(st.sampled_from([":", ":  ", " : ", ":\t"])), 1)
    return wire(lines)


@given(reports())
def test_what_is_read_in_one_look_is_what_the_reader_of_any_form_reads(frame: bytes) -> None:
    found = read_report(frame, RECEIVED_AT)
    if found is not None:
        assert (found,) == plain(frame)


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(noise: bytes) -> None:
    usual = wire(list(USUAL))
    for frame in (noise, usual[:120] + noise, usual[:-60] + noise + b"\r\n\r\n"):
        found = read_report(frame, RECEIVED_AT)
        if found is not None:
            assert (found,) == plain(frame)


def test_the_usual_form_is_read() -> None:
    found = read_report(wire(list(USUAL)), RECEIVED_AT)
    assert found is not None
    assert found.block is not None
    assert (found.at, found.block.cumulative_lost, found.rtt_s) == (1795377230.005965, -3, 0.013)


def recorded(path: Path) -> Iterator[bytes]:
    for timed in read_recording((path / "input.ami").read_bytes()):
        if re.match(rb"Event: RTCP(?:Sent|Received)\r", timed.message.raw):
            yield timed.message.raw


@pytest.mark.parametrize("recording", RECORDINGS, ids=[f"{path.parent.name}/{path.name}" for path in RECORDINGS])
def test_recordings_are_read_alike_and_nearly_all_in_one_look(recording: Path) -> None:
    frames = list(recorded(recording))
    found = [(read_report(frame, RECEIVED_AT), plain(frame)) for frame in frames]
    assert [(one,) for one, _ in found if one is not None] == [other for one, other in found if one is not None]
    assert sum(one is None for one, _ in found) <= 0.2 * len(frames)


def test_a_channel_that_is_told_again_is_the_same_object_and_old_ones_are_forgotten() -> None:
    blocks = ChannelBlocks()
    first = b"Channel: SIP/1-1\r\nUniqueid: 1.1\r\nChannelStateDesc: Up"
    assert blocks.read(first) is blocks.read(first)
    known = blocks.read(first)
    for number in range(2 * KEPT + 1):
        blocks.read(b"Channel: SIP/2-%d\r\nUniqueid: 2.%d" % (number, number))
    assert blocks.read(first) == known
    assert blocks.read(first) is not known


def test_of_channels_those_that_are_over_are_forgotten() -> None:
    blocks = ChannelBlocks()
    ended = blocks.read(b"Channel: SIP/1-1\r\nUniqueid: 1.1")
    lasting = b"Channel: SIP/2-1\r\nUniqueid: 2.1"
    known = blocks.read(lasting)
    for _ in range(2 * LOOKS):
        assert blocks.read(lasting) is known
    assert blocks.read(b"Channel: SIP/1-1\r\nUniqueid: 1.1") is not ended


def test_a_block_that_holds_more_than_a_block_is_left_to_the_other_reader() -> None:
    assert ChannelBlocks().read(b"Channel: SIP/1-1\r\nUniqueid: 1.1\r\nSSRC: 0x1") is None
