"""Readings as line protocol, gzip and all: what is stored in the spool and sent as it is.

Standard: InfluxDB line protocol, written by influxdb-client's own ``Point``; timestamps in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from qualitywatch.sinks.reading import Reading

PRECISION = "us"
_MICROSECONDS = 1_000_000


def encode(readings: Iterable[Reading]) -> bytes:
    """Return one line for each reading that has a field."""
    return "\n".join(line for reading in readings if (line := _point(reading).to_line_protocol())).encode()


def _point(reading: Reading) -> Point:
    point = Point(reading.measurement)
    point.time(round(reading.at * _MICROSECONDS), WritePrecision.US)  # type: ignore[no-untyped-call]
    for name, text in reading.tags:
        # A newline ends a line even in a tag, and a backslash at its end would swallow what follows.
        point.tag(name, " ".join(text.split()).rstrip("\\"))
    for name, value in reading.fields.items():
        point.field(name, value)
    return point
