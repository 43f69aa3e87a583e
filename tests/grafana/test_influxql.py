"""Every query of every dashboard on a real InfluxDB 1.6 that was filled by replaying the recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from qualitywatch.grafana.asks import Counts, Lines, Totals
from qualitywatch.grafana.influxql import InfluxQl
from qualitywatch.grafana.panels import Board, Variable
from qualitywatch.grafana.registry import BOARDS
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.servers.influx1 import Influx1
from tests.fakes.series_servers import influxdb1
from tests.grafana.choices import check_choices
from tests.grafana.filling import ALL, VARIABLES, Asked, Choices, Span, asked, filled
from tests.grafana.recorded import AGENTS, recorded

ASKED = list(asked(InfluxQl()))
DATABASE = "qualitywatch"
LINES = 1000


class Influx:
    """InfluxDB as Grafana asks it."""

    def __init__(self, url: str, span: Span) -> None:
        self.url, self.span = url, span
        self.choices: dict[str, list[str] | str] = {"pbx": ALL, "site": ALL}
        for name in ("peer", "trunk"):
            self.choices[name] = self.values(VARIABLES[name], {"pbx": ALL, "site": ALL})

    def values(self, variable: Variable, choices: Choices) -> list[str]:
        found = self._ask(filled(InfluxQl().values(variable.values)["query"], choices, self.span))
        return sorted({row[1] for series in found for row in series["values"]})

    def series(self, text: str, choices: Choices | None = None) -> list[dict[str, Any]]:
        return self._ask(filled(text, choices or self.choices, self.span))

    def _ask(self, text: str) -> list[dict[str, Any]]:
        answer = httpx.post(f"{self.url}/query", params={"db": DATABASE, "epoch": "ms"}, data={"q": text}).json()
        (result,) = answer["results"]
        assert "error" not in result, f"{result}: {text}"
        return list(result.get("series", []))


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    everything = recorded()
    readings = list(everything.readings())
    with influxdb1(tmp_path_factory.mktemp("influx")) as url:
        server = Influx1(url, database=DATABASE)
        server.setup(None)
        for first in range(0, len(readings), LINES):
            server.write(encode(readings[first : first + LINES]))
        server.close()
        yield Influx(url, Span(everything.since, everything.until))


@pytest.mark.parametrize("it", ASKED, ids=str)
def test_every_panel_shows_something(it: Asked, influx: Influx) -> None:
    found = influx.series(it.query.text)
    assert found, filled(it.query.text, influx.choices, influx.span)
    if isinstance(it.ask, Lines):
        assert all(set(series.get("tags", {})) == set(it.ask.by) for series in found)
        assert any(row[1] is not None for series in found for row in series["values"])
    elif isinstance(it.ask, Totals):
        assert all(series["columns"] == ["time", it.ask.name] for series in found)
    elif isinstance(it.ask, Counts):
        assert found[0]["columns"] == ["time", "cause"]
        assert 16 in {row[1] for row in found[0]["values"]}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.title)
def test_annotations_have_their_columns(board: Board, influx: Influx) -> None:
    for mark in board.marks:
        marks = InfluxQl().marks(replace(mark.log, scope={"pbx": "pbx"}))
        (found,) = influx.series(marks.text)
        named = {marks.beside["titleColumn"], marks.beside["textColumn"], *marks.beside["tagsColumn"].split(",")}
        assert named <= set(found["columns"])
        assert influx.series(InfluxQl().marks(mark.log).text), "of what is chosen, too"


def test_variables_offer_what_there_is(influx: Influx) -> None:
    check_choices(influx.values, influx.choices)


def test_figures_are_those_of_the_recording(influx: Influx) -> None:
    loss = next(it for it in ASKED if it.board.title == "Overview" and isinstance(it.ask, Totals))
    found = {(each["tags"]["pbx"], each["tags"]["peer"]): each["values"][0][1] for each in influx.series(loss.query.text)}
    assert found["asterisk-20.sip-bridge-loss", "SIP/6118"] == pytest.approx(9, abs=1)


def test_a_single_choice_with_slashes_is_found(influx: Influx) -> None:
    up = next(it for it in ASKED if it.board.title == "Trunk" and it.panel.title == "Registration")
    choices = {"pbx": ["asterisk-20.trunk-outage"], "trunk": ["SIP/74993801@127.0.0.1"]}
    (found,) = influx.series(up.query.text, choices)
    assert {row[1] for row in found["values"]} == {0, 1}


def test_alerts_of_a_site_are_those_of_its_phones_too(influx: Influx) -> None:
    told = next(it for it in ASKED if it.board.title == "Site" and it.panel.title == "Alerts")
    (found,) = influx.series(told.query.text, {"pbx": ["asterisk-20.loss-storm"], "site": ["Riga"]})
    place = found["columns"].index("peer")
    assert {row[place] for row in found["values"]} >= {"SIP/6111", "SIP/6124"}
    assert not influx.series(told.query.text, {"pbx": ["asterisk-20.loss-storm"], "site": ["Vilnius"]})


def test_the_history_of_devices_names_them_and_tells_when(influx: Influx) -> None:
    devices = next(it for it in ASKED if it.panel.title == "Devices (User-Agent)")
    (found,) = influx.series(devices.query.text)
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["values"]]
    assert {(row["peer"], row["text"].rpartition(" -> ")[2]) for row in rows} >= AGENTS
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True), "the newest on top"
