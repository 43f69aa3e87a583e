"""A report: this time and the time before it, side by side; pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from qualitywatch.reports.source import Found
from qualitywatch.reports.tally import Calls, Subject, Voice, worse_percent


@dataclass(frozen=True, slots=True)
class Line:
    """One subject, what people call it, and what it was like in the time before; None: it had no calls then."""

    subject: Subject
    before: Subject | None
    name: str | None = None

    @property
    def who(self) -> str:
        """``Anna SIP/6117``, or the bare subject where no name says more."""
        about, name = self.subject.name, self.name
        return about if name is None or name.casefold() in about.casefold() else f"{name} {about}"

    @property
    def change(self) -> float | None:
        """By how many points of percent the loss of the worse side has grown."""
        then = self.before.worse_percent if self.before is not None else None
        now = self.subject.worse_percent
        return now - then if now is not None and then is not None else None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told; lines are worst first."""

    since: float
    until: float
    peers: tuple[Line, ...]
    trunks: tuple[Line, ...]
    causes_since: float | None

    @property
    def everybody(self) -> tuple[Line, ...]:
        """Peers and trunks."""
        return (*self.peers, *self.trunks)

    @property
    def is_of_several_pbxes(self) -> bool:
        """Whether a name alone does not tell who is meant."""
        return len({line.subject.pbx for line in self.everybody}) > 1

    @property
    def calls(self) -> Calls:
        """Of everybody together."""
        return reduce(Calls.__add__, (line.subject.calls for line in self.everybody), Calls())

    @property
    def voice(self) -> tuple[Voice, Voice]:
        """To the peers and from them, everybody together."""
        to_peer = reduce(Voice.__add__, (line.subject.to_peer for line in self.everybody), Voice())
        return to_peer, reduce(Voice.__add__, (line.subject.from_peer for line in self.everybody), Voice())


NameOf: TypeAlias = Callable[[str, str], str | None]
"""What people call a PBX's subject."""


def no_names(pbx: str, subject: str) -> str | None:
    """Nobody has a name."""
    return None


def compared(now: Found, before: Found | None, trunk: str | None = None, name_of: NameOf = no_names) -> Report:
    """Put both times side by side; ``trunk`` leaves only the trunks whose name holds it."""
    past = before if before is not None else Found(now.since, now.since, (), ())
    peers = () if trunk is not None else _lines(now.peers, past.peers, name_of)
    trunks = _lines(now.trunks, past.trunks, name_of)
    if trunk is not None:
        trunks = tuple(line for line in trunks if trunk.casefold() in line.who.casefold())
    return Report(now.since, now.until, peers, trunks, now.causes_since)


def worst(lines: Sequence[Line], count: int) -> list[Line]:
    """Those with the most loss who spoke long enough to be compared, and lost anything."""
    return [line for line in lines if line.subject.worse_percent][:count]


def worst_hours(subject: Subject, count: int) -> list[tuple[int, Voice, Voice]]:
    """The hours in which one side lost most, worst first; those without loss, or with too little speech, are left out."""
    losses = {start_at: worse_percent(*pair) or 0.0 for start_at, pair in subject.hours.items()}
    order = sorted((-loss, start_at) for start_at, loss in losses.items() if loss > 0)
    return [(start_at, *subject.hours[start_at]) for _, start_at in order[:count]]


def _lines(now: Sequence[Subject], before: Sequence[Subject], name_of: NameOf) -> tuple[Line, ...]:
    past = {(subject.pbx, subject.name): subject for subject in before}
    return tuple(Line(subject, past.get((subject.pbx, subject.name)), name_of(subject.pbx, subject.name)) for subject in now)
