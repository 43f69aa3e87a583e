"""Rule kind ``level``: a figure that is there at any time, calls or not, over (or under) a limit; per subject.

Strategy: only the newest reading counts, and only while it is fresh; a window would call a queue full after it was emptied.
Entry and exit differ (hysteresis), and a hold passes over what comes and goes.  A subject of which nothing was read for long
is nothing to judge any more: its alert ends without a promise that all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import AlertKey, Evaluation, Gauge, Level, LevelObservation, Observation, Severity, Signal
from qualitywatch.model.levels import EVENTFUL, STALE_AFTER_S
from qualitywatch.rules.bands import Band
from qualitywatch.rules.limits import Limit, crossing, edges, read_limits
from qualitywatch.rules.spec import Common

LOWER_IS_WORSE: Final = frozenset({Gauge.QUEUE_AGENTS_AVAILABLE, Gauge.QUEUE_AGENTS_LOGGED_IN})
HIGHEST: Final[Mapping[Gauge, float]] = {
    Gauge.QUEUE_CALLERS: 100_000,
    Gauge.QUEUE_LONGEST_HOLD_S: 86_400,
    Gauge.QUEUE_AGENTS_AVAILABLE: 100_000,
    Gauge.QUEUE_AGENTS_LOGGED_IN: 100_000,
    Gauge.QUEUE_CALLERS_UNATTENDED: 100_000,
    Gauge.CONCURRENT_CALLS: 100_000,
}
GONE_AFTER_S: Final = 600.0  # after ten readings that did not come there is nothing to judge


@dataclass(frozen=True, slots=True)
class Options:
    gauge: Gauge
    limits: Mapping[Severity, Limit]
    clear_hold_s: float

    @property
    def band(self) -> Band:
        """The gauge and its limits."""
        lower = self.gauge in LOWER_IS_WORSE
        highest = HIGHEST[self.gauge]
        return Band(
            self.gauge, ("level", self.gauge), edges(self.limits), highest=highest, lower_is_worse=lower, ends_on_clear=lower
        )


class LevelRule:
    """One level rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._latest: dict[AlertKey, LevelObservation] = {}  # of which our gauge is known
        self._asked_at: dict[AlertKey, float] = {}
        self._lost: set[AlertKey] = set()  # read once, but not in the newest look

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({LevelObservation.topic})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in one reading; its key is worth evaluating."""
        if not isinstance(observation, LevelObservation):
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        if self._options.gauge in observation.levels:
            self._latest[key] = observation
            self._asked_at.pop(key, None)
            self._lost.discard(key)
        elif key in self._latest:
            self._lost.add(key)
        else:
            return ()
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from its newest reading."""
        if key.rule != self._common.name:
            return None
        latest = self._latest.get(key)
        # One known from before a restart, or a gap, is given the same time to be read again.
        read_at = latest.at if latest is not None else self._asked_at.setdefault(key, now)
        if latest is not None and self._options.gauge in EVENTFUL and key not in self._lost:
            return self._opinion(key, now, None, latest.levels)
        if now - read_at >= GONE_AFTER_S:
            return self._opinion(key, now, Signal.GONE)
        if latest is None or key in self._lost or now - read_at >= STALE_AFTER_S:
            return self._opinion(key, now, Signal.UNKNOWN)
        return self._opinion(key, now, None, latest.levels)

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """The newest reading."""
        latest = self._latest.get(key)
        return () if latest is None else ((latest, True),)

    def subjects(self) -> Iterable[str]:
        """Of whom there are readings."""
        return {key.subject for key in self._latest}

    def forget(self) -> None:
        """Drop all readings: the next look tells how things stand."""
        self._latest.clear()
        self._asked_at.clear()
        self._lost.clear()

    def expire(self, now: float) -> None:
        """Drop subjects that are no more."""
        for key in [key for key, latest in self._latest.items() if latest.at < now - GONE_AFTER_S and not self._lasts(latest)]:
            self._asked_at[key] = self._latest.pop(key).at
            self._lost.discard(key)
        for key in [key for key, asked_at in self._asked_at.items() if asked_at < now - 2 * GONE_AFTER_S]:
            del self._asked_at[key]

    def _lasts(self, latest: LevelObservation) -> bool:
        return self._options.gauge in EVENTFUL and latest.levels[self._options.gauge] > 0

    def _opinion(
        self, key: AlertKey, now: float, signal: Signal | None, levels: Mapping[Gauge, float] | None = None
    ) -> Evaluation:
        gauge = self._options.gauge
        value = levels[gauge] if levels is not None else None
        return Evaluation(
            key,
            now,
            tuple(
                Level(severity, signal or self._signal(value, limit), limit.hold_s)
                for severity, limit in self._options.limits.items()
            ),
            value,
            self._options.clear_hold_s,
            topic=gauge,
            details={name: f"{level:g}" for name, level in (levels or {}).items()},
            worse_is_lower=gauge in LOWER_IS_WORSE,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )

    def _signal(self, value: float | None, limit: Limit) -> Signal:
        if value is None:
            return Signal.UNKNOWN
        lower = self._options.gauge in LOWER_IS_WORSE
        return crossing(value, limit.enter, limit.clear, lower_is_worse=lower, ends_on_clear=lower)


def parse(common: Common, section: Section) -> tuple[str, Callable[[], LevelRule]]:
    """Read the keys of a level rule; problems go to the section's document."""
    gauge = section.choice("gauge", Gauge)
    limits = read_limits(section, partial(_read_limit, gauge), gauge, lower_is_worse=gauge in LOWER_IS_WORSE)
    if not limits:
        section.problem(
            "warning", "a level rule needs at least one of info, warning and critical, such as {enter: 10, for: 1m}"
        )
    options = Options(gauge, limits, section.duration_s("clear_hold", 0.0))
    sign = "<=" if gauge in LOWER_IS_WORSE else ">="
    parts = [f"{severity} {sign} {limit.enter:g} for {limit.hold_s:g} s" for severity, limit in limits.items()]
    return f"{gauge}: " + ", ".join(parts), partial(LevelRule, common, options)


def _read_limit(gauge: Gauge, part: Section, key: str, default: float) -> float:
    """A number, or for a time a duration; a figure that is worse when higher is bad from 1 on, not at rest."""
    minimum = 0 if gauge in LOWER_IS_WORSE else 1
    if gauge is Gauge.QUEUE_LONGEST_HOLD_S:
        return part.duration_s(key, default, minimum=minimum, maximum=HIGHEST[gauge])
    return part.number(key, default, minimum=minimum, maximum=HIGHEST[gauge])
