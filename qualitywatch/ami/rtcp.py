"""RTCPSent and RTCPReceived: what an RTCP packet said, as integers.

Strategy: the block is read by the presence of its headers, never by ``ReportCount`` (the packet's count, while only block 0
is ever printed).  The wire says ``Report0IAJitter`` and ``Report0DLSR``; the names of the documentation (``ReportX...``,
``Jitter``, ``DLR``) are understood too.  No figure is judged here: an RTT of 65535.9 s or a block about SSRC 0 passes as it is.

Standard: RFC 3550 section 6.4.1 as printed by ``main/rtp_engine.c:rtcp_report_to_ami`` of Asterisk 12 to 23.  The format of
Asterisk 11 (AMI 1.x) names no channel and is not supported.
"""

from __future__ import annotations

from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import channel, decimal, positive, ssrc, whole
from qualitywatch.model import Direction, ReportBlock, RtcpReport, SenderInfo

_CUMULATIVE_BITS: Final = 24

_SOURCE: Final = ("Report0SourceSSRC", "ReportXSourceSSRC")
_FRACTION: Final = ("Report0FractionLost", "ReportXFractionLost")
_CUMULATIVE: Final = ("Report0CumulativeLost", "ReportXCumulativeLost")
_HIGHEST: Final = ("Report0HighestSequence", "ReportXHighestSequence")
_CYCLES: Final = ("Report0SequenceNumberCycles", "ReportXSequenceNumberCycles")
_JITTER: Final = ("Report0IAJitter", "Report0Jitter", "ReportXIAJitter", "ReportXJitter")
_LSR: Final = ("Report0LSR", "ReportXLSR")
_DLSR: Final = ("Report0DLSR", "Report0DLR", "ReportXDLSR", "ReportXDLR")


def rtcp_sent(message: Message, at: float) -> tuple[RtcpReport, ...]:
    """Read an RTCPSent event: its block is what we heard of the peer, its sender information is our own stream."""
    return _report(message, at, Direction.FROM_PEER)


def rtcp_received(message: Message, at: float) -> tuple[RtcpReport, ...]:
    """Read an RTCPReceived event: its block is what the peer heard of us, its sender information is the peer's stream."""
    return _report(message, at, Direction.TO_PEER)


def _report(message: Message, at: float, direction: Direction) -> tuple[RtcpReport, ...]:
    sender_ssrc = message.get("SSRC")
    if sender_ssrc is None:  # Asterisk 11: OurSSRC or SenderSSRC
        return ()
    return (
        RtcpReport(
            at=at,
            direction=direction,
            channel=channel(message),
            ssrc=ssrc(sender_ssrc),
            sender=_sender(message),
            block=_block(message),
            rtt_s=positive(message.get("RTT")),
            to_address=message.get("To") or None,
            from_address=message.get("From") or None,
            blocks=whole(message.get("ReportCount"), maximum=31),
        ),
    )


def _sender(message: Message) -> SenderInfo | None:
    ntp_at = positive(message.get("SentNTP"))
    rtp_timestamp = whole(message.get("SentRTP"))
    packets = whole(message.get("SentPackets"))
    octets = whole(message.get("SentOctets"))
    if ntp_at is None or rtp_timestamp is None or packets is None or octets is None:
        return None
    return SenderInfo(ntp_at=ntp_at, rtp_timestamp=rtp_timestamp, packets=packets, octets=octets)


def _block(message: Message) -> ReportBlock | None:
    source = ssrc(_first(message, _SOURCE))
    if source is None:
        return None
    fraction = whole(_first(message, _FRACTION), maximum=255)
    cumulative = _cumulative_lost(_first(message, _CUMULATIVE))
    highest = whole(_first(message, _HIGHEST), maximum=0xFFFF)
    cycles = whole(_first(message, _CYCLES), maximum=0xFFFF)
    jitter = whole(_first(message, _JITTER))
    lsr = whole(_first(message, _LSR) or "0")  # RFC 3550: 0 stands for "no sender report seen yet"
    if fraction is None or cumulative is None or highest is None or cycles is None or jitter is None or lsr is None:
        return None
    dlsr_s = decimal(_first(message, _DLSR))
    return ReportBlock(
        source_ssrc=source,
        fraction_lost=fraction,
        cumulative_lost=cumulative,
        extended_highest_sequence=cycles * 0x10000 + highest,
        jitter_ticks=jitter,
        lsr=lsr,
        dlsr_s=dlsr_s if dlsr_s is not None and dlsr_s >= 0 else None,
    )


def _cumulative_lost(text: str | None) -> int | None:
    """Asterisk masks the signed 24-bit field and prints it unsigned: 16777213 is -3 (more duplicates than losses)."""
    lost = whole(text, maximum=(1 << _CUMULATIVE_BITS) - 1)
    if lost is not None and lost >= 1 << (_CUMULATIVE_BITS - 1):
        lost -= 1 << _CUMULATIVE_BITS
    return lost


def _first(message: Message, names: tuple[str, ...]) -> str | None:
    for name in names:
        text = message.get(name)
        if text is not None:
            return text
    return None
