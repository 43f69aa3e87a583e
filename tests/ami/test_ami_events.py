"""The whole table: every message of every recording, and every message nobody would send."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import WANTED_EVENTS, translate
from qualitywatch.model import Booted, PbxEvent, ShuttingDown

CAPTURES = Path(__file__).parents[1] / "captures"
RECORDINGS = sorted(CAPTURES.glob("*/*/*.ami"))

# Counted in the files with grep, in the order of KINDS: RTCP..., Newchannel + Newstate, Hangup, Peer... + Contact..., ...
COUNTS = {
    "asterisk-13/sip-bridge-loss/input.ami": (129, 10, 4, 51, 5, 1, 1, 0, 2, 2, 0),
    "asterisk-20/action-responses/input.ami": (0, 0, 0, 5, 5, 2, 1, 0, 0, 0, 20),
    "asterisk-20/loss-storm/input.ami": (548, 60, 20, 70, 13, 0, 1, 0, 0, 0, 13),
    "asterisk-20/one-way-audio/input.ami": (35, 4, 2, 11, 10, 0, 1, 0, 0, 0, 9),
    "asterisk-20/peer-reachability-user-agent/input.ami": (0, 0, 0, 192, 15, 4, 1, 0, 0, 0, 15),
    "asterisk-20/pjsip-echo-codecs/input.ami": (125, 8, 4, 19, 18, 0, 1, 0, 0, 0, 129),
    "asterisk-20/restart/after-reconnect.ami": (0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 4),
    "asterisk-20/restart/input.ami": (14, 2, 1, 3, 4, 0, 1, 1, 0, 0, 3),
    "asterisk-20/sip-bridge-loss/input.ami": (94, 5, 2, 10, 21, 0, 1, 0, 1, 1, 160),
    "asterisk-20/trunk-calls/input.ami": (18, 33, 16, 14, 24, 0, 1, 0, 8, 8, 22),
    "asterisk-20/trunk-outage/input.ami": (0, 0, 0, 15, 51, 0, 1, 0, 0, 0, 37),
    "asterisk-22/pjsip-bridge-loss/input.ami": (64, 7, 4, 15, 8, 6, 1, 0, 2, 2, 0),
}
KINDS = (
    "RtcpReport",
    "ChannelChanged",
    "ChannelHungUp",
    "PeerStateSeen",
    "TrunkStateSeen",
    "AgentSeen",
    "Booted",
    "ShuttingDown",
    "DialBegun",
    "DialEnded",
    "LoginFailed",
)


def messages(path: Path) -> list[Message]:
    return Decoder().feed(path.read_bytes())


def event(text: str) -> Message:
    return Message(text.replace("\n", "\r\n").encode() + b"\r\n\r\n")


def test_the_counted_recordings_are_there() -> None:
    assert set(COUNTS) <= {str(path.relative_to(CAPTURES)) for path in RECORDINGS}


@pytest.mark.parametrize("recording", COUNTS)
def test_every_message_of_a_recording_is_translated(recording: str) -> None:
    found = Counter(type(e).__name__ for message in messages(CAPTURES / recording) for e in translate(message, 5.0))
    assert tuple(found[kind] for kind in KINDS) == COUNTS[recording]
    assert sum(found.values()) - found["Reloaded"] == sum(COUNTS[recording])
    assert found["Reloaded"] == (1 if recording == "asterisk-20/restart/input.ami" else 0)


def test_both_directions_are_counted_apart() -> None:
    reports = messages(CAPTURES / "asterisk-20/sip-bridge-loss/input.ami")
    assert Counter(message.name for message in reports if message.name.startswith("RTCP")) == {
        "RTCPSent": 60,
        "RTCPReceived": 34,
    }


@pytest.mark.parametrize("recording", COUNTS)
def test_a_decoder_of_wanted_events_loses_nothing_that_is_translated(recording: str) -> None:
    data = (CAPTURES / recording).read_bytes()
    everything = [e for message in Decoder().feed(data) for e in translate(message, 5.0)]
    decoder = Decoder(WANTED_EVENTS)
    assert [e for message in decoder.feed(data) for e in translate(message, 5.0)] == everything
    assert decoder.skipped > 0


def test_the_ends_of_all_recorded_lists_are_wanted_and_passwords_are_not() -> None:
    names = {message.name for path in RECORDINGS for message in messages(path) if message.kind == "event"}
    # AgentComplete ends the call of a queue's agent, and no list.
    assert {name for name in names if name.endswith("Complete")} - {"AgentComplete"} <= WANTED_EVENTS
    assert "AuthDetail" in names
    assert "AuthDetail" not in WANTED_EVENTS
    assert Decoder(WANTED_EVENTS).feed(b"Event: AuthDetail\r\nPassword: pw\r\n\r\n") == []
    assert translate(event("Event: AuthDetail\nPassword: pw"), 5.0) == ()


def test_an_event_happens_at_its_timestamp() -> None:
    (booted,) = translate(event("Event: FullyBooted\nTimestamp: 1795377234.019990\nUptime: 890"), 5.0)
    assert booted == Booted(1795377234.01999, uptime_s=890.0)


@pytest.mark.parametrize(
    "stamp", ["", "Timestamp: ", "Timestamp: 0", "Timestamp: -1", "Timestamp: soon", "Timestamp: inf", "Timestamp: nan"]
)
def test_an_event_without_a_sane_timestamp_happens_when_it_is_received(stamp: str) -> None:
    (booted,) = translate(event(f"Event: FullyBooted\nUptime: 890\n{stamp}".rstrip()), 5.0)
    assert booted == Booted(5.0, uptime_s=890.0)


def test_boot_of_asterisk_11_and_13_tells_no_uptime() -> None:
    assert translate(event("Event: FullyBooted\nStatus: Fully Booted"), 5.0) == (Booted(5.0, uptime_s=None),)


def test_shutdown_tells_whether_asterisk_comes_back() -> None:
    (recorded,) = [m for m in messages(CAPTURES / "asterisk-20/restart/input.ami") if m.name == "Shutdown"]
    assert translate(recorded, 5.0) == (ShuttingDown(1795378003.22404, restart=True),)
    assert translate(event("Event: Shutdown\nShutdown: Uncleanly\nRestart: False"), 5.0) == (ShuttingDown(5.0, restart=False),)


@pytest.mark.parametrize(
    "text",
    [
        "Event: VarSet\nChannel: SIP/1-1\nUniqueid: 1.1",
        "Event: PeerlistComplete\nListItems: 1",
        "Event: ",
        "Response: Error\nMessage: No Contacts found",
        "Response: Error\nMessage: Invalid/unknown command: SIPpeers. Use Action: ListCommands to show available commands.",
        "Response: Error\nChanneltype: SIP\nObjectName: 6117\nSIP-Useragent: x",
        "Response: Success\nPing: Pong\nTimestamp: 1795376959.499812",
        "Action: Ping",
        "",
    ],
)
def test_what_means_nothing_to_us_yields_nothing(text: str) -> None:
    """Trap: treating "No Contacts found" or "Invalid/unknown command" as more than an answer."""
    assert translate(event(text), 5.0) == ()


def test_dropping_any_part_from_the_front_of_a_recording_never_crashes() -> None:
    """The daemon was restarted in the middle of a call."""
    data = (CAPTURES / "asterisk-20/restart/input.ami").read_bytes()
    data = data[data.index(b"Event: Newchannel") :]
    counts = []
    for start in range(0, len(data), 97):
        head = data.find(b"\r\n", start) + 2
        counts.append(sum(len(translate(message, 5.0)) for message in Decoder().feed(data[head:])))
    assert counts[0] >= max(counts[1:])
    assert counts[-1] <= 1


HEADERS = """
Timestamp Channel Uniqueid Linkedid ChannelStateDesc CallerIDNum CallerIDName ChanVariable Newname Cause TechCause To
From RTT SSRC SentNTP SentRTP SentPackets SentOctets Report0SourceSSRC Report0FractionLost Report0CumulativeLost
Report0HighestSequence Report0SequenceNumberCycles Report0IAJitter Report0LSR Report0DLSR ChannelType Peer PeerStatus
Address Time ActionID URI AOR ContactStatus EndpointName RoundtripUsec Channeltype ObjectName IPaddress IPport Dynamic
Status UserAgent Endpoint Username Domain Host Port Refresh State Perceived ClientUri ServerUri Expiration Uptime
Restart SIP-Useragent Callerid Address-IP Address-Port Variable Value
"""
odd_values = st.one_of(
    st.binary(max_size=12),
    st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()),
    st.floats().map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"", b"0x", b"0xffffffff", b"9" * 5000, b"1_0", "٣".encode(), b"PJSIP_CONTACT(a;@b,user_agent)", b"OK (1 ms)", b"SIP"]
    ),
)


def figures(found: PbxEvent) -> list[float]:
    def walk(part: object) -> list[float]:
        if isinstance(part, tuple):
            return [number for item in part for number in walk(item)]
        return [part] if isinstance(part, float) else []

    return walk(astuple(found))


@given(
    first=st.sampled_from([f"Event: {name}".encode() for name in sorted(WANTED_EVENTS)] + [b"Response: Success"]),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS.split()), odd_values), max_size=40),
)
@settings(max_examples=300)
def test_no_bytes_of_a_peer_make_translation_fail(first: bytes, headers: list[tuple[str, bytes]]) -> None:
    raw = b"\r\n".join([first, *(name.encode() + b": " + value for name, value in headers), b"", b""])
    for found in translate(Message(raw), 5.0):
        assert hash(found) == hash(found)
        assert all(math.isfinite(number) for number in figures(found))


@given(
    recording=st.sampled_from(["asterisk-13/sip-bridge-loss", "asterisk-20/action-responses", "asterisk-22/pjsip-bridge-loss"]),
    index=st.integers(0, 62),
    damage=st.lists(st.tuples(st.integers(0, 800), st.binary(max_size=3)), max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_damaged_messages_do_not_make_translation_fail(recording: str, index: int, damage: list[tuple[int, bytes]]) -> None:
    raw = bytearray(messages(CAPTURES / recording / "input.ami")[-index].raw)
    for place, replacement in damage:
        raw[place : place + len(replacement)] = replacement
    for found in translate(Message(bytes(raw)), 5.0):
        assert found.at > 0
