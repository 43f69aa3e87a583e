"""What one PBX said, already typed: the channel block, reports, states of peers and trunks, and the marks of our own client."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from qualitywatch.model.levels import QueuesListed, QueueSummarySeen
from qualitywatch.model.words import Direction, PeerState, TrunkState


@dataclass(init=False, slots=True, unsafe_hash=True)
class Channel:
    """The channel block that accompanies most events (Asterisk 12 and later)."""

    name: Final[str]  # SIP/6117-00000002
    uniqueid: Final[str]
    linkedid: Final[str | None]
    state: Final[str | None]  # ChannelStateDesc: Down, Ring, Up, ...
    caller_number: Final[str | None]
    caller_name: Final[str | None]  # None for "<unknown>" and empty
    codec: Final[str | None]  # from channelvars=CHANNEL(audioreadformat); None when absent or "none"

    def __init__(
        self,
        name: str,
        uniqueid: str,
        linkedid: str | None = None,
        state: str | None = None,
        caller_number: str | None = None,
        caller_name: str | None = None,
        codec: str | None = None,
    ) -> None:
        self.name = name
        self.uniqueid = uniqueid
        self.linkedid = linkedid
        self.state = state
        self.caller_number = caller_number
        self.caller_name = caller_name
        self.codec = codec

    @property
    def peer(self) -> str:
        """Technology and peer without the call's own suffix: ``SIP/6117-00000002`` is ``SIP/6117``."""
        return _peer_of(self.name)


@lru_cache(maxsize=16_384)
def _peer_of(channel: str) -> str:
    head, dash, tail = channel.rpartition("-")
    return one_object(head) if dash and tail else channel


@lru_cache(maxsize=16_384)
def one_object(text: str) -> str:
    """The same object for every channel that has this text: thousands of channels are of a few hundred people.

    Not ``sys.intern``, from which nothing that a stranger calls himself is ever let go of again in Python 3.12.
    """
    return text


@dataclass(init=False, slots=True, unsafe_hash=True)
class ReportBlock:
    """RFC 3550 section 6.4.1 report block; raw integers except ``dlsr_s``."""

    source_ssrc: Final[int]
    fraction_lost: Final[int]  # 0..255, of 256
    cumulative_lost: Final[int]  # signed (24-bit two's complement already resolved)
    extended_highest_sequence: Final[int]  # 32 bits
    jitter_ticks: Final[int]  # RTP timestamp units
    lsr: Final[int]
    dlsr_s: Final[float | None]

    def __init__(
        self,
        source_ssrc: int,
        fraction_lost: int,
        cumulative_lost: int,
        extended_highest_sequence: int,
        jitter_ticks: int,
        lsr: int,
        dlsr_s: float | None,
    ) -> None:
        self.source_ssrc = source_ssrc
        self.fraction_lost = fraction_lost
        self.cumulative_lost = cumulative_lost
        self.extended_highest_sequence = extended_highest_sequence
        self.jitter_ticks = jitter_ticks
        self.lsr = lsr
        self.dlsr_s = dlsr_s


@dataclass(init=False, slots=True, unsafe_hash=True)
class SenderInfo:
    """RFC 3550 section 6.4.1 sender information; ``ntp_at`` is Unix seconds, as AMI prints it."""

    ntp_at: Final[float]
    rtp_timestamp: Final[int]
    packets: Final[int]
    octets: Final[int]

    def __init__(
        self,
        ntp_at: float,
        rtp_timestamp: int,
        packets: int,
        octets: int,
    ) -> None:
        self.ntp_at = ntp_at
        self.rtp_timestamp = rtp_timestamp
        self.packets = packets
        self.octets = octets


@dataclass(init=False, slots=True, unsafe_hash=True)
class RtcpReport:
    """One RTCPSent (``from_peer``) or RTCPReceived (``to_peer``) event.

    ``ssrc`` is the sender's SSRC and is only trustworthy for RTCPSent (Asterisk prints garbage in RTCPReceived since 15.4).
    """

    at: Final[float]
    direction: Final[Direction]  # of the report block
    channel: Final[Channel | None]
    ssrc: Final[int | None]
    sender: Final[SenderInfo | None]
    block: Final[ReportBlock | None]
    rtt_s: Final[float | None]
    to_address: Final[str | None]
    from_address: Final[str | None]
    blocks: Final[int | None]  # how many the packet had; only the first is ever told

    def __init__(
        self,
        at: float,
        direction: Direction,
        channel: Channel | None,
        ssrc: int | None,
        sender: SenderInfo | None,
        block: ReportBlock | None,
        rtt_s: float | None,
        to_address: str | None = None,
        from_address: str | None = None,
        blocks: int | None = None,
    ) -> None:
        self.at = at
        self.direction = direction
        self.channel = channel
        self.ssrc = ssrc
        self.sender = sender
        self.block = block
        self.rtt_s = rtt_s
        self.to_address = to_address
        self.from_address = from_address
        self.blocks = blocks


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel was created, answered or renamed; ``channel.state`` tells which."""

    at: float
    channel: Channel
    listed: bool = False  # an item of a list of all channels, not an event


@dataclass(frozen=True, slots=True)
class ChannelHeld:
    at: float
    channel: Channel
    on_hold: bool


@dataclass(frozen=True, slots=True)
class ChannelHungUp:
    at: float
    channel: Channel
    cause: int | None
    tech_cause: str | None = None


@dataclass(frozen=True, slots=True)
class CodecSeen:
    """The codec of a channel, when it had to be asked for."""

    at: float
    uniqueid: str
    codec: str


@dataclass(frozen=True, slots=True)
class PeerStateSeen:
    """From PeerStatus, ContactStatus or, with ``snapshot``, an item of a list."""

    at: float
    peer: str  # SIP/6117, PJSIP/701, IAX2/x
    state: PeerState
    address: str | None = None
    rtt_ms: float | None = None
    cause: str | None = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class TrunkStateSeen:
    """From Registry or a snapshot list, under the normalised trunk name (``SIP/user@host``)."""

    at: float
    trunk: str
    state: TrunkState
    refresh_s: float | None = None
    cause: str | None = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class AgentSeen:
    """The User-Agent a peer is using now; ``None`` when the PBX knows of none."""

    at: float
    peer: str
    user_agent: str | None
    address: str | None = None
    name: str | None = None  # caller name configured for the peer, if the PBX told it
    listed: bool = False  # an item of a list of all contacts, not the answer about this one peer
    transport: str | None = None  # udp, tcp, tls, ...; None where the contact is not known


@dataclass(frozen=True, slots=True)
class Booted:
    """FullyBooted; a shrinking ``uptime_s`` means Asterisk was restarted."""

    at: float
    uptime_s: float | None


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    at: float
    restart: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """Said by our own client: logged in, events flow from here on."""

    at: float


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody of one technology that a list named which was told from its beginning to its end."""

    entity: str  # "peer" or "trunk"
    technology: str  # SIP, IAX2, PJSIP
    names: frozenset[str]
    passing: frozenset[str] = frozenset()  # those from a database, which a list may name only while they are registered


@dataclass(frozen=True, slots=True)
class Resynced:
    """Said by our own client: the snapshot after a connect is complete (or as complete as rights allow)."""

    at: float
    channels: frozenset[str] | None = None  # uniqueids alive now; None when the list could not be read
    booted: bool = True  # False: FullyBooted, which answers a login, has not come yet
    events_on: bool = True  # False: the event mask of our login selects nothing
    rosters: tuple[Roster, ...] = ()  # of the lists that were whole; none where nothing can be said


@dataclass(frozen=True, slots=True)
class EndpointsAsked:
    """Said by our own client: which endpoints of PJSIP are configured, of some that were asked for, each with an answer."""

    at: float
    configured: frozenset[str]
    unknown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Audited:
    """Said by our own client: the channels alive now, asked for to find out whether all of them were announced."""

    at: float
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Asterisk has read a part of its configuration anew; ``module`` is All or the name of a module."""

    at: float
    module: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Said by our own client: nothing can be seen from here on."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class ClockAdvanced:
    """Said by our own watch: the PBX's clock is ahead of what has passed, because it was set forward or its machine slept."""

    at: float  # by the new clock
    by_s: float


@dataclass(frozen=True, slots=True)
class DialBegun:
    """A channel is being called; ``caller`` is the channel that asked for it, ``number`` what it dialled, as far as known."""

    at: float
    dest: Channel
    caller: Channel | None
    number: str | None
    is_unreadable: bool = False  # something was dialled, but no number
    is_uri: bool = False  # the number was the user part of a SIP URI, which may be that of a phone's contact


@dataclass(frozen=True, slots=True)
class DialProgressed:
    """The called side gives a sign: Asterisk's RINGING, PROGRESS or PROCEEDING."""

    at: float
    dest: Channel
    status: str


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The attempt to call a channel is over; ``status`` is Asterisk's DialStatus (ANSWER, BUSY, CANCEL, ...)."""

    at: float
    dest: Channel
    status: str


@dataclass(frozen=True, slots=True)
class LoginFailed:
    """Somebody failed to identify himself to the PBX; ``reason`` is the name of the security event."""

    at: float
    account: str
    address: str | None  # host alone
    service: str  # SIP, PJSIP, IAX2, AMI
    reason: str


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """Somebody pressed a key on a channel that was made by us."""

    at: float
    uniqueid: str
    digit: str


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """Whether somebody answered a call that was made by us; ``reason`` is Asterisk's own number (5 busy, 8 congested, ...)."""

    at: float
    uniqueid: str
    answered: bool
    reason: int | None


PbxEvent: TypeAlias = (
    RtcpReport
    | ChannelChanged
    | ChannelHeld
    | ChannelHungUp
    | CodecSeen
    | DialBegun
    | DialProgressed
    | DialEnded
    | LoginFailed
    | DigitHeard
    | CallOutcome
    | PeerStateSeen
    | TrunkStateSeen
    | AgentSeen
    | QueueSummarySeen
    | QueuesListed
    | Booted
    | ShuttingDown
    | Connected
    | Resynced
    | Audited
    | EndpointsAsked
    | Reloaded
    | Disconnected
    | ClockAdvanced
)
