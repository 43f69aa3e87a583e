"""What rules look at: samples, statuses, changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from qualitywatch.model.levels import LevelObservation
from qualitywatch.model.samples import Sample
from qualitywatch.model.shares import ShareObservation
from qualitywatch.model.words import Tally


@dataclass(frozen=True, slots=True)
class StatusObservation:
    """A peer, trunk or PBX is in ``status`` since ``since_at``."""

    at: float
    entity: str  # "peer", "trunk", "pbx" or "audio"
    pbx: str
    subject: str
    status: str
    since_at: float
    detail: str | None = None
    calls: int | None = None  # how many of the latest calls were bad, where it is about calls

    @property
    def topic(self) -> str:
        """What rules that look at it listen to."""
        return f"{self.entity}_state"


@dataclass(frozen=True, slots=True)
class ChangeObservation:
    """A watched attribute of a peer is now different."""

    at: float
    pbx: str
    subject: str
    attribute: str  # "user_agent", "address" or "transport"
    old: str | None  # None: the peer was never seen before
    new: str
    address: str | None = None
    known_since: float | None = None  # when the peer was seen for the first time

    @property
    def topic(self) -> str:
        """What rules that look at it listen to."""
        return self.attribute


@dataclass(frozen=True, slots=True)
class TallyObservation:
    """Something was counted for a subject: ``good`` of ``total``, mostly 0 or 1 of 1.  ``detail`` says what went wrong."""

    at: float
    tally: Tally
    pbx: str
    subject: str
    good: float
    total: float
    detail: str | None = None

    @property
    def topic(self) -> str:
        """What rules that look at it listen to."""
        return self.tally


@dataclass(frozen=True, slots=True)
class DialObservation:
    """A call leaves the PBX by a trunk, or such a leg is over.  One call may have several legs, one by one or at once."""

    at: float
    pbx: str
    subject: str  # the peer that calls; the trunk where no peer is known
    number: str  # as it was dialled over the trunk
    trunk: str
    channel: str  # name of the channel to act on: the caller's, or the leg's own where the caller is no peer's channel
    uniqueid: str  # of the leg
    is_new: bool  # False: the same channel dialled the same number before, by another trunk
    is_over: bool = False
    topic: ClassVar[str] = "dials"


Observation: TypeAlias = (
    Sample | DialObservation | StatusObservation | ChangeObservation | TallyObservation | LevelObservation | ShareObservation
)


@dataclass(frozen=True, slots=True)
class Gap:
    """What was observed before is not bridged to what follows: we began (``begins``), the PBX did, or its clock changed."""

    at: float
    pbx: str
    subject: str
    begins: bool = False
    left_at: float | None = None  # where we began: until when the run before this one had lived, if that is known


@dataclass(frozen=True, slots=True)
class Belonging:
    """From now on the calls of a peer go through ``trunk``; None: through none that is known."""

    at: float
    pbx: str
    subject: str
    trunk: str | None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """From now on bad sound of a peer may be explained by these places: its site, the trunk whose gaps it hears."""

    at: float
    pbx: str
    subject: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """Something as it came to be judged, kept so that other rules can be tried on it later; reports' samples are kept apart.

    ``at`` is when it was judged; ``by_tick``: by the mere passing of a second, so before the alerts of that second.
    """

    at: float
    what: Observation | Gap | Belonging | Whereabouts
    by_tick: bool = False
