"""Sums that a report is made of: each can be added to another of its kind, and only then is anything divided.

Loss of any time and any number of calls is ``100 * sum(lost) / sum(packets)`` (RFC 3550 section 6.4.1), never a mean of
percentages; what was not measured is None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MIN_PACKETS: Final = 1500.0  # 30 s of speech at 20 ms: one short call must not lead a list


@dataclass(frozen=True, slots=True)
class Voice:
    """What was heard in one direction."""

    lost: float = 0.0
    packets: float = 0.0
    jitter_n: int = 0
    jitter_sum_ms: float = 0.0
    mos_n: int = 0
    mos_sum: float = 0.0
    mos_min: float | None = None

    def __add__(self, other: Voice) -> Voice:
        scores = [score for score in (self.mos_min, other.mos_min) if score is not None]
        return Voice(
            self.lost + other.lost,
            self.packets + other.packets,
            self.jitter_n + other.jitter_n,
            self.jitter_sum_ms + other.jitter_sum_ms,
            self.mos_n + other.mos_n,
            self.mos_sum + other.mos_sum,
            min(scores, default=None),
        )

    @property
    def loss_percent(self) -> float | None:
        """Of all packets together."""
        return 100 * self.lost / self.packets if self.packets else None

    @property
    def is_enough(self) -> bool:
        """Whether its loss can be compared with that of others."""
        return self.packets >= MIN_PACKETS

    @property
    def jitter_ms(self) -> float | None:
        """The mean of all reports."""
        return self.jitter_sum_ms / self.jitter_n if self.jitter_n else None

    @property
    def mos(self) -> float | None:
        """The mean of all reports."""
        return self.mos_sum / self.mos_n if self.mos_n else None


@dataclass(frozen=True, slots=True)
class Calls:
    """What became of calls; the first four are legs as they were kept, the others attempts over a trunk."""

    legs: int = 0
    answered_legs: int = 0
    measurable_legs: int = 0  # of those that were answered: with RTP, and long enough to be reported on
    measured_legs: int = 0  # of those that could be
    attempts: float = 0.0
    answered: float = 0.0
    judged: float = 0.0  # attempts of which it can be told whether the network did its part
    delivered: float = 0.0
    talks: float = 0.0
    talk_s: float = 0.0

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            self.legs + other.legs,
            self.answered_legs + other.answered_legs,
            self.measurable_legs + other.measurable_legs,
            self.measured_legs + other.measured_legs,
            self.attempts + other.attempts,
            self.answered + other.answered,
            self.judged + other.judged,
            self.delivered + other.delivered,
            self.talks + other.talks,
            self.talk_s + other.talk_s,
        )

    @property
    def asr_percent(self) -> float | None:
        """Answer seizure ratio (ITU-T E.425)."""
        return 100 * self.answered / self.attempts if self.attempts else None

    @property
    def ner_percent(self) -> float | None:
        """Network effectiveness ratio (ITU-T E.425)."""
        return 100 * self.delivered / self.judged if self.judged else None

    @property
    def acd_s(self) -> float | None:
        """Average call duration."""
        return self.talk_s / self.talks if self.talks else None

    @property
    def coverage_percent(self) -> float | None:
        """How many of the legs that could be reported on anybody reported on."""
        return 100 * self.measured_legs / self.measurable_legs if self.measurable_legs else None


@dataclass(frozen=True, slots=True)
class Subject:
    """One peer or trunk in one stretch of time; both sides of what was heard, as of ``model.Direction``."""

    pbx: str
    name: str
    to_peer: Voice = Voice()
    from_peer: Voice = Voice()
    calls: Calls = Calls()
    causes: dict[str, int] = field(default_factory=dict)  # "34 congestion, SIP 503" to how many calls it ended unanswered
    hours: dict[int, tuple[Voice, Voice]] = field(default_factory=dict)  # by the start of each

    def __add__(self, other: Subject) -> Subject:
        """Both together, under the name of the first."""
        hours = dict(self.hours)
        for start_at, (to_peer, from_peer) in other.hours.items():
            known = hours.get(start_at, (Voice(), Voice()))
            hours[start_at] = known[0] + to_peer, known[1] + from_peer
        causes = {cause: self.causes.get(cause, 0) + other.causes.get(cause, 0) for cause in {**self.causes, **other.causes}}
        calls = self.calls + other.calls
        return Subject(
            self.pbx, self.name, self.to_peer + other.to_peer, self.from_peer + other.from_peer, calls, causes, hours
        )

    @property
    def worse_percent(self) -> float | None:
        """Loss of the worse side, of those that spoke long enough to be compared."""
        return worse_percent(self.to_peer, self.from_peer)


def worse_percent(*sides: Voice) -> float | None:
    """The most loss of the sides that spoke long enough to be compared; None: no side did."""
    return max((side.loss_percent for side in sides if side.is_enough and side.loss_percent is not None), default=None)
