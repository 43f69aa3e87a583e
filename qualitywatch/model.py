"""The vocabulary: every value that crosses a package border, and nothing else.

All values are frozen; they flow in one direction (bytes, messages, events, observations, evaluations,
transitions, notifications).  Instants are Unix seconds as ``float`` (the unit of AMI's own ``Timestamp`` header), named
``at`` or ``*_at``; durations are seconds, named ``*_s``.  ``None`` always means "unknown", never zero.

Words follow RFC 3550 (ssrc, fraction lost, extended highest sequence, lsr, dlsr), ITU-T G.107 (R factor, MOS), Asterisk
(uniqueid, linkedid, contact, qualify) and Prometheus/Alertmanager (pending, firing, resolved, for).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias


class Direction(StrEnum):
    """Whose ears: ``to_peer`` is what the peer heard of us, ``from_peer`` is what we heard of the peer."""

    TO_PEER = "to_peer"
    FROM_PEER = "from_peer"


class Metric(StrEnum):
    """The measured series.  ``loss_percent`` is net of gaps passed on from the other leg of the call."""

    LOSS_PERCENT = "loss_percent"
    LOSS_PERCENT_REPORTED = "loss_percent_reported"
    JITTER_MS = "jitter_ms"
    RTT_MS = "rtt_ms"
    MOS = "mos"
    R_FACTOR = "r_factor"


class Verdict(StrEnum):
    """How far a sample can be trusted.  Only ``ok``, ``negative_loss`` and ``not_split`` feed loss rules."""

    OK = "ok"
    FIRST = "first"  # no usable predecessor: nothing to subtract from
    SSRC_RESET = "ssrc_reset"  # sequence jumped back or leapt: new baseline
    SEQ_FROZEN = "seq_frozen"  # nothing arrived since the last report: a stall, not 0 % loss
    NEGATIVE_LOSS = "negative_loss"  # duplicates or late packets outnumber losses: counted as 0
    NOT_SPLIT = "not_split"  # our own sender counters are missing: gaps of the other leg may be included
    ABSURD = "absurd"  # counters contradict each other
    ABSURD_JITTER = "absurd_jitter"
    ASSUMED_CLOCK = "assumed_clock"  # RTP clock unknown, 8000 Hz assumed: blocks jitter rules only
    MIXED_CLOCK = "mixed_clock"  # bridged undecoded: Asterisk timed arrivals by 8000 Hz, the stream ticks otherwise
    RTT_SKEW = "rtt_skew"  # outside (0 s, 10 s]: the peer's clock or DLSR is wrong
    UNGROUNDED_CODEC = "ungrounded_codec"  # E-model constants of this codec are provisional
    UNKNOWN_CODEC = "unknown_codec"  # nobody told the codec: the score is a guess for charts, no rule listens to it


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Order of urgency: info 0, warning 1, critical 2."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK: Final[Mapping[Severity, int]] = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class PeerState(StrEnum):
    """State of a phone or of a qualified trunk, one set of words for chan_sip, PJSIP and IAX2."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    REACHABLE = "reachable"
    LAGGED = "lagged"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class TrunkState(StrEnum):
    """State of one of our outbound registrations."""

    REGISTERED = "registered"
    RETRYING = "retrying"  # "Request Sent": asked again, not answered yet
    REJECTED = "rejected"
    FAILED = "failed"
    UNREGISTERED = "unregistered"
    SILENT = "silent"  # retried for 1.5 refresh periods without success
    UNKNOWN = "unknown"


class PbxState(StrEnum):
    """Whether we can see the PBX at all."""

    SEEN = "seen"
    BLIND = "blind"


# --- Events: what one PBX said, already typed -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Channel:
    """The channel block that accompanies most events (Asterisk 12 and later)."""

    name: str  # SIP/6117-00000002
    uniqueid: str
    linkedid: str | None = None
    state: str | None = None  # ChannelStateDesc: Down, Ring, Up, ...
    caller_number: str | None = None
    caller_name: str | None = None  # None for "<unknown>" and empty
    codec: str | None = None  # from channelvars=CHANNEL(audioreadformat); None when absent or "none"

    @property
    def peer(self) -> str:
        """Technology and peer without the call's own suffix: ``SIP/6117-00000002`` is ``SIP/6117``."""
        head, dash, tail = self.name.rpartition("-")
        return head if dash and tail else self.name


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """RFC 3550 section 6.4.1 report block; raw integers except ``dlsr_s``."""

    source_ssrc: int
    fraction_lost: int  # 0..255, of 256
    cumulative_lost: int  # signed (24-bit two's complement already resolved)
    extended_highest_sequence: int  # 32 bits
    jitter_ticks: int  # RTP timestamp units
    lsr: int
    dlsr_s: float | None


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """RFC 3550 section 6.4.1 sender information; ``ntp_at`` is Unix seconds, as AMI prints it."""

    ntp_at: float
    rtp_timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class RtcpReport:
    """One RTCPSent (``from_peer``) or RTCPReceived (``to_peer``) event.

    ``ssrc`` is the sender's SSRC and is only trustworthy for RTCPSent (Asterisk prints garbage in RTCPReceived since 15.4).
    """

    at: float
    direction: Direction  # of the report block
    channel: Channel | None
    ssrc: int | None
    sender: SenderInfo | None
    block: ReportBlock | None
    rtt_s: float | None
    to_address: str | None = None
    from_address: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel was created, answered or renamed; ``channel.state`` tells which."""

    at: float
    channel: Channel


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
class Resynced:
    """Said by our own client: the snapshot after a connect is complete (or as complete as rights allow)."""

    at: float
    channels: frozenset[str] | None = None  # uniqueids alive now; None when the list could not be read


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Said by our own client: nothing can be seen from here on."""

    at: float
    reason: str


PbxEvent: TypeAlias = (
    RtcpReport
    | ChannelChanged
    | ChannelHeld
    | ChannelHungUp
    | CodecSeen
    | PeerStateSeen
    | TrunkStateSeen
    | AgentSeen
    | Booted
    | ShuttingDown
    | Connected
    | Resynced
    | Disconnected
)


# --- Observations: what rules look at ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value of one call in one direction.

    ``weight`` is the number of packets the value speaks for, so that ``sum(value * weight) / sum(weight)`` over loss samples is
    exactly lost packets over expected packets.
    """

    at: float
    metric: Metric
    value: float
    pbx: str
    subject: str
    direction: Direction | None
    channel: str
    uniqueid: str
    verdict: Verdict
    weight: float
    codec: str | None = None


@dataclass(frozen=True, slots=True)
class StatusObservation:
    """A peer, trunk or PBX is in ``status`` since ``since_at``."""

    at: float
    entity: str  # "peer", "trunk" or "pbx"
    pbx: str
    subject: str
    status: str
    since_at: float
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeObservation:
    """A watched attribute of a peer is now different."""

    at: float
    pbx: str
    subject: str
    attribute: str  # "user_agent" or "address"
    old: str | None  # None: the peer was never seen before
    new: str
    address: str | None = None


Observation: TypeAlias = Sample | StatusObservation | ChangeObservation


# --- Alerts -----------------------------------------------------------------------------------------------------------


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Signal(StrEnum):
    """What an evaluation says of one severity level."""

    BREACH = "breach"  # the entry condition holds
    CLEAR = "clear"  # the exit condition holds
    KEEP = "keep"  # between exit and entry: whatever it was, it stays
    UNKNOWN = "unknown"  # not enough data yet: neither good nor bad
    GONE = "gone"  # nothing left to judge: the calls are over


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """Identity of an alert; survives restarts."""

    rule: str
    pbx: str
    subject: str
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of an evaluation: its signal, how long it must hold, and since when it is known to hold."""

    severity: Severity
    signal: Signal
    hold_s: float
    since_at: float | None = None  # earlier start than this evaluation, where the observation knows it


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rule's opinion of one key at one instant."""

    key: AlertKey
    at: float
    levels: tuple[Level, ...]
    value: float | None
    clear_hold_s: float
    topic: str  # which text to use: a metric's name, "trunk_state", "peer_state", "pbx_state", "user_agent", ...
    one_shot: bool = False  # a thing that happened, not a condition that lasts
    details: Mapping[str, str] = field(default_factory=dict)
    worse_is_lower: bool = False  # True for MOS and R: the peak is the minimum
    texts: Mapping[str, str] = field(default_factory=dict)  # the rule's own wording by language
    yields_to: tuple[str, ...] = ()  # rules whose alert on the same subject explains this one


@dataclass(frozen=True, slots=True)
class Alert:
    """What is remembered of one key between evaluations; stored as it is."""

    key: AlertKey
    state: AlertState
    severity: Severity
    topic: str
    since_at: float  # when the condition began
    level_since: Mapping[Severity, float]  # active levels and since when
    fired_at: float | None = None
    clear_since: float | None = None
    value: float | None = None
    peak: float | None = None
    display_name: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    worst: Severity = Severity.INFO  # the highest severity it has fired with


class NotifyReason(StrEnum):
    """Why somebody is told; ``none`` is a reason too."""

    NONE = "none"
    FIRING = "firing"
    SEVERITY_INCREASED = "severity_increased"
    RESOLVED = "resolved"
    HAPPENED = "happened"


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert changed: state, or severity within firing."""

    at: float
    alert: Alert  # after the change
    old_state: AlertState
    new_state: AlertState
    reason: NotifyReason
    resolved_because: str | None = None  # "clear" or "no_data"


@dataclass(frozen=True, slots=True)
class Notification:
    """One transition on its way to one target. ``id`` is the outbox row, 0 before it is stored."""

    target: str
    transition: Transition
    created_at: float
    id: int = 0
    attempts: int = 0
    not_before: float = 0.0


# --- Records for the store --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DirectionTotals:
    """Whole-call sums of one direction."""

    lost: float = 0.0  # net
    lost_reported: float = 0.0
    expected: float = 0.0
    expected_reported: float = 0.0
    jitter_max_ms: float | None = None
    mos_min: float | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One finished channel: a row of the call table, written at hangup."""

    pbx: str
    subject: str
    channel: str
    uniqueid: str
    linkedid: str | None
    started_at: float
    answered_at: float | None
    ended_at: float
    cause: int | None
    codec: str | None
    to_peer: DirectionTotals
    from_peer: DirectionTotals
    rtt_max_ms: float | None


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """The last known User-Agent and address of a peer; ``user_agent`` None means known to have none.

    ``others`` are agents of devices registered beside it under the same name.
    """

    pbx: str
    peer: str
    user_agent: str | None
    address: str | None
    seen_at: float
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Something that happened, for the event table and for annotations on charts."""

    at: float
    pbx: str
    subject: str
    kind: str
    text: str
