"""What is usual for one subject: the figure and its spread, by hour of the day and over all hours.

Strategy: an exponentially weighted mean, and the exponentially weighted mean of how far a figure lay from it (mean absolute
deviation: one wild figure counts once, not squared).  Until there are as many figures as the memory reaches back, all count
alike, so that the first one is no prejudice.  O(1) in time and memory; what it knows is one line of text.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Final

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Usual:
    """A mean, the mean absolute deviation from it, and how many figures they were learned from."""

    mean: float
    deviation: float = 0.0
    count: int = 1

    def and_also(self, value: float, memory: int) -> Usual:
        """Return what is usual after one more figure; those older than ``memory`` figures have faded."""
        count = self.count + 1
        weight, spread = 1 / min(count, memory), 1 / min(self.count, memory)
        off = value - self.mean
        # The mean lies between what it was and the figure, and the deviation likewise, whatever rounding does.
        mean = min(max(self.mean + weight * off, min(self.mean, value)), max(self.mean, value))
        return Usual(mean, max(0.0, self.deviation + spread * (abs(off) - self.deviation)), count)


@dataclass(slots=True)
class Baseline:
    """All that was learned of one subject and direction."""

    first_at: float
    latest_at: float
    hours: dict[int, Usual] = field(default_factory=dict)
    day: Usual | None = None
    unusual_since: float | None = None  # the present deviation's beginning

    def learn(self, hour: int, value: float, at: float, memory: int) -> None:
        """Take in the figure of one window."""
        known = self.hours.get(hour)
        self.hours[hour] = known.and_also(value, memory) if known is not None else Usual(value)
        self.day = self.day.and_also(value, HOURS * memory) if self.day is not None else Usual(value)
        self.latest_at = at

    def at_hour(self, hour: int, enough: int) -> tuple[Usual | None, bool]:
        """What is usual at an hour and whether it is of that very hour; of a young hour, what is usual at any."""
        known = self.hours.get(hour)
        if known is not None and known.count >= enough:
            return known, True
        return (self.day, False) if self.day is not None and self.day.count >= enough else (None, False)

    def not_after(self, now: float) -> None:
        """A clock was set back: what lies in the future never ends."""
        self.first_at, self.latest_at = min(self.first_at, now), min(self.latest_at, now)
        if self.unusual_since is not None:
            self.unusual_since = min(self.unusual_since, now)

    def memory(self, about: str) -> str:
        """Everything as one line of text; ``about`` says what kind of figure it is."""
        return json.dumps(
            {
                "about": about,
                "times": [self.first_at, self.latest_at, self.unusual_since],
                "day": _numbers(self.day),
                "hours": {str(hour): _numbers(known) for hour, known in self.hours.items()},
            },
            separators=(",", ":"),
        )

    @classmethod
    def recall(cls, text: str, about: str) -> Baseline | None:
        """The other way round; None when it is about another figure, or nothing that could be meant."""
        try:
            read = json.loads(text)
            if read["about"] != about:
                return None
            first_at, latest_at, unusual_since = read["times"]
            times = [_finite(first_at), _finite(latest_at), None if unusual_since is None else _finite(unusual_since)]
            hours = {int(hour): _usual(known) for hour, known in read["hours"].items()}
            day = None if read["day"] is None else _usual(read["day"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        if not all(0 <= hour < HOURS for hour in hours) or times[0] is None or times[1] is None:
            return None
        return cls(times[0], times[1], hours, day, times[2])


def _numbers(usual: Usual | None) -> list[float] | None:
    return None if usual is None else [usual.mean, usual.deviation, usual.count]


def _usual(read: object) -> Usual:
    if not isinstance(read, list):
        raise TypeError
    mean, deviation, count = read
    if not isinstance(count, int) or count < 1 or _finite(deviation) < 0:
        raise ValueError
    return Usual(_finite(mean), _finite(deviation), count)


def _finite(read: object) -> float:
    if isinstance(read, bool) or not isinstance(read, int | float) or not math.isfinite(read):
        raise ValueError
    return float(read)
