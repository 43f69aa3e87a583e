"""State of every outbound registration of one PBX.

Strategy: PJSIP says Rejected for everything that goes wrong, chan_sip may say nothing but "Request Sent" through a whole
outage, and IAX2 falls silent.  So besides the plain bad words, a trunk counts as down when it is being retried and no
Registered came for 1.5 times its refresh, or for a minute beyond the refresh if more than one attempt was not answered.  The
refresh is what the registry list says, else the time between two Registered events.  A trouble is dated back to its first sign,
so that "not registered for 60 s" means what it says.  What is remembered of a trunk survives a restart of ours in the middle of
an outage (``memory``, ``recall``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qualitywatch.model import StatusObservation, TrunkState, TrunkStateSeen

REFRESH_TOLERANCE = 1.5
# Without any known refresh: chan_sip retries every 20 s by default, so this is a second unanswered attempt.
PATIENCE_UNKNOWN_REFRESH_S = 30.0
# Nor does half of a long refresh matter once it is over and one attempt after another was not answered: chan_sip renews a
# registration 15 s before it expires, of an hour as well.
PATIENCE_EXPIRED_S = 60.0
# After a gap in what we see, what was known of a trunk's trouble is still good for so long, or for 1.5 refresh times.
MEMORY_GOOD_FOR_S = 60.0

_DOWN = frozenset({TrunkState.REJECTED, TrunkState.FAILED, TrunkState.UNREGISTERED, TrunkState.SILENT})


@dataclass(slots=True)
class _Trunk:
    state: TrunkState
    since_at: float
    registered_at: float | None = None
    refresh_s: float | None = None
    trouble_at: float | None = None  # first sign of the present trouble
    cause: str | None = None
    heard_at: float | None = None  # last word about it
    unanswered: int = 0  # attempts in the present trouble


class TrunkTracker:
    """Turns what the PBX says of its registrations into states with a beginning."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._trunks: dict[str, _Trunk] = {}

    def observe(self, event: TrunkStateSeen) -> StatusObservation:
        """Take in one Registry event or list item and return how the trunk stands now."""
        trunk = self._trunks.get(event.trunk)
        if trunk is None:
            trunk = self._trunks[event.trunk] = _Trunk(TrunkState.UNKNOWN, event.at)
        if event.refresh_s:
            trunk.refresh_s = event.refresh_s
        trunk.cause = event.cause
        trunk.heard_at = event.at
        if event.state is TrunkState.REGISTERED:
            self._registered(trunk, event)
        elif event.state is not TrunkState.UNKNOWN:
            self._troubled(trunk, event)
        return self._observation(event.trunk, trunk, event.at)

    def tick(self, now: float) -> list[StatusObservation]:
        """Return the trunks whose patience has just run out."""
        silent = []
        for name, trunk in self._trunks.items():
            if trunk.state is TrunkState.RETRYING and now >= _deadline(trunk):
                trunk.state, trunk.since_at = TrunkState.SILENT, trunk.trouble_at or now
                silent.append(self._observation(name, trunk, now))
        return silent

    @property
    def waiting(self) -> bool:
        """Whether the mere passing of time may change a state."""
        return any(trunk.state is TrunkState.RETRYING for trunk in self._trunks.values())

    @property
    def names(self) -> Collection[str]:
        """All that were heard of and not dropped: a live view."""
        return self._trunks.keys()

    def states(self) -> dict[str, TrunkState]:
        """Present state by trunk name."""
        return {name: trunk.state for name, trunk in self._trunks.items()}

    def standings(self) -> list[StatusObservation]:
        """How every trunk stands, in order of name."""
        return [
            self._observation(name, trunk, trunk.heard_at or trunk.since_at) for name, trunk in sorted(self._trunks.items())
        ]

    def drop(self, trunk: str) -> None:
        """Let go of a trunk that is no longer configured."""
        self._trunks.pop(trunk, None)

    def forget(self, now: float) -> None:
        """Forget states after a gap in what we see; times too, where the gap was too long for them to mean anything."""
        for trunk in self._trunks.values():
            trunk.state = TrunkState.UNKNOWN
            good_for_s = max(MEMORY_GOOD_FOR_S, REFRESH_TOLERANCE * (trunk.refresh_s or 0.0))
            if trunk.heard_at is None or not 0 <= now - trunk.heard_at <= good_for_s:
                trunk.registered_at = trunk.trouble_at = None

    def reloaded(self) -> None:
        """Asterisk registers everything anew, early: the time until then is not the refresh."""
        for trunk in self._trunks.values():
            trunk.registered_at = None

    def clock_set_back(self, now: float) -> list[StatusObservation]:
        """Let nothing have happened in the future, and return how every trunk stands by the new clock."""
        for trunk in self._trunks.values():
            trunk.since_at = min(trunk.since_at, now)
            trunk.registered_at, trunk.trouble_at, trunk.heard_at = (
                None if at is None else min(at, now) for at in (trunk.registered_at, trunk.trouble_at, trunk.heard_at)
            )
        return [self._observation(name, trunk, now) for name, trunk in self._trunks.items()]

    def clock_set_forward(self, now: float, by_s: float) -> list[StatusObservation]:
        """Let nothing have lasted longer for it, and return how every trunk stands by the new clock."""
        for trunk in self._trunks.values():
            trunk.since_at += by_s
            trunk.registered_at, trunk.trouble_at, trunk.heard_at = (
                None if at is None else at + by_s for at in (trunk.registered_at, trunk.trouble_at, trunk.heard_at)
            )
        return [self._observation(name, trunk, now) for name, trunk in self._trunks.items()]

    def memory(self, trunk: str) -> str:
        """What is worth remembering of a trunk across a restart of ours, as text."""
        known = self._trunks[trunk]
        return json.dumps([known.refresh_s, known.registered_at, known.trouble_at, known.heard_at])

    def recall(self, memories: Mapping[str, str]) -> None:
        """Take back what an earlier run remembered, by trunk name; anything else is ignored."""
        for name, text in memories.items():
            try:
                refresh_s, registered_at, trouble_at, heard_at = (
                    None if value is None else float(value) for value in json.loads(text)
                )
            except (ValueError, TypeError):
                continue
            self._trunks[name] = _Trunk(
                TrunkState.UNKNOWN, heard_at or 0.0, registered_at, refresh_s, trouble_at, heard_at=heard_at
            )

    @staticmethod
    def _registered(trunk: _Trunk, event: TrunkStateSeen) -> None:
        steady = trunk.state is TrunkState.REGISTERED and trunk.registered_at is not None
        if steady and not event.snapshot and trunk.registered_at is not None and event.at > trunk.registered_at:
            trunk.refresh_s = event.at - trunk.registered_at
        if trunk.state is not TrunkState.REGISTERED:
            trunk.state, trunk.since_at = TrunkState.REGISTERED, event.at
        trunk.trouble_at = None
        if not event.snapshot:  # a list item does not say when the registration was
            trunk.registered_at = event.at

    @staticmethod
    def _troubled(trunk: _Trunk, event: TrunkStateSeen) -> None:
        if trunk.trouble_at is None:
            trunk.trouble_at, trunk.unanswered = event.at, 0
        trunk.unanswered += event.state is TrunkState.RETRYING
        if event.state is TrunkState.RETRYING and trunk.state in _DOWN:
            return  # trying again does not make it any better
        if trunk.state is not event.state:
            trunk.state, trunk.since_at = event.state, trunk.trouble_at

    def _observation(self, name: str, trunk: _Trunk, at: float) -> StatusObservation:
        return StatusObservation(at, "trunk", self._pbx, name, trunk.state, trunk.since_at, trunk.cause)


def _deadline(trunk: _Trunk) -> float:
    trouble_at = trunk.trouble_at if trunk.trouble_at is not None else trunk.since_at
    if trunk.refresh_s is None:
        return trouble_at + PATIENCE_UNKNOWN_REFRESH_S
    started = trunk.registered_at if trunk.registered_at is not None else trouble_at
    patient_until = max(trouble_at, started + REFRESH_TOLERANCE * trunk.refresh_s)
    if trunk.unanswered < 2:
        return patient_until
    expires_at = trunk.registered_at + trunk.refresh_s if trunk.registered_at is not None else trouble_at
    return min(patient_until, max(trouble_at, expires_at) + PATIENCE_EXPIRED_S)
