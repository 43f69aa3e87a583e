"""The dashboards as Grafana loads them: right by its own types, whole, linked, and with the limits of the rules."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Log
from qualitywatch.grafana.build import dashboard
from qualitywatch.grafana.figures import JITTER_MAX, LOSS_MAX, MOS_MIN, TRUNK_UP
from qualitywatch.grafana.language import DATASOURCE_UID
from qualitywatch.grafana.panels import Board, Panel, Shape
from qualitywatch.grafana.registry import BOARDS, LANGUAGES
from qualitywatch.grafana.thresholds import thresholds
from qualitywatch.model import Metric, Severity
from qualitywatch.room import Limit
from qualitywatch.rules.loader import load_rules
from tests.accuracy.findings import RULES

SCHEMAS = json.loads((Path(__file__).parent / "schema/dashboard.schema.json").read_text(encoding="utf-8"))
LIMITS = [limit for spec in load_rules([RULES]) for limit in spec.limits]
EVERY = [pytest.param(board, kind, id=f"{board.title}-{kind}") for board, kind in itertools.product(BOARDS, LANGUAGES)]


def built(board: Board, kind: str) -> dict[str, Any]:
    return json.loads(json.dumps(dashboard(board, LANGUAGES[kind], LIMITS), allow_nan=False))  # type: ignore[no-any-return]


def panels(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in made["panels"] if panel["type"] != "row")


@pytest.mark.parametrize(("board", "kind"), EVERY)
def test_grafanas_own_types_take_it(board: Board, kind: str) -> None:
    made = built(board, kind)
    jsonschema_rs.validate(SCHEMAS["dashboard"], made)
    for panel in panels(made):
        jsonschema_rs.validate(SCHEMAS[f"{panel['type']} Options"], panel["options"])
        if f"{panel['type']} FieldConfig" in SCHEMAS:
            partial = SCHEMAS[f"{panel['type']} FieldConfig"]
            jsonschema_rs.validate(partial, panel["fieldConfig"]["defaults"]["custom"])


@pytest.mark.parametrize(
    ("place", "wrong"),
    [(("refesh",), "30s"), (("panels", 1, "fieldConfig", "defaults", "unitt"), "ms"), (("schemaVersion",), "39")],
)
def test_the_schema_finds_what_is_wrong(place: tuple[str | int, ...], wrong: object) -> None:
    made: Any = built(BOARDS[1], "sqlite")
    inner = made
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(SCHEMAS["dashboard"], made)


@pytest.mark.parametrize(("board", "kind"), EVERY)
def test_panels_have_places_of_their_own_and_all_ask_the_one_source(board: Board, kind: str) -> None:
    made = built(board, kind)
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        cells = set(itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])))
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells
    source = {"type": LANGUAGES[kind].plugin, "uid": DATASOURCE_UID}
    asking = [*panels(made), *made["templating"]["list"], *(target for panel in panels(made) for target in panel["targets"])]
    assert all(each["datasource"] == source for each in asking)
    assert all(panel["targets"] for panel in panels(made)), "a panel without a query shows nothing"
    assert {mark["name"] for mark in made["annotations"]["list"]} == {"Annotations & Alerts", "Alerts", "Restarts"}
    assert "id" not in made


@pytest.mark.parametrize(("board", "kind"), EVERY)
def test_only_variables_that_are_there_are_used(board: Board, kind: str) -> None:
    made = built(board, kind)
    there = {variable["name"] for variable in made["templating"]["list"]}
    for panel in panels(made):
        used = {
            name
            for name in ("pbx", "site", "peer", "trunk")
            if any(f"{{{name}:" in str(t) or f'"${name}"' in str(t) for t in panel["targets"])
        }
        assert used <= there, panel["title"]


# What people were promised: dashboard, panel, and how it is drawn.
PROMISED = (
    (names.OVERVIEW, "Trunks", "stat", 1),
    (names.OVERVIEW, "Worst peers of the last 15 minutes", "table", 6),
    (names.OVERVIEW, "Loss", "status-history", 1),
    (names.OVERVIEW, "Jitter", "status-history", 1),
    (names.OVERVIEW, "Alerts", "table", 1),
    (names.PEER, "Loss heard by the peer", "timeseries", 2),  # net and reported
    (names.PEER, "Loss heard from the peer", "timeseries", 2),
    (names.PEER, "Jitter", "timeseries", 2),
    (names.PEER, "Round trip", "timeseries", 2),
    (names.PEER, "MOS", "timeseries", 2),
    (names.PEER, "Calls ended", "timeseries", 1),
    (names.PEER, "Devices (User-Agent)", "table", 1),
    (names.TRUNK, "Registration", "state-timeline", 1),
    (names.TRUNK, "Answered and delivered", "timeseries", 2),  # ASR and NER
    (names.TRUNK, "Length of answered calls (ACD)", "timeseries", 1),
    (names.TRUNK, "Hangup causes", "bargauge", 1),
    (names.TRUNK, "Loss by side", "timeseries", 2),
    (names.SITE, "Loss of all its calls", "timeseries", 2),
    (names.DAEMON, "Events of the PBX", "timeseries", 1),
    (names.DAEMON, "Behind by", "timeseries", 1),
    (names.DAEMON, "Lines written to databases, each second", "timeseries", 1),
    (names.DAEMON, "Lines waiting on disk", "timeseries", 1),
    (names.DAEMON, "Messages waiting to be told", "timeseries", 1),
)


@pytest.mark.parametrize("kind", LANGUAGES)
def test_every_source_shows_everything_that_was_promised(kind: str) -> None:
    made = {board.uid: built(board, kind) for board in BOARDS}
    there = {(uid, p["title"]): (p["type"], len(p["targets"])) for uid, board in made.items() for p in panels(board)}
    assert {(uid, title): (shape, asks) for uid, title, shape, asks in PROMISED}.items() <= there.items()
    chosen = {variable["name"] for board in made.values() for variable in board["templating"]["list"]}
    assert chosen == {"pbx", "site", "peer", "trunk"}


@pytest.mark.parametrize("kind", LANGUAGES)
def test_limits_are_drawn_wherever_a_rule_has_them(kind: str) -> None:
    limited = {limit.metric for limit in LIMITS}
    assert {Metric.LOSS_PERCENT, Metric.JITTER_MS, Metric.RTT_MS, Metric.MOS} <= limited
    for board in BOARDS:
        by_title = {panel["title"]: panel for panel in panels(built(board, kind))}
        for content in board.contents:
            if isinstance(content, Panel) and content.figure is not None and content.figure.metric in limited:
                drawn = by_title[content.title]["fieldConfig"]["defaults"]
                assert len(drawn["thresholds"]["steps"]) > 1, f"{board.title} / {content.title}"
                if content.shape is Shape.LINES:
                    assert drawn["custom"]["thresholdsStyle"]["mode"] == "line+area"


UNITS = {
    "percent": ("loss", "loss_max", "loss_net_max", "loss_reported_max", "asr", "ner"),
    "ms": ("jitter_max", "rtt_max", "qualify_max"),
    "s": ("acd", "dial_delay", "lag"),
    "none": ("mos_min",),
    "short": ("calls", "cause", "concurrent", "spool", "lines", "outbox", "firing"),
    "eps": ("events",),
    "bool_on_off": ("trunk_up", "peer_up"),
}


def test_every_figure_has_the_unit_it_is_measured_in() -> None:
    asked = {
        (ask.figure.name, str(ask.figure.unit))
        for board in BOARDS
        for content in board.contents
        if isinstance(content, Panel)
        for ask in content.asks
        if not isinstance(ask, Log)
    }
    assert asked == {(figure, unit) for unit, figures in UNITS.items() for figure in figures}


def test_units_and_limits_are_those_of_what_is_shown() -> None:
    made = built(next(board for board in BOARDS if board.uid == names.PEER), "influxdb")
    by_title = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in panels(made)}
    loss, mos = by_title["Loss heard by the peer"], by_title["MOS"]
    assert (loss["unit"], loss["min"], by_title["Jitter"]["unit"], by_title["Round trip"]["unit"]) == ("percent", 0, "ms", "ms")
    assert loss["thresholds"]["steps"] == [
        {"color": "green", "value": None},
        {"color": "yellow", "value": 3.0},
        {"color": "red", "value": 10.0},
    ]
    assert mos["thresholds"]["steps"] == [
        {"color": "red", "value": None},
        {"color": "yellow", "value": 3.1},
        {"color": "green", "value": 3.6},
    ]
    assert loss["custom"]["thresholdsStyle"] == {"mode": "line+area"}
    assert by_title["Calls ended"]["custom"]["thresholdsStyle"] == {"mode": "off"}


def test_a_thousand_peers_are_shown_in_pages_with_cells_wide_enough() -> None:
    heat = [panel for panel in panels(built(BOARDS[0], "sqlite")) if panel["type"] == "status-history"]
    assert [(panel["options"]["perPage"], panel["maxDataPoints"]) for panel in heat] == [(40, 120), (40, 120)]


def test_limits_follow_the_rules_in_force() -> None:
    strict = [Limit(Metric.LOSS_PERCENT, Severity.WARNING, 1.0), Limit(Metric.LOSS_PERCENT, Severity.WARNING, 0.5)]
    assert [step["value"] for step in thresholds(LOSS_MAX, strict)["steps"]] == [None, 0.5]
    assert [step["color"] for step in thresholds(JITTER_MAX, strict)["steps"]] == ["green"]
    assert [step["color"] for step in thresholds(MOS_MIN, [Limit(Metric.MOS, Severity.CRITICAL, 3.0)])["steps"]] == [
        "red",
        "green",
    ]
    two = [Limit(Metric.MOS, Severity.WARNING, enter) for enter in (3.6, 3.9)]
    assert [step["value"] for step in thresholds(MOS_MIN, two)["steps"]] == [None, 3.9], "the one that is reached first"
    assert [step["color"] for step in thresholds(TRUNK_UP, strict)["steps"]] == ["red", "green"]


def test_who_loses_most_is_one_click_from_his_dashboard() -> None:
    made = built(BOARDS[0], "victoriametrics")
    table = next(panel for panel in panels(made) if panel["type"] == "table")
    (links,) = [rule for rule in table["fieldConfig"]["overrides"] if rule["matcher"]["options"] == "peer"]
    url = links["properties"][0]["value"][0]["url"]
    assert url.startswith(f"/d/{names.PEER}?var-pbx=${{__data.fields.pbx") and "${__url_time_range}" in url
    (organize,) = [step for step in table["transformations"] if step["id"] == "organize"]
    assert organize["options"]["renameByName"]["Value #A"] == "Loss heard by it"


def test_what_a_source_does_not_hold_is_said() -> None:
    bare = replace(BOARDS[0], contents=(replace(BOARDS[0].contents[0], asks=()),))  # type: ignore[arg-type]
    assert "does not keep this" in built(bare, "sqlite")["panels"][0]["description"]
