"""Rule kind ``threshold``: a measured figure over (or under) a limit, per subject and direction, over a sliding window.

Strategy: the window holds the samples of all calls of the subject; loss is weighted by packets, so that it is lost over
expected and never a mean of percentages; what is no matter of packets (a call's duration) counts once for each call.  Below a
minimum of expected packets or calls, or when the newest sample is stale, nothing is said.  Entry and exit thresholds differ
(hysteresis).  Samples nobody can vouch for are left out, by metric.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
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
    Verdict,
)
from qualitywatch.room import Limit as ShownLimit
from qualitywatch.rules.spec import Common, Selection

_LOSS: Final = frozenset({Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT})
_SCORE: Final = frozenset({Verdict.OK, Verdict.UNGROUNDED_CODEC})
USABLE: Final[Mapping[Metric, frozenset[Verdict]]] = {
    Metric.LOSS_PERCENT: _LOSS,
    Metric.LOSS_PERCENT_REPORTED: _LOSS,
    Metric.JITTER_MS: frozenset({Verdict.OK}),
    Metric.RTT_MS: frozenset({Verdict.OK}),
    Metric.MOS: _SCORE,
    Metric.R_FACTOR: _SCORE,
}
_PLAIN: Final = frozenset({Verdict.OK})
LOWER_IS_WORSE: Final = frozenset({Metric.MOS, Metric.R_FACTOR, Metric.CALL_DURATION_S})
HIGHEST: Final[Mapping[Metric, float]] = {
    Metric.LOSS_PERCENT: 100,
    Metric.LOSS_PERCENT_REPORTED: 100,
    Metric.JITTER_MS: 10_000,
    Metric.RTT_MS: 10_000,
    Metric.MOS: 4.5,
    Metric.R_FACTOR: 100,
    Metric.CALL_DURATION_S: 86_400,
    Metric.POST_DIAL_DELAY_S: 600,
    Metric.QUALIFY_RTT_MS: 60_000,
}


class Aggregate(StrEnum):
    """How a window becomes one figure."""

    WEIGHTED = "weighted"  # by packets
    MEAN = "mean"
    MEDIAN = "median"
    MAX = "max"
    MIN = "min"


_MEDIANS: Final = frozenset({Metric.RTT_MS, Metric.POST_DIAL_DELAY_S, Metric.QUALIFY_RTT_MS})


@dataclass(frozen=True, slots=True)
class Limit:
    """Entry and exit of one severity, and how long it must hold."""

    enter: float
    clear: float
    hold_s: float


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


class ThresholdRule:
    """One threshold rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._usable = USABLE.get(options.metric, _PLAIN)
        self._windows: dict[AlertKey, deque[Sample]] = {}
        self._asked_at: dict[AlertKey, float] = {}

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a sample of our metric; its key is worth evaluating."""
        if not isinstance(observation, Sample) or observation.metric is not self._options.metric:
            return ()
        sample = observation
        if sample.verdict not in self._usable:
            return ()
        if sample.direction is not None and sample.direction not in self._common.directions:
            return ()
        if not self._common.selection.matches(sample.pbx, sample.subject):
            return ()
        key = AlertKey(self._common.name, sample.pbx, sample.subject, sample.direction)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = deque()
        window.append(sample)
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key from the samples of the last window."""
        if key.rule != self._common.name:
            return None
        window = self._windows.get(key)
        if window is None:
            # Known from before a restart: an empty window proves nothing until it has been open for its whole length.
            opened_at = self._asked_at.setdefault(key, now)
            return self._opinion(key, now, None, Signal.UNKNOWN if now - opened_at < self._options.window_s else Signal.GONE)
        while window and window[0].at <= now - self._options.window_s:
            window.popleft()
        if not window:
            return self._opinion(key, now, None, Signal.GONE)
        packets = sum(sample.weight for sample in window)
        if packets < self._options.min_expected or window[-1].at < now - self._options.stale_after_s:
            return self._opinion(key, now, None, Signal.UNKNOWN)
        details = {"window_s": f"{self._options.window_s:.0f}"}
        if self._options.metric in VOICE_METRICS:
            details["packets"] = f"{packets:.0f}"
        calls = {sample.uniqueid for sample in window if sample.uniqueid}
        if calls:
            details["calls"] = str(len(calls))
        if window[-1].codec:
            details["codec"] = window[-1].codec
        if any(sample.verdict is Verdict.UNGROUNDED_CODEC for sample in window):
            details["provisional"] = "yes"
        return self._opinion(key, now, _aggregate(self._options.aggregate, window), None, details)

    def forget(self) -> None:
        """Drop all windows."""
        self._windows.clear()
        self._asked_at.clear()

    def expire(self, now: float) -> None:
        """Drop the windows of subjects that have not been in a call for ten windows."""
        horizon = now - 10 * self._options.window_s
        for key in [key for key, window in self._windows.items() if not window or window[-1].at < horizon]:
            del self._windows[key]
            self._asked_at[key] = horizon  # it was open and empty all that time: gone, not unknown

    def _opinion(
        self, key: AlertKey, now: float, value: float | None, signal: Signal | None, details: Mapping[str, str] | None = None
    ) -> Evaluation:
        limits = self._options.limits_of(key.pbx, key.subject)
        levels = tuple(
            Level(severity, signal or self._signal(severity, value, limit, details or {}), limit.hold_s)
            for severity, limit in limits.items()
        )
        return Evaluation(
            key,
            now,
            levels,
            value,
            self._options.clear_hold_s,
            topic=self._options.metric,
            details=details or {},
            worse_is_lower=self._options.metric in LOWER_IS_WORSE,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )

    def _signal(self, severity: Severity, value: float | None, limit: Limit, details: Mapping[str, str]) -> Signal:
        if value is None:
            return Signal.UNKNOWN
        if severity is Severity.CRITICAL and "provisional" in details:
            return Signal.CLEAR  # a score built on unpublished constants wakes nobody
        if self._options.metric in LOWER_IS_WORSE:
            value, limit = -value, Limit(-limit.enter, -limit.clear, limit.hold_s)
        if value >= limit.enter:
            return Signal.BREACH
        return Signal.CLEAR if value < limit.clear else Signal.KEEP


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


def _aggregate(aggregate: Aggregate, window: deque[Sample]) -> float:
    values = [sample.value for sample in window]
    match aggregate:
        case Aggregate.WEIGHTED:
            return sum(sample.value * sample.weight for sample in window) / sum(sample.weight for sample in window)
        case Aggregate.MEAN:
            return statistics.fmean(values)
        case Aggregate.MEDIAN:
            return statistics.median(values)
        case Aggregate.MAX:
            return max(values)
        case Aggregate.MIN:
            return min(values)


def parse(common: Common, section: Section) -> tuple[str, ThresholdFactory]:
    """Read the keys of a threshold rule; problems go to the section's document."""
    metric = section.choice("metric", Metric, Metric.LOSS_PERCENT)
    default = Aggregate.MEDIAN if metric in _MEDIANS else Aggregate.WEIGHTED
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
        aggregate=section.choice("aggregate", Aggregate, default),
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
