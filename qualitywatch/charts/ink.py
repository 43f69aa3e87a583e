"""Colours and sizes of a chart.

Directions have colours of the Okabe-Ito palette, somewhat darker, and differ in marker too, so that nobody has to see colours.
Sizes are in pixels of a picture 1080 wide, which a phone shows at a third: 24 pixels become the size of small print.
"""

from __future__ import annotations

from typing import Final

from qualitywatch.model import Direction, Severity

DPI: Final = 144
DAY_S: Final = 86_400.0  # the library counts time in days since 1970

INK: Final = "#222222"
PALE_INK: Final = "#666666"
GRID: Final = "#E3E3E3"
BASE: Final = "#AAAAAA"
SHADE: Final = "#F8EAE8"
SHADE_EDGE: Final = "#D9B5B1"
COLOURS: Final = {Direction.TO_PEER: "#0065A5", Direction.FROM_PEER: "#00A383"}
MARKERS: Final = {Direction.TO_PEER: "o", Direction.FROM_PEER: "^"}
LIMIT_COLOURS: Final = {Severity.INFO: "#777777", Severity.WARNING: "#B87A00", Severity.CRITICAL: "#C22F2F"}

DASHES: Final = (0, (5.0, 3.0))
DOTS: Final = (0, (1.0, 1.6))


def pt(pixels: float) -> float:
    """Return points, in which the library counts, for so many pixels of the picture."""
    return pixels * 72 / DPI
