"""The words: directions, metrics, verdicts, severities and states, as the field calls them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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
    # Not of a voice stream: one figure of a call, or of a peer, at one instant.
    CALL_DURATION_S = "call_duration_s"  # of an answered call over a trunk, from the answer to its end
    POST_DIAL_DELAY_S = "post_dial_delay_s"  # of a call over a trunk: from dialling to the first sign of the called party
    QUALIFY_RTT_MS = "qualify_rtt_ms"  # how long a peer took to answer the PBX's OPTIONS


VOICE_METRICS: Final = frozenset(
    {
        *(Metric.LOSS_PERCENT, Metric.LOSS_PERCENT_REPORTED, Metric.JITTER_MS, Metric.RTT_MS),
        *(Metric.MOS, Metric.R_FACTOR),
    }
)
"""What reports of a voice stream tell, packet by packet; the only metrics that charts of calls show."""


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
    RTT_SKEW = "rtt_skew"  # outside (0 s, 10 s], or no DLSR: the peer's clock or DLSR is wrong
    UNGROUNDED_CODEC = "ungrounded_codec"  # E-model constants of this codec are provisional
    UNKNOWN_CODEC = "unknown_codec"  # nobody told the codec: the score is a guess for charts, no rule listens to it


# What can be drawn on a chart: scores by guessed constants too, jitter of a wrong clock and skewed RTT not.
CHARTED: Final = frozenset(
    {Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT, Verdict.UNGROUNDED_CODEC, Verdict.UNKNOWN_CODEC}
)


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


REMOVED: Final = "removed"
"""What is said of a peer or a trunk that is no longer configured: no state, so no rule can ask for it."""


class AudioState(StrEnum):
    """Whether sound goes both ways on the calls of a peer."""

    OK = "ok"
    HEARS_NOTHING = "hears_nothing"  # our packets go out, and the peer's reports say that none arrives
    SENDS_NOTHING = "sends_nothing"  # nothing arrives from it
    DEAD = "dead"  # neither
    UNKNOWN = "unknown"


class Tally(StrEnum):
    """What is counted, as so many good of so many in all."""

    ANSWERED = "answered"  # of the calls that were tried over a trunk (answer seizure ratio)
    DELIVERED = "delivered"  # of the same: the network did its part, busy and unassigned included (network effectiveness ratio)
    LONG_ENOUGH = "long_enough"  # of the answered calls: lasted longer than somebody needs to hang up in disappointment
    COVERED = "covered"  # of the answered calls: the far end reported what it heard
    LOGIN_FAILED = (
        "login_failed"  # none of them is good: attempts to register or call with a wrong name or password, by address
    )


class EventsState(StrEnum):
    """Which class of events a PBX ought to send and does not, the worst of them."""

    COMPLETE = "complete"
    NO_CALLS = "no_calls"  # channels come and go, and nobody announces them
    NO_REPORTS = "no_reports"  # calls end, and not one RTCP report was told of
    NO_SYSTEM = "no_system"  # registrations, reachability, shutdown and reload


class PbxState(StrEnum):
    """Whether we can see the PBX at all."""

    SEEN = "seen"
    BLIND = "blind"


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class NotifyReason(StrEnum):
    """Why somebody is told; ``none`` is a reason too."""

    NONE = "none"
    FIRING = "firing"
    SEVERITY_INCREASED = "severity_increased"
    RESOLVED = "resolved"
    HAPPENED = "happened"


class Gauge(StrEnum):
    """What is read as one figure of a subject at one instant."""

    QUEUE_CALLERS = "queue_callers"  # waiting now
    QUEUE_LONGEST_HOLD_S = "queue_longest_hold_s"  # of those who wait now, the one who has waited longest; 0 when nobody waits
    QUEUE_AGENTS_AVAILABLE = "queue_agents_available"  # could take a call now: not talking, not paused, reachable
    QUEUE_AGENTS_LOGGED_IN = "queue_agents_logged_in"  # reachable, also if talking or paused
    QUEUE_CALLERS_UNATTENDED = "queue_callers_unattended"  # waiting now while no agent is logged in; 0 while one is
    CONCURRENT_CALLS = "concurrent_calls"  # over a trunk, both ways, those being tried included; told whenever it changes


class Share(StrEnum):
    """Of whom a share is counted.  The subject is the place: a site's name or network, a registration, the PBX itself."""

    SITE_LOSS = "site_loss"  # peers of one site that lose packets on their own lines
    TRUNK_LOSS = "trunk_loss"  # peers that talk over one trunk and hear the gaps of its line
    PBX_LOSS = "pbx_loss"  # peers of several places that lose packets on their own lines
