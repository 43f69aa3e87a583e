"""Rule kind ``state``: a trunk, a peer, the sound of a peer's calls or a whole PBX is not in a good state for some time.

Who is no longer configured is in no state any more: such an alert ends at once, and says so.

The time counts from the first sign of trouble that the trackers know of, not from when the rule first looked.  Sound has a
state only during calls: afterwards there is nothing left to judge, and an alert ends without anything being proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import (
    AlertKey,
    AudioState,
    Evaluation,
    EventsState,
    Level,
    Observation,
    PbxState,
    PeerState,
    Severity,
    Signal,
    StatusObservation,
    TrunkState,
)
from qualitywatch.model.words import REMOVED
from qualitywatch.rules.spec import Common


class Entity(StrEnum):
    """What kind of thing has a state."""

    TRUNK = "trunk"
    PEER = "peer"
    PBX = "pbx"
    AUDIO = "audio"
    EVENTS = "events"


STATES: Final[Mapping[Entity, tuple[str, ...]]] = {
    Entity.TRUNK: tuple(TrunkState),
    Entity.PEER: tuple(PeerState),
    Entity.PBX: tuple(PbxState),
    Entity.AUDIO: tuple(AudioState),
    Entity.EVENTS: tuple(EventsState),
}
# Neither good nor bad: waiting for an answer, or nothing known yet.
UNDECIDED: Final = frozenset({TrunkState.RETRYING.value, TrunkState.UNKNOWN.value, PeerState.UNKNOWN.value})
# An alert on sound from before a restart, or before a gap in what we saw, ends when no call tells anything for so long.
SOUNDLESS_S = 120.0


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a state must last before it counts, the states that count at once, and in how many calls it must show."""

    hold_s: float
    at_once: frozenset[str]
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Options:
    entity: Entity
    bad: frozenset[str]
    holds: Mapping[Severity, Hold]
    clear_hold_s: float


class StateRule:
    """One state rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._seen: dict[AlertKey, StatusObservation] = {}
        self._asked_at: dict[AlertKey, float] = {}

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({f"{self._options.entity}_state"})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a status of our entity; its key is worth evaluating."""
        if not isinstance(observation, StatusObservation) or observation.entity != self._options.entity:
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        self._seen[key] = observation
        self._asked_at.pop(key, None)
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from its last status."""
        if key.rule != self._common.name:
            return None
        seen = self._seen.get(key)
        levels = tuple(
            Level(
                severity,
                self._signal(key, seen, hold, now),
                0.0 if seen is not None and seen.status in hold.at_once else hold.hold_s,
                seen.since_at if seen is not None else None,
            )
            for severity, hold in self._options.holds.items()
        )
        removed = seen is not None and seen.status == REMOVED
        details = {"state": str(seen.status)} if seen is not None and not removed else {}
        if seen is not None and seen.detail:
            details["cause"] = seen.detail
        if seen is not None and seen.calls is not None and seen.calls > 1:
            details["bad_calls"] = str(seen.calls)
        return Evaluation(
            key,
            now,
            levels,
            None,
            0.0 if removed else self._options.clear_hold_s,
            topic=f"{self._options.entity}_state",
            details=details,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
            gone_because=REMOVED if removed else "no_data",
        )

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """The last status of one key."""
        return ((seen, True),) if (seen := self._seen.get(key)) is not None else ()

    def subjects(self) -> Iterable[str]:
        """Whose status is known."""
        return {key.subject for key in self._seen}

    def rests(self, key: AlertKey) -> bool:
        """Whether a status is known: it is as true tomorrow."""
        return key in self._seen

    def forget(self) -> None:
        """Drop all states: the next snapshot tells how things stand."""
        if self._options.entity not in {Entity.PBX, Entity.EVENTS}:  # nobody lists these again
            self._seen.clear()
            self._asked_at.clear()

    def expire(self, now: float) -> None:
        """States are as many as there are peers and trunks: nothing to release."""

    def _signal(self, key: AlertKey, seen: StatusObservation | None, hold: Hold, now: float) -> Signal:
        is_sound = self._options.entity is Entity.AUDIO
        if seen is None:
            # An alert from before a restart may be about somebody the rule was since told to leave alone.
            if not self._common.selection.matches(key.pbx, key.subject):
                return Signal.GONE
            asked_at = self._asked_at.setdefault(key, now)
            return Signal.GONE if is_sound and now - asked_at >= SOUNDLESS_S else Signal.UNKNOWN
        if seen.status == REMOVED:
            return Signal.GONE
        if seen.status in self._options.bad:
            return Signal.BREACH if seen.calls is None or seen.calls >= hold.calls else Signal.KEEP
        if is_sound and seen.status == AudioState.UNKNOWN:
            return Signal.GONE
        return Signal.KEEP if seen.status in UNDECIDED else Signal.CLEAR


_DEFAULT_BAD: Final[Mapping[Entity, tuple[str, ...]]] = {
    Entity.TRUNK: (TrunkState.REJECTED, TrunkState.FAILED, TrunkState.UNREGISTERED, TrunkState.SILENT),
    Entity.PEER: (PeerState.UNREACHABLE, PeerState.UNREGISTERED),
    Entity.PBX: (PbxState.BLIND,),
    Entity.AUDIO: (AudioState.HEARS_NOTHING, AudioState.SENDS_NOTHING, AudioState.DEAD),
    Entity.EVENTS: (EventsState.NO_CALLS, EventsState.NO_REPORTS, EventsState.NO_SYSTEM),
}


def parse(common: Common, section: Section) -> tuple[str, Callable[[], StateRule]]:
    """Read the keys of a state rule; problems go to the section's document."""
    entity = section.choice("entity", Entity, Entity.TRUNK)
    bad = section.texts("bad", choices=STATES[entity]) or _DEFAULT_BAD[entity]
    holds = {}
    for severity in (Severity.INFO, Severity.WARNING, Severity.CRITICAL):
        part = section.section(severity)
        if part is None:
            continue
        at_once = part.texts("at_once", choices=STATES[entity])
        for state in at_once:
            if state not in bad:
                part.problem("at_once", f"{state} is not among the bad states of this rule: {', '.join(bad)}")
        if entity is not Entity.AUDIO and "calls" in part:
            part.problem("calls", "only the sound of calls (entity: audio) is counted by calls")
        holds[severity] = Hold(part.duration_s("for", 0.0), frozenset(at_once), part.integer("calls", 1, minimum=1, maximum=5))
        part.close()
    if not holds:
        section.problem("warning", "a state rule needs at least one of info, warning and critical, such as {for: 60s}")
    options = Options(entity, frozenset(bad), holds, section.duration_s("clear_hold", 0.0))
    parts = [f"{severity} after {hold.hold_s:g} s{_calls(hold)}" for severity, hold in holds.items()]
    return f"{entity} is {' or '.join(bad)}: " + ", ".join(parts), partial(StateRule, common, options)


def _calls(hold: Hold) -> str:
    return f" in {hold.calls} calls" if hold.calls > 1 else ""
