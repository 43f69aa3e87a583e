"""Durations as administrators write them: ``30s``, ``2m``, ``1h``, ``1d``, ``1m30s``; in seconds everywhere else."""

from __future__ import annotations

import re
from typing import Final

_UNITS_S: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in _UNITS_S))


def parse_duration_s(text: str) -> float | None:
    """Return the seconds of a duration with units, largest unit first; None when the text is not one."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    return float(sum(float(found[unit] or 0) * seconds for unit, seconds in _UNITS_S.items()))


def format_duration(seconds: float) -> str:
    """Return a duration of at least 0 s as it would be written in a file, to the millisecond: 90 is ``1m30s``."""
    whole, rest_s = divmod(round(seconds, 3), 60)
    parts: list[str] = []
    minutes = int(whole)
    for unit in ("d", "h", "m"):
        count, minutes = divmod(minutes, _UNITS_S[unit] // 60)
        if count:
            parts.append(f"{count}{unit}")
    if rest_s or not parts:
        parts.append(f"{rest_s:.3f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)
