"""Rule kind ``threshold``: a measured figure over (or under) a limit, per subject and direction, over a sliding window.

Strategy: ``rules/windows.py`` makes one figure of the window; entry and exit thresholds differ (hysteresis).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import (
    VOICE_METRICS,
    AlertKey,
    Direction,
    Evaluation,
    Level,
    Metric,
    Observation,
    Sample,
    Severity,
    Signal,
)
from qualitywatch.room import Limit as ShownLimit
from qualitywatch.rules.limits import Limit, crossing
from qualitywatch.rules.spec import Common, Selection
from qualitywatch.rules.windows import HIGHEST, LOWER_IS_WORSE, Aggregate, SampleWindows, Window, read_aggregate

_ROUNDING: Final = 1e-9  # of a mean


@dataclass(frozen=True, slots=True)
class Options:
    metric: Metric
    window_s: float
    aggregate: Aggregate
    min_expected: float
    stale_after_s: float
    clear_hold_s: float
    limits: Mapping[Severity, Limit]
    overrides: tuple[tuple[Selection, Mapping[Severity, Limit]], ...]

    def limits_of(self, pbx: str, subject: str) -> Mapping[Severity, Limit]:
        """Return the limits of one subject: of the first override that speaks of it, else the rule's own."""
        return next((limits for selection, limits in self.overrides if selection.matches(pbx, subject)), self.limits)

    def edge(self, pbx: str, subject: str) -> float:
        """The mildest limit of one subject, and a hair less: what no sample has reached, no figure of several can."""
        entries = [limit.enter for limit in self.limits_of(pbx, subject).values()]
        if self.metric in LOWER_IS_WORSE:
            return max(entries, default=math.inf) * (1 + _ROUNDING)
        return min(entries, default=-math.inf) * (1 - _ROUNDING)


class ThresholdRule:
    """One threshold rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._windows = SampleWindows(common, options, options.edge)

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.metric})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a sample of our metric; its key is worth evaluating."""
        window = self._count(observation)
        return () if window is None else window.keys

    def take(self, observation: Observation, now: float, active: Container[AlertKey]) -> Iterable[AlertKey]:
        """As ``observe``; where there is no alert only what may begin to be one is worth evaluating."""
        window = self._count(observation)
        return window.keys if window is not None and (now < window.near_until or window.key in active) else ()

    def _count(self, observation: Observation) -> Window | None:
        window = self._windows.find(observation)
        if window is not None and type(observation) is Sample:
            self._windows.add(window, observation)
        return window

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from the samples of the last window."""
        if key.rule != self._common.name:
            return None
        reading = self._windows.read(key, now)
        return self._opinion(key, now, reading.value, reading.signal, reading.details)

    def rests_until(self, key: AlertKey, now: float) -> float:
        """Until the oldest sample leaves the window, or the newest is too old to go by."""
        return self._windows.steady_until(key, now)

    def seen(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """The samples of the last window, and whether each was counted."""
        return self._windows.seen(key)

    def subjects(self) -> Iterable[str]:
        """Of whom there are samples."""
        return self._windows.subjects()

    def forget(self) -> None:
        """Drop all windows."""
        self._windows.forget()

    def expire(self, now: float) -> None:
        """Drop the windows of subjects that are in no call."""
        for key in self._windows.idle(now):
            self._windows.drop(key, now)

    def _opinion(
        self, key: AlertKey, now: float, value: float | None, signal: Signal | None, details: Mapping[str, str]
    ) -> Evaluation:
        limits = self._options.limits_of(key.pbx, key.subject)
        levels = tuple(
            Level(severity, signal or self._signal(severity, value, limit, details), limit.hold_s)
            for severity, limit in limits.items()
        )
        return Evaluation(
            key,
            now,
            levels,
            value,
            self._options.clear_hold_s,
            topic=self._options.metric,
            details=details,
            worse_is_lower=self._options.metric in LOWER_IS_WORSE,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )

    def _signal(self, severity: Severity, value: float | None, limit: Limit, details: Mapping[str, str]) -> Signal:
        if value is None:
            return Signal.UNKNOWN
        if severity is Severity.CRITICAL and "provisional" in details:
            return Signal.CLEAR  # a score built on unpublished constants wakes nobody
        return crossing(value, limit.enter, limit.clear, lower_is_worse=self._options.metric in LOWER_IS_WORSE)


@dataclass(frozen=True, slots=True)
class ThresholdFactory:
    """Makes the rule at work for one PBX, and knows the limits of every subject."""

    common: Common
    options: Options

    def __call__(self) -> ThresholdRule:
        return ThresholdRule(self.common, self.options)

    @property
    def limits(self) -> tuple[ShownLimit, ...]:
        """Limits of subjects without an override, the mildest severity first."""
        return self._shown(self.options.limits)

    def limits_for(self, pbx: str, subject: str) -> tuple[ShownLimit, ...]:
        """Limits of one subject; none when the rule does not speak of it."""
        if not self.common.selection.matches(pbx, subject):
            return ()
        return self._shown(self.options.limits_of(pbx, subject))

    def _shown(self, limits: Mapping[Severity, Limit]) -> tuple[ShownLimit, ...]:
        return tuple(ShownLimit(self.options.metric, severity, limit.enter) for severity, limit in limits.items())


def parse(common: Common, section: Section) -> tuple[str, ThresholdFactory]:
    """Read the keys of a threshold rule; problems go to the section's document."""
    metric = section.choice("metric", Metric, Metric.LOSS_PERCENT)
    limits = _read_limits(section, metric, {})
    if not limits:
        section.problem(
            "warning", "a threshold rule needs at least one of warning and critical, such as {enter: 3, clear: 1.5}"
        )
    overrides = []
    for override in section.sections("overrides"):
        selection = Selection(override.patterns("subject", required=True), (), override.patterns("pbx"))
        overrides.append((selection, _read_limits(override, metric, limits)))
        override.close()
    of_voice = metric in VOICE_METRICS
    window_s = section.duration_s("window", 60.0 if of_voice else 900.0, minimum=5, maximum=86_400)
    options = Options(
        metric=metric,
        window_s=window_s,
        aggregate=read_aggregate(section, metric),
        min_expected=_read_minimum(section, of_voice=of_voice),
        stale_after_s=section.duration_s("stale_after", 20.0 if of_voice else window_s, minimum=1),
        clear_hold_s=section.duration_s("clear_hold", 120.0),
        limits=limits,
        overrides=tuple(overrides),
    )
    return _summary(common, options), ThresholdFactory(common, options)


def _read_minimum(section: Section, *, of_voice: bool) -> float:
    """How much must be known before anything is said: packets of voice, otherwise calls or answers."""
    if of_voice:
        return section.number("min_expected", 400.0, minimum=1)
    return section.number("min_count", 10.0, minimum=1)


def _read_limits(section: Section, metric: Metric, base: Mapping[Severity, Limit]) -> dict[Severity, Limit]:
    limits = {}
    for severity in (Severity.INFO, Severity.WARNING, Severity.CRITICAL):
        part = section.section(severity)
        if part is None:
            if severity in base:
                limits[severity] = base[severity]
            continue
        before = base.get(severity)
        highest = HIGHEST[metric]
        if before is None and "enter" not in part:
            part.problem("enter", "missing")
        # Not a number where none can be read: it compares with nothing, so one mistake is told as one.
        enter = part.number("enter", before.enter if before else math.nan, minimum=0, maximum=highest)
        clear = part.number("clear", before.clear if before and "enter" not in part else enter, minimum=0, maximum=highest)
        limits[severity] = Limit(enter, clear, part.duration_s("for", before.hold_s if before else 0.0))
        if metric in LOWER_IS_WORSE and clear < enter:
            part.problem("clear", f"must not be below enter ({enter:g}): a low {metric} is the bad one")
        elif metric not in LOWER_IS_WORSE and clear > enter:
            part.problem("clear", f"must not be above enter ({enter:g})")
        part.close()
    warning, critical = limits.get(Severity.WARNING), limits.get(Severity.CRITICAL)
    if warning is not None and critical is not None:
        milder = critical.enter > warning.enter if metric in LOWER_IS_WORSE else critical.enter < warning.enter
        if milder:
            section.problem("critical", f"enter {critical.enter:g} is milder than the warning's {warning.enter:g}")
    return limits


def _summary(common: Common, options: Options) -> str:
    sign = "<=" if options.metric in LOWER_IS_WORSE else ">="
    parts = [f"{severity} {sign} {limit.enter:g} for {limit.hold_s:g} s" for severity, limit in options.limits.items()]
    undirected = options.metric is Metric.RTT_MS or options.metric not in VOICE_METRICS
    ways = "" if undirected or len(common.directions) == len(Direction) else f" {min(common.directions)}"
    return f"{options.metric}{ways} over {options.window_s:g} s: " + ", ".join(parts)
