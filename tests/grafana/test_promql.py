"""Every query of every dashboard on a real VictoriaMetrics that was filled by replaying the recordings."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from qualitywatch.grafana.asks import Counts, Lines, Log, Totals
from qualitywatch.grafana.panels import Board, Variable
from qualitywatch.grafana.promql import PromQl
from qualitywatch.grafana.registry import BOARDS
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.servers.victoria import Victoria
from tests.fakes.series_servers import victoria_metrics
from tests.grafana.choices import check_choices
from tests.grafana.filling import ALL, INTERVAL_S, SINGLE, VARIABLES, Asked, Choices, Span, asked, filled
from tests.grafana.recorded import AGENTS, PBX, PLUS, TRUNK, recorded

ASKED = list(asked(PromQl()))
LINES = 1000


class Metrics:
    """VictoriaMetrics as Grafana asks it."""

    def __init__(self, url: str, span: Span) -> None:
        self.url, self.span = url, span
        self.choices: dict[str, list[str] | str] = {"pbx": ALL, "site": ALL}
        for name in ("peer", "trunk"):
            self.choices[name] = self.values(VARIABLES[name], {"pbx": ALL, "site": ALL})

    def values(self, variable: Variable, choices: Choices) -> list[str]:
        text = PromQl().values(variable.values)["query"]["query"]
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", filled(text, choices, self.span))
        assert found is not None, text
        times = {"start": self.span.since, "end": self.span.until}
        return list(self._get(f"/api/v1/label/{found[2]}/values", {"match[]": found[1], **times}))

    def instant(self, text: str) -> list[dict[str, Any]]:
        return self._first("/api/v1/query", text, {"time": self.span.until})

    def series(self, text: str, step: str = f"{INTERVAL_S}s") -> list[dict[str, Any]]:
        return self._first("/api/v1/query_range", text, {"start": self.span.since, "end": self.span.until, "step": step})

    def _first(self, path: str, text: str, times: dict[str, Any]) -> list[dict[str, Any]]:
        """What the first choice shows of which there is something."""
        single = [name for name in SINGLE if re.search(rf"\${name}\b", text)]
        for chosen in itertools.product(*(self.choices[name] for name in single)):
            choices = {**self.choices, **{name: [one] for name, one in zip(single, chosen, strict=True)}}
            found = self._get(path, {"query": filled(text, choices, self.span), **times})["result"]
            if found:
                return list(found)
        return []

    def of(self, text: str, **chosen: list[str]) -> list[dict[str, Any]]:
        """What a query of now shows when this is chosen."""
        query = filled(text, {**self.choices, **chosen}, self.span)
        return list(self._get("/api/v1/query", {"query": query, "time": self.span.until})["result"])

    def _get(self, path: str, params: dict[str, Any]) -> Any:
        answer = httpx.post(self.url + path, data=params).json()
        assert answer["status"] == "success", answer
        return answer["data"]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    everything = recorded()
    readings = list(everything.readings())
    with victoria_metrics(tmp_path_factory.mktemp("vm")) as url:
        server = Victoria(url)
        for first in range(0, len(readings), LINES):
            server.write(encode(readings[first : first + LINES]))
        server.close()
        httpx.get(f"{url}/internal/force_flush")
        yield Metrics(url, Span(everything.since, everything.until))


@pytest.mark.parametrize("it", ASKED, ids=str)
def test_every_panel_shows_something(it: Asked, metrics: Metrics) -> None:
    text, target = it.query.text, it.query.target
    assert target["instant"] != target["range"]
    found = metrics.series(text) if target["range"] else metrics.instant(text)
    assert found, text
    if isinstance(it.ask, Lines):
        assert all(set(each["metric"]) <= set(it.ask.by) for each in found)
        assert all(math.isfinite(float(value)) for each in found for _, value in each["values"])
    elif isinstance(it.ask, Totals):
        assert all(set(each["metric"]) <= set(it.ask.by) for each in found)
    elif isinstance(it.ask, Log):
        times_ms = [float(each["value"][1]) for each in found]
        assert times_ms == sorted(times_ms, reverse=True), "the newest on top"
        assert all(metrics.span.since <= at_ms / 1000 <= metrics.span.until for at_ms in times_ms)
    elif isinstance(it.ask, Counts):
        rows = metrics.of(text, trunk=[TRUNK])
        assert {each["metric"]["cause"]: float(each["value"][1]) for each in rows}["16"] >= 1


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.title)
def test_annotations_mark_what_happened(board: Board, metrics: Metrics) -> None:
    for mark in board.marks:
        marks = PromQl().marks(replace(mark.log, scope={"pbx": "pbx"}))
        found = metrics.series(marks.text, step=marks.beside["step"])
        named = re.findall(r"\{\{(\w+)\}\}", marks.beside["titleFormat"] + marks.beside["textFormat"])
        assert found and all(set(named) <= set(each["metric"]) for each in found)
        assert metrics.series(PromQl().marks(mark.log).text, step=marks.beside["step"]), "of what is chosen, too"


def test_variables_offer_what_there_is(metrics: Metrics) -> None:
    check_choices(metrics.values, metrics.choices)


def test_figures_are_those_of_the_recording(metrics: Metrics) -> None:
    loss = next(it for it in ASKED if it.board.title == "Overview" and isinstance(it.ask, Totals))
    found = {
        (each["metric"]["pbx"], each["metric"]["peer"]): float(each["value"][1]) for each in metrics.instant(loss.query.text)
    }
    assert found["asterisk-20.sip-bridge-loss", "SIP/6118"] == pytest.approx(9, abs=1)


def test_a_single_choice_with_signs_of_regular_expressions_is_found(metrics: Metrics) -> None:
    calls = next(it for it in ASKED if it.board.title == "Trunk" and isinstance(it.ask, Counts))
    (one,) = metrics.of(calls.query.text, pbx=[PBX], trunk=[PLUS])
    assert (one["metric"]["cause"], one["value"][1]) == ("16", "1")
    ended = next(it for it in ASKED if it.board.title == "Peer" and it.panel.title == "Calls ended")
    assert metrics.of(ended.query.text.replace("$__interval", "$__range"), pbx=[PBX], peer=[PLUS])
    up = next(it for it in ASKED if it.board.title == "Trunk" and it.panel.title == "Registration")
    text = filled(up.query.text, {"pbx": ["asterisk-20.trunk-outage"], "trunk": ["SIP/74993801@127.0.0.1"]}, metrics.span)
    (found,) = metrics.series(text)
    assert {float(value) for _, value in found["values"]} == {0.0, 1.0}


def test_alerts_of_a_site_are_those_of_its_phones_too(metrics: Metrics) -> None:
    told = next(it for it in ASKED if it.board.title == "Site" and it.panel.title == "Alerts")
    metrics.choices, before = {"pbx": ["asterisk-20.loss-storm"], "site": ["Riga"]}, metrics.choices
    found = metrics.instant(told.query.text)
    metrics.choices = before
    assert {each["metric"]["peer"] for each in found} >= {"SIP/6111", "SIP/6124"}
    assert len(found) == len({tuple(sorted(each["metric"].items())) for each in found})


def test_the_history_of_devices_names_them_and_tells_when(metrics: Metrics) -> None:
    devices = next(it for it in ASKED if it.panel.title == "Devices (User-Agent)")
    rows = metrics.of(devices.query.text, peer=["SIP/6103"])
    assert {(each["metric"]["peer"], each["metric"]["agent"]) for each in rows} >= AGENTS
    (organize,) = devices.query.transformations
    assert organize["options"]["renameByName"] == {"Value": "last told"}
    (as_time,) = devices.query.overrides
    assert {"id": "unit", "value": "dateTimeAsLocal"} in as_time["properties"]


def test_the_daemon_is_shown_by_what_it_wrote_itself(metrics: Metrics) -> None:
    shown = {it.panel.title: it for it in ASKED if it.board.title == "Daemon"}
    assert all("qualitywatch_" not in it.query.text for it in shown.values()), "nobody need scrape it"
    events = metrics.series(shown["Events of the PBX"].query.text)
    assert [(each["metric"], {float(value) for _, value in each["values"]}) for each in events] == [({"pbx": PBX}, {10.0})]
    lines = metrics.series(shown["Lines written to databases, each second"].query.text)
    assert {(each["metric"]["sink"], each["metric"]["outcome"]): float(each["values"][0][1]) for each in lines} == {
        ("influxdb", "sent"): 15.0,
        ("influxdb", "dropped"): 0.0,
    }
