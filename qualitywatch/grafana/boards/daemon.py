"""Who watches the watcher: how much it hears, how far behind it is, what waits to be written or told."""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Lines
from qualitywatch.grafana.boards.common import OF_PBX, PBX, marks
from qualitywatch.grafana.figures import EVENTS, FIRING, LAG, LINES, OUTBOX, SPOOL
from qualitywatch.grafana.panels import Board, Panel, Shape

BOARD: Final = Board(
    names.DAEMON,
    "Daemon",
    "qualitywatch itself: events, lag, what waits in sinks and outbox.",
    (PBX,),
    marks(OF_PBX),
    (
        Panel("Events of the PBX", Shape.LINES, 12, 8, (Lines(EVENTS, ("pbx",), OF_PBX, "{pbx}"),), EVENTS, step="1m"),
        Panel("Behind by", Shape.LINES, 12, 8, (Lines(LAG, ("pbx",), OF_PBX, "{pbx}"),), LAG, step="1m"),
        Panel(
            "Lines written to databases, each second",
            Shape.LINES,
            12,
            8,
            (Lines(LINES, ("sink", "outcome"), {}, "{sink}: {outcome}"),),
            LINES,
            step="1m",
        ),
        Panel("Lines waiting on disk", Shape.LINES, 12, 8, (Lines(SPOOL, ("sink",), {}, "{sink}"),), SPOOL, step="1m"),
        Panel("Messages waiting to be told", Shape.LINES, 12, 8, (Lines(OUTBOX, (), {}, "waiting"),), OUTBOX, step="1m"),
        Panel("Alerts firing", Shape.LINES, 12, 8, (Lines(FIRING, ("severity",), {}, "{severity}"),), FIRING, step="1m"),
    ),
)
