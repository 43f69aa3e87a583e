"""RTCPSent and RTCPReceived as Asterisk 12 to 23 print them, read in one look; of ten messages of a busy PBX six are these.

Strategy: the block of a channel hardly changes while a call lasts, so it is remembered as bytes and read once.  What is new in
each report stands behind it, in the order in which Asterisk prints it, and one expression takes it apart.  Whatever looks in
any way different (other names or order, a number out of range, odd spaces) is left to ``rtcp``, which reads any form; the
tests compare the two.

The expression has possessive quantifiers only, so that no input makes it go back and forth.
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.ami.fields import MAX_U32, channel
from qualitywatch.ami.message import Message
from qualitywatch.model import Channel, Direction, ReportBlock, RtcpReport, SenderInfo

KEPT: Final = 8192  # blocks of channels in each of two generations
LOOKS: Final = 4 * KEPT  # a generation ends after so many: a channel that lives was met by then, every 5 s twice

_SENT: Final = b"Event: RTCPSent\r\nPrivilege: reporting,all\r\nTimestamp: "
_RECEIVED: Final = b"Event: RTCPReceived\r\nPrivilege: reporting,all\r\nTimestamp: "
_CHANNEL: Final = b"\r\nChannel: "
_TO: Final = b"\r\nTo: "
_STAMP: Final = re.compile(rb"[0-9]{1,15}\.[0-9]{1,15}")
_DECIMAL: Final = r"([0-9]{1,15}+\.[0-9]{1,15}+)\r\n"
_WHOLE: Final = r"([0-9]{1,10}+)\r\n"
_TAIL: Final = re.compile(
    r"To: ([!-~]++)\r\nFrom: ([!-~]++)\r\n"
    rf"(?:RTT: {_DECIMAL})?+"
    r"(?:MES: [ -~]*+\r\n)?+"
    r"SSRC: 0x([0-9a-f]{1,8}+)\r\nPT: [ -~]*+\r\n"
    r"ReportCount: ([0-9]{1,2}+)\r\n"
    rf"(?:SentNTP: {_DECIMAL}SentRTP: {_WHOLE}SentPackets: {_WHOLE}SentOctets: {_WHOLE})?+"
    rf"(?:Report0SourceSSRC: 0x([0-9a-f]{{1,8}}+)\r\nReport0FractionLost: {_WHOLE}Report0CumulativeLost: {_WHOLE}"
    rf"Report0HighestSequence: {_WHOLE}Report0SequenceNumberCycles: {_WHOLE}Report0IAJitter: {_WHOLE}"
    rf"Report0LSR: {_WHOLE}Report0DLSR: {_DECIMAL})?+"
    r"\r\n"
)
_BLOCK_NAMES: Final = frozenset(
    {
        *(b"Channel", b"ChannelState", b"ChannelStateDesc", b"CallerIDNum", b"CallerIDName", b"ConnectedLineNum"),
        *(b"ConnectedLineName", b"Language", b"AccountCode", b"Context", b"Exten", b"Priority", b"Uniqueid", b"Linkedid"),
        b"ChanVariable",
    }
)


class ChannelBlocks:
    """Blocks of channels that were read already; those not met for long are forgotten.

    A block is known by Python's keyed hash of it, 64 bits that nobody outside can foresee: that two of those kept have the same
    is as likely as one in a hundred thousand million, and their bytes would be ten megabytes.
    """

    __slots__ = ("_looks", "_new", "_old")

    def __init__(self) -> None:
        self._new: dict[int, Channel] = {}
        self._old: dict[int, Channel] = {}
        self._looks = 0

    def read(self, block: bytes) -> Channel | None:
        """The channel a block tells of; None when it is none, or holds more than a block does."""
        key = hash(block)
        self._looks += 1
        if self._looks > LOOKS:
            self._turn()
        found = self._new.get(key)
        if found is not None:
            return found
        found = self._old.get(key)
        if found is None:
            if not all(line.partition(b":")[0] in _BLOCK_NAMES for line in block.split(b"\r\n")):
                return None
            found = channel(Message(block))
            if found is None:
                return None
        if len(self._new) >= KEPT:
            self._turn()
        self._new[key] = found
        return found

    def _turn(self) -> None:
        self._old, self._new, self._looks = self._new, {}, 0


_blocks: Final = ChannelBlocks()


def read_report(frame: bytes, received_at: float) -> RtcpReport | None:
    """Read a report of the usual form; None when it is of another, or no report."""
    if frame.startswith(_RECEIVED):
        start, direction = len(_RECEIVED), Direction.TO_PEER
    elif frame.startswith(_SENT):
        start, direction = len(_SENT), Direction.FROM_PEER
    else:
        return None
    block_at = frame.find(_CHANNEL, start, start + 40)
    tail_at = frame.find(_TO, block_at)
    if block_at < 0 or tail_at < 0:
        return None
    stamp = frame[start:block_at]
    found = _TAIL.fullmatch(frame[tail_at + 2 :].decode("latin-1"))
    if found is None or _STAMP.fullmatch(stamp) is None:
        return None
    known = _blocks.read(frame[block_at + 2 : tail_at])
    if known is None:
        return None
    to, from_, rtt, ssrc, count, ntp, rtp, packets, octets, source, fraction, lost, highest, cycles, jitter, lsr, dlsr = (
        found.groups()
    )
    sender = None
    if ntp is not None:
        ntp_at, rtp_timestamp, sent_packets, sent_octets = float(ntp), int(rtp), int(packets), int(octets)
        if rtp_timestamp > MAX_U32 or sent_packets > MAX_U32 or sent_octets > MAX_U32 or ntp_at <= 0:
            return None
        sender = SenderInfo(ntp_at, rtp_timestamp, sent_packets, sent_octets)
    block = None
    if source is not None:
        fraction_lost, cumulative, sequence, wraps = int(fraction), int(lost), int(highest), int(cycles)
        ticks, last = int(jitter), int(lsr)
        if (
            fraction_lost > 255
            or cumulative > 0xFFFFFF
            or sequence > 0xFFFF
            or wraps > 0xFFFF
            or ticks > MAX_U32
            or last > MAX_U32
        ):
            return None
        if cumulative >= 0x800000:  # signed, of 24 bits
            cumulative -= 0x1000000
        block = ReportBlock(int(source, 16), fraction_lost, cumulative, wraps * 0x10000 + sequence, ticks, last, float(dlsr))
    blocks = int(count)
    return RtcpReport(
        float(stamp) or received_at,
        direction,
        known,
        int(ssrc, 16),
        sender,
        block,
        (float(rtt) or None) if rtt is not None else None,
        to,
        from_,
        blocks if blocks <= 31 else None,
    )
