"""Readings as line protocol, gzip and all: what is stored in the spool and sent as it is.

Standard: InfluxDB line protocol, written by influxdb-client's own ``Point``; timestamps in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from qualitywatch.sinks.reading import Reading

_MICROSECONDS = 1_000_000


def encode(readings: Iterable[Reading]) -> bytes:
    """Return one line for each reading that has a field.

    A byte of a name that was no UTF-8 (half a surrogate here) becomes a question mark: one such name must not stop the series.
    """
    return "\n".join(line for reading in readings if (line := _line(reading))).encode("utf-8", "replace")


def _line(reading: Reading) -> str:
    untyped: Any = Point
    point = untyped(reading.measurement).time(round(reading.at * _MICROSECONDS), WritePrecision.US)
    for name, text in reading.tags:
        # A newline ends a line even in a tag, and a backslash at its end would swallow what follows.
        point.tag(name, " ".join(text.split()).rstrip("\\"))
    for name, value in reading.fields.items():
        point.field(name, value)
    return str(point.to_line_protocol())
