"""Framing: any cutting of a stream gives the same messages, garbage gives one error, and memory is bounded."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import (
    MAX_ACTION_LINE_BYTES,
    MAX_FIRST_LINE_BYTES,
    MAX_MESSAGE_BYTES,
    Decoder,
    Message,
    encode_action,
    event_name,
)
from qualitywatch.errors import AmiProtocolError

CAPTURES = Path(__file__).parents[1] / "captures"
RECORDINGS = sorted(CAPTURES.glob("*/*/*.ami"))
SMALL = CAPTURES / "asterisk-20/action-responses/input.ami"
OLD = CAPTURES / "asterisk-13/sip-bridge-loss/input.ami"
BANNER = b"Asterisk Call Manager/9.0.0\r\n"


def decode(*pieces: bytes, wanted: frozenset[str] | None = None, limit: int = MAX_MESSAGE_BYTES) -> list[Message]:
    decoder = Decoder(wanted, max_message_bytes=limit)
    messages = [message for piece in pieces for message in decoder.feed(piece)]
    decoder.close()
    return messages


@cache
def whole(recording: Path) -> list[Message]:
    return decode(recording.read_bytes())


def outcome(pieces: list[bytes], limit: int = MAX_MESSAGE_BYTES) -> tuple[list[Message], bool]:
    """The messages got, and whether the stream ended in an error."""
    decoder = Decoder(max_message_bytes=limit)
    messages: list[Message] = []
    try:
        for piece in pieces:
            messages += decoder.feed(piece)
        decoder.close()
    except AmiProtocolError:
        return messages, True
    return messages, False


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def test_a_session_opens_with_banner_answer_and_event() -> None:
    messages = decode(SMALL.read_bytes())[:3]
    assert [(message.kind, message.name) for message in messages] == [
        ("banner", ""),
        ("response", "Success"),
        ("event", "FullyBooted"),
    ]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_joined_messages_are_the_recorded_stream_again(recording: Path) -> None:
    data = recording.read_bytes()
    # One stray blank line follows "Peer nosuch not found." in action-responses.
    assert b"".join(message.raw for message in decode(data)) == data.replace(b"\r\n\r\n\r\n", b"\r\n\r\n")


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: str(path.relative_to(CAPTURES)))
@given(size=st.integers(60, 4000), shift=st.integers(0, 4000))
@settings(max_examples=8, deadline=None)
def test_any_cutting_of_a_recording_gives_the_same_messages(recording: Path, size: int, shift: int) -> None:
    data = recording.read_bytes()
    pieces = [data[:shift], *(data[start : start + size] for start in range(shift, len(data), size))]
    assert decode(*pieces) == whole(recording)


@pytest.mark.parametrize("size", [1, 7])
def test_byte_by_byte_gives_the_same_messages(size: int) -> None:
    for recording in (SMALL, CAPTURES / "asterisk-20/restart/input.ami"):
        data = recording.read_bytes()
        assert decode(*(data[place : place + size] for place in range(0, len(data), size))) == decode(data)


@pytest.mark.slow
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_byte_by_byte_every_recording_gives_the_same_messages(recording: Path) -> None:
    data = recording.read_bytes()
    assert decode(*(data[place : place + 1] for place in range(len(data)))) == whole(recording)


lines = st.binary(max_size=12).map(lambda line: line.replace(b"\r", b""))
frames = st.lists(lines, max_size=4).map(lambda body: b"\r\n".join([b"Event: X", *(line for line in body if line), b"\r\n"]))
commands = st.lists(st.sampled_from([b"a\n", b"\n", b"\r\n\r\n", b"Channel: x\r\n", b"--END COMMAND--\n"]), max_size=5).map(
    lambda body: b"Response: Follows\r\nActionID: 1\r\n" + b"".join(body) + b"--END COMMAND--\r\n\r\n"
)
blanks = st.sampled_from([b"", b"\r\n", b"\n", b"\r\n\r\n"])
streams = st.lists(st.one_of(frames, commands, blanks), max_size=6).map(b"".join)


@given(stream=streams, banner=st.booleans(), cuts=st.lists(st.integers(0, 500), max_size=20))
def test_any_cutting_of_a_made_up_stream_gives_the_same_messages(stream: bytes, banner: bool, cuts: list[int]) -> None:
    stream = BANNER + stream if banner else stream
    assert outcome(cut(stream, cuts)) == outcome([stream])


@given(stream=st.binary(max_size=200), limit=st.integers(20, 100), cuts=st.lists(st.integers(0, 200), max_size=10))
def test_garbage_raises_only_the_protocol_error_however_it_is_cut(stream: bytes, limit: int, cuts: list[int]) -> None:
    for data in (stream, b"Event: X\r\n" + stream, BANNER + b"Event: X\r\n" + stream):
        assert outcome(cut(data, cuts), limit) == outcome([data], limit)


@given(
    mutations=st.lists(st.tuples(st.integers(0, 17000), st.binary(max_size=6)), min_size=1, max_size=20),
    cuts=st.lists(st.integers(0, 17000), max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_a_damaged_recording_raises_only_the_protocol_error(mutations: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = bytearray(SMALL.read_bytes())
    for place, replacement in mutations:
        data[place : place + len(replacement)] = replacement
    assert outcome(cut(bytes(data), cuts)) == outcome([bytes(data)])


def test_any_suffix_of_a_recording_never_crashes() -> None:
    data = SMALL.read_bytes()
    whole = decode(data)
    for start in range(0, len(data), 7):
        messages, _ = outcome([data[start:]])
        assert messages[1:] == whole[len(whole) - len(messages) + 1 :]  # the first may be half a message


def test_stray_blank_lines_are_skipped() -> None:
    """Trap: SIPshowpeer of an unknown peer is followed by one line end too many."""
    events = decode(BANNER, b"\r\n\n\r", b"Event: A\r\n\r\n\r\n\r\n\r\n", b"Event: B\r\n\r\n\r\n")[1:]
    assert [event.name for event in events] == ["A", "B"]


def test_a_line_feed_alone_does_not_end_a_message() -> None:
    """Trap: splitting on \\n\\n; ``No Contacts found`` ends in a line feed before the blank line."""
    (answer, event) = decode(b"Response: Error\r\nMessage: No Contacts found\n\r\n\r\nEvent: A\r\nAppData: one\n\ntwo\r\n\r\n")
    assert answer.get("Message") == "No Contacts found"
    assert event.get("AppData") == "one\n\ntwo"


def test_a_banner_is_only_a_banner_on_the_first_line() -> None:
    first, second = decode(BANNER, b"Event: A\r\nX: 1\r\n\r\n")
    assert (first.kind, first.raw) == ("banner", BANNER)
    later = decode(BANNER, b"Event: A\r\n\r\n", BANNER + b"\r\n")[-1]
    assert (later.kind, second.kind) == ("other", "event")
    with pytest.raises(AmiProtocolError):
        decode(BANNER, BANNER)


def test_a_recording_without_banner_is_read_too() -> None:
    assert [message.name for message in decode(b"Event: A\r\n\r\n")] == ["A"]


def test_a_frame_of_150_kilobytes_passes() -> None:
    """Trap: a 64 KiB limit."""
    big = b"Event: A\r\nValue: " + b"x" * 150_000 + b"\r\n\r\n"
    assert [len(message.raw) for message in decode(BANNER, big)] == [len(BANNER), len(big)]


@pytest.mark.timeout(20)
def test_work_is_linear_in_the_bytes_even_byte_by_byte() -> None:
    # With a search from the start for every byte this takes minutes.
    body = b"Response: Follows\r\n" + b"text\r\n\r\n" * 40_000 + b"--END COMMAND--\r\n\r\n"
    assert decode(*(body[place : place + 1] for place in range(len(body)))) == [Message(body)]


def test_a_message_without_an_end_is_refused_at_the_limit() -> None:
    frame = b"Event: A\r\nValue: " + b"x" * 70 + b"\r\n\r\n"
    assert decode(frame, limit=len(frame)) == [Message(frame)]
    decoder = Decoder(max_message_bytes=len(frame) - 1)
    with pytest.raises(AmiProtocolError, match=rf"passed {len(frame) - 1} bytes without an end"):
        decoder.feed(frame)
    with pytest.raises(AmiProtocolError, match="without an end"):
        decoder.feed(b"Event: B\r\n\r\n")  # once broken, always broken
    with pytest.raises(AmiProtocolError, match="without an end"):
        decoder.close()


def test_messages_before_an_error_are_not_lost() -> None:
    decoder = Decoder(max_message_bytes=40)
    assert [message.name for message in decoder.feed(b"Event: A\r\n\r\nEvent: B\r\nValue: " + b"x" * 50)] == ["A"]
    with pytest.raises(AmiProtocolError):
        decoder.feed(b"")


def test_an_end_in_mid_frame_is_reported_once_the_stream_is_closed() -> None:
    decoder = Decoder()
    assert decoder.feed(b"Event: A\r\n\r\nEvent: B\r\nVal")[0].name == "A"
    with pytest.raises(AmiProtocolError, match="ended in the middle of a message"):
        decoder.close()


@pytest.mark.parametrize("stream", [b"", BANNER, BANNER + b"Event: A\r\n\r\n\r\n", b"\r\n"])
def test_an_end_between_messages_is_no_error(stream: bytes) -> None:
    decoder = Decoder()
    assert all(message.raw in stream for message in decoder.feed(stream))
    decoder.close()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "answers as SSH, not as the Asterisk manager"),
        (b"HTTP/1.1 400 Bad Request\r\nServer: Asterisk\r\n", "answers as HTTP"),
        (b"<!DOCTYPE html>\n", "answers as HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "answers in TLS: switch TLS on"),
        (b"\x16", "answers in TLS"),
        (b"SIP/2.0 400 Bad Request\r\n", "answers as SIP"),
        (b"220 mail.example ESMTP; 22:36:52\r\n", "mail or FTP server"),
        (b"+OK ready\r\n", "mailbox server"),
        (b"J\x00\x00\x00\x0a5.7.33\x00", r"it sent 'J\x00\x00\x00'"),
        (b"\x00\x00\x00", r"it sent '\x00\x00\x00'"),
        (b"hello there\r\n", "it sent 'hello there'"),
        ("Привет\r\n".encode("cp1251"), r"it sent '\xcf\xf0\xe8\xe2\xe5\xf2'"),
        (b"x" * (MAX_FIRST_LINE_BYTES + 1), "it sent 'xxxx"),
        (BANNER + b"no header\r\n", "it sent 'no header'"),
    ],
)
def test_something_else_on_the_port_is_named(sent: bytes, told: str) -> None:
    decoder = Decoder()
    with pytest.raises(AmiProtocolError) as caught:
        decoder.feed(sent)
        decoder.feed(b"")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_first_line_without_end_is_refused_early() -> None:
    decoder = Decoder()
    assert decoder.feed(b"x" * MAX_FIRST_LINE_BYTES) == []
    with pytest.raises(AmiProtocolError, match="does not answer as the Asterisk manager"):
        decoder.feed(b"x")


def test_unwanted_events_are_dropped_by_their_first_line_and_counted() -> None:
    decoder = Decoder(frozenset({"RTCPSent", "FullyBooted"}))
    messages = decoder.feed((CAPTURES / "asterisk-20/sip-bridge-loss/input.ami").read_bytes())
    assert {message.name for message in messages if message.kind == "event"} == {"RTCPSent", "FullyBooted"}
    assert sum(message.name == "RTCPSent" for message in messages) == 60
    assert decoder.skipped == 426 - 60 - 3  # the rest of 426; banner, answer to Login and FullyBooted stay


def test_answers_and_banner_are_always_wanted() -> None:
    messages = decode(SMALL.read_bytes(), wanted=frozenset())
    assert [message.kind for message in messages] == ["banner"] + ["response"] * 15


def test_event_name_looks_at_the_first_line_only() -> None:
    assert event_name(b"Event: RTCPSent\r\nPrivilege: x\r\n\r\n") == b"RTCPSent"
    assert event_name(b"event:Hangup \r\n\r\n") == b"Hangup"
    assert event_name(b"Response: Success\r\nEvent: x\r\n\r\n") is None
    assert event_name(b"") is None


def test_an_action_is_encoded_in_the_order_given() -> None:
    action = encode_action(
        "Login", [("Username", "qw"), ("Secret", "пароль"), ("Variable", "a"), ("Variable", "b")], action_id="7"
    )
    assert action == (
        "Action: Login\r\nActionID: 7\r\nUsername: qw\r\nSecret: пароль\r\nVariable: a\r\nVariable: b\r\n\r\n".encode()
    )
    assert encode_action("Ping") == b"Action: Ping\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "headers", "action_id"),
    [
        ("Ping\r\nAction: Originate", [], None),
        ("Ping", [("Peer", "x\r\nAction: Originate")], None),
        ("Ping", [("Peer", "x\ny")], None),
        ("Ping", [("Peer", "x\ry")], None),
        ("Ping", [("Peer", "x\0y")], None),
        ("Ping", [("Peer\n", "x")], None),
        ("Ping", [("Peer: a", "x")], None),
        ("Ping", [], "1\r\n"),
        ("Ping", [("Secret", "\ud800")], None),
    ],
)
def test_no_value_can_smuggle_in_another_header(name: str, headers: list[tuple[str, str]], action_id: str | None) -> None:
    with pytest.raises(ValueError, match=r"line ends|surrogates"):
        encode_action(name, headers, action_id)


def test_refusing_an_action_does_not_tell_the_secret() -> None:
    for secret in ("hunter2\n", "hunter2" * 200):
        with pytest.raises(ValueError, match="Secret") as caught:
            encode_action("Login", [("Secret", secret)])
        assert "hunter2" not in str(caught.value)


def test_a_line_asterisk_would_refuse_is_refused_here() -> None:
    fits = "x" * (MAX_ACTION_LINE_BYTES - len("Peer: \r\n"))
    assert fits.encode() in encode_action("SIPshowpeer", [("Peer", fits)])
    with pytest.raises(ValueError, match="1025 bytes"):
        encode_action("SIPshowpeer", [("Peer", fits + "x")])


values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(
    headers=st.lists(st.tuples(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True), values), max_size=5),
    action_id=st.none() | st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10),
)
def test_an_encoded_action_decodes_to_the_same_headers(headers: list[tuple[str, str]], action_id: str | None) -> None:
    (message,) = decode(encode_action("Getvar", headers, action_id))
    sent = [("Action", "Getvar"), *([("ActionID", action_id)] if action_id else []), *headers]
    assert message.headers == tuple((name, value.encode().strip().decode()) for name, value in sent)
