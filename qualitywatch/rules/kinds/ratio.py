"""Rule kind ``ratio``: too few of what is counted are good: calls delivered, calls answered, calls that lasted.

Strategy: two opinions of one sliding window.  The percentage of good ones speaks only when enough was counted, since one
failed call of four is no 25 %.  A streak speaks sooner: so many bad ones one after another, with no good one between, are a
breach of every level that names ``consecutive``, and one good one ends it.  What is then told is the streak alone: 0 % of so
many.  So no percentage is ever told of fewer than ``min_total`` but of a streak.

Fewer calls are no better ones: what the percentage said holds until it says otherwise, or until nothing is left to judge.  So
which floors it fell to is noted apart from the window, and survives a restart and a gap, after which windows begin empty: the
first call that gets through is then the end of a streak, and none of a percentage.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import AlertKey, Evaluation, Level, Observation, Severity, Signal, Tally, TallyObservation
from qualitywatch.rules.bands import Band, Edge
from qualitywatch.rules.limits import crossing
from qualitywatch.rules.spec import Common

# Of these a share is worth telling; of failed logins none is ever good.
TALLIES: Final = (Tally.DELIVERED, Tally.ANSWERED, Tally.LONG_ENOUGH, Tally.COVERED)
_SEVERITIES: Final = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Floor:
    """One severity: percent at or below ``enter`` is bad, at or above ``clear`` good; so many bad ones in a row are bad too."""

    enter: float | None
    clear: float | None
    hold_s: float
    consecutive: int | None


@dataclass(frozen=True, slots=True)
class Options:
    tally: Tally
    window_s: float
    min_total: float
    clear_hold_s: float
    worst_causes: int
    floors: Mapping[Severity, Floor]

    @property
    def band(self) -> Band:
        """The percentage and its floors."""
        edges = {
            severity: Edge(floor.enter, floor.clear, floor.hold_s, floor.consecutive) for severity, floor in self.floors.items()
        }
        alike = ("ratio", self.tally, self.window_s, self.min_total)
        return Band(f"percentage of {self.tally}", alike, edges, highest=100.0, lower_is_worse=True, ends_on_clear=True)


@dataclass(slots=True)
class _Window:
    """What was counted within the window, and its sums."""

    counted: deque[TallyObservation] = field(default_factory=deque)
    good: float = 0.0
    total: float = 0.0
    streak: float = 0.0  # bad ones since the last good one

    def add(self, observation: TallyObservation) -> None:
        self.counted.append(observation)
        self.good += observation.good
        self.total += observation.total
        self.streak = 0.0 if observation.good > 0 else self.streak + observation.total

    def drop_until(self, at: float) -> None:
        """Drop what is not younger than an instant."""
        while self.counted and self.counted[0].at <= at:
            oldest = self.counted.popleft()
            self.good -= oldest.good
            self.total -= oldest.total
        if not self.counted:
            self.good = self.total = 0.0  # and with it what rounding left
        self.streak = min(self.streak, self.total)  # both end with the newest: the shorter one is what they share

    def in_a_row(self) -> Iterator[TallyObservation]:
        """The bad ones of the streak, newest first."""
        return takewhile(lambda each: each.good <= 0, reversed(self.counted))


class RatioRule:
    """One ratio rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._windows: dict[AlertKey, _Window] = {}
        self._asked_at: dict[AlertKey, float] = {}
        self._low: dict[AlertKey, set[Severity]] = {}  # whose floor the percentage fell to, and has not risen from since
        self._to_note: set[AlertKey] = set()

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.tally})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in what was counted for our tally; its key is worth evaluating."""
        if not isinstance(observation, TallyObservation) or observation.tally is not self._options.tally:
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if observation.total <= 0 or key is None:
            return ()
        self._windows.setdefault(key, _Window()).add(observation)
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from what was counted in the last window."""
        if key.rule != self._common.name:
            return None
        window = self._windows.get(key)
        if window is None:
            # Known from before a restart: an empty window proves nothing until it has been open for its whole length.
            opened_at = self._asked_at.setdefault(key, now)
            if now - opened_at < self._options.window_s:
                return self._without_data(key, now, Signal.UNKNOWN)
            self._rise(key)
            return self._without_data(key, now, Signal.GONE)
        window.drop_until(now - self._options.window_s)
        if not window.counted:
            self._rise(key)
            return self._without_data(key, now, Signal.GONE)
        return self._opinion(key, now, window)

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """What was counted in the last window."""
        window = self._windows.get(key)
        return [(counted, True) for counted in window.counted] if window is not None else ()

    def subjects(self) -> Iterable[str]:
        """Of whom anything was counted."""
        return {key.subject for key in self._windows}

    def notes(self) -> Mapping[str, str]:
        """The floors that the percentage of a subject fell to, where they became others."""
        if not self._to_note:
            return {}
        noted, self._to_note = self._to_note, set()
        return {key.subject: " ".join(sorted(self._low.get(key, ()))) for key in noted}

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back which floors were fallen to; a severity that is no longer in use is left out."""
        for subject, text in memories.items():
            low = {severity for severity in self._options.floors if severity in text.split()}
            if low and (key := self._common.key_of(pbx, subject)) is not None:
                self._low[key] = low

    def forget(self) -> None:
        """Drop all windows; what the percentage said holds, as the alerts do."""
        self._windows.clear()
        self._asked_at.clear()

    def expire(self, now: float) -> None:
        """Drop the windows of subjects of which nothing was counted for two windows."""
        horizon = now - 2 * self._options.window_s
        for key in [key for key, window in self._windows.items() if not window.counted or window.counted[-1].at < horizon]:
            del self._windows[key]
            self._rise(key)
            self._asked_at[key] = horizon  # it was open and empty all that time: gone, not unknown

    def _opinion(self, key: AlertKey, now: float, window: _Window) -> Evaluation:
        enough = window.total >= self._options.min_total
        percent = 100 * window.good / window.total if enough else None
        row = tuple(window.in_a_row()) if window.streak else ()
        levels = tuple(
            Level(
                severity,
                self._signal(key, severity, percent, window),
                floor.hold_s,
                row[-1].at if _is_streak(floor, window) else None,
            )
            for severity, floor in self._options.floors.items()
        )
        by_streak = any(_is_streak(floor, window) for floor in self._options.floors.values())
        value, judged = (0.0, row) if by_streak else (percent, tuple(window.counted) if enough else ())
        span = {"in_a_row": "yes"} if by_streak else {"window_s": f"{self._options.window_s:.0f}"}
        return self._evaluation(key, now, levels, value, self._details(judged) | span if judged else {})

    def _signal(self, key: AlertKey, severity: Severity, percent: float | None, window: _Window) -> Signal:
        floor, signal = self._options.floors[severity], None
        if percent is not None and floor.enter is not None and floor.clear is not None:
            signal = crossing(percent, floor.enter, floor.clear, lower_is_worse=True, ends_on_clear=True)
            if signal is Signal.BREACH:
                self._fall(key, severity)
            elif signal is Signal.CLEAR:
                self._rise(key, severity)
        if _is_streak(floor, window):
            return Signal.BREACH
        if signal is not None:
            return signal
        if floor.consecutive is None or severity in self._low.get(key, ()):
            return Signal.UNKNOWN
        return Signal.KEEP if window.streak else Signal.CLEAR  # a good one is the end of a streak, a bad one not yet a new one

    def _fall(self, key: AlertKey, severity: Severity) -> None:
        low = self._low.setdefault(key, set())
        if severity not in low:
            low.add(severity)
            self._to_note.add(key)

    def _rise(self, key: AlertKey, severity: Severity | None = None) -> None:
        """Above one floor, or above all: nothing is left to judge."""
        low = self._low.get(key)
        if low is None or (severity is not None and severity not in low):
            return
        low -= {severity} if severity is not None else set(low)
        if not low:
            del self._low[key]
        self._to_note.add(key)

    def _details(self, judged: tuple[TallyObservation, ...]) -> dict[str, str]:
        details = {"calls": f"{sum((each.total for each in judged), 0.0):.0f}"}
        causes = Counter(each.detail for each in judged if each.detail)
        worst = [f"{count} × {cause}" for cause, count in causes.most_common(self._options.worst_causes)]
        if worst:
            details["causes"] = "; ".join(worst)
        return details

    def _without_data(self, key: AlertKey, now: float, signal: Signal) -> Evaluation:
        levels = tuple(Level(severity, signal, floor.hold_s) for severity, floor in self._options.floors.items())
        return self._evaluation(key, now, levels, None, {})

    def _evaluation(
        self, key: AlertKey, now: float, levels: tuple[Level, ...], value: float | None, details: Mapping[str, str]
    ) -> Evaluation:
        return Evaluation(
            key,
            now,
            levels,
            value,
            self._options.clear_hold_s,
            topic=self._options.tally,
            details=details,
            worse_is_lower=True,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )


def _is_streak(floor: Floor, window: _Window) -> bool:
    return floor.consecutive is not None and window.streak >= floor.consecutive


def parse(common: Common, section: Section) -> tuple[str, Callable[[], RatioRule]]:
    """Read the keys of a ratio rule; problems go to the section's document."""
    tally = Tally(section.text("tally", Tally.DELIVERED.value, choices=TALLIES) or Tally.DELIVERED)
    options = Options(
        tally=tally,
        window_s=section.duration_s("window", 3600.0, minimum=5, maximum=86_400),
        min_total=section.number("min_total", 20.0, minimum=1),
        clear_hold_s=section.duration_s("clear_hold", 120.0),
        worst_causes=section.integer("worst_causes", 3, minimum=0, maximum=10),
        floors=_read_floors(section),
    )
    parts = [f"{severity} {_in_words(floor)} for {floor.hold_s:g} s" for severity, floor in options.floors.items()]
    return f"{tally} over {options.window_s:g} s: " + ", ".join(parts), partial(RatioRule, common, options)


def _read_floors(section: Section) -> dict[Severity, Floor]:
    floors: dict[Severity, Floor] = {}
    for severity in _SEVERITIES:
        part = section.section(severity)
        if part is None:
            continue
        enter = part.percent("enter", None)
        clear = part.percent("clear", enter)
        consecutive = part.integer("consecutive", None, minimum=2, maximum=1000)
        if "enter" not in part and "consecutive" not in part:
            part.problem("enter", "missing; a percentage, or so many bad ones in a row as consecutive")
        elif "enter" not in part and "clear" in part:
            part.problem("clear", "means nothing without enter")
        elif enter is not None and clear is not None and clear < enter:
            part.problem("clear", f"must not be below enter ({enter:g}): a low percentage is the bad one")
        floors[severity] = Floor(enter, clear, part.duration_s("for", 0.0), consecutive)
        part.close()
    if not floors:
        section.problem("warning", "a ratio rule needs at least one of warning and critical, such as {enter: 90, clear: 95}")
    warning, critical = floors.get(Severity.WARNING), floors.get(Severity.CRITICAL)
    if warning is not None and critical is not None:
        if warning.enter is not None and critical.enter is not None and critical.enter > warning.enter:
            section.problem("critical", f"enter {critical.enter:g} is milder than the warning's {warning.enter:g}")
        if warning.consecutive and critical.consecutive and critical.consecutive < warning.consecutive:
            section.problem("critical", f"consecutive {critical.consecutive} is fewer than the warning's {warning.consecutive}")
    return floors


def _in_words(floor: Floor) -> str:
    parts = []
    if floor.enter is not None:
        parts.append(f"<= {floor.enter:g} %")
    if floor.consecutive is not None:
        parts.append(f"{floor.consecutive} bad in a row")
    return " or ".join(parts)
