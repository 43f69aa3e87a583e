"""Lists of names as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qualitywatch.notify.legible import legible

_SHOWN: Final = 6


def several(names: Sequence[str]) -> str:
    """Return the first few names and how many more there are; names were chosen by strangers, so they are made legible."""
    shown = ", ".join(map(legible, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
