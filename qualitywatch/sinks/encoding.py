"""Readings as line protocol: what is stored in the spool and sent as it is.

Strategy: a database keeps one value of a field for a series and an instant, and what comes later overwrites it.  Two calls of a
trunk that end with the same read would be one: the later one is moved by a millisecond, the finest that VictoriaMetrics keeps.
Standard: InfluxDB line protocol, written by influxdb-client's own ``Point``; timestamps in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from qualitywatch.sinks.reading import Field, Reading

_MS: Final = 1000
_STEP_US: Final = 1000
Taken: TypeAlias = frozenset[tuple[str, tuple[tuple[str, str], ...], int, str]]
"""Which field of which series has a value at which instant."""


def encoded(readings: Iterable[Reading], before: Taken = frozenset()) -> tuple[bytes, Taken]:
    """Return one line for each reading that has a field, and the instants taken by them; ``before`` is the batch before."""
    taken: set[tuple[str, tuple[tuple[str, str], ...], int, str]] = set()
    lines = []
    for reading in readings:
        at_us = round(reading.at * _MS) * _STEP_US
        while any(key in taken or key in before for key in _keys(reading, at_us)):
            at_us += _STEP_US
        taken.update(_keys(reading, at_us))
        lines.append(_line(reading, at_us))
    return "\n".join(filter(None, lines)).encode(), frozenset(taken)


def encode(readings: Iterable[Reading]) -> bytes:
    """Return a batch that nothing comes before."""
    return encoded(readings)[0]


def _keys(reading: Reading, at_us: int) -> list[tuple[str, tuple[tuple[str, str], ...], int, str]]:
    return [(reading.measurement, reading.tags, at_us, name) for name in reading.fields]


def _line(reading: Reading, at_us: int) -> str:
    untyped: Any = Point
    point = untyped(reading.measurement).time(at_us, WritePrecision.US)
    for name, text in reading.tags:
        # A newline ends a line even in a tag, and a backslash at its end would swallow what follows.
        point.tag(name, _plain(text).rstrip("\\"))
    for name, value in reading.fields.items():
        point.field(name, _value(value))
    return str(point.to_line_protocol())


def _value(value: Field) -> Field:
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    """On one line, and as UTF-8: names and User-Agents may hold bytes that never were."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
