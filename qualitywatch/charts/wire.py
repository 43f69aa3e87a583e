"""A chart's request as JSON and back, for the way into the process that draws it.  ASCII, so that any string survives."""

from __future__ import annotations

import json
from dataclasses import asdict

from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import Direction, HistoryPoint, Metric, Severity
from qualitywatch.room import Limit


def dumps(request: ChartRequest) -> bytes:
    """Return the request as one line of JSON."""
    return json.dumps(asdict(request), separators=(",", ":")).encode("ascii")


def loads(data: bytes) -> ChartRequest:
    """Return the request that ``dumps`` wrote; raises ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(data)
    points = (
        HistoryPoint(**{**point, "direction": None if point["direction"] is None else Direction(point["direction"])})
        for point in fields["points"]
    )
    limits = (Limit(Metric(limit["metric"]), Severity(limit["severity"]), limit["enter"]) for limit in fields["limits"])
    shaded = ((start, end) for start, end in fields["shaded"])
    return ChartRequest(**{**fields, "points": tuple(points), "limits": tuple(limits), "shaded": tuple(shaded)})
