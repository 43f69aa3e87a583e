"""Queries with everything filled in that Grafana fills in: variables in their formats, times, intervals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qualitywatch.grafana.asks import Ask
from qualitywatch.grafana.build import queries_of
from qualitywatch.grafana.language import Language, Query
from qualitywatch.grafana.panels import Board, Panel
from qualitywatch.grafana.registry import BOARDS

ALL = ".*"
INTERVAL_S = 60
VARIABLES = {variable.name: variable for board in BOARDS for variable in board.variables}
SINGLE = {name for name, variable in VARIABLES.items() if variable.one}
Choices = Mapping[str, Sequence[str] | str]  # texts by variable, or what stands for all of them


@dataclass(frozen=True)
class Span:
    """The time a dashboard shows, in Unix seconds."""

    since: float
    until: float


@dataclass(frozen=True)
class Asked:
    """One query of one panel."""

    board: Board
    panel: Panel
    ask: Ask
    query: Query

    def __str__(self) -> str:
        return f"{self.board.title} / {self.panel.title} / {self.query.target['refId']}"


def asked(language: Language) -> Iterator[Asked]:
    """Every query of every panel of every dashboard."""
    for board in BOARDS:
        for panel in board.contents:
            if isinstance(panel, Panel):
                yield from (Asked(board, panel, ask, query) for ask, query in queries_of(panel, language))


def filled(text: str, choices: Choices, span: Span) -> str:
    """A query as it is sent."""
    range_s = round(span.until - span.since)
    found = text.replace("$timeFilter", f"time >= {round(span.since * 1000)}ms and time <= {round(span.until * 1000)}ms")
    for name, value in (
        ("$__interval_ms", str(INTERVAL_S * 1000)),
        ("$__rate_interval", f"{4 * INTERVAL_S}s"),
        ("$__interval", f"{INTERVAL_S}s"),
        ("$__range", f"{range_s}s"),
        ("$__from", str(round(span.since * 1000))),
        ("$__to", str(round(span.until * 1000))),
    ):
        found = found.replace(name, value)
    for name, texts in choices.items():
        found = found.replace(f"${{{name}:regex}}", _one_of(texts, _for_slashes))
        if f"${{{name}:sqlstring}}" in found:
            found = found.replace(f"${{{name}:sqlstring}}", _quoted(texts))
        for_prometheus = _regular_for_prometheus if name in SINGLE else _for_prometheus
        if re.search(rf"\${name}\b", found):
            assert name not in SINGLE or len(texts) == 1, f"one {name} is chosen"
            text = _one_of(texts, for_prometheus)
            found = re.sub(rf"\${name}\b", lambda match, text=text: text, found)  # type: ignore[misc]
    assert not re.search(r"\$[_{a-z]", found), f"not filled in: {found}"
    return found


def _one_of(texts: Sequence[str] | str, escape: object) -> str:
    if isinstance(texts, str):
        return texts
    assert callable(escape)
    escaped = [escape(text) for text in texts]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _for_slashes(text: str) -> str:
    """As ``escapeRegex`` of @grafana/data."""
    return re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", text)


def _for_prometheus(text: str) -> str:
    """As ``prometheusSpecialRegexEscape`` of @grafana/prometheus."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", text.replace("\\", "\\\\\\\\"))


def _regular_for_prometheus(text: str) -> str:
    """As ``prometheusRegularEscape`` of @grafana/prometheus, which is given what is neither multi nor has an "All"."""
    return text.replace("\\", "\\\\").replace("'", "\\\\'")


def _quoted(texts: Sequence[str] | str) -> str:
    assert not isinstance(texts, str), "SQL is given all texts"
    return ",".join("'" + text.replace("'", "''") + "'" for text in texts)
