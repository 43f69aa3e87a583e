"""Asks as MetricsQL, the PromQL of VictoriaMetrics; a field of a measurement is a metric there, such as ``loss_percent``.

Texts of fields are not kept there (a text is stored as 0), so what is told in words is counted instead.  How the daemon itself
does comes from its ``/metrics``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Final

from qualitywatch.grafana.asks import EITHER, Ask, Counts, Lines, Log, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import EVENTS, FIRING, LAG, LINES, OUTBOX, SPOOL, Figure, How
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
# Of the daemon's own /metrics: name, and whether it is a counter.
_INTERNAL: Final[Mapping[str, tuple[str, bool]]] = {
    EVENTS.name: ("qualitywatch_events_total", True),
    LAG.name: ("qualitywatch_lag_seconds", False),
    LINES.name: ("qualitywatch_sink_lines_total", True),
    SPOOL.name: ("qualitywatch_sink_spool_lines", False),
    OUTBOX.name: ("qualitywatch_outbox_waiting", False),
    FIRING.name: ("qualitywatch_alerts_firing", False),
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
                return _query(_counted(ask, "$__range"), ref, "table")

    def values(self, ask: Values) -> Json:
        """What a variable asks for."""
        name = f'__name__=~"{"|".join(map(_metric, ask.figures))}"'
        rest = _labels(ask.scope, {}).strip("{}")
        text = "label_values({" + ", ".join(filter(None, (name, rest))) + f"}}, {ask.tag})"
        return {"query": {"query": text, "refId": "values"}}

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation: one mark for each stretch of time in which something was told."""
        text = _counted(ask, _MARK_STEP)
        is_alert = ask.story is Story.ALERTS
        words = {
            "step": _MARK_STEP,
            "titleFormat": "{{peer}}",
            "textFormat": "{{rule}} {{severity}}" if is_alert else "{{kind}}",
            "tagKeys": "rule,severity" if is_alert else "kind",
        }
        return Marks({"expr": text, "interval": _MARK_STEP}, text, {"expr": text, **words})


def _query(text: str, ref: str, shape: str, *, legend: str = "") -> Query:
    instant = shape == "table"
    target: Json = {"refId": ref, "expr": text, "format": shape, "instant": instant, "range": not instant, "editorMode": "code"}
    if legend:
        target["legendFormat"] = legend
    return Query(target, text)


def _value(figure: Figure, by: tuple[str, ...], scope: Scope, only: Mapping[str, str], span: str) -> str:
    group = f" by ({', '.join(by)})" if by else ""
    labels = _labels(scope, {**figure.tags, **only})
    if figure.name in _INTERNAL:
        metric, is_counter = _INTERNAL[figure.name]
        if is_counter:
            return f"sum{group} (rate({metric}{labels}[$__rate_interval]))"
        return f"max{group} (max_over_time({metric}{labels}[{span}]))"
    series = f"{_metric(figure)}{labels}"
    if figure.how is How.RATIO:
        over = f"{figure.measurement}_{figure.over}{labels}"
        factor = f"{figure.factor:g} * " if figure.factor != 1.0 else ""
        return f"{factor}sum{group} (sum_over_time({series}[{span}])) / sum{group} (sum_over_time({over}[{span}]))"
    return f"{_OUTER[figure.how]}{group} ({_INNER[figure.how]}({series}[{span}]))"


def _metric(figure: Figure) -> str:
    return _INTERNAL[figure.name][0] if figure.name in _INTERNAL else f"{figure.measurement}_{figure.field}"


def _labels(scope: Scope, only: Mapping[str, str]) -> str:
    fixed = [f'{tag}="{text}"' for tag, text in only.items()]
    terms = [*fixed, *(f'{tag}=~"${variable}"' for tag, variable in scope.items())]
    return "{" + ", ".join(terms) + "}" if terms else ""


def _counted(ask: Log, span: str) -> str:
    """How often each thing was told; older servers know no ``or`` within the braces, so each choice of tags is asked for."""
    choices = product(*([(tag, variable) for tag in tags.split(EITHER)] for tags, variable in ask.scope.items()))
    each = [f"sum by ({_told(ask.story)}) (count_over_time({_story(ask.story, dict(scope))}[{span}]))" for scope in choices]
    return " or ".join(each)


def _told(story: Story) -> str:
    return "pbx, peer, rule, severity" if story is Story.ALERTS else "pbx, peer, kind"


def _story(story: Story, scope: Scope) -> str:
    if story is Story.ALERTS:
        return f"alert_firing{_labels(scope, {})}"
    kinds = f'kind=~"{"|".join(EVENT_KINDS[story])}"'
    rest = _labels(scope, {}).strip("{}")
    return "event_text{" + ", ".join(filter(None, (kinds, rest))) + "}"
