"""A call as the manager interface tells it: channel, reports of both ends with counters that grow together, hangup.

Strategy: deterministic and exact.  Both ends report at the same instants, every packet has its place in the sequence, and
losses are what the rate makes of the packets so far, rounded down; so a call of 6 % loss is judged as 6 %.

Standard: RFC 3550 section 6.4.1, as ``main/rtp_engine.c:rtcp_report_to_ami`` of Asterisk 20 prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.quality.codecs import CODECS

PACKETS_PER_SECOND: Final = 50
OCTETS_PER_PACKET: Final = 160
_OUR_ADDRESS: Final = "192.0.2.1:10000"
_PEER_ADDRESS: Final = "192.0.2.2:20000"
_FIRST_SEQUENCE: Final = 1000
_CYCLE: Final = 0x10000


@dataclass(frozen=True, slots=True)
class Line:
    """How good a line is from some second of the call on."""

    from_s: float = 0.0
    loss_to: float = 0.0  # percent of what we send, lost before the peer
    loss_from: float = 0.0  # percent of what the peer sends, lost before us
    jitter_ms: float = 0.0
    rtt_ms: float = 0.0
    silent: frozenset[str] = frozenset()  # "to_peer": the peer gets nothing of us; "from_peer": we get nothing of it


@dataclass(frozen=True, slots=True)
class Call:
    """One channel; ``lines`` are in order of time, the first begins with the call."""

    peer: str
    lasts_s: float
    lines: tuple[Line, ...]
    codec: str | None = "ulaw"
    every_s: float = 5.0
    reports: frozenset[str] = frozenset({"ours", "peer"})
    cause: int = 16  # Q.850: normal call clearing
    uniqueid: str | None = None
    linkedid: str | None = None
    address: str | None = None  # where the peer sends its media from
    counts_sent: bool = True  # False: our reports do not say how much we sent, so gaps of the other leg cannot be told apart


class _Way:
    """One stream of the call, counted as its receiver counts it."""

    def __init__(self) -> None:
        self.sent = 0
        self.arrived = 0  # highest place in the sequence that the receiver knows of
        self._lost = 0.0
        self.fraction = 0

    @property
    def lost(self) -> int:
        return int(self._lost + 1e-9)

    def run(self, seconds: float, loss_percent: float, *, silent: bool) -> None:
        packets = round(seconds * PACKETS_PER_SECOND)
        self.sent += packets
        before = self.lost
        self.fraction = 0
        if not silent:
            self.arrived += packets
            self._lost += packets * loss_percent / 100
            self.fraction = min(255, 256 * (self.lost - before) // packets) if packets else 0


def messages(call: Call, number: int, at: float) -> Iterator[tuple[float, Message]]:
    """Yield the messages of a call that begins ``at``; ``number`` tells it from all other calls."""
    uniqueid = call.uniqueid or f"{at:.0f}.{number}"
    block = {
        "Channel": f"{call.peer}-{number:08x}",
        "ChannelState": "6",
        "ChannelStateDesc": "Up",
        "CallerIDNum": call.peer.rpartition("/")[2],
        "CallerIDName": "<unknown>",
        "Uniqueid": uniqueid,
        "Linkedid": call.linkedid or uniqueid,
    }
    if call.codec is not None:
        block["ChanVariable"] = f"CHANNEL(audioreadformat)={call.codec}"
    clock_hz = CODECS[call.codec].clock_hz if call.codec is not None else 8000
    yield at, event("Newchannel", at, block)
    to_peer, from_peer = _Way(), _Way()
    address = call.address or _PEER_ADDRESS
    elapsed_s = 0.0
    while (elapsed_s := elapsed_s + call.every_s) < call.lasts_s:
        line = next(line for line in reversed(call.lines) if line.from_s < elapsed_s)
        to_peer.run(call.every_s, line.loss_to, silent="to_peer" in line.silent)
        from_peer.run(call.every_s, line.loss_from, silent="from_peer" in line.silent)
        now = at + elapsed_s
        ours, theirs = 0x1000 + number, 0x2000 + number
        if "ours" in call.reports:
            sender = _sender(now, ours, to_peer, elapsed_s, clock_hz)
            if not call.counts_sent:
                sender = {"SSRC": sender["SSRC"], "PT": "201(RR)"}
            report = _block(theirs, from_peer, line, clock_hz)
            ends = {"To": address, "From": _OUR_ADDRESS}
            yield now, event("RTCPSent", now, block, ends, sender, report)
        if "peer" in call.reports:
            sender = {} if "from_peer" in line.silent else _sender(now, theirs, from_peer, elapsed_s, clock_hz)
            report = _block(ours, to_peer, line, clock_hz)
            ends = {"To": _OUR_ADDRESS, "From": address, "RTT": f"{line.rtt_ms / 1000:.4f}"}
            if "to_peer" not in line.silent or to_peer.arrived:
                yield now, event("RTCPReceived", now, block, ends, {"SSRC": "0x00000000", "PT": "201(RR)"} | sender, report)
    end_at = at + call.lasts_s
    yield end_at, event("Hangup", end_at, block, {"Cause": str(call.cause), "Cause-txt": "Normal Clearing"})


def event(name: str, at: float, *headers: dict[str, str]) -> Message:
    """One event as it comes over the wire, stamped."""
    lines = [f"Event: {name}", f"Timestamp: {at:.6f}"]
    lines += [f"{header}: {value}" for part in headers for header, value in part.items()]
    return Message("".join(f"{line}\r\n" for line in [*lines, ""]).encode())


def _sender(now: float, ssrc: int, way: _Way, elapsed_s: float, clock_hz: int) -> dict[str, str]:
    return {
        "SSRC": f"0x{ssrc:08x}",
        "PT": "200(SR)",
        "SentNTP": f"{now:.6f}",
        "SentRTP": str(round(elapsed_s * clock_hz)),
        "SentPackets": str(way.sent),
        "SentOctets": str(way.sent * OCTETS_PER_PACKET),
    }


def _block(source: int, way: _Way, line: Line, clock_hz: int) -> dict[str, str]:
    cycles, highest = divmod(_FIRST_SEQUENCE + way.arrived, _CYCLE)
    return {
        "ReportCount": "1",
        "Report0SourceSSRC": f"0x{source:08x}",
        "Report0FractionLost": str(way.fraction),
        "Report0CumulativeLost": str(way.lost),
        "Report0HighestSequence": str(highest),
        "Report0SequenceNumberCycles": str(cycles),
        "Report0IAJitter": str(round(line.jitter_ms * clock_hz / 1000)),
        "Report0LSR": "1",
        "Report0DLSR": "0.0010",
    }
