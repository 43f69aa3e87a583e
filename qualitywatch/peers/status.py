"""State of every peer of one PBX, one set of words for chan_sip, PJSIP and IAX2.

Strategy: registration and qualify are two facts.  A re-registration does not heal an unreachable phone (chan_sip says
nothing more until qualify changes), an expired one makes qualify meaningless.  A PJSIP endpoint is as well as its best
contact.  What a list says of a peer that was never seen alive is not news: spare accounts are not an outage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qualitywatch.model import PeerState, PeerStateSeen, StatusObservation

_QUALIFY = frozenset({PeerState.REACHABLE, PeerState.LAGGED, PeerState.UNREACHABLE})
_BEST_FIRST = (PeerState.REACHABLE, PeerState.REGISTERED, PeerState.LAGGED, PeerState.UNREACHABLE, PeerState.UNKNOWN)


@dataclass(slots=True)
class _Peer:
    state: PeerState
    since_at: float
    registered: bool | None = None
    qualify: PeerState | None = None
    contacts: dict[str, PeerState] = field(default_factory=dict)
    address: str | None = None
    rtt_ms: float | None = None
    seen_alive: bool = False


class PeerTracker:
    """Turns PeerStatus, ContactStatus and list items into one state per peer."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._peers: dict[str, _Peer] = {}

    def observe(self, event: PeerStateSeen) -> StatusObservation | None:
        """Return the peer's state when it changed or when a list confirmed it; None otherwise."""
        peer = self._peers.get(event.peer)
        if peer is None:
            peer = self._peers[event.peer] = _Peer(PeerState.UNKNOWN, event.at)
        if event.rtt_ms is not None:
            peer.rtt_ms = event.rtt_ms
        state = self._combined(peer, event)
        if event.address is not None and state is not PeerState.UNREGISTERED:
            peer.address = event.address
        if state in {PeerState.REACHABLE, PeerState.REGISTERED, PeerState.LAGGED}:
            peer.seen_alive = True
        elif state is PeerState.UNREGISTERED and event.snapshot and not peer.seen_alive:
            state = PeerState.UNKNOWN
        changed = state is not peer.state
        if changed:
            peer.state, peer.since_at = state, event.at
        if not changed and not event.snapshot:
            return None
        return StatusObservation(event.at, "peer", self._pbx, event.peer, state, peer.since_at, event.cause)

    def states(self) -> dict[str, PeerState]:
        """Present state by peer."""
        return {name: peer.state for name, peer in self._peers.items()}

    def address(self, peer: str) -> str | None:
        """Last known ``host:port`` of a peer."""
        found = self._peers.get(peer)
        return found.address if found is not None else None

    def contacts(self, peer: str) -> int:
        """How many devices are registered under a name, at least 1."""
        found = self._peers.get(peer)
        return max(1, len(found.contacts)) if found is not None else 1

    def forget(self) -> None:
        """Forget states, keep who was ever alive: the next list tells how things stand."""
        for peer in self._peers.values():
            peer.state, peer.registered, peer.qualify = PeerState.UNKNOWN, None, None
            peer.contacts.clear()

    @staticmethod
    def _combined(peer: _Peer, event: PeerStateSeen) -> PeerState:
        if event.peer.startswith("PJSIP/") and event.address is not None:
            if event.state is PeerState.UNREGISTERED:
                peer.contacts.pop(event.address, None)
            else:
                peer.contacts[event.address] = event.state
            known = peer.contacts.values()
            return next((state for state in _BEST_FIRST if state in known), PeerState.UNREGISTERED)
        if event.state in _QUALIFY:
            peer.qualify = event.state
            if event.state is not PeerState.UNREACHABLE:
                peer.registered = True
            if event.peer.startswith("PJSIP/"):  # the endpoint as a whole flipped: no contact can say otherwise
                peer.contacts = dict.fromkeys(peer.contacts, event.state)
        elif event.state is PeerState.REGISTERED:
            if peer.registered is False:
                peer.qualify = None
            peer.registered = True
        elif event.state is PeerState.UNREGISTERED:
            peer.registered, peer.qualify = False, None
            peer.contacts.clear()
        if peer.registered is False and peer.qualify is None:
            return PeerState.UNREGISTERED
        if peer.qualify is not None:
            return peer.qualify
        return PeerState.REGISTERED if peer.registered else PeerState.UNKNOWN
