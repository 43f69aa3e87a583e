"""What is to be done next at a target: one message to send, to change or to strike out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from qualitywatch.model import Bulletin, Incident, Notification, Post, Told


class Renderer(Protocol):
    """The part of ``ports.Notifier`` that decides what a message shows."""

    @property
    def can_edit(self) -> bool: ...

    @property
    def place(self) -> str: ...

    @property
    def takes_pictures(self) -> bool: ...

    def render(self, bulletin: Bulletin) -> Notification: ...


class StepKind(StrEnum):
    SEND = "send"  # a new message, which from then on is the living one
    EDIT = "edit"  # the living message changes
    STRIKE = "strike"  # an older message is marked as such
    NOTE = "note"  # nothing a reader would see: only to be stored
    PICTURE = "picture"  # a chart below the living message


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done.

    ``post`` is what is stored so far, ``told`` what the message will have told once the step is done, ``incidents`` what it
    shows.  ``message_id`` is the message to be changed, or to hang a picture below; only SEND has none.  ``bug`` kept the
    notification from being in its usual words.
    """

    kind: StepKind
    post: Post
    told: tuple[Told, ...]
    incidents: tuple[Incident, ...]
    notification: Notification | None = None  # of SEND, EDIT and STRIKE
    message_id: int | None = None
    reply_to: int | None = None
    bug: Exception | None = None


def urgency(incident: Incident) -> tuple[bool, int, float, int]:
    """Order of telling: what is still open, then the worst, then the oldest."""
    return (not incident.is_open, -incident.severity.rank, incident.opened_at, incident.id)


def told_now(incident: Incident) -> Told:
    """What somebody knows who was shown the incident as it is."""
    return Told(incident.id, incident.news, incident.revision, not incident.is_open, spoken_of(incident))


def spoken_of(incident: Incident) -> int:
    """How many of its alerts an incident tells of on their own account; what others explain is theirs, its end as well."""
    return sum(member.mute is None for member in incident.members)
