"""One incident as one message: the first line, what became of it, its members one by one, and where there are too many, a list.

A message is read at night on a small screen: the first line says how bad and what; the ten worst members speak for themselves;
the others are still named, as long as the message has room; whoever has no room is in the attached list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from qualitywatch.model import Attachment, Incident, Member
from qualitywatch.notify import segments, statuses
from qualitywatch.notify.composition import HEAD_UNITS, LINE_UNITS, Line, Room, line, lines
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.full_list import full_list
from qualitywatch.notify.gist import counts_subjects, gist, in_short, part_over
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.members import Cast, cast_of, is_over, mark_of, mark_of_member, span
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.notify.remedies import remedied
from qualitywatch.notify.terms import short_name
from qualitywatch.notify.texts import Words, words_of

MEMBERS_TOLD: Final = 10
MEMBERS_WITHOUT_LIST: Final = 30  # more of them are easier to read in a file


def first_line(incident: Incident, language: str, zone: tzinfo, *, show_pbx: bool, tag: str = "b") -> Line:
    """Return the incident in one line, with its mark."""
    pbx = short_name(incident.pbx) if show_pbx else ""
    front = f"{mark_of(incident)} [{pbx}] " if pbx else f"{mark_of(incident)} "
    return line(gist(cast_of(incident), language, zone), front=front, tag=tag, units=HEAD_UNITS)


def living(
    incident: Incident, language: str, zone: tzinfo, *, show_pbx: bool, dashboards: Dashboards | None = None
) -> tuple[tuple[Line, ...], Attachment | None]:
    """Return the message of an incident, and the list that goes with it where not everything fits."""
    words, cast = words_of(language), cast_of(incident)
    since = span(cast.main)[0]
    top = (
        first_line(incident, language, zone, show_pbx=show_pbx),
        *lines(
            (
                part_over(cast, words),
                statuses.news(incident, cast, words),
                *statuses.answered(incident, words, zone, since),
                *remedied(incident, words, zone),
                *statuses.muted(cast, words, zone, since),
                statuses.flapping(incident, words),
                statuses.peak(cast, words),
                segments.where(cast, words),
                statuses.judged(cast.main[0].alert, words) if len(cast.main) == 1 and not is_over(cast.main[0]) else "",
            )
        ),
    )
    bottom = lines((statuses.when(cast.main, words, zone), statuses.rules(incident, cast, words)))
    if dashboards is not None:
        bottom += (line(words.charts.format(url=dashboards.address(incident)), units=HEAD_UNITS),)
    room = Room()
    room.reserve((*top, *bottom))
    is_listed = len(incident.members) > MEMBERS_WITHOUT_LIST
    unnamed = _place(cast, room, language, zone, said=top[0].text, is_listed=is_listed)
    attachment = full_list(f"incident-{incident.id}.txt", (incident,), language, zone) if unnamed or is_listed else None
    return (*top, *room.taken, *bottom), attachment


def names_of(members: Sequence[Member], among: Sequence[Member], words: Words, *, with_noun: bool | None = None) -> list[str]:
    """Return the members as entries of a list; what all ``among`` which they are listed share is left out."""
    noun = with_noun if with_noun is not None else not counts_subjects(among)
    direction = len({member.alert.key.direction for member in among}) > 1
    return [in_short(member, words, with_noun=noun, with_direction=direction) for member in members]


def _place(cast: Cast, room: Room, language: str, zone: tzinfo, *, said: str, is_listed: bool) -> int:
    """Put the members into the room, but for one of whom the first line has ``said`` it all; return how many found none."""
    words = words_of(language)
    told = 0
    tail = line(words.lists.attached), line(words.lists.more.format(count=10**6))
    room.reserve(tail)
    if len(cast.main) > 1:
        for member in cast.main[:MEMBERS_TOLD]:
            text = clip(legible(member_sentence(member, language, zone)), LINE_UNITS)
            where = segments.in_brackets(member, cast, words)
            if (text != said or where) and not room.take(Line(text + where, f"{mark_of_member(member)} ")):
                break
            told += 1
    rest = cast.main[told:] if len(cast.main) > 1 else ()
    groups = (
        (words.lists.also, [member for member in rest if not is_over(member)], cast.main),
        (words.lists.over, [member for member in rest if is_over(member)], cast.main),
        (words.lists.affected, [member for member in cast.affected if not is_over(member)], cast.affected),
        (words.lists.affected_over, [member for member in cast.affected if is_over(member)], cast.affected),
    )
    unnamed = 0
    for template, members, among in groups:
        with_noun = True if among is cast.affected else None  # the first line does not speak of them
        unnamed += len(members) - room.take_names(template, names_of(members, among, words, with_noun=with_noun))
    room.units += sum(each.units for each in tail)
    if unnamed:
        room.take(line(words.lists.more.format(count=unnamed)))
    elif is_listed:
        room.take(line(words.lists.attached))
    return unnamed
