"""What is told in sentences: alerts, where a loss arises, what was done; in each language, in the words of messages.

A page that knows more than the words (what is a link, what is bold) may say it in its own; whoever has a new topic, a rule with
words of its own, or no page at all, has these.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, TypeAlias

from pydantic import Field

from qualitywatch.model import Alert, Incident, Member, MemberState, RemedyNote
from qualitywatch.notify import segments
from qualitywatch.notify.gist import gist
from qualitywatch.notify.legible import legible
from qualitywatch.notify.members import cast_of
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.notify.remedies import told
from qualitywatch.notify.texts import LANGUAGES, words_of
from qualitywatch.web.instants import Text

Told: TypeAlias = Annotated[dict[str, Text], Field(description="The same sentence by language; empty where nothing is known.")]


def alert_told(alert: Alert, zone: tzinfo) -> dict[str, str]:
    """What the trouble is, as long as it lasts."""
    return member_told(Member(alert, MemberState.FIRING, alert.since_at), zone)


def member_told(member: Member, zone: tzinfo) -> dict[str, str]:
    """What happened, or how it ended."""
    return _in_each(lambda language: member_sentence(member, language, zone))


def incident_told(incident: Incident, zone: tzinfo) -> dict[str, str]:
    """What happened to all of its members."""
    cast = cast_of(incident)
    return _in_each(lambda language: legible(gist(cast, language, zone)))


def where_told(alert: Alert) -> dict[str, str]:
    """Where the loss arises, with the figures of the other leg."""
    return _in_each(lambda language: segments.of_alert(alert, words_of(language)))


def remedy_told(note: RemedyNote) -> dict[str, str]:
    """What was done about it, or why it was not."""
    return _in_each(lambda language: legible(told(note, words_of(language), None)))


def _in_each(say: Callable[[str], str]) -> dict[str, str]:
    said = {language: say(language) for language in LANGUAGES}
    return said if all(said.values()) else {}
