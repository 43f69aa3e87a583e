"""Line protocol that a real InfluxDB 1.6 reads back as it was meant, whatever names and texts come from a PBX."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from qualitywatch.sinks.encoding import encode, encoded
from qualitywatch.sinks.reading import Field, Reading
from qualitywatch.sinks.servers.influx1 import Influx1
from tests.fakes.series_servers import influxdb1, influxql

AT = 1_700_000_000.0
NUMBERS = count()  # of what was invented: a measurement for each
# Bytes that are no UTF-8 arrive as lone surrogates (``surrogateescape``).
SURROGATES = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
TEXTS = st.text(st.characters() | SURROGATES | st.sampled_from(list(' ,="\\\n\r\t#')), max_size=20)


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with influxdb1(tmp_path_factory.mktemp("influx")) as url:
        server = Influx1(url, database="d")
        server.setup(None)
        server.close()
        yield url


@pytest.fixture(scope="module")
def server(influx: str) -> Iterator[Influx1]:
    opened = Influx1(influx, database="d")
    yield opened
    opened.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_whatever_a_pbx_calls_things_every_line_is_taken(server: Influx1, influx: str, names: list[tuple[str, str]]) -> None:
    event = f"event{next(NUMBERS)}"
    readings = [
        Reading(event, AT + n, (("pbx", "office"), ("n", f"n{n}"), ("peer", peer)), {"text": text})
        for n, (peer, text) in enumerate(names)
    ]
    server.write(encode(readings))
    rows = influxql(influx, "d", f"SELECT * FROM {event}")
    assert len(rows) == len(names), "one line, one row"


def test_texts_come_back_as_they_were(server: Influx1, influx: str) -> None:
    agent = 'Yealink "SIP-T46S", v=66.86 \\ \udce9 ы'
    server.write(encode([Reading("told", AT, (("peer", "SIP/a b,c=d"),), {"text": agent})]))
    (row,) = influxql(influx, "d", "SELECT * FROM told")
    assert (row["peer"], row["text"]) == ("SIP/a b,c=d", 'Yealink "SIP-T46S", v=66.86 \\ \\udce9 ы')


def call(n: int) -> Reading:
    return Reading("call", AT, (("peer", "SIP/provider"),), {"seconds": float(n)})


def test_calls_that_end_at_one_instant_are_all_kept(server: Influx1, influx: str) -> None:
    text, taken = encoded([call(1), call(2), call(3)])
    server.write(text)
    server.write(encoded([call(4)], taken)[0])
    rows = influxql(influx, "d", 'SELECT seconds FROM "call"')
    assert [row["seconds"] for row in rows] == [1, 2, 3, 4]


def test_fields_of_one_instant_stay_together() -> None:
    loss = Reading("loss", AT, (("peer", "a"),), {"percent": 1.0})
    reported = Reading("loss", AT, (("peer", "a"),), {"percent_reported": 2.0})
    instants = {line.rsplit(b" ", 1)[1] for line in encode([loss, reported]).splitlines()}
    assert instants == {b"1700000000000000"}


def test_what_has_no_figure_is_no_line(tmp_path: Path) -> None:
    assert encode([Reading("loss", AT, (("peer", "a"),), {"percent": float("nan")})]) == b""


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=8)
VALUES = st.one_of(st.floats(), st.integers(-(2**60), 2**60), st.booleans(), TEXTS)


@settings(max_examples=300, deadline=None)
@given(NAMES.filter(lambda name: name[0] != "#"), st.dictionaries(NAMES, TEXTS, max_size=4), st.dictionaries(NAMES, VALUES))
def test_a_line_is_what_the_database_own_client_writes(
    measurement: str, tags: dict[str, str], fields: dict[str, Field]
) -> None:
    def plain(text: str) -> str:
        return " ".join(text.encode("utf-8", "backslashreplace").decode().split())

    untyped: Any = Point
    point = untyped(measurement).time(round(AT) * 1_000_000, WritePrecision.US)
    for name, text in tags.items():
        point.tag(name, plain(text).rstrip("\\"))
    for name, value in fields.items():
        point.field(name, plain(value) if isinstance(value, str) else value)
    assert encode([Reading(measurement, AT, tuple(tags.items()), fields)]).decode() == point.to_line_protocol()
