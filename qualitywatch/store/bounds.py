"""How much of the past a state store keeps and hands out: years of alerts must not slow a start down, nor fill a disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Bounds:
    """Numbers of the newest of each kind.  What is still going on is always handed out and never deleted."""

    closed_loaded: int = 500  # incidents
    silences_loaded: int = 500
    closed_kept: int = 5_000  # incidents, with their posts
    silences_kept: int = 5_000
    audit_kept: int = 20_000
    commits_between: int = 500  # so often the rest is deleted


USUAL: Final = Bounds()
