"""Sliding windows over the samples of one metric, per subject and direction: what kinds of rules that judge a figure share.

Strategy: the window holds the samples of all calls of the subject; loss is weighted by packets, so that it is lost over
expected and never a mean of percentages; what is no matter of packets (a call's duration) counts once for each call.  Below a
minimum of expected packets or calls, or when the newest sample is stale, nothing is said.  Samples nobody can vouch for are
left out, by metric.  What is in a window is held in columns (``rules.columns``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from qualitywatch.document import Section
from qualitywatch.model import VOICE_METRICS, AlertKey, Direction, Metric, Observation, Sample, Signal, Verdict
from qualitywatch.rules.columns import SampleColumns
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


LEFT_OUT_KEPT: Final = 10
_Place: TypeAlias = tuple[str, str, Direction | None]  # PBX, subject, direction


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


class Window:
    """The samples of one subject and direction that one rule judges by; ``key`` is None where the rule does not speak of it."""

    __slots__ = ("edge", "key", "keys", "left_out", "near_until", "newest_at", "samples")

    def __init__(self, key: AlertKey | None, edge: float | None) -> None:
        self.key = key
        self.keys: tuple[AlertKey, ...] = () if key is None else (key,)
        self.edge = edge
        self.samples: SampleColumns | None = None  # None until one was counted
        self.left_out: tuple[Sample, ...] | None = None  # the latest that were not counted, for whoever asks why
        self.newest_at = self.near_until = -math.inf


class SampleWindows:
    """The windows of one rule at work.

    ``edge`` tells of a subject from which value on a sample can take the figure of a window past a limit: a figure lies between
    the least and the greatest of its samples, so without such a sample no limit is passed.
    """

    def __init__(
        self, common: Common, options: Windowed, edge: Callable[[str, str], float | None] = lambda pbx, subject: None
    ) -> None:
        self._common = common
        self._options = options
        self._edge = edge
        self._metric = options.metric
        self._window_s = options.window_s
        self._lower = options.metric in LOWER_IS_WORSE
        self._usable = USABLE.get(options.metric, _PLAIN)
        self._windows: dict[_Place, Window] = {}
        self._asked_at: dict[AlertKey, float] = {}

    def __len__(self) -> int:
        return sum(window.samples is not None for window in self._windows.values())

    def find(self, observation: Observation) -> Window | None:
        """The window an observation is to be counted in; None when it is not for this rule, or nobody can vouch for it."""
        if type(observation) is not Sample or observation.metric is not self._metric:
            return None
        place = (observation.pbx, observation.subject, observation.direction)
        window = self._windows.get(place)
        if window is None:
            window = self._windows[place] = self._open(place)
        if window.key is None:
            return None
        if observation.verdict in self._usable:
            return window
        window.left_out = (*(window.left_out or ()), observation)[-LEFT_OUT_KEPT:]
        return None

    def add(self, window: Window, sample: Sample) -> None:
        """Take in a sample."""
        samples, at, window_s = window.samples, sample.at, self._window_s
        if samples is None:
            samples = window.samples = SampleColumns()
        samples.append(sample)
        if at > window.newest_at:  # noqa: PLR1730 - with every sample, and cheaper than to ask max()
            window.newest_at = at
        if samples.first_at <= at - window_s:
            samples.drop_until(at - window_s)
        edge = window.edge
        if edge is None or ((sample.value <= edge) if self._lower else (sample.value >= edge)):
            window.near_until = window.newest_at + window_s

    def seen(self, key: AlertKey) -> list[tuple[Sample, bool]]:
        """The samples of the last window of one key, oldest first; False with those that were left out."""
        window = self._window(key)
        if window is None:
            return []
        counted = [] if window.samples is None else list(window.samples.rebuilt(self._metric, key))
        left_out = window.left_out or ()
        newest = max((sample.at for sample in (*counted, *left_out)), default=0.0)
        every = [*((sample, True) for sample in counted), *((sample, False) for sample in left_out)]
        recent = [each for each in every if each[0].at > newest - self._options.window_s]
        return sorted(recent, key=lambda each: each[0].at)

    def subjects(self) -> set[str]:
        """Of whom there are samples, counted or not."""
        return {place[1] for place, window in self._windows.items() if window.samples is not None or window.left_out}

    def read(self, key: AlertKey, now: float) -> Reading:
        """Return what the last window of one key comes to."""
        window = self._window(key)
        samples = window.samples if window is not None else None
        if samples is None:
            # Known from before a restart: an empty window proves nothing until it has been open for its whole length.
            opened_at = self._asked_at.setdefault(key, now)
            return Reading(None, Signal.UNKNOWN if now - opened_at < self._options.window_s else Signal.GONE)
        samples.drop_until(now - self._options.window_s)
        if len(samples) == 0:
            return Reading(None, Signal.GONE)
        packets = samples.packets()
        if packets < self._options.min_expected or samples.last_at < now - self._options.stale_after_s:
            return Reading(None, Signal.UNKNOWN)
        details = {"packets": f"{packets:.0f}"} if self._options.metric in VOICE_METRICS else {}
        details["window_s"] = f"{self._options.window_s:.0f}"
        calls = samples.calls() - {""}
        if calls:
            details["calls"] = str(len(calls))
        if samples.last_codec:
            details["codec"] = samples.last_codec
        if Verdict.UNGROUNDED_CODEC in self._usable and samples.has(Verdict.UNGROUNDED_CODEC):
            details["provisional"] = "yes"
        return Reading(_figure(self._options.aggregate, samples, packets), None, details)

    def steady_until(self, key: AlertKey, now: float) -> float:
        """Until when ``read`` of a key that was just read says the same, if nothing is added; -inf: it cannot be told."""
        window = self._window(key)
        samples = window.samples if window is not None else None
        if samples is None or len(samples) == 0:
            return -math.inf
        leaves_at, stale_at = samples.first_at + self._options.window_s, samples.last_at + self._options.stale_after_s
        return min(leaves_at, stale_at) if stale_at >= now else leaves_at

    def take_since(self, key: AlertKey, since: float) -> float | None:
        """Return what the samples since an instant come to, if there are enough, and drop those before it."""
        window = self._window(key)
        samples = window.samples if window is not None else None
        if samples is None:
            return None
        samples.drop_until(math.nextafter(since, -math.inf))
        if len(samples) == 0:
            return None
        packets = samples.packets()
        return _figure(self._options.aggregate, samples, packets) if packets >= self._options.min_expected else None

    def forget(self) -> None:
        """Drop all windows."""
        self._windows.clear()
        self._asked_at.clear()

    def idle(self, now: float) -> list[AlertKey]:
        """Whose subjects have not been in a call for ten windows."""
        horizon = now - 10 * self._options.window_s
        found = []
        for place, window in list(self._windows.items()):
            if window.left_out and window.left_out[-1].at < horizon:
                window.left_out = None
            if window.samples is not None:
                if window.key is not None and (len(window.samples) == 0 or window.samples.last_at < horizon):
                    found.append(window.key)
            elif not window.left_out:
                del self._windows[place]
        return found

    def drop(self, key: AlertKey, now: float) -> None:
        """Release the window of a key that is idle."""
        window = self._windows[key.pbx, key.subject, key.direction]
        window.samples = None
        if not window.left_out:
            del self._windows[key.pbx, key.subject, key.direction]
        self._asked_at[key] = now - 10 * self._options.window_s  # it was open and empty all that time: gone, not unknown

    def _window(self, key: AlertKey) -> Window | None:
        return self._windows.get((key.pbx, key.subject, key.direction))

    def _open(self, place: _Place) -> Window:
        if place[2] is not None and place[2] not in self._common.directions:
            return Window(None, None)
        key = self._common.key_of(*place)
        return Window(key, None if key is None else self._edge(place[0], place[1]))


def _figure(aggregate: Aggregate, samples: SampleColumns, packets: float) -> float:
    match aggregate:
        case Aggregate.WEIGHTED:
            return samples.weighted_total() / packets
        case Aggregate.MEAN:
            return statistics.fmean(samples.values())
        case Aggregate.MEDIAN:
            return statistics.median(samples.values())
        case Aggregate.MAX:
            return max(samples.values())
        case Aggregate.MIN:
            return min(samples.values())
