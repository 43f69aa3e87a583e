"""What a dashboard is made of: panels on a grid of 24 columns, variables and annotations; no JSON, no query language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qualitywatch.grafana.asks import Ask, Log, One, Values
from qualitywatch.grafana.figures import Figure


class Shape(StrEnum):
    """Grafana's ids of panels."""

    LINES = "timeseries"
    BARS = "bars"  # a time series, drawn so
    STAT = "stat"
    STATES = "state-timeline"
    HEAT = "status-history"
    TABLE = "table"
    CAUSES = "bargauge"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.  ``figure`` gives unit and thresholds; of a table every column has those of its own ask.

    ``last``: what is shown is not the dashboard's time, but always this one; ``step``: points are at least so far apart.
    """

    title: str
    shape: Shape
    width: int
    height: int
    asks: tuple[Ask, ...]
    figure: Figure | None = None
    description: str = ""
    last: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading over what follows."""

    title: str


@dataclass(frozen=True, slots=True)
class Variable:
    """Something to choose at the top of a dashboard."""

    name: str
    label: str
    values: Values

    @property
    def one(self) -> bool:
        """A single one, no "All"."""
        return isinstance(self.name, One)


@dataclass(frozen=True, slots=True)
class Mark:
    """An annotation on every chart."""

    name: str
    colour: str
    log: Log


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    marks: tuple[Mark, ...]
    contents: tuple[Panel | Row, ...]
    time_from: str = "now-6h"
