"""What is stored for people and charts: calls, User-Agents, things that happened."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.model.words import Direction


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
class LinkedCall:
    """One call as it is kept: the finished legs that Asterisk linked, in the order they began."""

    pbx: str
    linkedid: str  # the uniqueid where a leg was linked to nothing
    legs: tuple[CallRecord, ...]


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
    transport: str | None = None  # udp, tcp, tls, ...; where the contact tells
    first_seen_at: float | None = None  # None: by a version that did not note it


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Something that happened, for the event table and for annotations on charts."""

    at: float
    pbx: str
    subject: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class KpiRecord:
    """A figure of a trunk or a queue at one instant: ``total`` over ``count`` things; a call's duration, or 1 answered of 1."""

    at: float
    pbx: str
    subject: str
    kpi: str  # the value of a Metric, a Gauge or a Tally
    total: float
    count: float = 1.0


@dataclass(frozen=True, slots=True)
class KpiPoint:
    """What is known of one figure of one subject in one stretch of time; of a tally ``mean`` is the share of the good ones."""

    at: float  # where the stretch begins
    seconds: float
    kpi: str
    count: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """What is known of one subject in one direction and one stretch of time; figures of no direction (RTT) have None."""

    at: float  # where the stretch begins
    seconds: float  # how long it is
    direction: Direction | None
    calls: int
    packets: float | None
    loss_percent: float | None  # net, over the whole stretch
    loss_percent_max: float | None
    loss_percent_reported: float | None
    jitter_ms: float | None
    jitter_ms_max: float | None
    rtt_ms: float | None
    rtt_ms_max: float | None
    mos: float | None
    mos_min: float | None
