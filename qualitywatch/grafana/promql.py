"""Asks as MetricsQL, the PromQL of VictoriaMetrics; a field of a measurement is a metric there, such as ``loss_percent``.

Texts of fields are not kept there (a text is stored as 0): of what is told in words the tags are shown, and when it was told
last.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Final

from qualitywatch.grafana.asks import EITHER, Ask, Counts, Lines, Log, One, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import Figure, How
from qualitywatch.grafana.language import EVENT_KINDS, Json, Marks, Query

_OUTER: Final = {How.MAX: "max", How.MIN: "min", How.LAST: "min", How.COUNT: "sum"}
_INNER: Final = {
    How.MAX: "max_over_time",
    How.MIN: "min_over_time",
    How.LAST: "last_over_time",
    How.COUNT: "count_over_time",
}
# Of ITU-T Q.850 and causes.h of Asterisk.  Older servers know no function that counts whatever values there are.
CAUSES: Final = (
    *(0, 1, 2, 3, 5, 6, 7, 14, 16, 17, 18, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30, 31, 34, 38, 41, 42, 43, 44, 45, 50, 52, 54),
    *(57, 58, 63, 65, 66, 69, 79, 81, 87, 88, 95, 96, 97, 98, 99, 100, 101, 102, 103, 111, 127),
)
_MARK_STEP: Final = "15s"
_TOLD_OF: Final[Mapping[Story, tuple[str, ...]]] = {
    Story.ALERTS: ("pbx", "peer", "rule", "severity"),
    Story.AGENTS: ("pbx", "peer", "agent"),
    Story.RESTARTS: ("pbx", "peer", "kind"),
}
_LAST: Final = "last told"
_AS_TIME: Final[Json] = {
    "matcher": {"id": "byName", "options": _LAST},
    "properties": [{"id": "unit", "value": "dateTimeAsLocal"}, {"id": "custom.width", "value": 180}],
}


class PromQl:
    """``language.Language``."""

    plugin = "prometheus"
    all_value = ".*"

    def query(self, ask: Ask, ref: str) -> Query:
        """The query of a panel."""
        match ask:
            case Lines(figure, by, scope, legend, only):
                for tag in by:
                    legend = legend.replace(f"{{{tag}}}", f"{{{{{tag}}}}}")
                return _query(_value(figure, by, scope, only, "$__interval"), ref, "time_series", legend=legend)
            case Totals(figure, by, scope, _, only):
                return _query(_value(figure, by, scope, only, "$__range"), ref, "table")
            case Counts(figure, scope):
                series = f"{_metric(figure)}{_labels(scope, figure.tags)}"
                one = f'label_set(sum(count_eq_over_time({series}[$__range], n)), "{figure.field}", text)'
                each = ", ".join(f'of({cause}, "{cause}")' for cause in CAUSES)
                return _query(f"WITH (of(n, text) = {one}) union({each}) > 0", ref, "table")
            case Log():
                last = f"sort_desc({_told(ask, 'max', 'tlast_over_time', '$__range')} * 1000)"
                return _query(last, ref, "table", transformations=_headed(ask), overrides=(_AS_TIME,))

    def values(self, ask: Values) -> Json:
        """What a variable asks for."""
        name = f'__name__=~"{"|".join(map(_metric, ask.figures))}"'
        rest = _labels(ask.scope, {}).strip("{}")
        text = "label_values({" + ", ".join(filter(None, (name, rest))) + f"}}, {ask.tag})"
        return {"query": {"query": text, "refId": "values"}}

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation: one mark for each stretch of time in which something was told."""
        text = _told(ask, "sum", "count_over_time", _MARK_STEP)
        is_alert = ask.story is Story.ALERTS
        words = {
            "step": _MARK_STEP,
            "titleFormat": "{{peer}}",
            "textFormat": "{{rule}} {{severity}}" if is_alert else "{{kind}}",
            "tagKeys": "rule,severity" if is_alert else "kind",
        }
        return Marks({"expr": text, "interval": _MARK_STEP}, text, {"expr": text, **words})


def _query(
    text: str,
    ref: str,
    shape: str,
    *,
    legend: str = "",
    transformations: tuple[Json, ...] = (),
    overrides: tuple[Json, ...] = (),
) -> Query:
    instant = shape == "table"
    target: Json = {"refId": ref, "expr": text, "format": shape, "instant": instant, "range": not instant, "editorMode": "code"}
    if legend:
        target["legendFormat"] = legend
    return Query(target, text, transformations=transformations, overrides=overrides)


def _value(figure: Figure, by: tuple[str, ...], scope: Scope, only: Mapping[str, str], span: str) -> str:
    group = f" by ({', '.join(by)})" if by else ""
    labels = _labels(scope, {**figure.tags, **only})
    series = f"{_metric(figure)}{labels}"
    if figure.how is How.RATIO:
        over = f"{figure.measurement}_{figure.over}{labels}"
        factor = f"{figure.factor:g} * " if figure.factor != 1.0 else ""
        return f"{factor}sum{group} (sum_over_time({series}[{span}])) / sum{group} (sum_over_time({over}[{span}]))"
    return f"{_OUTER[figure.how]}{group} ({_INNER[figure.how]}({series}[{span}]))"


def _metric(figure: Figure) -> str:
    return f"{figure.measurement}_{figure.field}"


def _labels(scope: Scope, only: Mapping[str, str]) -> str:
    fixed = [f'{tag}="{text}"' for tag, text in only.items()]
    terms = [*fixed, *(_matches(tag, variable) for tag, variable in scope.items())]
    return "{" + ", ".join(terms) + "}" if terms else ""


def _matches(tag: str, variable: str) -> str:
    """Grafana escapes signs of regular expressions only in what can be several: a ``+`` of a single text would be one."""
    return f'{tag}{"=" if isinstance(variable, One) else "=~"}"${variable}"'


def _told(ask: Log, outer: str, inner: str, span: str) -> str:
    """Each thing that was told; older servers know no ``or`` within the braces, so each choice of tags is asked for."""
    choices = product(*([(tag, variable) for tag in tags.split(EITHER)] for tags, variable in ask.scope.items()))
    by = ", ".join(_TOLD_OF[ask.story])
    each = [f"{outer} by ({by}) ({inner}({_story(ask.story, dict(scope))}[{span}]))" for scope in choices]
    return each[0] if len(each) == 1 else f"({' or '.join(each)})"


def _headed(ask: Log) -> tuple[Json, ...]:
    order = {name: place for place, name in enumerate(("Value", *_TOLD_OF[ask.story]))}
    shown = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": {"Value": _LAST}}
    return ({"id": "organize", "options": shown},)


def _story(story: Story, scope: Scope) -> str:
    if story is Story.ALERTS:
        return f"alert_firing{_labels(scope, {})}"
    kinds = f'kind=~"{"|".join(EVENT_KINDS[story])}"'
    rest = _labels(scope, {}).strip("{}")
    return "event_text{" + ", ".join(filter(None, (kinds, rest))) + "}"
