"""Several incidents as one message: how many, a line for each of the ten worst, the others by name, all of them in a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from qualitywatch.model import Attachment, Incident
from qualitywatch.notify.composition import HEAD_UNITS, LINE_UNITS, Line, Room, line
from qualitywatch.notify.full_list import full_list
from qualitywatch.notify.gist import gist, in_short
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.living import names_of
from qualitywatch.notify.members import (
    MARK_ENDED_UNSEEN,
    MARK_RESOLVED,
    MARKS,
    cast_of,
    is_over,
    is_past,
    mark_of,
    urgency,
)
from qualitywatch.notify.terms import short_name
from qualitywatch.notify.texts import Words, number, words_of

INCIDENTS_TOLD: Final = 10
_BELOW: Final = "· "  # in front of the names that belong to the line above


def digest(
    incidents: Sequence[Incident], language: str, zone: tzinfo, *, show_pbx: bool
) -> tuple[tuple[Line, ...], Attachment | None]:
    """Return one message of all incidents, and the list that goes with it where not every alert is named."""
    words = words_of(language)
    ordered = sorted(incidents, key=lambda incident: (is_past(incident), -urgency(incident).rank))
    pbxes = {incident.pbx for incident in ordered}
    shared = f"[{short_name(ordered[0].pbx)}] " if show_pbx and len(pbxes) == 1 else ""
    head = line(_head(ordered, words), front=f"{_mark(ordered)} {shared}", tag="b", units=HEAD_UNITS)
    tail = line(words.lists.attached), line(words.lists.more.format(count=10**6))
    show_each = show_pbx and len(pbxes) > 1
    told = [_row(incident, words, language, zone, show_pbx=show_each) for incident in ordered[:INCIDENTS_TOLD]]
    rest = ordered[INCIDENTS_TOLD:]

    room = Room()
    room.reserve((head, *told, *tail))
    unnamed = _place_rest(rest, room, words, language, zone)
    named_rest, room.taken = room.taken, []
    body, all_named = _with_names(ordered[: len(told)], told, room, words)
    closing: list[Line] = []
    is_attached = bool(rest) or not all_named
    if unnamed:
        closing = [line(words.lists.more.format(count=unnamed))]
    elif is_attached:
        closing = [line(words.lists.attached)]
    attachment = full_list("incidents.txt", ordered, language, zone) if is_attached else None
    return (head, *body, *named_rest, *closing), attachment


def _head(incidents: Sequence[Incident], words: Words) -> str:
    many, done = number(len(incidents), words.digests.incidents), sum(map(is_past, incidents))
    template = words.digests.head if not done else words.digests.part_over
    if done == len(incidents):
        template = words.digests.all_over
    return template.format(many=many, done=done)


def _mark(incidents: Sequence[Incident]) -> str:
    lasting = [urgency(incident) for incident in incidents if not is_past(incident)]
    if lasting:
        return MARKS[max(lasting, key=lambda severity: severity.rank)]
    return MARK_RESOLVED if MARK_RESOLVED in map(mark_of, incidents) else MARK_ENDED_UNSEEN


def _row(incident: Incident, words: Words, language: str, zone: tzinfo, *, show_pbx: bool) -> Line:
    pbx, cast = short_name(incident.pbx) if show_pbx else "", cast_of(incident)
    text = clip(legible(gist(cast, language, zone)), LINE_UNITS)
    if cast.firing and cast.over:
        text += words.digests.some_over.format(done=len(cast.over))
    if incident.firing and incident.mute is not None:
        text += words.digests.muted
    if incident.firing and incident.ack is not None:
        text += words.digests.acknowledged.format(by=clip(legible(incident.ack.by), 40) or "?")
    mark = mark_of(incident)
    return Line(text, f"{mark} [{pbx}] " if pbx else f"{mark} ")


def _place_rest(rest: Sequence[Incident], room: Room, words: Words, language: str, zone: tzinfo) -> int:
    """Name the incidents that have no line of their own; return how many found no room."""
    lasting = [incident for incident in rest if not is_past(incident)]
    past = [incident for incident in rest if is_past(incident)]
    unnamed = 0
    for template, incidents in ((words.lists.also, lasting), (words.lists.over, past)):
        names = [_in_short(incident, words, language, zone) for incident in incidents]
        unnamed += len(names) - room.take_names(template, names, "; ")
    return unnamed


def _in_short(incident: Incident, words: Words, language: str, zone: tzinfo) -> str:
    cast = cast_of(incident)
    if len(cast.main) == 1:
        return in_short(cast.main[0], words, with_noun=True, with_direction=False)
    return clip(legible(gist(cast, language, zone)), LINE_UNITS)


def _with_names(incidents: Sequence[Incident], told: Sequence[Line], room: Room, words: Words) -> tuple[list[Line], bool]:
    """Put the names of their members below the incidents that have several; tell whether all of them are named."""
    body: list[Line] = []
    all_named = True
    for incident, row in zip(incidents, told, strict=True):
        body.append(row)
        cast = cast_of(incident)
        main = cast.main if len({member.alert.key.subject for member in cast.main}) > 1 else ()
        groups = (
            ("{names}", [member for member in main if not is_over(member)], main),
            (words.lists.over, [member for member in main if is_over(member)], main),
            (words.lists.affected, [member for member in cast.affected if not is_over(member)], cast.affected),
            (words.lists.affected_over, [member for member in cast.affected if is_over(member)], cast.affected),
        )
        room.taken = []
        for template, members, among in groups:
            with_noun = True if among is cast.affected else None
            taken = room.take_names(_BELOW + template, names_of(members, among, words, with_noun=with_noun))
            all_named = all_named and taken == len(members)
        body.extend(room.taken)
    return body, all_named
