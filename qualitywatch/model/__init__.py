"""The vocabulary: every value that crosses a package border, and nothing else.

All values are frozen; they flow in one direction (bytes, messages, events, observations, evaluations,
transitions, notifications).  Instants are Unix seconds as ``float`` (the unit of AMI's own ``Timestamp`` header), named
``at`` or ``*_at``; durations are seconds, named ``*_s``.  ``None`` always means "unknown", never zero.

Words follow RFC 3550 (ssrc, fraction lost, extended highest sequence, lsr, dlsr), ITU-T G.107 (R factor, MOS), Asterisk
(uniqueid, linkedid, contact, qualify) and Prometheus/Alertmanager (pending, firing, resolved, for).
"""

from __future__ import annotations

from qualitywatch.model.alerts import (
    Alert,
    AlertKey,
    AlertState,
    Evaluation,
    Level,
    Notification,
    NotifyReason,
    Signal,
    Transition,
)
from qualitywatch.model.events import (
    AgentSeen,
    Booted,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    CodecSeen,
    Connected,
    Disconnected,
    PbxEvent,
    PeerStateSeen,
    ReportBlock,
    Resynced,
    RtcpReport,
    SenderInfo,
    ShuttingDown,
    TrunkStateSeen,
)
from qualitywatch.model.observations import (
    ChangeObservation,
    Observation,
    Sample,
    StatusObservation,
)
from qualitywatch.model.records import (
    AgentRecord,
    CallRecord,
    DirectionTotals,
    LogRecord,
)
from qualitywatch.model.words import (
    Direction,
    Metric,
    PbxState,
    PeerState,
    Severity,
    TrunkState,
    Verdict,
)

__all__ = [
    "AgentRecord",
    "AgentSeen",
    "Alert",
    "AlertKey",
    "AlertState",
    "Booted",
    "CallRecord",
    "ChangeObservation",
    "Channel",
    "ChannelChanged",
    "ChannelHeld",
    "ChannelHungUp",
    "CodecSeen",
    "Connected",
    "Direction",
    "DirectionTotals",
    "Disconnected",
    "Evaluation",
    "Level",
    "LogRecord",
    "Metric",
    "Notification",
    "NotifyReason",
    "Observation",
    "PbxEvent",
    "PbxState",
    "PeerState",
    "PeerStateSeen",
    "ReportBlock",
    "Resynced",
    "RtcpReport",
    "Sample",
    "SenderInfo",
    "Severity",
    "ShuttingDown",
    "Signal",
    "StatusObservation",
    "Transition",
    "TrunkState",
    "TrunkStateSeen",
    "Verdict",
]
