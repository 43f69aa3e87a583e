"""What people can see and do, whoever asks: a chat, the command line, a page.

``Room`` is the seam between those who ask and the running daemon (``app.room``).  Everything it returns is a frozen snapshot.
What it is asked to do is stored before it answers, with an audit row; asking for the same twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qualitywatch.model import Alert, AuditRow, HistoryPoint, Incident, Metric, PeerState, Severity, Silence, TrunkState


@dataclass(frozen=True, slots=True)
class PeerView:
    """One phone, or one qualified trunk, as it stands."""

    subject: str
    name: str | None
    state: PeerState
    since_at: float
    address: str | None = None
    user_agent: str | None = None
    rtt_ms: float | None = None  # of qualify
    trunk: str | None = None  # the registration whose calls go through it
    site: str | None = None  # where it stands: a name of the configuration, else its network


@dataclass(frozen=True, slots=True)
class TrunkView:
    """One outbound registration as it stands."""

    trunk: str
    name: str | None
    state: TrunkState
    since_at: float
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class PbxView:
    """One PBX as it stands; ``now`` is its own clock."""

    name: str
    now: float
    is_seen: bool
    since_at: float | None  # since when it is seen, or not
    peers: tuple[PeerView, ...] = ()
    trunks: tuple[TrunkView, ...] = ()
    calls: int = 0  # channels at present
    alerts: tuple[Alert, ...] = ()  # pending and firing, most urgent first
    direct_media: frozenset[str] = frozenset()  # subjects whose last call nobody reported on; perhaps it went past the PBX


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold of a rule in force, for charts."""

    metric: Metric
    severity: Severity
    enter: float


@dataclass(frozen=True, slots=True)
class SilenceRequest:
    """A silence to be made; the fields are those of ``model.Silence``.  ``ends_at`` is an instant of the wall clock."""

    ends_at: float
    starts_at: float | None = None
    rules: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    pbxes: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    comment: str = ""


class Room(Protocol):
    """The running daemon."""

    def now(self) -> float:
        """Unix seconds of the wall clock."""
        ...

    def pbxes(self) -> Sequence[PbxView]:
        """Every PBX of the configuration, in its order."""
        ...

    def incidents(self) -> Sequence[Incident]:
        """Open incidents, most urgent first."""
        ...

    def incident(self, incident_id: int) -> Incident | None:
        """One incident, open or not; None when it is not known (any more)."""
        ...

    def closed_incidents(self) -> Sequence[Incident]:
        """Incidents that are over and still known, the one that ended last first."""
        ...

    def troubles(self) -> Sequence[str]:
        """What ails the daemon itself at present (a full disk), a sentence each."""
        ...

    def silences(self) -> Sequence[Silence]:
        """Silences in force or to come, by id."""
        ...

    def limits(self, pbx: str, subject: str) -> Sequence[Limit]:
        """Thresholds in force for a subject of a PBX, each once."""
        ...

    async def acknowledge(self, incident_id: int, by: str) -> Incident | None:
        """Take an open incident on; return it as it is now (its ``ack`` may be somebody else's), None when unknown."""
        ...

    async def unacknowledge(self, incident_id: int, by: str) -> Incident | None:
        """Give an incident back; return it as it is now, None when unknown."""
        ...

    async def mute_incident(self, incident_id: int, ends_at: float, by: str) -> Incident | None:
        """Silence the alerts of an open incident; a second wish replaces the first. None when unknown."""
        ...

    async def unmute_incident(self, incident_id: int, by: str) -> Incident | None:
        """End the silences that ``mute_incident`` made for an incident. None when unknown."""
        ...

    async def silence(self, request: SilenceRequest, by: str) -> Silence:
        """Make a silence; raises ValueError with the reason when its selectors or times make no sense."""
        ...

    async def expire_silence(self, silence_id: int, by: str) -> Silence | None:
        """End a silence now; return it, None when unknown. One that is over stays as it is."""
        ...

    async def note(self, row: AuditRow) -> None:
        """Store an audit row, of a press that was refused for example."""
        ...

    async def history(self, pbx: str, subject: str, since: float, until: float) -> Sequence[HistoryPoint]:
        """The measured past of a subject, oldest first; empty when nothing is known or the store cannot be read."""
        ...

    async def subjects(self, pbx: str, since: float, until: float) -> Sequence[str]:
        """Subjects with any measured call in that time."""
        ...
