"""Samples into per-minute and per-hour rows: pure arithmetic, no I/O.

Counts, sums and extremes are kept, never averages: rows can then be added to each other (a late sample, a restart in
mid-minute, sixty minutes into an hour) and every figure stays exact.  Loss of any stretch of time is ``100 * sum(lost) /
sum(packets)`` (RFC 3550 section 6.4.1 counts over the same interval), never a mean of percentages.  What nobody measured is
None, never 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Final, TypeAlias

from qualitywatch.model import CHARTED, Direction, Metric, Sample

MINUTE_S: Final = 60
HOUR_S: Final = 3600
LATE_S: Final = 5  # batches arrive a little after the minute they speak of
_COUNTED_KEPT_S: Final = 300  # how much longer than its width a row remembers its calls, for still later samples

_STORED: Final = (
    Metric.LOSS_PERCENT,
    Metric.LOSS_PERCENT_REPORTED,
    Metric.JITTER_MS,
    Metric.RTT_MS,
    Metric.MOS,
)  # R is MOS on another scale

_Key: TypeAlias = tuple[int, str, str, Direction | None]  # a RollupKey, but quick to hash


@dataclass(frozen=True, slots=True)
class RollupKey:
    """What a row is about; ``start_at`` is the Unix second the minute or hour begins."""

    start_at: int
    pbx: str
    subject: str
    direction: Direction | None  # None for RTT, which has none


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, sums and extremes of one row.  ``n`` is the number of loss reports, ``calls`` of distinct calls."""

    n: int = 0
    calls: int = 0
    lost: float | None = None  # packets, net of gaps passed on from the other leg
    packets: float | None = None  # expected, net likewise
    lost_reported: float | None = None
    packets_reported: float | None = None
    loss_max: float | None = None  # percent, of the worst single report
    jitter_n: int = 0
    jitter_sum: float | None = None  # ms
    jitter_max: float | None = None
    rtt_n: int = 0
    rtt_sum: float | None = None  # ms
    rtt_max: float | None = None
    mos_n: int = 0
    mos_sum: float | None = None
    mos_min: float | None = None

    def __add__(self, other: Figures) -> Figures:
        """Return the figures of both stretches of time together."""
        return Figures(
            n=self.n + other.n,
            calls=self.calls + other.calls,
            lost=_sum(self.lost, other.lost),
            packets=_sum(self.packets, other.packets),
            lost_reported=_sum(self.lost_reported, other.lost_reported),
            packets_reported=_sum(self.packets_reported, other.packets_reported),
            loss_max=_high(self.loss_max, other.loss_max),
            jitter_n=self.jitter_n + other.jitter_n,
            jitter_sum=_sum(self.jitter_sum, other.jitter_sum),
            jitter_max=_high(self.jitter_max, other.jitter_max),
            rtt_n=self.rtt_n + other.rtt_n,
            rtt_sum=_sum(self.rtt_sum, other.rtt_sum),
            rtt_max=_high(self.rtt_max, other.rtt_max),
            mos_n=self.mos_n + other.mos_n,
            mos_sum=_sum(self.mos_sum, other.mos_sum),
            mos_min=_low(self.mos_min, other.mos_min),
        )


FIGURES: Final = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Rollup:
    """One row to be added to whatever the store already has under this key."""

    width_s: int
    key: RollupKey
    figures: Figures


@dataclass(frozen=True, slots=True)
class Taken:
    """Minutes that were let go of: whom they are of, PBX and subject, in order; and what makes their rows."""

    subjects: Iterable[tuple[str, str]]
    rows: Callable[[], list[Rollup]]


class Aggregator:
    """Holds the minutes that are not yet written.

    Its work is in two halves, because adding up the minute of a thousand peers takes a tenth of a second: ``take`` and
    ``held`` only lay hands on what there is, and return what does the rest.  That may be called in another thread, once,
    and in the order in which it was returned.

    A call is counted once per row however often rows are taken, as long as this object lives; a call that spans a restart of
    the daemon counts twice in the minute and hour of the restart.
    """

    def __init__(self) -> None:
        self._minutes: dict[_Key, _Stretch] = {}
        self._counted: dict[tuple[int, _Key], _Counted] = {}  # of the second halves alone

    def add(self, samples: Iterable[Sample]) -> None:
        """Take samples in, in any order of time; those without a usable verdict are passed over."""
        _sort_in(self._minutes, samples, MINUTE_S)

    def take(self, now: float, *, everything: bool = False) -> Taken:
        """Hand out, once, the rows of all minutes complete at ``now``, oldest first; ``everything`` includes the present one.

        A minute in the future (a PBX whose clock is ahead) is handed out as it stands, since its end would be long in coming.
        """
        ready = [key for key in self._minutes if everything or _complete(key[0], now)]
        minutes = {key: self._minutes.pop(key) for key in ready}
        return Taken({key[1:3]: None for key in minutes}, partial(self._rows, minutes, now))

    def held(self, pbx: str, subject: str, width_s: int) -> Callable[[], list[Rollup]]:
        """Look at what ``take`` would hand out of one subject, present minute included, as minutes or as hours."""
        minutes = [
            (key, minute.figures(0), set(map(hash, minute.calls)))
            for key, minute in self._minutes.items()
            if key[1] == pbx and key[2] == subject
        ]
        return partial(self._look, minutes, width_s)

    def subjects(self, pbx: str, since: float, until: float) -> set[str]:
        """Subjects of the minutes not yet written that reach into [since, until)."""
        return {key[2] for key in self._minutes if key[1] == pbx and key[0] < until and key[0] + MINUTE_S > since}

    def _rows(self, minutes: Mapping[_Key, _Stretch], now: float) -> list[Rollup]:
        rows: list[Rollup] = []
        hours: dict[_Key, Figures] = {}
        for in_minute in sorted(minutes, key=lambda key: key[0]):
            minute, in_hour = minutes[in_minute], (_start(in_minute[0], HOUR_S), *in_minute[1:])
            calls = set(map(hash, minute.calls))
            figures = minute.figures(self._count(MINUTE_S, in_minute, calls, now))
            rows.append(Rollup(MINUTE_S, RollupKey(*in_minute), figures))
            figures = replace(figures, calls=self._count(HOUR_S, in_hour, calls, now))
            hours[in_hour] = hours[in_hour] + figures if in_hour in hours else figures
        rows.extend(Rollup(HOUR_S, RollupKey(*key), figures) for key, figures in hours.items())
        self._forget(now)
        return rows

    def _look(self, minutes: Iterable[tuple[_Key, Figures, set[int]]], width_s: int) -> list[Rollup]:
        rows: list[Rollup] = []
        seen: dict[_Key, set[int]] = {}
        for (start_at, pbx, subject, direction), figures, minute_calls in minutes:
            key = (_start(start_at, width_s), pbx, subject, direction)
            counted = self._counted.get((width_s, key))
            calls = seen.setdefault(key, set() if counted is None else set(counted.calls))
            rows.append(Rollup(width_s, RollupKey(*key), replace(figures, calls=len(minute_calls - calls))))
            calls |= minute_calls
        return rows

    def _count(self, width_s: int, key: _Key, calls: set[int], now: float) -> int:
        counted = self._counted.setdefault((width_s, key), _Counted())
        counted.at = now
        new = calls.difference(counted.calls)
        counted.calls.extend(new)
        return len(new)

    def _forget(self, now: float) -> None:
        idle = [entry for entry, counted in self._counted.items() if counted.at + entry[0] + _COUNTED_KEPT_S < now]
        for entry in idle:
            del self._counted[entry]


def summed(samples: Iterable[Sample], width_s: int) -> list[Rollup]:
    """Add samples up in rows of any width; those without a usable verdict are passed over."""
    stretches: dict[_Key, _Stretch] = {}
    _sort_in(stretches, samples, width_s)
    return [Rollup(width_s, RollupKey(*key), stretch.figures(len(stretch.calls))) for key, stretch in stretches.items()]


class _Counted:
    """Calls already counted in one row, and when that was last done (by our clock: the PBX's may be wrong).

    There are as many rows as peers in each of the last minutes: the hashes of uniqueids in an array take a tenth of their set.
    """

    __slots__ = ("at", "calls")

    def __init__(self) -> None:
        self.at = 0.0
        self.calls = array("q")


class _Series:
    """Number, sum and extremes of one metric."""

    __slots__ = ("high", "low", "n", "total")

    def __init__(self) -> None:
        self.n = 0
        self.total = 0.0
        self.low: float | None = None
        self.high: float | None = None

    def add(self, value: float) -> None:
        self.n += 1
        self.total += value
        if self.low is None or value < self.low:
            self.low = value
        if self.high is None or value > self.high:
            self.high = value

    def sum(self) -> float | None:
        return self.total if self.n else None


class _Stretch:
    """One row in the making; not a frozen value, because every sample passes here."""

    __slots__ = ("calls", "lost", "lost_reported", "packets", "packets_reported", "series")

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self.series = {metric: _Series() for metric in _STORED}
        self.lost = self.packets = self.lost_reported = self.packets_reported = 0.0

    def add(self, sample: Sample) -> None:
        metric = sample.metric
        self.calls.add(sample.uniqueid)
        self.series[metric].add(sample.value)
        if metric is Metric.LOSS_PERCENT:
            self.lost += sample.value * sample.weight / 100
            self.packets += sample.weight
        elif metric is Metric.LOSS_PERCENT_REPORTED:
            self.lost_reported += sample.value * sample.weight / 100
            self.packets_reported += sample.weight

    def figures(self, calls: int) -> Figures:
        loss, reported = self.series[Metric.LOSS_PERCENT], self.series[Metric.LOSS_PERCENT_REPORTED]
        jitter, rtt, mos = self.series[Metric.JITTER_MS], self.series[Metric.RTT_MS], self.series[Metric.MOS]
        return Figures(
            n=loss.n,
            calls=calls,
            lost=self.lost if loss.n else None,
            packets=self.packets if loss.n else None,
            lost_reported=self.lost_reported if reported.n else None,
            packets_reported=self.packets_reported if reported.n else None,
            loss_max=loss.high,
            jitter_n=jitter.n,
            jitter_sum=jitter.sum(),
            jitter_max=jitter.high,
            rtt_n=rtt.n,
            rtt_sum=rtt.sum(),
            rtt_max=rtt.high,
            mos_n=mos.n,
            mos_sum=mos.sum(),
            mos_min=mos.low,
        )


def _sort_in(stretches: dict[_Key, _Stretch], samples: Iterable[Sample], width_s: int) -> None:
    for sample in samples:
        if sample.metric not in _STORED or sample.verdict not in CHARTED:
            continue
        key = (_start(sample.at, width_s), sample.pbx, sample.subject, sample.direction)
        stretch = stretches.get(key)
        if stretch is None:
            stretch = stretches[key] = _Stretch()
        stretch.add(sample)


def _start(at: float, width_s: int) -> int:
    return int(at // width_s) * width_s


def _complete(start_at: int, now: float) -> bool:
    return start_at + MINUTE_S + LATE_S <= now or start_at > now


def _sum(one: float | None, other: float | None) -> float | None:
    return one + other if one is not None and other is not None else _known(one, other)


def _high(one: float | None, other: float | None) -> float | None:
    return max(one, other) if one is not None and other is not None else _known(one, other)


def _low(one: float | None, other: float | None) -> float | None:
    return min(one, other) if one is not None and other is not None else _known(one, other)


def _known(one: float | None, other: float | None) -> float | None:
    return one if other is None else other
