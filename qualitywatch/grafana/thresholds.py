"""The limits of the rules in force, as Grafana's thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qualitywatch.grafana.figures import Figure, Unit
from qualitywatch.grafana.language import Json
from qualitywatch.model import Metric, Severity
from qualitywatch.room import Limit

_LOWER_IS_WORSE: Final = frozenset({Metric.MOS, Metric.R_FACTOR})
_COLOURS: Final = {Severity.INFO: "blue", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}
_GOOD: Final = "green"


def thresholds(figure: Figure | None, limits: Iterable[Limit]) -> Json:
    """Steps from the lowest value up; where several rules have a limit of one severity, the one that is reached first."""
    if figure is not None and figure.unit is Unit.UP:
        return _steps([("red", None), (_GOOD, 1.0)])
    own = [limit for limit in limits if figure is not None and limit.metric is figure.metric]
    is_lower = figure is not None and figure.metric in _LOWER_IS_WORSE
    first = max if is_lower else min
    by_severity = {
        severity: first(limit.enter for limit in own if limit.severity is severity)
        for severity in Severity
        if any(limit.severity is severity for limit in own)
    }
    rising = sorted(by_severity.items(), key=lambda pair: (pair[1], pair[0].rank))
    if not is_lower:
        return _steps([(_GOOD, None), *((_COLOURS[severity], enter) for severity, enter in rising)])
    colours = [*(_COLOURS[severity] for severity, _ in rising), _GOOD]
    return _steps(list(zip(colours, [None, *(enter for _, enter in rising)], strict=True)))


def _steps(steps: list[tuple[str, float | None]]) -> Json:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in steps]}
