"""A limit for those who guess: so many failed logins from one address, then none is even looked at for a while."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MAX_FAILURES: Final = 10
WINDOW_S: Final = 60.0
MAX_ADDRESSES: Final = 4_096


class Throttle:
    """Counts failures by address within a sliding window; bounded, the address that was quiet longest is forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, address: str, now: float) -> float:
        """How long an address has to wait before it is listened to again; 0 when it may speak."""
        recent = self._recent(address, now)
        return 0.0 if len(recent) < MAX_FAILURES else max(0.0, recent[-MAX_FAILURES] + WINDOW_S - now)

    def fail(self, address: str, now: float) -> None:
        """Note a failed login."""
        self._failures[address] = [*self._recent(address, now), now][-MAX_FAILURES:]
        self._failures.move_to_end(address)
        while len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def _recent(self, address: str, now: float) -> list[float]:
        # A clock that was set back must not lock anybody out for ever.
        return [at for at in self._failures.get(address, ()) if now - WINDOW_S < at <= now]
