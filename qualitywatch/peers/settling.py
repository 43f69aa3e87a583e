"""After a reload of Asterisk: what is said of peers and trunks while it makes its endpoints and registrations anew.

Strategy: a reload drops registrations of ours whose settings changed and registers them again, prunes and re-reads chan_sip's
peers, and asks all of them anew whether they are there.  So for a while bad news of a peer or a trunk is held back, the latest
of each; good news is true at once and takes the bad with it.  What is still bad when all has settled is told then, dated to its
first sign; nobody's is held for longer than a reload and the next one may take, or reloads by the minute would hide an outage
for ever.  Nothing that was known before is forgotten: a reload unplugs no phone.

Source: ``main/loader.c`` (``Reload`` comes when all modules are done), ``channels/chan_sip.c`` (``sip_do_reload``) and
``res/res_pjsip_outbound_registration.c`` (``can_reuse_registration``) of Asterisk 16 to 23.
"""

from __future__ import annotations

import math
from typing import Final

from qualitywatch.model import Observation, PeerState, StatusObservation, TrunkState
from qualitywatch.model.words import REMOVED

SETTLE_S: Final = 60.0  # a first attempt that is not answered (chan_sip: 20 s), and a second one
LONGEST_S: Final = 2 * SETTLE_S
_ENTITIES: Final = frozenset({"peer", "trunk"})
# True at once, and an end of what is held back.
_GOOD: Final = frozenset({PeerState.REGISTERED, PeerState.REACHABLE, TrunkState.REGISTERED, REMOVED})
# By what a module's name begins with; "All" and an empty name are everything.  The dialplan is reloaded far more often.
_MODULES: Final = ("all", "chan_sip", "chan_iax2", "chan_pjsip", "res_pjsip", "res_sorcery", "sip", "iax2")


def disturbs(module: str) -> bool:
    """Whether a reload of this module touches peers or registrations."""
    name = module.strip().casefold()
    return not name or name.startswith(_MODULES)


class Settling:
    """Holds back bad news of peers and trunks for a while after a reload."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._held: dict[tuple[str, str], StatusObservation] = {}
        self._held_since: dict[tuple[str, str], float] = {}

    @property
    def waiting(self) -> bool:
        """Whether the mere passing of time may bring something to judge."""
        return self._until is not None

    def begin(self, at: float) -> None:
        """A reload is over; one that follows another prolongs the wait, but not of anybody for longer than ``LONGEST_S``."""
        self._until = at + SETTLE_S

    def holds(self, observation: Observation) -> bool:
        """Take in what is about to be judged; True when it is to be left for later."""
        if self._until is None or not isinstance(observation, StatusObservation) or observation.entity not in _ENTITIES:
            return False
        key = observation.entity, observation.subject
        if observation.status in _GOOD:
            self._let_go(key)
            return False
        if observation.at >= min(self._until, self._held_since.setdefault(key, observation.at) + LONGEST_S):
            self._held.pop(key, None)
            return False
        self._held[key] = observation
        return True

    def tick(self, now: float) -> list[StatusObservation]:
        """Return, once, what is still bad when all has settled, or was bad for too long to wait for that."""
        if self._until is None:
            return []
        if now >= self._until:
            held = list(self._held.values())
            self.forget()
            return held
        overdue = [key for key in self._held if now >= self._held_since[key] + LONGEST_S]
        self._held_since |= dict.fromkeys(overdue, -math.inf)  # nothing more is held of them until there is good news
        return [self._held.pop(key) for key in overdue]

    def _let_go(self, key: tuple[str, str]) -> None:
        self._held.pop(key, None)
        self._held_since.pop(key, None)

    def forget(self) -> None:
        """Drop everything: there is a gap in what we see, or the clock was set back."""
        self._until = None
        self._held.clear()
        self._held_since.clear()
