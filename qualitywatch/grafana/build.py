"""A dashboard as Grafana's JSON.

Standard: dashboard schema 39 (Grafana 10.4); newer servers migrate it at load.  Panels flow over 24 columns from left to right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Ask, Counts, Lines, Totals
from qualitywatch.grafana.drawing import custom, options, plugin
from qualitywatch.grafana.figures import Figure, Unit
from qualitywatch.grafana.language import Json, Language, Query, datasource
from qualitywatch.grafana.panels import Board, Mark, Panel, Row, Shape, Variable
from qualitywatch.grafana.thresholds import thresholds
from qualitywatch.room import Limit

SCHEMA_VERSION: Final = 39
MOST_CELLS: Final = 120
TAG: Final = "qualitywatch"
_COLUMNS: Final = 24
_STATES: Final = ({"0": {"text": "down", "color": "red", "index": 0}, "1": {"text": "up", "color": "green", "index": 1}},)
_NOTHING: Final = "This data source does not keep this."
_GRAFANAS_OWN: Final[Json] = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def dashboard(board: Board, language: Language, limits: Sequence[Limit] = ()) -> Json:
    """Return one dashboard for one data source."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": [TAG],
        "timezone": "browser",
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": board.time_from, "to": "now"},
        "timepicker": {},
        "links": [_link()],
        "templating": {"list": [_variable(each, language) for each in board.variables]},
        "annotations": {"list": [_GRAFANAS_OWN, *(_mark(each, language) for each in board.marks)]},
        "panels": list(_placed(board, language, limits)),
    }


def _placed(board: Board, language: Language, limits: Sequence[Limit]) -> Iterable[Json]:
    x = y = tallest = 0
    for number, content in enumerate(board.contents, start=1):
        width, height = (content.width, content.height) if isinstance(content, Panel) else (_COLUMNS, 1)
        if x + width > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        place = {"h": height, "w": width, "x": x, "y": y}
        x, tallest = x + width, max(tallest, height)
        if isinstance(content, Row):
            yield {"id": number, "type": "row", "title": content.title, "collapsed": False, "gridPos": place, "panels": []}
        else:
            yield {"id": number, "gridPos": place, **_panel(content, language, limits)}


def _panel(panel: Panel, language: Language, limits: Sequence[Limit]) -> Json:
    queries = queries_of(panel, language)
    texts = [panel.description, "" if queries else _NOTHING]
    built: Json = {
        "type": plugin(panel.shape),
        "title": panel.title,
        "description": " ".join(filter(None, texts)),
        "datasource": datasource(language),
        "targets": [{**query.target, "datasource": datasource(language)} for _, query in queries],
        "fieldConfig": _fields(panel, queries, limits),
        "options": options(panel),
        "transformations": _transformations(panel, queries),
    }
    if panel.last:
        built["timeFrom"] = panel.last
    if panel.step:
        built["interval"] = panel.step
    if panel.shape is Shape.HEAT:
        built["maxDataPoints"] = MOST_CELLS  # of a peer; the plug-in draws nothing when cells are narrower than a pixel or two
    return built


def queries_of(panel: Panel, language: Language) -> list[tuple[Ask, Query]]:
    """What a panel asks, as far as the data source holds it."""
    asked = zip(panel.asks, ascii_uppercase, strict=False)
    return [(ask, query) for ask, ref in asked if (query := language.query(ask, ref)) is not None]


def _fields(panel: Panel, queries: Sequence[tuple[Ask, Query]], limits: Sequence[Limit]) -> Json:
    limited = thresholds(panel.figure, limits)
    is_limited = len(limited["steps"]) > 1
    by_limit = panel.shape in {Shape.HEAT, Shape.STAT, Shape.STATES}
    defaults: Json = {
        **_unit(panel.figure),
        "color": {"mode": "thresholds" if by_limit else "palette-classic"},
        "thresholds": limited,
        "custom": custom(panel, is_limited=is_limited),
    }
    if panel.figure is not None and panel.figure.unit is Unit.UP:
        defaults["mappings"] = [{"type": "value", "options": mapping} for mapping in _STATES]
    overrides = [_named(ask, query) for ask, query in queries if query.labels and isinstance(ask, Lines)]
    overrides += [_column(ask, limits) for ask, _ in queries if isinstance(ask, Totals)]
    overrides += [override for _, query in queries for override in query.overrides]
    if panel.shape is Shape.TABLE:
        overrides.append(_to_peer())
    return {"defaults": defaults, "overrides": overrides}


def _unit(figure: Figure | None) -> Json:
    if figure is None:
        return {}
    found: Json = {"unit": figure.unit, "min": 0}
    if figure.unit is Unit.UP:
        return {"unit": figure.unit}
    if figure.decimals is not None:
        found["decimals"] = figure.decimals
    if figure.at_most is not None:
        found["max"] = figure.at_most
    return found


def _named(ask: Lines, query: Query) -> Json:
    """Where series carry labels, their names are made of these."""
    legend = ask.legend
    for tag in ask.by:
        legend = legend.replace(f"{{{tag}}}", f"${{__field.labels.{tag}}}")
    matcher = {"id": "byFrameRefID", "options": query.target["refId"]}
    return {"matcher": matcher, "properties": [{"id": "displayName", "value": legend}]}


def _column(ask: Totals, limits: Sequence[Limit]) -> Json:
    properties = [{"id": name, "value": value} for name, value in _unit(ask.figure).items()]
    limited = thresholds(ask.figure, limits)
    if len(limited["steps"]) > 1:
        properties.append({"id": "thresholds", "value": limited})
        properties.append({"id": "color", "value": {"mode": "thresholds"}})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return {"matcher": {"id": "byName", "options": ask.name}, "properties": properties}


def _to_peer() -> Json:
    query = "var-pbx=${__data.fields.pbx:percentencode}&var-peer=${__data.fields.peer:percentencode}&${__url_time_range}"
    link = {"title": "Show this peer", "url": f"/d/{names.PEER}?{query}"}
    return {"matcher": {"id": "byName", "options": "peer"}, "properties": [{"id": "links", "value": [link]}]}


def _transformations(panel: Panel, queries: Sequence[tuple[Ask, Query]]) -> list[Json]:
    """Rows of several queries side by side, and headings; Prometheus calls each figure ``Value``."""
    found = [step for _, query in queries for step in query.transformations]
    if found or panel.shape not in {Shape.TABLE, Shape.CAUSES}:
        return found
    if len(queries) > 1:
        found.append({"id": "merge", "options": {}})
    headings = {f"Value #{query.target['refId']}": ask.name for ask, query in queries if isinstance(ask, Totals)}
    headings["Value"] = "Times"
    is_log = not any(isinstance(ask, Totals | Counts) for ask, _ in queries)
    hidden = {} if is_log else {"Time": True}
    if is_log:
        hidden = {"title": True, "tags": True}
    order = {name: place for place, name in enumerate(("time", "Time", "pbx", "peer", "rule", "severity", "kind", "text"))}
    found.append({"id": "organize", "options": {"excludeByName": hidden, "indexByName": order, "renameByName": headings}})
    return found


def _variable(variable: Variable, language: Language) -> Json:
    built: Json = {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": datasource(language),
        "refresh": 2,
        "sort": 1,
        "multi": not variable.one,
        "includeAll": not variable.one,
        "options": [],
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
        **language.values(variable.values),
    }
    if not variable.one:
        built["current"] = {"text": "All", "value": "$__all"}
        if language.all_value is not None:
            built["allValue"] = language.all_value
    return built


def _mark(mark: Mark, language: Language) -> Json:
    marks = language.marks(mark.log)
    return {
        "name": mark.name,
        "datasource": datasource(language),
        "enable": True,
        "hide": False,
        "iconColor": mark.colour,
        "target": {**marks.target, "refId": mark.name, "datasource": datasource(language)},
        **marks.beside,
    }


def _link() -> Json:
    return {
        "type": "dashboards",
        "title": "qualitywatch",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
