"""What panels show: each figure with its unit, its place in the time series database, and how points become one.

Names of measurements, tags and fields are those of ``sinks.measurements``; how a figure is read from ``rollup.db`` or from the
daemon's own ``/metrics`` is the business of ``sql`` and ``promql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as defaults
from enum import StrEnum
from typing import Final

from qualitywatch.model import Gauge, Metric, Tally


class How(StrEnum):
    """How the points of a stretch of time become one figure."""

    MAX = "max"
    MIN = "min"
    LAST = "last"
    COUNT = "count"
    RATIO = "ratio"  # the sum of one field over the sum of another: the only mean of shares that is one


class Unit(StrEnum):
    """Grafana's ids of units."""

    PERCENT = "percent"  # 0 to 100
    MS = "ms"
    S = "s"
    NUMBER = "none"
    COUNT = "short"
    EVENTS_PER_S = "eps"
    UP = "bool_on_off"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; of a RATIO ``factor * sum(field) / sum(over)``.

    ``metric``: whose limits, of the rules in force, are drawn; ``at_most``: where the axis ends.
    """

    name: str
    measurement: str
    field: str
    how: How
    unit: Unit
    tags: Mapping[str, str] = defaults(default_factory=dict)
    over: str = ""
    factor: float = 1.0
    metric: Metric | None = None
    decimals: int | None = None
    at_most: float | None = None


def _kpi(name: str, kpi: str, unit: Unit, how: How = How.RATIO, **more: float) -> Figure:
    over = "count" if how is How.RATIO else ""
    return Figure(name, "kpi", "total", how, unit, {"kpi": kpi}, over, decimals=1, **more)  # type: ignore[arg-type]


LOSS: Final = Figure(
    "loss", "loss", "lost", How.RATIO, Unit.PERCENT, over="packets", factor=100.0, metric=Metric.LOSS_PERCENT, decimals=1
)
LOSS_MAX: Final = Figure("loss_max", "loss", "percent", How.MAX, Unit.PERCENT, metric=Metric.LOSS_PERCENT, decimals=1)
LOSS_REPORTED_MAX: Final = Figure(
    "loss_reported_max", "loss", "percent_reported", How.MAX, Unit.PERCENT, metric=Metric.LOSS_PERCENT, decimals=1
)
# Beside the one above: of a source that holds no highest of what was reported, the mean is drawn of both.
LOSS_NET_MAX: Final = replace(LOSS_MAX, name="loss_net_max")
JITTER_MAX: Final = Figure("jitter_max", "jitter", "ms", How.MAX, Unit.MS, metric=Metric.JITTER_MS, decimals=0)
RTT_MAX: Final = Figure("rtt_max", "rtt", "ms", How.MAX, Unit.MS, metric=Metric.RTT_MS, decimals=0)
QUALIFY_MAX: Final = Figure("qualify_max", "qualify", "ms", How.MAX, Unit.MS, decimals=0)
MOS_MIN: Final = Figure("mos_min", "mos", "score", How.MIN, Unit.NUMBER, metric=Metric.MOS, decimals=2, at_most=5.0)
CALLS: Final = Figure("calls", "call", "seconds", How.COUNT, Unit.COUNT, decimals=0)
CAUSE: Final = Figure("cause", "call", "cause", How.COUNT, Unit.COUNT, decimals=0)
TRUNK_UP: Final = Figure("trunk_up", "state", "up", How.LAST, Unit.UP, {"entity": "trunk"})
PEER_UP: Final = Figure("peer_up", "state", "up", How.LAST, Unit.UP, {"entity": "peer"})
ASR: Final = _kpi("asr", Tally.ANSWERED, Unit.PERCENT, factor=100.0, at_most=100.0)
NER: Final = _kpi("ner", Tally.DELIVERED, Unit.PERCENT, factor=100.0, at_most=100.0)
ACD: Final = _kpi("acd", Metric.CALL_DURATION_S, Unit.S)
DIAL_DELAY: Final = _kpi("dial_delay", Metric.POST_DIAL_DELAY_S, Unit.S)
CONCURRENT: Final = _kpi("concurrent", Gauge.CONCURRENT_CALLS, Unit.COUNT, How.MAX)
EVENTS: Final = Figure("events", "daemon", "events", How.RATIO, Unit.EVENTS_PER_S, over="seconds", decimals=1)
LAG: Final = Figure("lag", "daemon", "lag_s", How.MAX, Unit.S)
SPOOL: Final = Figure("spool", "daemon", "spool_lines", How.MAX, Unit.COUNT, decimals=0)
LINES: Final = Figure("lines", "daemon", "lines", How.RATIO, Unit.COUNT, over="seconds", decimals=1)
OUTBOX: Final = Figure("outbox", "daemon", "waiting", How.MAX, Unit.COUNT, decimals=0)
FIRING: Final = Figure("firing", "daemon", "firing", How.MAX, Unit.COUNT, decimals=0)
