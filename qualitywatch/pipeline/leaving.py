"""How far one run of the daemon had lived with a PBX, for the next one to go on from there.

Strategy: while any hold runs this is noted now and then, and stored in one transaction with the alerts whose holds run, so that
the two always speak of the same instant.  A kill makes a hold longer by what was lived through since, and never shorter: one
that began after the last note begins anew.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Final

NOTE_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class LeftOff:
    """Until when a PBX was watched, and until when it was seen, on its own clock; the second is earlier where it was lost."""

    at: float
    seen_at: float

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps([self.at, self.seen_at])

    @classmethod
    def read(cls, text: str) -> LeftOff | None:
        """Read what was stored; None when it makes no sense."""
        try:
            at, seen_at = map(float, json.loads(text))
        except (ValueError, TypeError):
            return None
        return cls(at, seen_at) if math.isfinite(at) and seen_at <= at else None
