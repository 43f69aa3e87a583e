"""Every query of every dashboard on a ``rollup.db`` that the real store wrote while the recordings were replayed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.grafana.asks import Counts, Lines, Log, Totals
from qualitywatch.grafana.panels import Board, Panel, Row, Variable
from qualitywatch.grafana.registry import BOARDS
from qualitywatch.grafana.sql import Sql
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from tests.grafana.filling import Asked, Span, asked, filled
from tests.grafana.recorded import AGENTS, PBX, PLUS, TRUNK, Recorded, recorded

EVERY = list(asked(Sql()))
LAST = [it for it in EVERY if isinstance(it.ask, Totals) and it.ask.last_s]  # of a time of their own
ASKED = [it for it in EVERY if it not in LAST]
VARIABLES = {variable.name: variable for board in BOARDS for variable in board.variables}


class File:
    """``rollup.db`` as Grafana's plug-in opens it: read-only."""

    def __init__(self, connection: sqlite3.Connection, span: Span) -> None:
        self.connection, self.span = connection, span
        self.choices: dict[str, list[str]] = {}
        for name in ("pbx", "site", "peer", "trunk"):
            self.choices[name] = self.values(VARIABLES[name])

    def values(self, variable: Variable) -> list[str]:
        query = Sql().values(variable.values)["query"]
        return [row[0] for row in self.rows(query)]

    def rows(self, text: str, span: Span | None = None) -> list[sqlite3.Row]:
        return self.connection.execute(filled(text, self.choices, span or self.span)).fetchall()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[File]:
    directory = tmp_path_factory.mktemp("rollup")
    everything = recorded()
    asyncio.run(_write(everything, directory))
    connection = sqlite3.connect(f"file:{directory / ROLLUP_FILE}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = 1")
    yield File(connection, Span(everything.since, everything.until))
    connection.close()


async def _write(everything: Recorded, directory: Path) -> None:
    known: dict[tuple[str, str], dict[str, str]] = {}
    options = RollupOptions(labels=lambda pbx, subject: known.get((pbx, subject), {}))
    store = await RollupStore.open(directory, options, now=everything.since)
    for batch, labels in everything.batches:
        known.update({subject: found for subject, found in labels.items() if found})
        await store.write(batch)
    await store.close(everything.until)


@pytest.mark.parametrize("it", ASKED, ids=str)
def test_every_panel_shows_something(it: Asked, file: File) -> None:
    rows = file.rows(it.query.text)
    assert rows, filled(it.query.text, file.choices, file.span)
    columns = rows[0].keys()
    if isinstance(it.ask, Lines):
        assert columns == ["time", *it.ask.by, "value"]
        times = [row["time"] for row in rows]
        assert times == sorted(times), "a long frame must be in order of time"
        assert all(isinstance(row["value"], int | float) and isinstance(row["time"], int) for row in rows)
        assert all(file.span.since - 3600 <= at <= file.span.until for at in times), "seconds"
        assert all(isinstance(row[tag], str) for row in rows for tag in it.ask.by)
    elif isinstance(it.ask, Totals):
        assert columns == [*it.ask.by, it.ask.name]
    elif isinstance(it.ask, Counts):
        assert {row["cause"]: row["calls"] for row in rows}["16"] >= 1


@pytest.mark.parametrize("it", LAST, ids=str)
def test_a_panel_with_a_time_of_its_own_shows_no_more_though_it_is_told_the_time_of_the_dashboard(
    it: Asked, file: File
) -> None:
    shown = 0
    for until in range(round(file.span.since), round(file.span.until), 600):
        narrow, wide = (file.rows(it.query.text, Span(until - last_s, until)) for last_s in (900, 21_600))
        assert [tuple(row) for row in wide] == [tuple(row) for row in narrow]
        assert not wide or wide[0].keys() == ["pbx", "peer", it.ask.name]  # type: ignore[union-attr]
        shown += len(wide)
    assert shown, it.query.text


def test_calls_count_when_they_ended_wherever_they_began(file: File) -> None:
    ended = next(it for it in ASKED if it.board.title == "Peer" and it.panel.title == "Calls ended")
    causes = next(it for it in ASKED if isinstance(it.ask, Counts))
    at = (file.span.since + file.span.until) / 2
    for name, count in ((TRUNK, 2), (PLUS, 1)):
        choices = {"pbx": [PBX], "peer": [name], "trunk": [name]}
        for query, column in ((ended.query.text, "value"), (causes.query.text, "calls")):
            during, after = filled(query, choices, Span(at - 60, at - 5)), filled(query, choices, Span(at - 4, at + 4))
            assert not file.connection.execute(during).fetchall(), "they began, but did not end"
            assert sum(row[column] for row in file.connection.execute(after)) == count
            plan = [row["detail"] for row in file.connection.execute(f"EXPLAIN QUERY PLAN {after}")]
            assert any("SEARCH leg USING PRIMARY KEY (peer=? AND start>? AND start<?)" in line for line in plan), plan


def test_net_and_reported_loss_are_drawn_by_the_same_measure() -> None:
    for title in ("Loss heard by the peer", "Loss heard from the peer"):
        net, reported = (it.query.text for it in ASKED if it.panel.title == title)
        assert reported != net == reported.replace("_reported", "")


@pytest.mark.parametrize("it", [it for it in ASKED if not isinstance(it.ask, Counts | Log)], ids=str)
def test_a_week_is_read_from_the_hours(it: Asked, file: File) -> None:
    assert file.rows(it.query.text, Span(file.span.until - 7 * 86_400, file.span.until))


def test_the_file_holds_every_figure() -> None:
    wanted = {ask.figure.name for board in BOARDS for panel in board.contents for ask in _lines(panel)}
    assert wanted == {it.ask.figure.name for it in EVERY if isinstance(it.ask, Lines)}


def _lines(content: Panel | Row) -> list[Lines]:
    return [ask for ask in content.asks if isinstance(ask, Lines)] if isinstance(content, Panel) else []


def test_variables_offer_what_there_is(file: File) -> None:
    assert "asterisk-20.trunk-outage" in file.choices["pbx"] and "" not in file.choices["pbx"]
    assert set(file.choices["site"]) == {"Riga", "(none)"}
    assert {"SIP/6118", "PJSIP/701"} <= set(file.choices["peer"])
    assert {TRUNK, "SIP/74993801@127.0.0.1"} <= set(file.choices["trunk"])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.title)
def test_annotations_have_their_columns(board: Board, file: File) -> None:
    for mark in board.marks:
        text = Sql().marks(replace(mark.log, scope={"pbx": "pbx"})).text
        rows = file.rows(text)
        assert {"time", "title", "text", "tags"} <= set(rows[0].keys())
        assert any("restart" in row["text"] or "firing" in row["text"] for row in rows)
        assert file.rows(Sql().marks(mark.log).text), "of what is chosen, too"


def test_figures_are_those_of_the_recording(file: File) -> None:
    loss = next(it for it in ASKED if it.board.title == "Site" and isinstance(it.ask, Totals))
    found = {(row["pbx"], row["peer"]): row["Loss heard by it"] for row in file.rows(loss.query.text)}
    assert found["asterisk-20.sip-bridge-loss", "SIP/6118"] == pytest.approx(9, abs=1)


def test_rows_of_others_are_not_read(file: File) -> None:
    """With one peer chosen, its rows are found by key."""
    one = next(it for it in ASKED if it.board.title == "Peer" and isinstance(it.ask, Lines))
    text = filled(one.query.text, {**file.choices, "pbx": ["asterisk-20.loss-storm"], "peer": ["SIP/6118"]}, file.span)
    plan = [row["detail"] for row in file.connection.execute(f"EXPLAIN QUERY PLAN {text}")]
    assert any(line.startswith("SEARCH v1m USING PRIMARY KEY (peer=? AND ts>? AND ts<?)") for line in plan), plan
    assert not any(line.startswith(("SCAN v1", "MATERIALIZE")) for line in plan), plan


def test_alerts_of_a_site_are_those_of_its_phones_too(file: File) -> None:
    told = next(it for it in ASKED if it.board.title == "Site" and it.panel.title == "Alerts")
    choices = {"pbx": ["asterisk-20.loss-storm"], "site": ["Riga"]}
    rows = file.connection.execute(filled(told.query.text, choices, file.span)).fetchall()
    assert {row["peer"] for row in rows} >= {"SIP/6111", "SIP/6124"}


def test_the_history_of_devices_names_them_and_tells_when(file: File) -> None:
    devices = next(it for it in ASKED if it.panel.title == "Devices (User-Agent)")
    rows = file.rows(devices.query.text)
    assert {(row["peer"], row["text"].rpartition(" -> ")[2]) for row in rows} >= AGENTS
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True), "the newest on top"


def test_the_registration_of_a_trunk_is_down_in_its_minute(file: File) -> None:
    up = next(it for it in ASKED if it.board.title == "Trunk" and it.panel.title == "Registration")
    found = {}
    for pbx in ("asterisk-20.trunk-outage", "asterisk-20.trunk-calls"):
        rows = file.connection.execute(filled(up.query.text, {**file.choices, "pbx": [pbx]}, file.span)).fetchall()
        found[pbx] = {row["value"] for row in rows}
    assert 0.0 in found["asterisk-20.trunk-outage"]
    assert found["asterisk-20.trunk-calls"] == {1.0}
