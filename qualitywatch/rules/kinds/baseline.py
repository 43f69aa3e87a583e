"""Rule kind ``baseline``: a figure that is far from what is usual for this very peer at this hour of the day.

Strategy: the figure of each whole window, however many reports it held, is learned for its hour of the day; a young hour
borrows from all others.  Unusual is what lies so many mean absolute deviations beyond the mean, by a least amount, and beyond
an absolute floor: nobody is called about 2 ms of jitter because 0.2 are usual.  What is bad is not learned, or a bad week
would become what is usual: while the peer has an alert of this or another rule of quality nothing is, nor what was measured in
the window before it began.  Only what has been unusual for ``accept_after`` must be meant, and is learned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from qualitywatch.document import Section, find_timezone, format_duration
from qualitywatch.model import AlertKey, Direction, Evaluation, Level, Metric, Observation, Sample, Severity, Signal
from qualitywatch.rules.learner import Learner, memory_name
from qualitywatch.rules.limits import crossing
from qualitywatch.rules.spec import Common
from qualitywatch.rules.usual import HOURS, Baseline, Usual
from qualitywatch.rules.windows import LOWER_IS_WORSE, USABLE, Aggregate, SampleWindows, read_aggregate

# Where a figure begins to be heard, and by how much it must differ for anybody to hear a difference.
FLOORS: Final[Mapping[Metric, tuple[float, float]]] = {
    Metric.LOSS_PERCENT: (1.0, 0.5),
    Metric.LOSS_PERCENT_REPORTED: (1.0, 0.5),
    Metric.JITTER_MS: (20.0, 8.0),
    Metric.RTT_MS: (100.0, 80.0),
    Metric.MOS: (4.0, 0.3),
    Metric.R_FACTOR: (80.0, 6.0),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Entry and exit of one severity, in deviations from what is usual, and how long it must hold."""

    deviations: float
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
    floor: float
    rise: float
    learning_s: float
    learn: int
    memory: int
    accept_after_s: float
    zone: tzinfo | None
    limits: Mapping[Severity, Limit]

    @property
    def about(self) -> str:
        """What kind of figure is learned: another one is not compared with it."""
        return f"{self.metric} {self.aggregate}"

    def enter(self, usual: Usual, limit: Limit) -> float:
        """From which figure on it is unusual."""
        if self.metric in LOWER_IS_WORSE:
            return min(usual.mean - max(limit.deviations * usual.deviation, self.rise), self.floor)
        return max(usual.mean + max(limit.deviations * usual.deviation, self.rise), self.floor)

    def clear(self, usual: Usual, limit: Limit) -> float:
        """Where it is as usual again: as far back from ``enter`` to the mean as the two numbers of deviations say."""
        return usual.mean + (self.enter(usual, limit) - usual.mean) * (limit.clear / limit.deviations)


class BaselineRule:
    """One baseline rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._windows = SampleWindows(common, options)
        self._learner = Learner(common.name, options, self._windows)
        self._lower = options.metric in LOWER_IS_WORSE

    def settle(self, zone: tzinfo, in_trouble: Callable[[str], bool]) -> None:
        """Learn where the PBX is and whom to ask for alerts of quality that a subject has."""
        self._learner.settle(zone, in_trouble)

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.metric})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a sample of our metric; its key is worth evaluating once anything is usual, or a window is over."""
        return self._take(observation, None)

    def take(self, observation: Observation, now: float, active: Container[AlertKey]) -> Iterable[AlertKey]:
        """As ``observe``; where there is no alert, and nothing was learned, nothing is worth evaluating."""
        return self._take(observation, active)

    def _take(self, observation: Observation, active: Container[AlertKey] | None) -> Iterable[AlertKey]:
        window = self._windows.find(observation)
        if window is None or window.key is None or not isinstance(observation, Sample):
            return ()
        key, at = window.key, observation.at
        slot, turned = self._learner.turn(key, at)
        self._windows.add(window, observation)
        if (observation.value <= self._options.floor) if self._lower else (observation.value >= self._options.floor):
            slot.near_until = at + self._options.window_s
        # Most lines are good at most times: they are not looked at with every report.
        if not (turned or at <= slot.near_until or self._learner.is_unusual(key)):
            return ()
        return window.keys if active is None or key in active or self._may_judge(key, at) else ()

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key: the last window against what is usual."""
        if key.rule != self._common.name:
            return None
        reading = self._windows.read(key, now)
        baseline = self._learner.baseline(key)
        if reading.value is None:
            return self._opinion(key, now, None, dict.fromkeys(self._options.limits, reading.signal or Signal.UNKNOWN), {})
        details = dict(reading.details)
        hour = self._learner.hour_of(now)
        usual, of_hour = baseline.at_hour(hour, self._options.learn) if baseline is not None else (None, False)
        if baseline is None or usual is None or not self._is_known(baseline, now):
            details |= self._progress(baseline, now)
            return self._opinion(key, now, None, dict.fromkeys(self._options.limits, Signal.UNKNOWN), details)
        signals = {severity: self._signal(reading.value, usual, limit) for severity, limit in self._options.limits.items()}
        if "provisional" in details and Severity.CRITICAL in signals:
            signals[Severity.CRITICAL] = Signal.CLEAR  # a score built on unpublished constants wakes nobody
        mildest = min(self._options.limits.values(), key=lambda limit: limit.deviations)
        details |= {
            "usual": f"{usual.mean:.4g}",
            "deviation": f"{usual.deviation:.4g}",
            "limit": f"{self._options.enter(usual, mildest):.4g}",
            "learned": str(usual.count),
            "hour": f"{hour:02d}" if of_hour else "any",
        }
        if self._learner.note(key, signals.values(), now):
            return self._opinion(key, now, None, dict.fromkeys(signals, Signal.GONE), {})
        return self._opinion(key, now, reading.value, signals, details)

    def forget(self) -> None:
        """Drop all windows; what is usual stays."""
        self._windows.forget()
        self._learner.forget()

    def expire(self, now: float) -> None:
        """Drop the windows of subjects that are in no call, and what was usual of those that have long been silent."""
        for key in self._windows.idle(now):
            self._learner.release(key, now)
            self._windows.drop(key, now)
        self._learner.expire(now)

    def memories(self, at_most: int) -> Mapping[str, str]:
        """What was learned since it was asked for last."""
        return self._learner.memories(at_most)

    def recall(self, pbx: str, memories: Mapping[str, str]) -> None:
        """Take back what an earlier run remembered."""
        self._learner.recall(pbx, memories)

    def _progress(self, baseline: Baseline | None, now: float) -> dict[str, str]:
        """How far the learning is, for whoever asks why nothing is said."""
        count = baseline.day.count if baseline is not None and baseline.day is not None else 0
        left_s = self._options.learning_s - (now - baseline.first_at if baseline is not None else 0.0)
        missing = {"learning_goes_on_for": format_duration(round(left_s))} if left_s > 0 else {}
        return {"learned": f"{count} of {self._options.learn} windows", **missing}

    def _may_judge(self, key: AlertKey, now: float) -> bool:
        """Whether enough was learned of a subject to say anything of it."""
        baseline = self._learner.baseline(key)
        return baseline is not None and self._is_known(baseline, now)

    def _is_known(self, baseline: Baseline, now: float) -> bool:
        return now - baseline.first_at >= self._options.learning_s

    def _signal(self, value: float, usual: Usual, limit: Limit) -> Signal:
        enter, clear = self._options.enter(usual, limit), self._options.clear(usual, limit)
        return crossing(value, enter, clear, lower_is_worse=self._lower)

    def _opinion(
        self,
        key: AlertKey,
        now: float,
        value: float | None,
        signals: Mapping[Severity, Signal],
        details: Mapping[str, str],
    ) -> Evaluation:
        levels = tuple(Level(severity, signals[severity], limit.hold_s) for severity, limit in self._options.limits.items())
        return Evaluation(
            key,
            now,
            levels,
            value,
            self._options.clear_hold_s,
            topic=self._options.metric,
            details=details,
            worse_is_lower=self._lower,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )


@dataclass(frozen=True, slots=True)
class BaselineFactory:
    """Makes the rule at work for one PBX, and what it would remember of a subject it has long known."""

    common: Common
    options: Options

    def __call__(self) -> BaselineRule:
        return BaselineRule(self.common, self.options)

    def taught(
        self, subject: str, direction: Direction | None, usual: float, deviation: float, hours: Mapping[int, float], at: float
    ) -> tuple[str, str]:
        """Name and text of the memory of a subject whose figure has long been so, and otherwise at some hours."""
        count = self.options.memory
        at_hours = {hour: Usual(mean, deviation, count) for hour, mean in hours.items()}
        known = Baseline(0.0, at, at_hours, Usual(usual, deviation, HOURS * count))
        return memory_name(subject, direction), known.memory(self.options.about)


def parse(common: Common, section: Section) -> tuple[str, BaselineFactory]:
    """Read the keys of a baseline rule; problems go to the section's document."""
    metric = Metric(section.text("metric", Metric.JITTER_MS.value, choices=[metric.value for metric in USABLE]) or "jitter_ms")
    floor, rise = FLOORS[metric]
    limits = _read_limits(section)
    options = Options(
        metric=metric,
        window_s=section.duration_s("window", 60.0, minimum=5, maximum=3600),
        aggregate=read_aggregate(section, metric),
        min_expected=section.number("min_expected", 500.0, minimum=1),
        stale_after_s=section.duration_s("stale_after", 20.0, minimum=1),
        clear_hold_s=section.duration_s("clear_hold", 120.0),
        floor=section.number("floor", floor, minimum=0),
        rise=section.number("rise", rise, minimum=0),
        learning_s=section.duration_s("learning", 7 * 86_400.0, maximum=60 * 86_400),
        learn=section.integer("learn", 30, minimum=2, maximum=10_000),
        memory=section.integer("memory", 300, minimum=10, maximum=100_000),
        accept_after_s=section.duration_s("accept_after", 14 * 86_400.0, minimum=3600),
        zone=_read_zone(section),
        limits=limits,
    )
    if not limits:
        section.problem("warning", "a baseline rule needs at least one of info, warning and critical, such as {deviations: 4}")
    parts = [f"{severity} from {limit.deviations:g} deviations" for severity, limit in limits.items()]
    side = "below" if metric in LOWER_IS_WORSE else "over"
    summary = (
        f"{metric} over {format_duration(options.window_s)} against what is usual, {side} {options.floor:g}: {', '.join(parts)}"
    )
    return summary, BaselineFactory(common, options)


def _read_limits(section: Section) -> dict[Severity, Limit]:
    limits = {}
    for severity in (Severity.INFO, Severity.WARNING, Severity.CRITICAL):
        part = section.section(severity)
        if part is None:
            continue
        deviations = part.number("deviations", 4.0, above=0, maximum=1000)
        clear = part.number("clear", deviations / 2, minimum=0, maximum=1000)
        if clear > deviations:
            part.problem("clear", f"must not be above deviations ({deviations:g})")
        limits[severity] = Limit(deviations, clear, part.duration_s("for", 60.0))
        part.close()
    warning, critical = limits.get(Severity.WARNING), limits.get(Severity.CRITICAL)
    if warning is not None and critical is not None and critical.deviations < warning.deviations:
        section.problem("critical", f"{critical.deviations:g} deviations are milder than the warning's {warning.deviations:g}")
    return limits


def _read_zone(section: Section) -> tzinfo | None:
    name = section.text("timezone", None)
    try:
        return find_timezone(name) if name is not None else None
    except ValueError as exc:
        section.problem("timezone", str(exc))
        return None
