"""What a target has been shown: messages that live, and what goes into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qualitywatch.model.incidents import Incident
from qualitywatch.model.words import Severity


@dataclass(frozen=True, slots=True)
class Told:
    """How much of one incident a message has told."""

    incident: int
    news: int
    revision: int
    closed: bool = False
    members: int = 0  # how many alerts it spoke of, those left out that others explain


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a target would not take, or keep: a rest follows, which ends early when there is more to tell."""

    told: tuple[Told, ...]  # what it would have told
    times: int  # in a row
    until: float  # wall clock

    @property
    def is_over(self) -> bool:
        """Whether all it would have told of had ended."""
        return all(told.closed for told in self.told)

    def covers(self, told: tuple[Told, ...]) -> bool:
        """Whether there is no more to tell than what was refused: no news, no end, no other incident."""
        refused = {each.incident: each for each in self.told}
        return all(
            (old := refused.get(new.incident)) is not None and new.news <= old.news and new.closed <= old.closed for new in told
        )


@dataclass(frozen=True, slots=True)
class Post:
    """One living message at one target: of one incident, or a digest of several.  Stored; written by the dispatcher alone."""

    id: int
    target: str
    told: tuple[Told, ...]
    is_digest: bool = False
    place: str = ""  # where ids of messages count: another chat has others; "" where the channel has no ids
    message_id: int | None = None  # None: not sent yet, or the channel has no ids
    looks: str = ""  # hash of what the message shows
    edited_at: float = 0.0  # wall clock, of the last send or edit
    sent_at: float = 0.0
    superseded: tuple[int, ...] = ()  # older messages of the same incident that still have to be struck out
    picture_id: int | None = None  # of the chart that hangs below it; 0: none could be drawn
    attempts: int = 0
    not_before: float = 0.0
    refusal: Refusal | None = None  # since it was refused, or lost, last; None once it was taken
    lost: int = 0  # how often in a row a message was soon no more, or could not be changed
    failed: str = ""  # why it was given up, which only happens to what is over; "" while it lives


class Form(StrEnum):
    """What a message is to be."""

    LIVING = "living"  # the incident as it stands, with buttons while it is open
    SUPERSEDED = "superseded"  # an older message of an incident that goes on in a newer one
    DIGEST = "digest"  # several incidents in one message


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What one message is to tell."""

    form: Form
    incidents: tuple[Incident, ...]  # one, or for a digest several, most urgent first

    @property
    def severity(self) -> Severity:
        """The worst of its incidents."""
        return max((incident.severity for incident in self.incidents), key=lambda severity: severity.rank)


class ButtonAction(StrEnum):
    """What a thumb can do.  The values are part of stored messages: never reuse one."""

    ACKNOWLEDGE = "ack"
    UNACKNOWLEDGE = "unack"
    MUTE_HOUR = "mute1h"
    MUTE_MORNING = "mutemorn"
    UNMUTE = "unmute"
    CHART = "chart"


@dataclass(frozen=True, slots=True)
class Button:
    """One button; ``data`` is what comes back when it is pressed, at most 64 bytes."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """One message in one language, ready for its target.

    ``looks`` differs whenever a reader would see a difference, ``tells`` only when it is news: two attempts at one message tell
    the same, though figures have changed between them.  A message that is no incident's has no ``tells``.
    """

    plain: str
    html: str
    looks: str
    severity: Severity
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows
    attachment: Attachment | None = None  # the full list, where not everything fits
    payload: Mapping[str, object] = field(default_factory=dict)  # the same for machines; only where a channel asks for it
    tells: str = ""  # hash of what is news in it
