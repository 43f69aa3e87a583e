"""Measured minutes for the tests of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import Direction, HistoryPoint, Metric, Severity
from qualitywatch.room import Limit

SINCE: Final = 1_763_848_800.0  # 2025-11-22 22:00:00 UTC
TO, FROM = Direction.TO_PEER, Direction.FROM_PEER
LIMITS: Final = (
    Limit(Metric.LOSS_PERCENT, Severity.WARNING, 3.0),
    Limit(Metric.LOSS_PERCENT, Severity.CRITICAL, 10.0),
    Limit(Metric.JITTER_MS, Severity.WARNING, 30.0),
    Limit(Metric.MOS, Severity.WARNING, 3.6),
    Limit(Metric.RTT_MS, Severity.WARNING, 300.0),
)


def minute(
    number: int,
    direction: Direction | None = TO,
    *,
    loss: float | None = None,
    worst: float | None = None,
    reported: float | None = None,
    jitter: float | None = None,
    rtt: float | None = None,
    mos: float | None = None,
    seconds: float = 60.0,
    packets: float | None = 3000.0,
) -> HistoryPoint:
    """The stretch of this number after SINCE."""
    return HistoryPoint(
        at=SINCE + number * seconds,
        seconds=seconds,
        direction=direction,
        calls=1,
        packets=packets,
        loss_percent=loss,
        loss_percent_max=worst,
        loss_percent_reported=reported,
        jitter_ms=jitter,
        jitter_ms_max=jitter,
        rtt_ms=rtt,
        rtt_ms_max=rtt,
        mos=mos,
        mos_min=mos,
    )


def request(points: Sequence[HistoryPoint] = (), **changes: Any) -> ChartRequest:
    """Half an hour in Moscow, in English."""
    given: dict[str, Any] = {
        "title": "Anna SIP/6117",
        "since": SINCE,
        "until": SINCE + 1800,
        "language": "en",
        "zone": "Europe/Moscow",
        "limits": LIMITS,
    }
    return ChartRequest(points=tuple(points), **(given | changes))
