"""Every Flux query of every dashboard, checked by InfluxData's own type checker: Debian has no server of version 2."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from qualitywatch.grafana.flux import Flux
from qualitywatch.grafana.registry import BOARDS
from tests.grafana.filling import ALL, Span, asked, filled

CHECKER = Path(__file__).parent / "fluxcheck"
INSTALL = "npm install --prefix tests/grafana/fluxcheck --ignore-scripts --no-save"
# What Grafana puts in front of every query.
GRAFANA = """option v = {
  timeRangeStart: -1h, timeRangeStop: now(), windowPeriod: 1m, bucket: "b", defaultBucket: "b", organization: "o"
}
"""
CHOICES = {"pbx": ALL, "site": ALL, "peer": ["SIP/6117"], "trunk": ["SIP/100@sip.example.org:5060"]}


def complaints(queries: list[str]) -> list[list[str]]:
    if shutil.which("node") is None:
        pytest.skip(f"Node.js is not installed: apt-get install nodejs npm; {INSTALL}")
    if not (CHECKER / "node_modules/@influxdata/flux-lsp-browser").is_dir():
        pytest.skip(f"the checker of Flux is not installed: {INSTALL}")
    done = subprocess.run(
        ["node", "check.mjs"], cwd=CHECKER, input=json.dumps(queries), capture_output=True, text=True, check=True
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


def as_sent(text: str) -> str:
    """An import comes first, then the option."""
    lines = filled(text, CHOICES, Span(0, 3600)).splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    return "\n".join([*imports, GRAFANA, *(line for line in lines if line not in imports)])


def test_every_query_of_panels_variables_and_annotations_is_right() -> None:
    language = Flux()
    queries = {str(it): it.query.text for it in asked(language)}
    queries |= {
        f"{board.title}, variable {each.name}": language.values(each.values)["query"]
        for board in BOARDS
        for each in board.variables
    }
    queries |= {f"{board.title}, {mark.name}": language.marks(mark.log).text for board in BOARDS for mark in board.marks}
    found = complaints([as_sent(text) for text in queries.values()])
    wrong = {name: told for name, told in zip(queries, found, strict=True) if told}
    assert not wrong, next((name, told, as_sent(queries[name])) for name, told in wrong.items())
    assert len(queries) > 60


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("|> aggregateWindw(every: 1m, fn: max)", "undefined identifier aggregateWindw"),
        ('|> group(colums: ["peer"])', "colums"),
        ("|> filter(fn: (r) => r.peer + 1)", "expected bool"),
        ('|> map(fn: (r) => ({r with _value: 100.0 * "x"}))', "expected float but found string"),
    ],
)
def test_the_checker_finds_what_is_wrong(wrong: str, why: str) -> None:
    ((*told,),) = complaints([f'from(bucket: "b") |> range(start: -1h) {wrong}'])
    assert any(why in each for each in told), told
