"""Asks as Flux, for InfluxDB 2.x.

The bucket is the data source's own (``v.defaultBucket``), the time is Grafana's (``v``); ``${peer:regex}`` is a variable's
choice as a regular expression, slashes escaped.  A tag that a series lacks is no text: it is asked for before it is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from qualitywatch.grafana.asks import EITHER, Ask, Counts, Lines, Log, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import How
from qualitywatch.grafana.language import EVENT_KINDS, MOST_ROWS, Json, Marks, Query

_FROM: Final = "from(bucket: v.defaultBucket)\n  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)"
_FUNCTIONS: Final = {How.MAX: "max", How.MIN: "min", How.LAST: "last", How.COUNT: "count", How.RATIO: "sum"}


class Flux:
    """``language.Language``."""

    plugin = "influxdb"
    all_value = ".*"

    def query(self, ask: Ask, ref: str) -> Query:
        """The query of a panel."""
        match ask:
            case Lines():
                window = f"aggregateWindow(every: v.windowPeriod, fn: {_FUNCTIONS[ask.figure.how]}, createEmpty: false)"
                return _query(
                    _pipe(*_figure(ask, window), f"keep(columns: {_list(['_time', '_value', *ask.by])})"), ref, labels=True
                )
            case Totals():
                named = f'rename(columns: {{_value: "{ask.name}"}})'
                steps = (
                    *_figure(ask, f"{_FUNCTIONS[ask.figure.how]}()"),
                    "group()",
                    f"keep(columns: {_list(['_value', *ask.by])})",
                )
                return _query(_pipe(*steps, named), ref)
            case Counts(figure):
                steps = (
                    *_filters(figure.measurement, (figure.field,), ask.scope, figure.tags),
                    f"map(fn: (r) => ({{{figure.field}: string(v: r._value), _value: 1}}))",
                    f'group(columns: ["{figure.field}"])',
                    "sum()",
                    "group()",
                )
                return _query(_pipe(*steps), ref)
            case Log():
                steps = ('sort(columns: ["_time"], desc: true)', f"limit(n: {MOST_ROWS})", 'rename(columns: {_time: "time"})')
                return _query(_pipe(*_story(ask), *steps), ref)

    def values(self, ask: Values) -> Json:
        """What a variable asks for, within the time shown."""
        either = " or ".join(f'r._measurement == "{figure.measurement}"' for figure in ask.figures)
        loose = [f"(not exists r.{tag} or {_matches(tag, variable)})" for tag, variable in ask.scope.items()]
        predicate = " and ".join([f"({either})", *loose])
        text = (
            'import "influxdata/influxdb/schema"\n'
            f'schema.tagValues(bucket: v.defaultBucket, tag: "{ask.tag}", '
            f"predicate: (r) => {predicate}, start: v.timeRangeStart)"
        )
        return {"query": text}

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation; Grafana knows the columns by their names."""
        text = _pipe(*_story(ask), 'rename(columns: {_time: "time"})')
        return Marks({"query": text}, text)


def _query(text: str, ref: str, *, labels: bool = False) -> Query:
    return Query({"refId": ref, "query": text}, text, labels=labels)


def _pipe(*steps: str) -> str:
    return "\n  |> ".join((_FROM, *steps))


def _figure(ask: Lines | Totals, aggregate: str) -> Iterable[str]:
    figure, by = ask.figure, list(ask.by)
    is_ratio = figure.how is How.RATIO
    yield from _filters(
        figure.measurement, (figure.field, figure.over) if is_ratio else (figure.field,), ask.scope, {**figure.tags, **ask.only}
    )
    yield f"group(columns: {_list([*by, '_field'] if is_ratio else by)})"
    if figure.how is How.LAST:
        yield 'sort(columns: ["_time"])'
    yield aggregate
    if is_ratio:
        row = ['"_time"'] if isinstance(ask, Lines) else [f'"{tag}"' for tag in by]
        yield f"group(columns: {_list(by)})"
        yield f'pivot(rowKey: [{", ".join(row)}], columnKey: ["_field"], valueColumn: "_value")'
        yield f"filter(fn: (r) => exists r.{figure.field} and r.{figure.over} > 0.0)"
        yield f"map(fn: (r) => ({{r with _value: {figure.factor:.1f} * r.{figure.field} / r.{figure.over}}}))"


def _filters(measurement: str, fields: Iterable[str], scope: Scope, only: Mapping[str, str]) -> Iterable[str]:
    either = " or ".join(f'r._field == "{field}"' for field in fields)
    yield f'filter(fn: (r) => r._measurement == "{measurement}" and ({either}))'
    terms = [f'r.{tag} == "{text}"' for tag, text in only.items()]
    terms += [_matches(tag, variable) for tag, variable in scope.items()]
    if terms:
        yield f"filter(fn: (r) => {' and '.join(terms)})"


def _matches(tags: str, variable: str) -> str:
    names = tags.split(EITHER)
    if len(names) == 1:
        return f"r.{tags} =~ /^${{{variable}:regex}}$/"
    either = " or ".join(f"(exists r.{tag} and {_matches(tag, variable)})" for tag in names)
    return f"({either})"


def _story(ask: Log) -> Iterable[str]:
    if ask.story is Story.ALERTS:
        yield from _filters("alert", ("text",), ask.scope, {})
        columns = ["_time", "text", "pbx", "peer", "rule", "severity"]
    else:
        yield from _filters("event", ("text",), ask.scope, {})
        kinds = " or ".join(f'r.kind == "{kind}"' for kind in EVENT_KINDS[ask.story])
        yield f"filter(fn: (r) => {kinds})"
        columns = ["_time", "text", "pbx", "peer", "kind"]
    yield "group()"
    yield 'rename(columns: {_value: "text"})'
    yield f"keep(columns: {_list(columns)})"


def _list(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
