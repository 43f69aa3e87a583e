"""Sliding windows over the samples of one metric, per subject and direction: what kinds of rules that judge a figure share.

Strategy: the window holds the samples of all calls of the subject; loss is weighted by packets, so that it is lost over
expected and never a mean of percentages; what is no matter of packets (a call's duration) counts once for each call.  Below a
minimum of expected packets or calls, or when the newest sample is stale, nothing is said.  Samples nobody can vouch for are
left out, by metric.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from qualitywatch.document import Section
from qualitywatch.model import VOICE_METRICS, AlertKey, Metric, Observation, Sample, Signal, Verdict
from qualitywatch.rules.spec import Common

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


# What no rule ever sees: jitter beyond this and round trips beyond that are left out as absurd (``quality/streams.py``).
HIGHEST_JUDGED: Final[Mapping[Metric, float]] = {Metric.JITTER_MS: 1000, Metric.RTT_MS: 10_000}
LOWEST: Final[Mapping[Metric, float]] = {Metric.MOS: 1.0}
PACKETS_PER_SECOND: Final = 50  # 20 ms of speech in a packet, as in nearly every call
LONGEST_CALL_S: Final = 3600.0  # few calls outlast it; a hold that does waits for a call that nobody makes


class Aggregate(StrEnum):
    """How a window becomes one figure."""

    WEIGHTED = "weighted"  # by packets
    MEAN = "mean"
    MEDIAN = "median"
    MAX = "max"
    MIN = "min"


# What leaps when one of them is late is spoken for by the one in the middle.
_MEDIANS: Final = frozenset({Metric.RTT_MS, Metric.POST_DIAL_DELAY_S, Metric.QUALIFY_RTT_MS})


LEFT_OUT_KEPT: Final = 50


class Windowed(Protocol):
    """Options of a rule that judges windows."""

    @property
    def metric(self) -> Metric: ...

    @property
    def window_s(self) -> float: ...

    @property
    def aggregate(self) -> Aggregate: ...

    @property
    def min_expected(self) -> float: ...

    @property
    def stale_after_s(self) -> float: ...


def read_aggregate(section: Section, metric: Metric) -> Aggregate:
    """Read ``aggregate``, by default what fits the metric."""
    default = Aggregate.MEDIAN if metric in _MEDIANS else Aggregate.WEIGHTED
    return section.choice("aggregate", Aggregate, default)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window comes to, or with ``signal`` why it comes to nothing."""

    value: float | None
    signal: Signal | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class SampleWindows:
    """The windows of one rule at work."""

    def __init__(self, common: Common, options: Windowed) -> None:
        self._common = common
        self._options = options
        self._usable = USABLE.get(options.metric, _PLAIN)
        self._windows: dict[AlertKey, deque[Sample]] = {}
        self._asked_at: dict[AlertKey, float] = {}
        self._left_out: dict[AlertKey, deque[Sample]] = {}  # the latest that were not counted, for whoever asks why

    def __len__(self) -> int:
        return len(self._windows)

    def key_of(self, observation: Observation) -> AlertKey | None:
        """The key an observation belongs to; None when it is not for this rule."""
        if not isinstance(observation, Sample) or observation.metric is not self._options.metric:
            return None
        if observation.direction is not None and observation.direction not in self._common.directions:
            return None
        key = self._common.key_of(observation.pbx, observation.subject, observation.direction)
        if key is None:
            return None
        if observation.verdict not in self._usable:
            self._left_out.setdefault(key, deque(maxlen=LEFT_OUT_KEPT)).append(observation)
            return None
        return key

    def add(self, key: AlertKey, sample: Sample) -> None:
        """Take in a sample under the key it belongs to."""
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = deque()
        window.append(sample)

    def seen(self, key: AlertKey) -> list[tuple[Sample, bool]]:
        """The samples of the last window of one key, oldest first; False with those that were left out."""
        counted, left_out = self._windows.get(key, ()), self._left_out.get(key, ())
        newest = max((sample.at for sample in (*counted, *left_out)), default=0.0)
        every = [*((sample, True) for sample in counted), *((sample, False) for sample in left_out)]
        recent = [each for each in every if each[0].at > newest - self._options.window_s]
        return sorted(recent, key=lambda each: each[0].at)

    def subjects(self) -> set[str]:
        """Of whom there are samples, counted or not."""
        return {key.subject for key in (*self._windows, *self._left_out)}

    def read(self, key: AlertKey, now: float) -> Reading:
        """Return what the last window of one key comes to."""
        window = self._windows.get(key)
        if window is None:
            # Known from before a restart: an empty window proves nothing until it has been open for its whole length.
            opened_at = self._asked_at.setdefault(key, now)
            return Reading(None, Signal.UNKNOWN if now - opened_at < self._options.window_s else Signal.GONE)
        while window and window[0].at <= now - self._options.window_s:
            window.popleft()
        if not window:
            return Reading(None, Signal.GONE)
        packets = sum(sample.weight for sample in window)
        if packets < self._options.min_expected or window[-1].at < now - self._options.stale_after_s:
            return Reading(None, Signal.UNKNOWN)
        details = {"packets": f"{packets:.0f}"} if self._options.metric in VOICE_METRICS else {}
        details["window_s"] = f"{self._options.window_s:.0f}"
        calls = {sample.uniqueid for sample in window if sample.uniqueid}
        if calls:
            details["calls"] = str(len(calls))
        if window[-1].codec:
            details["codec"] = window[-1].codec
        if any(sample.verdict is Verdict.UNGROUNDED_CODEC for sample in window):
            details["provisional"] = "yes"
        return Reading(_figure(self._options.aggregate, window), None, details)

    def take_since(self, key: AlertKey, since: float) -> float | None:
        """Return what the samples since an instant come to, if there are enough, and drop those before it."""
        window = self._windows.get(key)
        while window and window[0].at < since:
            window.popleft()
        if not window or sum(sample.weight for sample in window) < self._options.min_expected:
            return None
        return _figure(self._options.aggregate, window)

    def forget(self) -> None:
        """Drop all windows."""
        self._windows.clear()
        self._asked_at.clear()
        self._left_out.clear()

    def idle(self, now: float) -> list[AlertKey]:
        """Whose subjects have not been in a call for ten windows."""
        horizon = now - 10 * self._options.window_s
        for key in [key for key, left_out in self._left_out.items() if left_out[-1].at < horizon]:
            del self._left_out[key]
        return [key for key, window in self._windows.items() if not window or window[-1].at < horizon]

    def drop(self, key: AlertKey, now: float) -> None:
        """Release the window of a key that is idle."""
        del self._windows[key]
        self._asked_at[key] = now - 10 * self._options.window_s  # it was open and empty all that time: gone, not unknown


def _figure(aggregate: Aggregate, window: Iterable[Sample]) -> float:
    samples = list(window)
    values = [sample.value for sample in samples]
    match aggregate:
        case Aggregate.WEIGHTED:
            return sum(sample.value * sample.weight for sample in samples) / sum(sample.weight for sample in samples)
        case Aggregate.MEAN:
            return statistics.fmean(values)
        case Aggregate.MEDIAN:
            return statistics.median(values)
        case Aggregate.MAX:
            return max(values)
        case Aggregate.MIN:
            return min(values)
