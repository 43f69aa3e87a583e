"""Recordings on their own clock."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import TimedMessage, read_recording
from qualitywatch.errors import AmiProtocolError
from qualitywatch.model import RtcpReport

CAPTURES = Path(__file__).parents[1] / "captures"
RECORDINGS = sorted(CAPTURES.glob("*/*/*.ami"))


def times(*frames: str) -> list[float]:
    return [timed.at for timed in read_recording("".join(f"{frame}\r\n\r\n" for frame in frames).encode())]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_time_never_goes_back(recording: Path) -> None:
    timed = list(read_recording(recording.read_bytes()))
    assert timed[0].message.kind == "banner"
    assert all(later.at >= earlier.at for earlier, later in pairwise(timed))
    assert timed[0].at > 1795376000  # the banner happens at the first stamp, not at the start of time


def test_a_message_without_stamp_happens_when_its_predecessor_did() -> None:
    assert times("Response: Success", "Event: A\r\nTimestamp: 10.5", "Event: B", "Event: C\r\nTimestamp: 11.5", "Event: D") == [
        10.5,
        10.5,
        10.5,
        11.5,
        11.5,
    ]


def test_a_late_message_keeps_its_own_stamp_but_not_its_place_in_time() -> None:
    frames = [f"Event: FullyBooted\r\nTimestamp: {stamp}" for stamp in ("10.5", "10.4", "10.6")]
    assert times(*frames) == [10.5, 10.5, 10.6]
    timed = list(read_recording("".join(f"{frame}\r\n\r\n" for frame in frames).encode()))
    assert [event.at for each in timed for event in translate(each.message, each.at)] == [10.5, 10.4, 10.6]


def test_a_recording_without_stamps_has_no_clock() -> None:
    assert times("Event: A", "Event: B\r\nTimestamp: never") == [0.0, 0.0]


def test_an_empty_recording_is_empty() -> None:
    assert list(read_recording(b"")) == []


def test_a_recording_cut_off_is_read_up_to_the_cut_and_then_reported() -> None:
    data = (CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_bytes()
    whole = list(read_recording(data))
    got: list[TimedMessage] = []
    with pytest.raises(AmiProtocolError, match=r"incomplete, it was read up to there: .* in the middle of a message"):
        for timed in read_recording(data[:-7]):
            got.append(timed)  # noqa: PERF402 - what came before the error counts
    assert got == whole[:-1]


def test_a_recording_cut_off_before_its_first_stamp_is_read_too() -> None:
    got: list[TimedMessage] = []
    with pytest.raises(AmiProtocolError, match="incomplete"):
        for timed in read_recording(b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\nEvent: A\r\nTimest"):
            got.append(timed)  # noqa: PERF402 - what came before the error counts
    assert [(timed.at, timed.message.kind) for timed in got] == [(0.0, "banner"), (0.0, "response")]


@pytest.mark.parametrize("data", [b"asterisk: 13.38.3\nwhat: a truth file\n", b"\x89PNG\r\n", b"hello\n", b"\0" * 100])
def test_another_file_is_no_recording(data: bytes) -> None:
    with pytest.raises(AmiProtocolError, match="this file is no recording of a manager session"):
        list(read_recording(data))


def test_a_recording_with_converted_line_ends_is_told_so() -> None:
    data = (CAPTURES / "asterisk-20/restart/input.ami").read_bytes().replace(b"\r\n", b"\n")
    with pytest.raises(AmiProtocolError, match="line ends of this recording were converted"):
        list(read_recording(data))


def test_cutting_any_bytes_from_the_front_never_crashes() -> None:
    data = (CAPTURES / "asterisk-20/restart/input.ami").read_bytes()
    for start in range(0, len(data), 101):
        reports: list[RtcpReport] = []
        try:
            for timed in read_recording(data[start:]):
                reports.extend(event for event in translate(timed.message, timed.at) if isinstance(event, RtcpReport))
        except AmiProtocolError as error:
            assert "this file is no recording" in str(error)  # cut in the middle of a line without a colon
        assert len(reports) <= 14


def test_the_pieces_a_large_recording_is_read_in_do_not_show() -> None:
    frame = b"Event: FullyBooted\r\nTimestamp: 10.5\r\nUptime: 17\r\n\r\n"
    timed = list(read_recording(frame * 45_000))  # more than two pieces
    assert len(timed) == 45_000
    assert {each.message.raw for each in timed} == {frame}
