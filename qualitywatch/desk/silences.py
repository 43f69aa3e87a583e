"""Silences: made, ended, and what each of them means."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.desk.policy import Matcher
from qualitywatch.document import Selector, compile_bounded
from qualitywatch.model import AlertKey, Severity, Silence
from qualitywatch.room import SilenceRequest

KEPT_OVER: Final = 200  # so many that are over are remembered, for whoever asks to end one of them again


@dataclass(frozen=True, slots=True)
class ReadSilence:
    """A silence and what it means."""

    silence: Silence
    matcher: Matcher


class SilenceBook:
    """All silences that are known, by id."""

    def __init__(self, silences: Iterable[Silence] = (), last: int = 0) -> None:
        self._silences: dict[int, Silence] = {silence.id: silence for silence in sorted(silences, key=lambda each: each.id)}
        self._read: dict[int, ReadSilence] = {}
        self._unread: dict[int, str] = {}
        self._next_id = max([last, *self._silences]) + 1
        for silence in self._silences.values():
            if silence.expired_at is None:
                self._read_again(silence)

    def get(self, silence_id: int) -> Silence | None:
        """One silence, in force or over."""
        return self._silences.get(silence_id)

    def live(self, wall: float) -> Sequence[Silence]:
        """Silences in force or to come, by id."""
        return tuple(silence for silence in self._silences.values() if _is_live(silence, wall))

    def unread(self, wall: float) -> Sequence[tuple[Silence, str]]:
        """Silences that would be in force or to come, but mute nothing, and why."""
        return tuple((silence, self._unread[silence.id]) for silence in self.live(wall) if silence.id in self._unread)

    def of_incident(self, incident_id: int, wall: float) -> Sequence[Silence]:
        """Silences in force or to come that a button of this incident made."""
        return tuple(silence for silence in self.live(wall) if silence.incident == incident_id)

    def in_force(self, wall: float) -> tuple[ReadSilence, ...]:
        """Silences in force, the one that ends last first."""
        live = [read for read in self._read.values() if _is_live(read.silence, wall)]
        begun = [read for read in live if read.silence.starts_at is None or read.silence.starts_at <= wall]
        return tuple(sorted(begun, key=lambda read: (-read.silence.ends_at, read.silence.id)))

    def next_edge(self, wall: float) -> float:
        """The next instant after ``wall`` at which one begins or ends."""
        live = [read.silence for read in self._read.values() if _is_live(read.silence, wall)]
        edges = [edge for silence in live for edge in (silence.starts_at, silence.ends_at) if edge is not None and edge > wall]
        return min(edges, default=math.inf)

    def mute(self, incident: int, keys: Collection[AlertKey], ends_at: float, by: str, wall: float) -> Silence:
        """Silence the alerts of an incident and no other; its selectors name them."""
        silence = Silence(
            id=self._next_id,
            ends_at=ends_at,
            by=by,
            created_at=wall,
            rules=tuple(dict.fromkeys(key.rule for key in keys)),
            subjects=tuple(dict.fromkeys(key.subject for key in keys)),
            pbxes=tuple(dict.fromkeys(key.pbx for key in keys)),
            incident=incident,
            keys=tuple(keys),
        )
        return self._add(silence, wall)

    def add(self, request: SilenceRequest, by: str, wall: float) -> Silence:
        """Make a silence; raise ValueError with the reason when it could not do what is meant."""
        silence = Silence(
            id=self._next_id,
            ends_at=request.ends_at,
            by=by,
            created_at=wall,
            starts_at=request.starts_at,
            rules=request.rules,
            subjects=request.subjects,
            pbxes=request.pbxes,
            severities=request.severities,
            comment=request.comment,
        )
        if not (request.rules or request.subjects or request.pbxes or request.severities):
            raise ValueError(
                "would silence everything by accident: name a rule, a subject, a PBX or a severity (subject * is all)"
            )
        begins_at = wall if silence.starts_at is None else silence.starts_at
        if not (math.isfinite(silence.ends_at) and math.isfinite(begins_at)):
            raise ValueError("must begin and end at some time")
        if silence.ends_at <= wall:
            raise ValueError("would be over already: its end is in the past")
        if silence.ends_at <= begins_at:
            raise ValueError("would end before it begins")
        return self._add(silence, wall)

    def _add(self, silence: Silence, wall: float) -> Silence:
        self._read[silence.id] = ReadSilence(silence, _matcher(silence))
        self._silences[silence.id] = silence
        self._next_id += 1
        self._forget_old(wall)
        return silence

    def expire(self, silence_id: int, wall: float) -> Silence | None:
        """End a silence now; return it, or None when it is not known or over already."""
        silence = self._silences.get(silence_id)
        if silence is None or not _is_live(silence, wall):
            return None
        self._read.pop(silence_id, None)
        self._silences[silence_id] = silence = replace(silence, expired_at=wall)
        return silence

    def _read_again(self, silence: Silence) -> None:
        try:
            self._read[silence.id] = ReadSilence(silence, _matcher(silence))
        except ValueError as exc:  # stored by another version: one that cannot be read keeps nobody from being told
            self._unread[silence.id] = str(exc)

    def _forget_old(self, wall: float) -> None:
        over = [each for each, silence in self._silences.items() if not _is_live(silence, wall)]
        for silence_id in over[:-KEPT_OVER]:
            del self._silences[silence_id]
            self._read.pop(silence_id, None)
            self._unread.pop(silence_id, None)


def _is_live(silence: Silence, wall: float) -> bool:
    return silence.expired_at is None and wall < silence.ends_at


def _matcher(silence: Silence) -> Matcher:
    if silence.keys:
        return Matcher(keys=frozenset(silence.keys))
    severities = frozenset[Severity]()
    for selector in _compile("severity", silence.severities):
        meant = frozenset(severity for severity in Severity if selector.matches(severity))
        if not meant:
            raise ValueError(f'severity "{selector}" is none of {", ".join(Severity)}')
        severities |= meant
    return Matcher(
        rules=_compile("rule", silence.rules),
        subjects=_compile("subject", silence.subjects),
        pbxes=_compile("PBX", silence.pbxes),
        severities=severities,
    )


def _compile(what: str, sources: tuple[str, ...]) -> tuple[Selector, ...]:
    selectors = []
    for source in sources:
        try:
            selectors.append(compile_bounded(source))
        except ValueError as exc:
            raise ValueError(f'{what} "{source[:80]}" {exc}') from exc
    return tuple(selectors)
