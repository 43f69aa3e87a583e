"""Single reports of the minutes that were not plainly good, packed small, so that other rules can be tried on them.

Strategy: rules look at windows of a minute, so no figure of a window can pass ``FLOORS`` unless a single sample within it
does.  A minute with such a sample is kept to the last bit, with one before it and four after it: by then the default rules have
ended what they began.  Of all other minutes the sums are enough.  What is kept in a day is bounded, and spread over it, so
that one PBX with a broken line does not fill the disk; what falls beyond is known by its sums only.  Where many calls are
told of, the rest of the file is large, too: twice what is written of what was judged (``journal``) is taken off the bound, but
a share of it stays.  MOS is left out: it follows from R.

A packed report is ``0xff``, microseconds into the minute, call, codec and direction; each sample of it a byte of metric,
verdict and whether a new weight follows, the value and perhaps the weight; then all of a minute through zlib (RFC 1950).
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from qualitywatch.model import Direction, Metric, Sample, Verdict
from qualitywatch.store.rollup import LATE_S, MINUTE_S

FLOORS: Final[Mapping[Metric, float]] = {Metric.LOSS_PERCENT: 1.0, Metric.JITTER_MS: 20.0, Metric.RTT_MS: 200.0}
R_FLOOR: Final = 78.0  # at or under it; a MOS of 3.9
BEFORE, AFTER = 1, 4  # minutes
KEPT_VERDICTS: Final = (Verdict.OK, Verdict.NEGATIVE_LOSS, Verdict.NOT_SPLIT, Verdict.UNGROUNDED_CODEC)  # that any rule counts
BYTES_PER_DAY: Final = 8_000_000
_LEAST_SHARE: Final = 1 / 8  # of them, whatever else is written
_OTHERS_COUNT: Final = 2
_BURST: Final = 1 / 8  # of a day's bytes, for a bad hour after a good one
BURST_BYTES: Final = BYTES_PER_DAY * _BURST
_DAY_S: Final = 86_400

_METRICS: Final = (Metric.LOSS_PERCENT, Metric.LOSS_PERCENT_REPORTED, Metric.JITTER_MS, Metric.RTT_MS, Metric.R_FACTOR)
_DIRECTIONS: Final = (None, Direction.TO_PEER, Direction.FROM_PEER)
_METRIC_OF: Final = {metric: number for number, metric in enumerate(_METRICS)}
_VERDICT_OF: Final = {verdict: number << 3 for number, verdict in enumerate(KEPT_VERDICTS)}
_DIRECTION_OF: Final = {direction: number for number, direction in enumerate(_DIRECTIONS)}
_NEW_REPORT: Final = 0xFF
_NEW_WEIGHT: Final = 0x20
_REPORT: Final = struct.Struct("<BIBBB")
_VALUE: Final = struct.Struct("<Bd")
_WEIGHT: Final = struct.Struct("<d")
_MICROS: Final = 1e6
_MOST_NAMES: Final = 250  # calls of one peer in one minute, codecs

_Subject: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Detail:
    """All samples of one subject in one minute, packed."""

    start_at: int
    pbx: str
    subject: str
    packed: bytes


@dataclass(slots=True)
class _Minute:
    """One minute of one subject in the making."""

    body: bytearray = field(default_factory=bytearray)
    calls: dict[str, int] = field(default_factory=dict)
    codecs: dict[str, int] = field(default_factory=dict)
    report: tuple[float, str, Direction | None, str | None] | None = None
    weight: float = math.nan
    notable: bool = False

    def add(self, start_at: int, sample: Sample) -> None:
        report = (sample.at, sample.uniqueid, sample.direction, sample.codec)
        if report != self.report:
            call = self.calls.setdefault(sample.uniqueid, min(len(self.calls), _MOST_NAMES))
            codec = self.codecs.setdefault(sample.codec or "", min(len(self.codecs), _MOST_NAMES))
            micros = min(round((sample.at - start_at) * _MICROS), MINUTE_S * 1_000_000 - 1)
            self.body += _REPORT.pack(_NEW_REPORT, micros, call, codec, _DIRECTION_OF[sample.direction])
            self.report, self.weight = report, math.nan
        tag = _METRIC_OF[sample.metric] | _VERDICT_OF[sample.verdict]
        if sample.weight == self.weight:
            self.body += _VALUE.pack(tag, sample.value)
        else:
            self.body += _VALUE.pack(tag | _NEW_WEIGHT, sample.value) + _WEIGHT.pack(sample.weight)
            self.weight = sample.weight
        self.notable = self.notable or is_notable(sample)

    def packed(self) -> bytes:
        names = json.dumps([list(self.calls), list(self.codecs)], separators=(",", ":")).encode()
        return zlib.compress(struct.pack("<I", len(names)) + names + self.body)


def is_notable(sample: Sample) -> bool:
    """Whether a sample alone could take a window past a floor."""
    if sample.metric is Metric.R_FACTOR:
        return sample.value <= R_FLOOR
    return sample.value >= FLOORS.get(sample.metric, math.inf)


def unpack(detail: Detail) -> Iterator[Sample]:
    """The samples as they were, in order, but for the channel's name."""
    data = zlib.decompress(detail.packed)
    (length,) = struct.unpack_from("<I", data)
    calls, codecs = json.loads(data[4 : 4 + length])
    place, weight, at, call, codec, direction = 4 + length, math.nan, 0.0, "", None, None
    while place < len(data):
        if data[place] == _NEW_REPORT:
            _, micros, call_number, codec_number, direction_number = _REPORT.unpack_from(data, place)
            at = (detail.start_at * 1_000_000 + micros) / _MICROS
            call, codec, direction = calls[call_number], codecs[codec_number] or None, _DIRECTIONS[direction_number]
            place += _REPORT.size
            continue
        tag, value = _VALUE.unpack_from(data, place)
        place += _VALUE.size
        if tag & _NEW_WEIGHT:
            (weight,) = _WEIGHT.unpack_from(data, place)
            place += _WEIGHT.size
        metric, verdict = _METRICS[tag & 0x07], KEPT_VERDICTS[(tag >> 3) & 0x03]
        yield Sample(at, metric, value, detail.pbx, detail.subject, direction, "", call, verdict, weight, codec)


class DetailCollector:
    """Holds the minutes of which it is not known yet whether they are worth keeping."""

    def __init__(self, bytes_per_day: float = BYTES_PER_DAY) -> None:
        self._held: dict[_Subject, dict[int, _Minute]] = {}
        self._until: dict[_Subject, int] = {}  # up to this minute everything of a subject is kept
        self._bytes_per_day = bytes_per_day
        self._left = self._most = bytes_per_day * _BURST
        self._counted_at: float | None = None
        self._others = 0

    def count_others(self, size: int) -> None:
        """Take what was written of what was judged, doubled, off what the next reports may cost; of the second halves."""
        self._others += _OTHERS_COUNT * size

    def add(self, samples: Iterable[Sample]) -> None:
        """Take samples in; what no rule would look at is passed over."""
        for sample in samples:
            if sample.metric in _METRIC_OF and sample.verdict in _VERDICT_OF:
                start_at = int(sample.at // MINUTE_S) * MINUTE_S
                minutes = self._held.setdefault((sample.pbx, sample.subject), {})
                minute = minutes.get(start_at)
                if minute is None:
                    minute = minutes[start_at] = _Minute()
                minute.add(start_at, sample)

    def take(self, now: float, *, everything: bool = False) -> Callable[[], list[Detail]]:
        """Hand out, once, what is worth keeping of the minutes complete at ``now``; ``everything`` includes the present one.

        In two halves, as ``rollup.Aggregator`` does it: packing takes long, and is left to what is returned.
        """
        found: list[tuple[int, _Subject, _Minute]] = []
        for subject, minutes in list(self._held.items()):
            for start_at in sorted(minutes):
                if not everything and not _complete(start_at, now):
                    continue
                minute, following = minutes[start_at], minutes.get(start_at + BEFORE * MINUTE_S)
                if minute.notable:
                    self._until[subject] = max(self._until.get(subject, 0), start_at + AFTER * MINUTE_S)
                if start_at <= self._until.get(subject, 0) or (following is not None and following.notable):
                    found.append((start_at, subject, minute))
                elif not everything and not _complete(start_at + BEFORE * MINUTE_S, now):
                    continue  # what follows may be notable
                del minutes[start_at]
            if not minutes:
                del self._held[subject]
                if self._until.get(subject, now) < now - AFTER * MINUTE_S:
                    self._until.pop(subject, None)
        return partial(self._packed, found, now)

    def _packed(self, found: Iterable[tuple[int, _Subject, _Minute]], now: float) -> list[Detail]:
        details = (Detail(start_at, *subject, minute.packed()) for start_at, subject, minute in found)
        return [detail for detail in details if self._afford(len(detail.packed), now)]

    def _afford(self, size: int, now: float) -> bool:
        passed_s = max(0.0, now - self._counted_at) if self._counted_at is not None else 0.0
        earned = passed_s * self._bytes_per_day / _DAY_S
        if earned:
            earned, self._others = max(earned * _LEAST_SHARE, earned - self._others), 0
        self._left = min(self._most, self._left + earned)
        self._counted_at = now
        if size > self._left:
            return False
        self._left -= size
        return True


def _complete(start_at: int, now: float) -> bool:
    # A PBX's clock may be a little ahead of ours: a minute that has begun there and not here is not over.
    return start_at + MINUTE_S + LATE_S <= now or start_at > now + MINUTE_S
