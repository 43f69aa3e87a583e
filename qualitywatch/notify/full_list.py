"""The attached list: every incident and every member in full, for what no message has room for.  Plain UTF-8 text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from qualitywatch.model import Attachment, Incident, Member
from qualitywatch.notify import statuses
from qualitywatch.notify.gist import gist
from qualitywatch.notify.legible import legible
from qualitywatch.notify.members import Cast, cast_of, mark_of, mark_of_member
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.notify.terms import short_name
from qualitywatch.notify.texts import Words, words_of


def full_list(name: str, incidents: Sequence[Incident], language: str, zone: tzinfo) -> Attachment:
    """Return all members of all incidents with their times, rules and mutes, one line each."""
    words = words_of(language)
    blocks = [_block(incident, words, language, zone) for incident in incidents]
    return Attachment(name, ("\n".join(blocks) + "\n").encode("utf-8", "replace"))


def _block(incident: Incident, words: Words, language: str, zone: tzinfo) -> str:
    cast, pbx = cast_of(incident), short_name(incident.pbx)
    front = f"[{pbx}] " if pbx else ""
    members = (*cast.main, *cast.affected)
    if len(members) == 1:
        return f"{mark_of(incident)} {front}{_facts(members[0], words, language, zone)}"
    rows = (f"  {mark_of_member(member)} {_facts(member, words, language, zone)}" for member in members)
    return "\n".join((f"{mark_of(incident)} {front}{legible(gist(cast, language, zone))}", *rows))


def _facts(member: Member, words: Words, language: str, zone: tzinfo) -> str:
    parts = (
        member_sentence(member, language, zone),
        statuses.peak(Cast((member,), ()), words),
        statuses.when((member,), words, zone),
        words.rule.format(rule=short_name(member.alert.key.rule), severity=words.severities[member.alert.severity]),
        statuses.mute_of(member, words, zone),
    )
    return "; ".join(legible(part) for part in parts if part)
