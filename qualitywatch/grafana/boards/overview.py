"""The first look: do the trunks stand, who suffers, what was told."""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Lines
from qualitywatch.grafana.boards.common import OF_PBX, PBX, alerts, marks, worst
from qualitywatch.grafana.figures import JITTER_MAX, LOSS_MAX, TRUNK_UP
from qualitywatch.grafana.panels import Board, Panel, Row, Shape

_PEERS: Final = ("pbx", "peer")

BOARD: Final = Board(
    names.OVERVIEW,
    "Overview",
    "Trunks, worst peers, loss and jitter of all peers, alerts.",
    (PBX,),
    marks(OF_PBX),
    (
        Panel(
            "Trunks",
            Shape.STAT,
            24,
            4,
            (Lines(TRUNK_UP, ("pbx", "trunk"), OF_PBX, "{trunk} · {pbx}"),),
            TRUNK_UP,
            "Our registrations as they were told last.",
        ),
        worst("Worst peers of the last 15 minutes", OF_PBX, last_m=15),
        Row("All peers"),
        Panel(
            "Loss",
            Shape.HEAT,
            24,
            10,
            (Lines(LOSS_MAX, _PEERS, OF_PBX, "{peer} · {pbx}"),),
            LOSS_MAX,
            "The worst report of either direction.",
            step="1m",
        ),
        Panel(
            "Jitter",
            Shape.HEAT,
            24,
            10,
            (Lines(JITTER_MAX, _PEERS, OF_PBX, "{peer} · {pbx}"),),
            JITTER_MAX,
            "The worst report of either direction.",
            step="1m",
        ),
        Row("What was told"),
        alerts(OF_PBX),
    ),
)
