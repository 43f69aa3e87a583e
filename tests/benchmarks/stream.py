"""A stream of events as a busy PBX sends it, made the same each time by a seed; ``python -m tests.benchmarks.stream FILE``.

Of 100 events 60 are RTCP reports, 25 such as VarSet that a monitor does not want, 10 of calls, 5 of peers and registrations.
There are ``calls`` channels at any time; each reports on both of its streams every 5 s of the stream's own time, counters and
all; when one is hung up, a new one takes its place.  One stream in seven loses packets.  The layout of each event is that of
Asterisk 20 (``main/manager_channels.c``, ``main/rtp_engine.c``, ``main/stasis_endpoints.c``), with ``timestampevents`` and six
``channelvars``.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

REPORT_S: Final = 5.0
PACKETS_PER_S: Final = 50
BEGINS_AT: Final = 1_763_942_400.0
NTP_EPOCH: Final = 2_208_988_800
MIX: Final = (("reports", 60), ("noise", 25), ("calls", 8), ("peers", 5))  # a hangup is two events
NAMES: Final = (
    *("Roman P.", "Anna", "Reception", "Иван Петров", "Олег", "Support 2", "Lobby", "Анна К.", "Warehouse", "J. Smith"),
    *("Müller", "Echo Test", "Fax", "Мария", "Night shift", "<unknown>"),
)
CONTEXTS: Final = ("from-internal", "from-trunk", "app-echo-test-echo", "macro-dial-one", "ext-queues", "from-pstn")
NOISE: Final = (("VarSet", 45), ("Newexten", 30), ("DeviceStateChange", 15), ("Newstate", 10))
OF_CALLS: Final = (("Hangup", 28), ("DialBegin", 36), ("DialEnd", 36))  # each Hangup is followed by the next call's Newchannel
OF_PEERS: Final = (("PeerStatus", 40), ("Registry", 15), ("ContactStatus", 45))
REPORTS: Final = ("RTCPSent", "RTCPReceived")


@dataclass(slots=True)
class Voice:
    """One direction of one channel as the reports on it tell."""

    loss_share: float
    highest: int
    lost: int
    reported_at: float


@dataclass(slots=True)
class Line:
    """One channel."""

    name: str
    number: str
    caller: str
    host: str
    other: str
    context: str
    uniqueid: str
    linkedid: str
    ssrcs: tuple[int, int]
    ports: tuple[int, int]
    born_at: float
    recording: str
    voices: Mapping[str, Voice]


class Stream:
    """The events, one after the other."""

    def __init__(
        self, *, seed: int = 1, calls: int = 400, peers: int = 300, lossy_share: float = 0.15, bad_share: float = 0.1
    ) -> None:
        self._random = Random(seed)
        self._lossy_share = lossy_share
        self._bad_share = bad_share
        self._count = 0
        self._order = 0
        self.now = BEGINS_AT
        self._peers = [self._peer(number) for number in range(peers)]
        self._trunks = [(name, f"sip.{name}.example") for name in ("mts", "mango", "beeline", "zadarma", "voxlink")]
        self._due: list[tuple[float, int, int, str, Line]] = []
        self.lines = [self._line() for _ in range(calls)]
        self._next: bytes | None = None
        for place in range(calls):
            self._schedule(place)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self.event()

    def event(self) -> bytes:
        """The next event, as it goes over the wire."""
        if self._next is not None:
            event, self._next = self._next, None
            return event
        kind = self._pick(MIX)
        if kind == "reports":
            return self._report()
        if kind == "noise":
            return self._noise(self._pick(NOISE))
        return self._of_call(self._pick(OF_CALLS)) if kind == "calls" else self._of_peer(self._pick(OF_PEERS))

    def _pick(self, table: tuple[tuple[str, int], ...]) -> str:
        return self._random.choices([name for name, _ in table], [weight for _, weight in table])[0]

    def _peer(self, number: int) -> tuple[str, str, str, str]:
        r = self._random
        host = f"10.{r.randrange(8)}.{r.randrange(4)}.{r.randrange(1, 255)}"
        return "SIP" if number % 4 == 0 else "PJSIP", str(6000 + number), r.choice(NAMES), host

    def _line(self) -> Line:
        r = self._random
        self._count += 1
        technology, number, caller, host = r.choice(self._peers)
        made_at = int(self.now)
        uniqueid = f"{made_at}.{self._count}"
        return Line(
            f"{technology}/{number}-{self._count:08x}",
            *(number, caller, host),
            r.choice(("*43", f"8495989{r.randrange(10_000):04}", f"+7916{r.randrange(10**7):07}")),
            r.choice(CONTEXTS),
            uniqueid,
            uniqueid if r.random() < 0.5 else f"{made_at}.{self._count - 1}",
            (r.randrange(1, 1 << 32), r.randrange(1, 1 << 32)),
            (8000 + 2 * r.randrange(6000), 10_000 + 2 * r.randrange(20_000)),
            self.now,
            f"out-8495{r.randrange(10**7):07}-{number}-20251124-{r.randrange(240_000):06}-{uniqueid}",
            {name: Voice(self._loss(), r.randrange(65_536), 0, self.now) for name in REPORTS},
        )

    def _loss(self) -> float:
        return self._random.expovariate(50) if self._random.random() < self._lossy_share else 0.0

    def _schedule(self, place: int) -> None:
        for name in REPORTS:
            self._order += 1
            heapq.heappush(
                self._due, (self.now + self._random.random() * REPORT_S, self._order, place, name, self.lines[place])
            )

    def _head(self, name: str, privilege: str) -> list[str]:
        return [f"Event: {name}", f"Privilege: {privilege},all", f"Timestamp: {self.now:.6f}"]

    @staticmethod
    def _block(
        line: Line, prefix: str = "", state: tuple[int, str] = (6, "Up"), exten: str = "1", priority: int = 1
    ) -> list[str]:
        headers = (
            *(("Channel", line.name), ("ChannelState", state[0]), ("ChannelStateDesc", state[1])),
            *(("CallerIDNum", line.number), ("CallerIDName", line.caller)),
            *(("ConnectedLineNum", line.other), ("ConnectedLineName", "<unknown>"), ("Language", "ru"), ("AccountCode", "")),
            *(("Context", line.context), ("Exten", exten), ("Priority", priority)),
            *(("Uniqueid", line.uniqueid), ("Linkedid", line.linkedid)),
            *(("ChanVariable", f"CALLFILENAME={line.recording}"), ("ChanVariable", "FROM_DID=")),
            *(("ChanVariable", "CHANNEL(hangupsource)="), ("ChanVariable", "DIALSTATUS="), ("ChanVariable", "PREDICTION=")),
            ("ChanVariable", f"SIPURI=sip:{line.number}@{line.host}:5060"),
        )
        return [f"{prefix}{name}: {value}" for name, value in headers]

    def _report(self) -> bytes:
        r = self._random
        while True:
            due_at, _, place, name, line = heapq.heappop(self._due)
            if self.lines[place] is line:
                break  # else the call has ended meanwhile
        self._order += 1
        heapq.heappush(self._due, (due_at + REPORT_S, self._order, place, name, line))
        self.now = max(self.now, due_at)
        sent, voice = name == "RTCPSent", line.voices[name]
        ours, theirs = f"10.17.45.1:{line.ports[1]}", f"{line.host}:{line.ports[0]}"
        lines = [*self._head(name, "reporting"), *self._block(line)]
        lines += [f"To: {theirs if sent else ours}", f"From: {ours if sent else theirs}"]
        if not sent:
            lines.append(f"RTT: {r.random() * 0.2:4.4f}")
        packets = int((self.now - line.born_at) * PACKETS_PER_S)
        is_sender = r.random() < 0.9
        has_block = r.random() >= 0.05
        ssrc = line.ssrcs[0] if sent else (int(self.now) + NTP_EPOCH) & 0xFFFFFFFF  # as Asterisk 16 and later print it
        lines += [f"MES: {60 + r.random() * 28:4.1f}", f"SSRC: 0x{ssrc:08x}", f"PT: {'200(SR)' if is_sender else '201(RR)'}"]
        lines.append(f"ReportCount: {int(has_block)}")
        if is_sender:
            lines += [f"SentNTP: {self.now:.6f}", f"SentRTP: {packets * 160}", f"SentPackets: {packets}"]
            lines.append(f"SentOctets: {packets * 160}")
        if has_block:
            lines += self._report_block(line, voice, about=line.ssrcs[1] if sent else line.ssrcs[0])
        return _wire(lines)

    def _report_block(self, line: Line, voice: Voice, about: int) -> list[str]:
        r = self._random
        expected = max(1, round((self.now - voice.reported_at) * PACKETS_PER_S))
        lost = sum(r.random() < voice.loss_share for _ in range(expected)) if voice.loss_share else 0
        voice.highest += expected
        voice.lost += lost
        voice.reported_at = self.now
        figures = (
            *(("SourceSSRC", f"0x{about:08x}"), ("FractionLost", min(255, lost * 256 // expected))),
            *(("CumulativeLost", voice.lost), ("HighestSequence", voice.highest & 0xFFFF)),
            *(("SequenceNumberCycles", voice.highest >> 16), ("IAJitter", int(r.expovariate(1 / 40)))),
            *(("LSR", r.randrange(1, 1 << 32)), ("DLSR", f"{r.random() * 3:4.4f}")),
        )
        return [f"Report0{name}: {value}" for name, value in figures]

    def _noise(self, name: str) -> bytes:
        r, line = self._random, self._random.choice(self.lines)
        if name == "DeviceStateChange":
            device, state = r.choice(self._peers), r.choice(("INUSE", "NOT_INUSE", "RINGING", "UNAVAILABLE"))
            return _wire([*self._head(name, "call"), f"Device: {device[0]}/{device[1]}", f"State: {state}"])
        if name == "Newstate":
            return _wire([*self._head(name, "call"), *self._block(line)])
        lines = [*self._head(name, "dialplan"), *self._block(line, exten="s", priority=r.randrange(1, 40))]
        if name == "VarSet":
            return _wire(
                [*lines, f"Variable: {r.choice(('DIALSTATUS', 'MACRO_DEPTH', 'DB_RESULT'))}", f"Value: {r.randrange(999)}"]
            )
        return _wire(
            [*lines, "Extension: s", "Application: Gosub", f"AppData: sub-record-check,s,1(out,{line.number},dontcare)"]
        )

    def _of_call(self, name: str) -> bytes:
        r = self._random
        place = r.randrange(len(self.lines))
        line = self.lines[place]
        if name == "Hangup":
            after = self.lines[place] = self._line()
            self._schedule(place)
            self._next = _wire([*self._head("Newchannel", "call"), *self._block(after, state=(0, "Down"), exten=after.other)])
            return _wire([*self._head(name, "call"), *self._block(line), "Cause: 16", "Cause-txt: Normal Clearing"])
        other = r.choice(self.lines)
        lines = [*self._head(name, "call"), *self._block(line, state=(4, "Ring"))]
        lines += self._block(other, "Dest", state=(5, "Ringing"))
        if name == "DialBegin":
            return _wire([*lines, f"DialString: {other.number}/sip:{other.number}@{other.host}:5060"])
        return _wire([*lines, f"DialStatus: {r.choice(('ANSWER', 'BUSY', 'NOANSWER', 'CANCEL'))}"])

    def _of_peer(self, name: str) -> bytes:
        r = self._random
        head = self._head(name, "system")
        if name == "Registry":
            trunk, domain = r.choice(self._trunks)
            status = "Rejected" if r.random() < self._bad_share / 2 else "Registered"
            return _wire(
                [*head, "ChannelType: PJSIP", f"Username: sip:{trunk}@{domain}", f"Domain: sip:{domain}", f"Status: {status}"]
            )
        technology, number, _, host = r.choice(self._peers)
        is_bad = r.random() < self._bad_share
        if name == "PeerStatus":
            state = "Unregistered" if is_bad else "Registered"
            more = "Cause: Expired" if is_bad else f"Address: {host}:5060"
            return _wire([*head, f"ChannelType: {technology}", f"Peer: {technology}/{number}", f"PeerStatus: {state}", more])
        state, took = ("Unreachable" if is_bad else "Reachable"), r.randrange(1000, 90_000)
        return _wire(
            [
                *(*head, f"URI: sip:{number}@{host}:5060", f"ContactStatus: {state}", f"AOR: {number}"),
                *(f"EndpointName: {number}", f"RoundtripUsec: {took}"),
            ]
        )


def _wire(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def write_stream(path: Path, events: int, *, seed: int = 1, calls: int = 400) -> Counter[str]:
    """Write so many events; returns how many there are of each name."""
    stream, names = Stream(seed=seed, calls=calls), Counter[str]()
    with path.open("wb") as file:
        for _ in range(events):
            event = stream.event()
            names[event[7 : event.index(b"\r")].decode()] += 1
            file.write(event)
    return names


if __name__ == "__main__":
    print(dict(write_stream(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)))
