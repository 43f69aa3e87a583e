"""Readings as line protocol: what is stored in the spool and sent as it is.

Strategy: a database keeps one value of a field for a series and an instant, and what comes later overwrites it.  Two calls of a
trunk that end with the same read would be one: the later one is moved by a millisecond, the finest that VictoriaMetrics keeps.
Standard: InfluxDB line protocol, as influxdb-client's own ``Point`` writes it (the tests compare the two), which takes 27 MB
and ten times as long; timestamps in microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

from qualitywatch.sinks.reading import Field, Reading

_MS: Final = 1000
_STEP_US: Final = 1000
_IN_MEASUREMENTS: Final = str.maketrans({",": r"\,", " ": r"\ "})
_IN_KEYS: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_IN_TEXTS: Final = str.maketrans({'"': r"\"", "\\": "\\\\"})
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
    """One line; empty where there is nothing to say."""
    fields = [
        f"{name.translate(_IN_KEYS)}={shown}" for name in sorted(reading.fields) if (shown := _shown(reading.fields[name]))
    ]
    if not fields:
        return ""
    # A newline ends a line even in a tag, and a backslash at its end would swallow what follows.
    tags = [(name, _plain(text).rstrip("\\")) for name, text in sorted(dict(reading.tags).items())]
    series = [reading.measurement.translate(_IN_MEASUREMENTS)]
    series += [f"{name.translate(_IN_KEYS)}={text.translate(_IN_KEYS)}" for name, text in tags if text]
    return f"{','.join(series)} {','.join(fields)} {at_us}"


def _shown(value: Field) -> str:
    """A value of a field; empty where it is no number."""
    if isinstance(value, str):
        return f'"{_plain(value).translate(_IN_TEXTS)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    return str(value).removesuffix(".0") if math.isfinite(value) else ""


def _plain(text: str) -> str:
    """On one line, and as UTF-8: names and User-Agents may hold bytes that never were."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
