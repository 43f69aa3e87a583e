"""One trunk: whether it stands, what becomes of its calls, and how they sound on which side."""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Counts, Lines, Scope
from qualitywatch.grafana.boards.common import PBX, TRUNK, alerts, both_ways, marks
from qualitywatch.grafana.figures import (
    ACD,
    ASR,
    CAUSE,
    CONCURRENT,
    DIAL_DELAY,
    JITTER_MAX,
    LOSS_MAX,
    MOS_MIN,
    NER,
    TRUNK_UP,
)
from qualitywatch.grafana.panels import Board, Panel, Row, Shape

_TRUNK: Final[Scope] = {"pbx": PBX.name, "trunk": TRUNK.name}
_SUBJECT: Final[Scope] = {"pbx": PBX.name, "peer|trunk": TRUNK.name}
_STEP: Final = "15m"

BOARD: Final = Board(
    names.TRUNK,
    "Trunk",
    "One trunk: registration, calls that got through, causes, loss by side.",
    (PBX, TRUNK),
    marks(_SUBJECT),
    (
        Panel("Registration", Shape.STATES, 24, 4, (Lines(TRUNK_UP, ("trunk",), _TRUNK, "{trunk}"),), TRUNK_UP, step="15s"),
        Row("What becomes of calls"),
        Panel(
            "Answered and delivered",
            Shape.LINES,
            12,
            8,
            (Lines(ASR, (), _TRUNK, "answered (ASR)"), Lines(NER, (), _TRUNK, "delivered (NER)")),
            ASR,
            "Shares of the calls tried; busy and unanswered calls are delivered ones (ITU-T E.425).",
            step=_STEP,
        ),
        Panel("Length of answered calls (ACD)", Shape.LINES, 12, 8, (Lines(ACD, (), _TRUNK, "average"),), ACD, step=_STEP),
        Panel("Hangup causes", Shape.CAUSES, 12, 8, (Counts(CAUSE, _TRUNK),), CAUSE, "Numbers of ITU-T Q.850."),
        Panel("Calls at once", Shape.LINES, 12, 8, (Lines(CONCURRENT, (), _TRUNK, "calls"),), CONCURRENT, step="1m"),
        Panel("Time until it rings", Shape.LINES, 12, 8, (Lines(DIAL_DELAY, (), _TRUNK, "average"),), DIAL_DELAY, step=_STEP),
        Row("How they sound"),
        Panel("Loss by side", Shape.LINES, 12, 8, both_ways(LOSS_MAX, _TRUNK, of="the provider"), LOSS_MAX, step="15s"),
        Panel("Jitter by side", Shape.LINES, 12, 8, both_ways(JITTER_MAX, _TRUNK, of="the provider"), JITTER_MAX, step="15s"),
        Panel("MOS by side", Shape.LINES, 12, 8, both_ways(MOS_MIN, _TRUNK, of="the provider"), MOS_MIN, step="15s"),
        alerts(_SUBJECT, width=12),
    ),
)
