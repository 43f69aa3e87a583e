"""Instants and texts as the API takes and gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from qualitywatch.store.codec import printable

LATEST: Final = 253_402_300_799.0  # the end of the year 9999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Text = Annotated[str, BeforeValidator(printable)]
"""Any text a PBX may have sent, made fit for UTF-8."""


class Instant(BaseModel):
    """One instant, told twice."""

    unix: float = Field(description="Unix seconds.", examples=[1795000000.0])
    iso: str = Field(description="The same in ISO 8601, in UTC.", examples=["2026-11-18T11:06:40.000Z"])


def instant(at: float) -> Instant:
    """Tell an instant of the model."""
    within = min(max(at, 0.0), LATEST)
    iso = datetime.fromtimestamp(within, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Instant.model_construct(unix=at, iso=iso)


def maybe_instant(at: float | None) -> Instant | None:
    """Tell an instant that may not be known."""
    return None if at is None else instant(at)


def read_instant(given: object) -> float:
    """Read Unix seconds or ISO 8601 (UTC where no zone is given); raises ValueError."""
    if isinstance(given, str):
        text = given.strip()
        try:
            given = float(text)
        except ValueError:
            try:
                when = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError("must be Unix seconds or ISO 8601, such as 2026-11-18T11:06:40Z") from None
            return ((when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - _EPOCH).total_seconds()
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= LATEST:
        raise ValueError("must be Unix seconds or ISO 8601, such as 2026-11-18T11:06:40Z")
    return float(given)


When = Annotated[
    float,
    BeforeValidator(read_instant),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": LATEST},
                {"type": "string", "format": "date-time"},
            ],
            "description": "Unix seconds, or ISO 8601.",
        }
    ),
]
"""An instant as it is asked for."""
