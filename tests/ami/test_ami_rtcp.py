"""RTCP events against the figures of the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import translate
from qualitywatch.model import Channel, Direction, ReportBlock, RtcpReport, SenderInfo

CAPTURES = Path(__file__).parents[1] / "captures"

BLOCK = """Report0SourceSSRC: 0x5b1c9a04
Report0FractionLost: 0
Report0CumulativeLost: 16777213
Report0HighestSequence: 1234
Report0SequenceNumberCycles: 2
Report0IAJitter: 22
Report0LSR: 931804218
Report0DLSR: 3.6669"""


def recorded(folder: str, name: str, index: int) -> RtcpReport:
    messages = [m for m in Decoder().feed((CAPTURES / folder / "input.ami").read_bytes()) if m.name == name]
    return only(messages[index])


def report(text: str, name: str = "RTCPReceived") -> RtcpReport:
    return only(Message(f"Event: {name}\n{text}".replace("\n", "\r\n").encode() + b"\r\n\r\n"))


def only(message: Message) -> RtcpReport:
    (found,) = translate(message, 5.0)
    assert isinstance(found, RtcpReport)
    return found


def test_what_we_heard_of_a_phone() -> None:
    """Trap: swapping directions. RTCPSent is heard by us."""
    assert recorded("asterisk-20/sip-bridge-loss", "RTCPSent", 2) == RtcpReport(
        at=1795377234.01999,
        direction=Direction.FROM_PEER,
        channel=Channel(
            name="SIP/6117-00000002",
            uniqueid="1795377230.2",
            linkedid="1795377230.2",
            state="Up",
            caller_number="6117",
            caller_name="User 6117",
        ),
        ssrc=0x7C509B33,
        sender=SenderInfo(ntp_at=1795377234.019812, rtp_timestamp=0, packets=200, octets=32000),
        block=ReportBlock(
            source_ssrc=0x2814145E,
            fraction_lost=20,
            cumulative_lost=14,
            extended_highest_sequence=199,
            jitter_ticks=2,
            lsr=3335404767,
            dlsr_s=3.774,
        ),
        rtt_s=None,
        to_address="127.0.0.1:16118",
        from_address="127.0.0.1:10827",
        blocks=1,
    )


def test_what_a_phone_heard_of_us() -> None:
    """RTCPReceived is heard by the peer; its ``SSRC`` is the NTP time of the report (Asterisk 16 and later)."""
    found = recorded("asterisk-20/sip-bridge-loss", "RTCPReceived", 10)
    assert found == RtcpReport(
        at=1795377235.405906,
        direction=Direction.TO_PEER,
        channel=Channel(
            name="SIP/6118-00000003",
            uniqueid="1795377230.3",
            linkedid="1795377230.2",
            state="Up",
            caller_number="6118",
            caller_name="User 6118",
        ),
        ssrc=1795377235 + 2208988800,
        sender=SenderInfo(ntp_at=1795377235.400097, rtp_timestamp=2166982795, packets=269, octets=43040),
        block=ReportBlock(
            source_ssrc=0x2814145E,
            fraction_lost=35,
            cumulative_lost=38,
            extended_highest_sequence=269,
            jitter_ticks=2,
            lsr=3335652969,
            dlsr_s=1.3804,
        ),
        rtt_s=0.0002,
        to_address="127.0.0.1:10371",
        from_address="127.0.0.1:16121",
        blocks=1,
    )


def test_asterisk_22_tells_the_codec_and_opus_ticks() -> None:
    found = recorded("asterisk-22/pjsip-bridge-loss", "RTCPSent", 2)
    assert found.channel is not None
    assert found.channel.codec == "opus"
    assert found.block is not None
    assert found.block.jitter_ticks == 942  # of 48000 a second: 19.6 ms


def test_asterisk_13_prints_the_same_names() -> None:
    """Trap: expecting ReportX..., Jitter, DLR."""
    found = recorded("asterisk-13/sip-bridge-loss", "RTCPSent", 2)
    assert found.block == ReportBlock(
        source_ssrc=0x27F516B3,
        fraction_lost=7,
        cumulative_lost=3,
        extended_highest_sequence=17832,
        jitter_ticks=1,
        lsr=3504160412,
        dlsr_s=1.765,
    )


def test_the_first_report_of_a_phone_about_nothing_passes_as_it_is() -> None:
    found = recorded("asterisk-20/sip-bridge-loss", "RTCPReceived", 0)
    assert found.block == ReportBlock(
        source_ssrc=0,
        fraction_lost=0,
        cumulative_lost=0,
        extended_highest_sequence=0,
        jitter_ticks=0,
        lsr=0,
        dlsr_s=0.0,
    )
    assert found.sender is None  # a receiver report
    assert found.rtt_s is None


def test_cumulative_loss_is_signed() -> None:
    """Trap: taking 16777213 as 16 million lost packets."""
    block = report(f"SSRC: 0x1\n{BLOCK}").block
    assert block is not None
    assert block.cumulative_lost == -3


@pytest.mark.parametrize(("printed", "lost"), [("0", 0), ("8388607", 8388607), ("8388608", -8388608), ("16777215", -1)])
def test_the_sign_begins_at_the_24th_bit(printed: str, lost: int) -> None:
    block = report(f"SSRC: 0x1\n{BLOCK}".replace("16777213", printed)).block
    assert block is not None
    assert block.cumulative_lost == lost


def test_the_highest_sequence_counts_the_wraps() -> None:
    block = report(f"SSRC: 0x1\n{BLOCK}").block
    assert block is not None
    assert block.extended_highest_sequence == 2 * 65536 + 1234 == 132306


def test_the_delay_since_the_last_report_is_seconds() -> None:
    """Trap: using DLSR as 1/65536 s."""
    block = report(f"SSRC: 0x1\n{BLOCK}").block
    assert block is not None
    assert block.dlsr_s == 3.6669


def test_names_of_the_documentation_are_understood_too() -> None:
    documented = BLOCK.replace("Report0", "ReportX").replace("IAJitter", "Jitter").replace("DLSR", "DLR")
    assert report(f"SSRC: 0x1\n{documented}").block == report(f"SSRC: 0x1\n{BLOCK}").block


@pytest.mark.parametrize(
    ("printed", "seconds"), [("0.0414", 0.0414), ("0.0000", None), ("65535.9000", 65535.9), ("-1", None), ("x", None)]
)
def test_round_trip_times(printed: str, seconds: float | None) -> None:
    """Trap: believing RTT 0.0000. An absurd one is passed on, to be counted as a skewed clock."""
    assert report(f"RTT: {printed}\nSSRC: 0x1\n{BLOCK}").rtt_s == seconds


@pytest.mark.parametrize(
    ("printed", "ssrc"),
    [
        ("0x5b1c9a04", 0x5B1C9A04),
        ("0x5B1C9A04", 0x5B1C9A04),
        ("1528601092", 0x5B1C9A04),
        ("0x100000000", None),
        ("0x", None),
        ("", None),
    ],
)
def test_sources_are_hexadecimal_or_decimal(printed: str, ssrc: int | None) -> None:
    assert report(f"SSRC: {printed}\n{BLOCK}").ssrc == ssrc


def test_the_time_of_a_sender_report_is_unix_seconds() -> None:
    """Trap: using SentNTP as seconds since 1900."""
    sender = "SSRC: 0x1\nSentNTP: 1767225615.204011\nSentRTP: 118400\nSentPackets: 740\nSentOctets: 118400"
    assert report(sender).sender == SenderInfo(1767225615.204011, 118400, 740, 118400)
    assert report(sender.replace("SentPackets: 740\n", "")).sender is None


def test_a_report_without_block_has_none_whatever_its_count_says() -> None:
    assert report("SSRC: 0x1\nReportCount: 2").block is None
    assert report(f"SSRC: 0x1\nReportCount: 0\n{BLOCK}").block is not None


@pytest.mark.parametrize(
    "broken",
    [
        ("FractionLost: 0", "FractionLost: 256"),
        ("CumulativeLost: 16777213", "CumulativeLost: 16777216"),
        ("HighestSequence: 1234", "HighestSequence: 65536"),
        ("Cycles: 2", "Cycles: -1"),
        ("IAJitter: 22", "IAJitter: 4294967296"),
        ("LSR: 931804218", "LSR: x"),
        ("0x5b1c9a04", "0xz"),
    ],
)
def test_a_block_that_does_not_fit_its_packet_is_no_block(broken: tuple[str, str]) -> None:
    assert report(f"SSRC: 0x1\n{BLOCK}".replace(*broken, 1)).block is None


def test_a_report_of_an_unknown_channel_keeps_its_addresses() -> None:
    found = report(f"To: [2001:db8::1]:4001\nFrom: [2001:db8::2]:4003\nSSRC: 0x1\n{BLOCK}")
    assert found.channel is None
    assert (found.to_address, found.from_address) == ("[2001:db8::1]:4001", "[2001:db8::2]:4003")


def test_the_format_of_asterisk_11_is_left_alone() -> None:
    """Trap: A11's ``RTT: 41(sec)`` is milliseconds, its jitter has two units, its SenderSSRC is a bug."""
    sent = b"Event: RTCPSent\r\nTo: 192.0.2.1:4001\r\nOurSSRC: 17\r\nSentNTP: 1.2\r\nReportBlock: \r\nFractionLost: 0\r\n\r\n"
    received = b"Event: RTCPReceived\r\nFrom: 192.0.2.1:4001\r\nPT: 200(Sender Report)\r\nSenderSSRC: 9\r\nRTT: 41(sec)\r\n\r\n"
    assert translate(Message(sent), 5.0) == ()
    assert translate(Message(received), 5.0) == ()
