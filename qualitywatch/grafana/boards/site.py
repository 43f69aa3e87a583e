"""One place with many phones: is it the line that they share?"""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Lines, Scope
from qualitywatch.grafana.boards.common import PBX, SITE, alerts, both_ways, marks, worst
from qualitywatch.grafana.figures import JITTER_MAX, LOSS, LOSS_MAX, MOS_MIN, RTT_MAX
from qualitywatch.grafana.panels import Board, Panel, Shape

_SITE: Final[Scope] = {"pbx": "pbx", "site": "site"}
_SUBJECT: Final[Scope] = {"pbx": "pbx", "peer|site": "site"}
_BY: Final = ("site",)

BOARD: Final = Board(
    names.SITE,
    "Site",
    "The phones of one site together.",
    (PBX, SITE),
    marks(_SUBJECT),
    (
        Panel(
            "Loss of all its calls",
            Shape.LINES,
            12,
            8,
            both_ways(LOSS, _SITE, _BY, of="its phones"),
            LOSS,
            "Lost packets over expected packets of all phones together.",
            step="1m",
        ),
        Panel(
            "Jitter, worst phone", Shape.LINES, 12, 8, both_ways(JITTER_MAX, _SITE, _BY, of="its phones"), JITTER_MAX, step="1m"
        ),
        Panel("Round trip, worst phone", Shape.LINES, 12, 8, (Lines(RTT_MAX, _BY, _SITE, "{site}"),), RTT_MAX, step="1m"),
        Panel("MOS, worst phone", Shape.LINES, 12, 8, both_ways(MOS_MIN, _SITE, _BY, of="its phones"), MOS_MIN, step="1m"),
        Panel("Loss by phone", Shape.HEAT, 24, 10, (Lines(LOSS_MAX, ("peer",), _SITE, "{peer}"),), LOSS_MAX, step="1m"),
        worst("Its phones", _SITE),
        alerts(_SUBJECT),
    ),
)
