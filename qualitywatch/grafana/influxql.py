"""Asks as InfluxQL, for InfluxDB 1.x.

``$timeFilter`` and ``$__interval`` are Grafana's; ``${peer:regex}`` is a variable's choice as a regular expression, slashes
escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.grafana.asks import EITHER, Ask, Counts, Lines, Log, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import Figure, How
from qualitywatch.grafana.language import EVENT_KINDS, MOST_ROWS, Json, Marks, Query

_FUNCTIONS: Final = {How.MAX: "max", How.MIN: "min", How.LAST: "last", How.COUNT: "count"}


class InfluxQl:
    """``language.Language``."""

    plugin = "influxdb"
    all_value = ".*"

    def query(self, ask: Ask, ref: str) -> Query | None:
        """The query of a panel."""
        match ask:
            case Lines():
                where = _where(ask.figure, ask.scope, ask.only)
                text = (
                    f'SELECT {_value(ask.figure)} FROM "{ask.figure.measurement}" WHERE {where} '  # noqa: S608
                    f"GROUP BY time($__interval){_by(ask.by, ', ')} fill(none)"
                )
                return _query(text, ref, "time_series", alias=_alias(ask.legend, ask.by))
            case Totals():
                text = (
                    f'SELECT {_value(ask.figure)} AS "{ask.name}" FROM "{ask.figure.measurement}" '  # noqa: S608
                    f"WHERE {_where(ask.figure, ask.scope, ask.only)}{_by(ask.by, ' GROUP BY ')}"
                )
                return _query(text, ref, "table")
            case Counts(figure):
                # Only tags can be grouped by: the rows are counted by Grafana.
                name = figure.field
                text = f'SELECT "{name}" AS "{name}" FROM "{figure.measurement}" WHERE {_where(figure, ask.scope, {})}'  # noqa: S608
                return _query(text, ref, "table", transformations=_counted(name))
            case Log():
                return _query(f"{_story(ask)} ORDER BY time DESC LIMIT {MOST_ROWS}", ref, "table")

    def values(self, ask: Values) -> Json:
        """What a variable asks for; time plays no part in it."""
        terms = _terms(ask.scope, {})
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        measurements = ", ".join(f'"{figure.measurement}"' for figure in ask.figures)
        return {"query": f'SHOW TAG VALUES FROM {measurements} WITH KEY = "{ask.tag}"{where}'}

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation, and which columns are what."""
        text = f"{_story(ask)} LIMIT 1000"
        tags = "rule,severity" if ask.story is Story.ALERTS else "kind"
        words = {"query": text, "titleColumn": "peer", "textColumn": "text", "tagsColumn": tags}
        return Marks({"query": text, "rawQuery": True}, text, words)


def _query(text: str, ref: str, shape: str, *, alias: str = "", transformations: tuple[Json, ...] = ()) -> Query:
    target: Json = {"refId": ref, "rawQuery": True, "query": text, "resultFormat": shape}
    if alias:
        target["alias"] = alias
    return Query(target, text, transformations=transformations)


def _value(figure: Figure) -> str:
    if figure.how is How.RATIO:
        factor = f"{figure.factor:g} * " if figure.factor != 1.0 else ""
        return f'{factor}sum("{figure.field}") / sum("{figure.over}")'
    return f'{_FUNCTIONS[figure.how]}("{figure.field}")'


def _where(figure: Figure, scope: Scope, only: Mapping[str, str]) -> str:
    return " AND ".join(["$timeFilter", *_terms(scope, {**figure.tags, **only})])


def _terms(scope: Scope, only: Mapping[str, str]) -> list[str]:
    fixed = [f"\"{tag}\" = '{text}'" for tag, text in only.items()]
    return [*fixed, *(_matches(tags, variable) for tags, variable in scope.items())]


def _matches(tags: str, variable: str) -> str:
    either = [f'"{tag}" =~ /^${{{variable}:regex}}$/' for tag in tags.split(EITHER)]
    return either[0] if len(either) == 1 else f"({' OR '.join(either)})"


def _by(tags: tuple[str, ...], before: str) -> str:
    return before + ", ".join(f'"{tag}"' for tag in tags) if tags else ""


def _alias(legend: str, tags: tuple[str, ...]) -> str:
    for tag in tags:
        legend = legend.replace(f"{{{tag}}}", f"$tag_{tag}")
    return legend


def _story(ask: Log) -> str:
    if ask.story is Story.ALERTS:
        return f'SELECT "text", "pbx", "peer", "rule", "severity" FROM "alert" WHERE {" AND ".join(_parts(ask.scope))}'  # noqa: S608
    kinds = " OR ".join(f"\"kind\" = '{kind}'" for kind in EVENT_KINDS[ask.story])
    where = " AND ".join([*_parts(ask.scope), f"({kinds})"])
    return f'SELECT "text", "pbx", "peer", "kind" FROM "event" WHERE {where}'  # noqa: S608


def _parts(scope: Scope) -> list[str]:
    return ["$timeFilter", *_terms(scope, {})]


def _counted(name: str) -> tuple[Json, ...]:
    """Rows to counts by value."""
    fields = {name: {"aggregations": [], "operation": "groupby"}, "Time": {"aggregations": ["count"], "operation": "aggregate"}}
    return (
        {
            "id": "convertFieldType",
            "options": {"conversions": [{"targetField": name, "destinationType": "string"}], "fields": {}},
        },
        {"id": "groupBy", "options": {"fields": fields}},
    )
