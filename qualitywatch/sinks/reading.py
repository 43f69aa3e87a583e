"""A reading: some fields of one series at one instant, as time series databases know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Field = float | int | str | bool


@dataclass(frozen=True, slots=True)
class Reading:
    """``measurement`` with its tags; a field is always of the same type: counts are ``int``, all other figures ``float``.

    Tags say what a series is of (PBX, peer, direction, codec, trunk, site) and never name a call: every call would be a series
    of its own.
    """

    measurement: str
    at: float  # Unix seconds
    tags: tuple[tuple[str, str], ...]
    fields: Mapping[str, Field]
