"""How long to wait before trying again: exponential, bounded, spread by chance, without end."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from ``first_s`` up to ``limit_s``."""

    first_s: float = 1.0
    limit_s: float = 300.0

    def full_s(self, failures: int) -> float:
        """Return the longest pause after so many failures in a row (0: the first has just happened)."""
        return min(self.limit_s, self.first_s * 2.0 ** min(failures, 60))

    def pause_s(self, failures: int, chance: Random, asked_s: float | None = None) -> float:
        """Return the pause after so many failures in a row (0: the first has just happened), never less than ``first_s``.

        Whoever asks for a longer one (``Retry-After``) gets it; for a shorter one, or none, is no leave to ask without a pause.
        """
        return max(asked_s or 0.0, self.first_s, self.full_s(failures) * chance.uniform(0.5, 1.0))
