"""What was measured, one value at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qualitywatch.model.words import Direction, Metric, Verdict


@dataclass(init=False, slots=True, unsafe_hash=True)
class Sample:
    """One measured value of one call in one direction.

    ``weight`` is the number of packets the value speaks for, so that ``sum(value * weight) / sum(weight)`` over loss samples is
    exactly lost packets over expected packets.
    """

    at: Final[float]
    metric: Final[Metric]
    value: Final[float]
    pbx: Final[str]
    subject: Final[str]
    direction: "Final[Direction | None]"  # noqa: UP037 - compiled, it is lost without quotes
    channel: Final[str]
    uniqueid: Final[str]
    verdict: Final[Verdict]
    weight: Final[float]
    codec: "Final[str | None]"  # noqa: UP037 - compiled, it is lost without quotes

    def __init__(
        self,
        at: float,
        metric: Metric,
        value: float,
        pbx: str,
        subject: str,
        direction: Direction | None,
        channel: str,
        uniqueid: str,
        verdict: Verdict,
        weight: float,
        codec: str | None = None,
    ) -> None:
        self.at = at
        self.metric = metric
        self.value = value
        self.pbx = pbx
        self.subject = subject
        self.direction = direction
        self.channel = channel
        self.uniqueid = uniqueid
        self.verdict = verdict
        self.weight = weight
        self.codec = codec

    @property
    def topic(self) -> str:
        """What rules that look at it listen to."""
        return self.metric
