"""Who is meant: peers and trunks by subject, by number, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.chat.misread import Misread, Problem, near
from qualitywatch.chat.parsing import is_pattern, pattern
from qualitywatch.notify.legible import legible
from qualitywatch.room import PbxView, PeerView, Room, TrunkView

REMEMBERED_S: Final = 7 * 86_400.0  # a peer that is not watched is known by its calls of so long
_MAX_CHOICES: Final = 10
_MIN_PART: Final = 2  # of a name, to be searched for


@dataclass(frozen=True, slots=True)
class Known:
    """One subject of one PBX, and how it stands where that is watched."""

    pbx: PbxView
    subject: str
    name: str | None = None
    peer: PeerView | None = None
    trunk: TrunkView | None = None

    @property
    def label(self) -> str:
        """``Anna SIP/6117``, or the bare subject when the name says no more."""
        return label(self.subject, self.name)


def label(subject: str, name: str | None) -> str:
    """Return a subject with its display name, legible, as alerts write it."""
    shown, name = legible(subject), legible(name or "")
    return f"{name} {shown}" if name and name.casefold() not in shown.casefold() else shown


async def everybody(room: Room) -> list[Known]:
    """Return every subject that is watched, then those known only by their calls."""
    found: dict[tuple[str, str], Known] = {}
    for view in room.pbxes():
        for peer in view.peers:
            found[view.name, peer.subject] = Known(view, peer.subject, peer.name, peer=peer)
        for trunk in view.trunks:
            found.setdefault((view.name, trunk.trunk), Known(view, trunk.trunk, trunk.name, trunk=trunk))
        for subject in await room.subjects(view.name, view.now - REMEMBERED_S, view.now):
            found.setdefault((view.name, subject), Known(view, subject))
    return list(found.values())


def meant(known: Sequence[Known], who: str) -> list[Known]:
    """Return everybody who may be meant: by the most exact reading that fits anybody.

    ``office:SIP/6117`` names the PBX too; ``SIP/61*`` means all that match.
    """
    if is_pattern(who):
        selector = pattern(who)
        return [one for one in known if selector.matches(one.subject)]
    folded = " ".join(who.split()).casefold()
    exact = named(known, folded)
    if exact or len(folded) < _MIN_PART:
        return exact
    return [one for one in known if folded in one.label.casefold()]


def named(known: Iterable[Known], who: str) -> list[Known]:
    """Return everybody who is meant by exactly this subject, number or name."""
    folded = who.casefold()
    readings: tuple[Callable[[Known], tuple[str, ...]], ...] = (
        lambda one: (one.subject, f"{one.pbx.name}:{one.subject}"),
        lambda one: (_number(one), f"{one.pbx.name}:{_number(one)}"),
        lambda one: (one.label, legible(one.name or "")),
        lambda one: (_number(one).partition("@")[0],),
    )
    everybody = list(known)
    for reading in readings:
        found = [one for one in everybody if folded in {text.casefold() for text in reading(one)}]
        if found:
            return found
    return []


def the_one(known: Sequence[Known], who: str) -> Known:
    """Return who is meant; raises Misread with the nearest names, or with those to choose from."""
    found = meant(known, who)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Misread(Problem.NO_SUCH_PEER, who, nearest(known, who))
    raise Misread(Problem.SEVERAL, who, choices(found))


def choices(found: Sequence[Known]) -> tuple[str, ...]:
    """Return how each of several can be named so that nobody else is meant."""
    subjects = [one.subject for one in found]
    told = (f"{one.pbx.name}:{one.subject}" if subjects.count(one.subject) > 1 else one.label for one in found)
    return tuple(told)[:_MAX_CHOICES]


def nearest(known: Sequence[Known], who: str) -> tuple[str, ...]:
    """Return the subjects whose number, name or subject is nearest to what was typed."""
    subjects: dict[str, str] = {}
    for one in known:
        for text in (one.subject, _number(one), legible(one.name or "")):
            subjects.setdefault(text, one.subject)
    subjects.pop("", None)
    return tuple(dict.fromkeys(subjects[text] for text in near(who, tuple(subjects))))


def _number(one: Known) -> str:
    return one.subject.partition("/")[2]
