"""The samples of one window, in columns.

Strategy: a large PBX makes thousands of samples a second, and several rules hold each of them for a minute.  As objects they
are two hundred bytes apiece and the garbage collector walks through all of them; an instant, a value, a weight and the number
of the call they came from are twenty-eight bytes that it never sees.  They are made samples again for whoever asks why, but for
the name of the channel, which no rule looks at.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, TypeAlias

from qualitywatch.model import AlertKey, Metric, Sample, Verdict

_SOURCES_AT_LEAST: Final = 16  # so few are not worth counting anew
_SOURCES_GROWN: Final = 2  # times as many as there were samples of when they were counted last
_WORTH_MOVING: Final = 4  # what is over is cut off when it is this part of all

Source: TypeAlias = tuple[str, str | None, Verdict]
"""What samples have in common that come from one call: its uniqueid, codec, and what is thought of them."""


class SampleColumns:
    """Samples in the order they came, of one metric, subject and direction.  ``first_at`` is of use while there are any."""

    __slots__ = (
        "_ats",
        "_calls",
        "_codecs",
        "_most_sources",
        "_number_of",
        "_numbers",
        "_start",
        "_values",
        "_verdicts",
        "_weights",
        "first_at",
    )

    def __init__(self) -> None:
        self._ats, self._values, self._weights, self._numbers = array("d"), array("d"), array("d"), array("I")
        # Sources by number, in three columns of their own.
        self._calls: list[str] = []
        self._codecs: list[str | None] = []
        self._verdicts: list[Verdict] = []
        self._number_of: dict[str, int] = {}  # the newest of a call
        self._most_sources = _SOURCES_AT_LEAST  # beyond it those of which there are no samples any more are forgotten
        self._start = 0  # what is before it is over
        self.first_at = 0.0

    def __len__(self) -> int:
        return len(self._ats) - self._start

    @property
    def last_at(self) -> float:
        """When the newest was measured."""
        return self._ats[-1]

    @property
    def last_codec(self) -> str | None:
        """The codec of the newest."""
        return self._codecs[self._numbers[-1]]

    def append(self, sample: Sample) -> None:
        """Take in one more."""
        at, call = sample.at, sample.uniqueid
        if self._start == len(self._ats):
            self.first_at = at
        number = self._number_of.get(call)
        if number is None or self._verdicts[number] is not sample.verdict or self._codecs[number] != sample.codec:
            number = self._number(call, sample.codec, sample.verdict)
        self._ats.append(at)
        self._values.append(sample.value)
        self._weights.append(sample.weight)
        self._numbers.append(number)

    def drop_until(self, at: float) -> None:
        """Leave out the oldest, up to the first that is newer than ``at``."""
        ats, start = self._ats, self._start
        end = len(ats)
        while start < end and ats[start] <= at:
            start += 1
        if start == self._start:
            return
        if start * _WORTH_MOVING >= end:
            del ats[:start], self._values[:start], self._weights[:start], self._numbers[:start]
            start = 0
            if len(self._calls) > self._most_sources:
                self._forget_sources()
        self._start = start
        if start < len(ats):
            self.first_at = ats[start]

    def packets(self) -> float:
        """The sum of all weights."""
        total = 0.0
        for weight in self._weights[self._start :]:
            total += weight
        return total

    def weighted_total(self) -> float:
        """The sum of all values, each times its weight."""
        total = 0.0
        for value, weight in zip(self._values[self._start :], self._weights[self._start :], strict=True):
            total += value * weight
        return total

    def values(self) -> array[float]:
        """All values."""
        return self._values[self._start :]

    def calls(self) -> set[str]:
        """Uniqueids of the calls they came from."""
        return {self._calls[number] for number in set(self._numbers[self._start :])}

    def has(self, verdict: Verdict) -> bool:
        """Whether this is thought of any of them."""
        return verdict in self._verdicts and any(
            self._verdicts[number] is verdict for number in set(self._numbers[self._start :])
        )

    def rebuilt(self, metric: Metric, key: AlertKey) -> Iterator[Sample]:
        """The samples themselves, oldest first."""
        for place in range(self._start, len(self._ats)):
            number = self._numbers[place]
            yield Sample(
                *(self._ats[place], metric, self._values[place], key.pbx, key.subject, key.direction, ""),
                *(self._calls[number], self._verdicts[number], self._weights[place], self._codecs[number]),
            )

    def _number(self, call: str, codec: str | None, verdict: Verdict) -> int:
        number = self._number_of[call] = len(self._calls)
        self._calls.append(call)
        self._codecs.append(codec)
        self._verdicts.append(verdict)
        return number

    def _forget_sources(self) -> None:
        """Number those anew of which there are samples."""
        known = list(zip(self._calls, self._codecs, self._verdicts, strict=True))
        new: dict[Source, int] = {}
        self._numbers = array("I", [new.setdefault(known[number], len(new)) for number in self._numbers])
        self._calls, self._codecs = [call for call, _, _ in new], [codec for _, codec, _ in new]
        self._verdicts = [verdict for _, _, verdict in new]
        self._number_of = {call: number for (call, _, _), number in new.items()}
        self._most_sources = max(_SOURCES_AT_LEAST, _SOURCES_GROWN * len(new))
