"""From alerts to what people are told: incidents, who mutes them, who has taken them on.

One incident is one cause as people see it: the alerts that began together, or that befell one subject.  It is what a chat
shows as one living message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qualitywatch.model.alerts import Alert
from qualitywatch.model.evaluations import AlertKey
from qualitywatch.model.remedies import RemedyNote
from qualitywatch.model.words import Severity


class MemberState(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    HAPPENED = "happened"  # a thing that happened, not a condition that lasts


class MuteKind(StrEnum):
    SILENCE = "silence"  # somebody asked for quiet
    MAINTENANCE = "maintenance"  # a window of the configuration
    INHIBITED = "inhibited"  # another alert explains it


@dataclass(frozen=True, slots=True)
class Mute:
    """Why nobody is told of a firing alert.  A named reason, never a state of the alert."""

    kind: MuteKind
    name: str  # a silence's id as text, a window's name, the subject of the alert that explains this one
    until: float | None = None  # None: as long as its cause lasts
    by: str = ""  # who asked for it
    comment: str = ""
    parent: AlertKey | None = None  # of INHIBITED: the alert that explains this one


@dataclass(frozen=True, slots=True)
class Member:
    """One alert in an incident, as it was known last."""

    alert: Alert
    state: MemberState
    joined_at: float
    ended_at: float | None = None  # when it was found to be over; ``alert.clear_since`` says when the trouble really ended
    resolved_because: str | None = None  # as in ``Transition``, or "dropped": its rule or PBX is no longer configured
    mute: Mute | None = None
    fires: tuple[float, ...] = ()  # when it fired within the flap window, this time included

    @property
    def key(self) -> AlertKey:
        return self.alert.key


class NewsReason(StrEnum):
    """Why an incident is worth a message of its own, and not only an edit."""

    OPENED = "opened"
    WORSE = "worse"  # a higher severity than ever told
    REPEATED = "repeated"  # still firing, and nobody took it on
    REMINDER = "reminder"  # somebody took it on long ago, and it still fires
    FLAPPING = "flapping"  # comes and goes: from now on only edits, until it has been quiet, or has stayed
    UNMUTED = "unmuted"  # it outlived its silence


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has taken an incident on."""

    by: str
    at: float  # Unix seconds of the wall clock


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, its alerts, and what became of it.  Instants are the PBX's own, but for those of people.

    ``news`` counts the messages it has been worth so far: 0 while everything in it is muted.  ``revision`` counts every change
    of what it has to say.  ``targets`` names everybody who is to be told, in the order they became concerned; it only grows.
    """

    id: int
    pbx: str
    opened_at: float
    members: tuple[Member, ...]  # in the order they joined
    severity: Severity  # the worst of what fires and is not muted; once closed, the worst ever
    worst: Severity  # the worst that was ever news
    revision: int = 1
    news: int = 0
    news_reason: NewsReason = NewsReason.OPENED  # of the latest news
    news_at: float = 0.0
    first_news_at: float | None = None
    targets: tuple[str, ...] = ()
    ack: Acknowledgement | None = None
    escalated_at: float | None = None
    flapping: bool = False
    closed_at: float | None = None  # nothing fires any more
    remedies: tuple[RemedyNote, ...] = ()  # what was done about it, the oldest first
    waits_since: float | None = None  # for somebody who takes it on; None: since its first news

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def firing(self) -> tuple[Member, ...]:
        """Members that fire now, muted or not."""
        return tuple(member for member in self.members if member.state is MemberState.FIRING)

    @property
    def mute(self) -> Mute | None:
        """Why nobody is told of it now: the reason of its first firing member when all that fire are muted, else None."""
        firing = self.firing
        return firing[0].mute if firing and all(member.mute is not None for member in firing) else None


@dataclass(frozen=True, slots=True)
class Silence:
    """Quiet that somebody asked for, until an instant of the wall clock.

    Each field that is not empty must match, by one of its selectors (see ``document.Selector``); an alert that all of them
    match is muted.  ``incident`` says which incident's button made it, 0 for none; such a silence mutes the alerts ``keys`` and
    no other, and its selectors are but their names, for readers.  Older releases stored no keys: there the selectors count.
    """

    id: int
    ends_at: float
    by: str
    created_at: float
    starts_at: float | None = None
    rules: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    pbxes: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    comment: str = ""
    incident: int = 0
    expired_at: float | None = None  # ended by hand before its time
    keys: tuple[AlertKey, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to what, from where; kept for whoever asks later."""

    at: float
    by: str  # a name and the id of the account: "Anna (12345)", "root on the command line", "qualitywatch"
    action: str  # acknowledge, unacknowledge, silence, expire_silence, refused, call, ...
    what: str  # the incident or silence, and anything worth knowing
    incident: int = 0
