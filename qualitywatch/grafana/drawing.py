"""How each shape of panel is drawn: the options of Grafana's plug-ins."""

from __future__ import annotations

from typing import Final

from qualitywatch.document.duration import parse_duration_s
from qualitywatch.grafana.asks import Totals
from qualitywatch.grafana.language import Json
from qualitywatch.grafana.panels import Panel, Shape

_GAP_MS: Final = 300_000  # no line is drawn over a longer time without reports
_PEERS_A_PAGE: Final = 40
_LEGEND: Final[Json] = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_LAST: Final[Json] = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def plugin(shape: Shape) -> str:
    """Grafana's id of the panel's plug-in."""
    return Shape.LINES.value if shape is Shape.BARS else shape.value


def options(panel: Panel) -> Json:
    """What the plug-in is told."""
    match panel.shape:
        case Shape.LINES | Shape.BARS:
            return {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}
        case Shape.STAT:
            return {
                "colorMode": "background",
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": _LAST,
                "showPercentChange": False,
                "textMode": "value_and_name",
                "wideLayout": True,
            }
        case Shape.STATES:
            return {
                "alignValue": "left",
                "legend": _LEGEND,
                "mergeValues": True,
                "rowHeight": 0.9,
                "showValue": "auto",
                "tooltip": {"mode": "single", "sort": "none"},
            }
        case Shape.HEAT:
            hidden = {**_LEGEND, "showLegend": False}
            tooltip = {"mode": "single", "sort": "none"}
            return {"legend": hidden, "perPage": _PEERS_A_PAGE, "rowHeight": 0.9, "showValue": "never", "tooltip": tooltip}
        case Shape.TABLE:
            sort = [{"desc": True, "displayName": panel.asks[0].name}] if isinstance(panel.asks[0], Totals) else []
            return {"cellHeight": "sm", "frameIndex": 0, "showHeader": True, "sortBy": sort}
        case Shape.CAUSES:
            return {
                "displayMode": "basic",
                "legend": {**_LEGEND, "showLegend": False},
                "maxVizHeight": 300,
                "minVizHeight": 16,
                "minVizWidth": 8,
                "namePlacement": "auto",
                "orientation": "horizontal",
                "reduceOptions": {**_LAST, "values": True},
                "showUnfilled": True,
                "sizing": "auto",
                "valueMode": "color",
            }


def custom(panel: Panel, *, is_limited: bool) -> Json:
    """What the plug-in is told of each field."""
    match panel.shape:
        case Shape.LINES | Shape.BARS:
            step_s = parse_duration_s(panel.step) or 0.0
            return {
                "drawStyle": "bars" if panel.shape is Shape.BARS else "line",
                "fillOpacity": 60 if panel.shape is Shape.BARS else 0,
                "lineWidth": 1,
                "pointSize": 4,
                "showPoints": "auto",
                "spanNulls": False,
                "insertNulls": max(_GAP_MS, round(3000 * step_s)),
                "thresholdsStyle": {"mode": "line+area" if is_limited else "off"},
            }
        case Shape.STATES | Shape.HEAT:
            return {"fillOpacity": 80, "lineWidth": 0}
        case Shape.TABLE:
            return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True}
        case Shape.STAT | Shape.CAUSES:
            return {}
