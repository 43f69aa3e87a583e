"""Rule kind ``destination``: a peer calls numbers that it must not call, not now, or not so often.

Strategy: told at the first such call, or at the first beyond ``max_per_minute``.  All calls of one peer until none has come for
the clear hold are one alert, which counts them and names the first numbers.  It holds while a call lasts, and ends when all are
over.  A call is judged by the hour at which it was dialled: one that was allowed then may go on.

A gap in what we see ends no call, nor does a restart of ours (what is alerted is noted): nothing is said until the calls from
before it are told of again, as going on or as over.  Where nobody tells in time (channels may not be listed), they are given
up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import AlertKey, DialObservation, Evaluation, Level, Observation, Severity, Signal
from qualitywatch.rules.episode import MINUTE_S, Episode
from qualitywatch.rules.numbering import BARE_DIGITS, Destinations, Numbering
from qualitywatch.rules.spec import Common

DESTINATION: Final = "destination"
TOO_OFTEN: Final = "call_burst"
NUMBERS_TOLD: Final = 5
_NARROWS: Final = ("deny", "deny_file", "allow", "allow_file", "max_per_minute")


@dataclass(frozen=True, slots=True)
class Options:
    severity: Severity
    numbering: Numbering
    destinations: Destinations
    max_per_minute: int | None
    clear_hold_s: float

    @property
    def topic(self) -> str:
        return DESTINATION if self.max_per_minute is None else TOO_OFTEN


class DestinationRule:
    """One destination rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._episodes: dict[AlertKey, Episode] = {}
        self._noted: dict[AlertKey, str] = {}  # what is stored of whose calls are alerted
        self._to_note: set[AlertKey] = set()

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({DialObservation.topic})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a call that leaves the house, or the end of one that was taken in."""
        if not isinstance(observation, DialObservation):
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        if observation.is_over:
            episode = self._episodes.get(key)
            if episode is None or not episode.end(observation.uniqueid):
                return ()
            self._to_note.add(key)
            return (key,)
        number = self._options.numbering.read(observation.number)
        if not self._options.destinations.denies(number) or not self._counts_at(observation.at):
            return ()
        self._episodes.setdefault(key, Episode(observation.at, observation.at)).add(
            observation, str(number), numbers_kept=NUMBERS_TOLD + 1
        )
        self._to_note.add(key)
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one peer's calls."""
        if key.rule != self._common.name:
            return None
        episode = self._episodes.get(key)
        if episode is None:  # from before a gap in what we saw, or meanwhile left alone
            return self._opinion(key, now, Signal.GONE, None, None)
        if episode.doubtful:
            if episode.waits(now):
                return self._opinion(key, now, Signal.UNKNOWN, None, episode)
            episode.give_up()
            if not episode.legs:
                self._drop(key)
                return self._opinion(key, now, Signal.GONE, None, None)
        while episode.recent and episode.recent[0].at <= now - MINUTE_S:
            episode.recent.popleft()
        limit = self._options.max_per_minute
        signal = Signal.KEEP if episode.legs else Signal.CLEAR
        if len(episode.recent) > limit if limit is not None else episode.legs:
            signal = Signal.BREACH
            if not episode.is_told:
                episode.is_told = True
                self._to_note.add(key)
        count = float(episode.calls)
        if limit is not None:
            count = float(len(episode.recent))
        if signal is not Signal.CLEAR:
            episode.calm_since = None
        elif episode.calm_since is None:
            episode.calm_since = now
        elif now - episode.calm_since >= self._options.clear_hold_s:
            self._drop(key)
        judged = limit is None or signal is Signal.BREACH
        return self._opinion(key, now, signal, count if judged else None, episode)

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """The calls that last, and those of the last minute."""
        episode = self._episodes.get(key)
        calls = {} if episode is None else {id(call): call for call in (*episode.recent, *episode.legs.values())}
        return [(call, True) for call in sorted(calls.values(), key=lambda call: call.at)]

    def subjects(self) -> Iterable[str]:
        """Who makes such calls."""
        return {key.subject for key in self._episodes}

    def notes(self) -> Mapping[str, str]:
        """The calls that are alerted, where they became others."""
        if not self._to_note:
            return {}
        changed, self._to_note = self._to_note, set()
        found: dict[str, str] = {}
        for key in changed:
            episode = self._episodes.get(key)
            text = episode.memory() if episode is not None and episode.is_told else ""
            if text != self._noted.get(key, ""):
                found[key.subject] = text
            if text:
                self._noted[key] = text
            else:
                self._noted.pop(key, None)
        return found

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back the calls that an earlier run alerted; whether they last is yet to be told."""
        for subject, text in memories.items():
            key = self._common.key_of(pbx, subject)
            episode = Episode.recalled(text, pbx, subject) if key is not None else None
            if key is not None and episode is not None:
                self._episodes[key], self._noted[key] = episode, text

    def forget(self) -> None:
        """Take nothing for granted: there is a gap in what we saw."""
        for episode in self._episodes.values():
            episode.doubt()

    def expire(self, now: float) -> None:
        """Drop what never became an alert and is over."""
        horizon = now - MINUTE_S - self._options.clear_hold_s
        for key, episode in list(self._episodes.items()):
            if episode.doubtful and not episode.waits(now):
                episode.give_up()
            if not episode.legs and episode.last_at < horizon:
                self._drop(key)

    def _drop(self, key: AlertKey) -> None:
        del self._episodes[key]
        self._to_note.add(key)

    def _counts_at(self, at: float) -> bool:
        hours = self._common.active
        return hours is None or hours.opened_at(at) is not None

    def _opinion(self, key: AlertKey, now: float, signal: Signal, value: float | None, episode: Episode | None) -> Evaluation:
        return Evaluation(
            key,
            now,
            (Level(self._options.severity, signal, 0.0),),
            value,
            self._options.clear_hold_s,
            topic=self._options.topic,
            details=self._details(episode) if episode is not None else {},
            texts=self._common.texts,
            yields_to=self._common.yields_to,
            channels=tuple(dict.fromkeys(leg.channel for leg in episode.legs.values())) if episode is not None else (),
        )

    def _details(self, episode: Episode) -> Mapping[str, str]:
        span_s = MINUTE_S
        if self._options.max_per_minute is None:  # in whole minutes, so that it does not change with every call
            span_s = max(1, math.ceil((episode.last_at - episode.first_at) / MINUTE_S)) * MINUTE_S
        told = ", ".join([*episode.numbers][:NUMBERS_TOLD]) + (", ..." if len(episode.numbers) > NUMBERS_TOLD else "")
        return {"window_s": f"{span_s:.0f}", "names": told, "names_count": str(len(episode.numbers))}


def parse(common: Common, section: Section) -> tuple[str, Callable[[], DestinationRule]]:
    """Read the keys of a destination rule; problems go to the section's document."""
    numbering = Numbering(
        strip=_digits(section, "strip", ()),
        international=_digits(section, "international_prefix", ("00",)),
        national=_digits(section, "national_prefix", ("0",)),
        bare_digits=section.integer("bare_digits", BARE_DIGITS, minimum=0, maximum=15),
    )
    options = Options(
        severity=section.choice("severity", Severity, Severity.CRITICAL),
        numbering=numbering,
        destinations=_destinations(common, section, numbering),
        max_per_minute=section.integer("max_per_minute", None, minimum=1, maximum=10_000),
        clear_hold_s=section.duration_s("clear_hold", 120.0),
    )
    found = options.destinations
    count = len(found.international) + len(found.plain)
    if not any(key in section for key in _NARROWS) and common.active is None:
        section.problem("deny", f"one of {', '.join(_NARROWS)} or active is needed: the rule would tell of every call")
    what = "calls to any number" if not count else f"calls to {'all but ' if found.otherwise else ''}{count} prefixes"
    often = "" if options.max_per_minute is None else f", more than {options.max_per_minute} in a minute"
    return f"{what}{often}: {options.severity}", partial(DestinationRule, common, options)


def _digits(section: Section, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = section.written_list(key)
    for text in found:
        if not text or text.strip("0123456789*#"):
            section.problem(key, "must be digits, such as 00 or 9; * and # may be among them")
    return found if key in section else default


def _destinations(common: Common, section: Section, numbering: Numbering) -> Destinations:
    tables: tuple[dict[str, bool], dict[str, bool]] = ({}, {})  # plain, international
    words = {True: "deny", False: "allow"}
    counts = {True: 0, False: 0}
    for denied, key in words.items():
        written = [(key, "", text) for text in section.written_list(key)]
        listed = [(f"{key}_file", f"{where}: ", line.partition("#")[0]) for where, line in common.files.get(f"{key}_file", ())]
        for source, where, text in (*written, *listed):
            prefix = numbering.read_prefix(text)
            if prefix is None:
                section.problem(source, f"{where}{text.strip()!r} is no prefix of a number, such as +882 or 0900")
                continue
            is_international, digits = prefix
            counts[denied] += 1
            if any(table.get(digits, denied) is not denied for table in tables):
                section.problem(source, f"{where}{text.strip()} is both denied and allowed")
            tables[is_international][digits] = denied
    return Destinations(international=tables[True], plain=tables[False], otherwise=not counts[True])
