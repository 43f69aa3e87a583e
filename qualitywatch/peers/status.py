"""State of every peer of one PBX, one set of words for chan_sip, PJSIP and IAX2.

Strategy: registration and qualify are two facts.  A re-registration does not heal an unreachable phone (chan_sip says
nothing more until qualify changes), an expired one makes qualify meaningless, as does a list that calls a peer unmonitored.
A PJSIP endpoint is as well as its best contact; contacts from before our time may be unknown, so what PeerStatus says of the
endpoint as a whole goes before what is said of one contact (Asterisk says both, PeerStatus first).  What a list says of a peer
that was never seen alive is not news: spare accounts are not an outage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qualitywatch.model import PeerState, PeerStateSeen, StatusObservation

_QUALIFY = frozenset({PeerState.REACHABLE, PeerState.LAGGED, PeerState.UNREACHABLE})
_ALIVE = frozenset({PeerState.REACHABLE, PeerState.REGISTERED, PeerState.LAGGED})
_BEST_FIRST = (PeerState.REACHABLE, PeerState.REGISTERED, PeerState.LAGGED, PeerState.UNREACHABLE, PeerState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class PeerStanding:
    """How one peer stands; ``rtt_ms`` is what qualify measured last."""

    subject: str
    state: PeerState
    since_at: float
    address: str | None
    rtt_ms: float | None


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

    def __init__(self, pbx: str, *, alive: Iterable[str] = ()) -> None:
        """``alive`` names peers that an earlier run saw alive and then missed."""
        self._pbx = pbx
        self._peers: dict[str, _Peer] = {}
        self._alive = frozenset(alive)

    def observe(self, event: PeerStateSeen) -> StatusObservation | None:
        """Return the peer's state when it changed or when a list confirmed it; None otherwise."""
        peer = self._peers.get(event.peer)
        if peer is None:
            peer = self._peers[event.peer] = _Peer(PeerState.UNKNOWN, event.at, seen_alive=event.peer in self._alive)
        if event.rtt_ms is not None:
            peer.rtt_ms = event.rtt_ms
        state = self._combined(peer, event)
        if event.address is not None and event.state is not PeerState.UNREGISTERED:
            peer.address = event.address
        if state in _ALIVE:
            peer.seen_alive = True
        elif event.snapshot and not peer.seen_alive and _is_spare(state, peer, event):
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

    def alive(self) -> frozenset[str]:
        """Who is there now."""
        return frozenset(name for name, peer in self._peers.items() if peer.state in _ALIVE)

    def address(self, peer: str) -> str | None:
        """Last known ``host:port`` of a peer."""
        found = self._peers.get(peer)
        return found.address if found is not None else None

    def standings(self) -> list[PeerStanding]:
        """How every peer stands, in order of name."""
        return [
            PeerStanding(name, peer.state, peer.since_at, peer.address, peer.rtt_ms)
            for name, peer in sorted(self._peers.items())
        ]

    def contacts(self, peer: str) -> int:
        """How many devices are registered under a name, at least 1."""
        found = self._peers.get(peer)
        return max(1, len(found.contacts)) if found is not None else 1

    def drop(self, peer: str) -> None:
        """Let go of a peer that is no longer configured."""
        self._peers.pop(peer, None)

    def forget(self) -> None:
        """Forget states, keep who was ever alive: the next list tells how things stand."""
        for peer in self._peers.values():
            peer.state, peer.registered, peer.qualify = PeerState.UNKNOWN, None, None
            peer.contacts.clear()

    def clock_set_back(self, now: float) -> list[StatusObservation]:
        """Let no state have begun in the future, and return how everybody stands by the new clock."""
        for peer in self._peers.values():
            peer.since_at = min(peer.since_at, now)
        return [
            StatusObservation(now, "peer", self._pbx, name, peer.state, peer.since_at) for name, peer in self._peers.items()
        ]

    def clock_set_forward(self, now: float, by_s: float) -> list[StatusObservation]:
        """Let no state have lasted longer for it, and return how everybody stands by the new clock."""
        for peer in self._peers.values():
            peer.since_at += by_s
        return [
            StatusObservation(now, "peer", self._pbx, name, peer.state, peer.since_at) for name, peer in self._peers.items()
        ]

    @staticmethod
    def _combined(peer: _Peer, event: PeerStateSeen) -> PeerState:
        if event.peer.startswith("PJSIP/"):
            return _of_contact(peer, event, event.address) if event.address is not None else _of_endpoint(peer, event)
        if event.state in _QUALIFY:
            peer.qualify = event.state
            if event.state is not PeerState.UNREACHABLE:
                peer.registered = True
        elif event.state is PeerState.REGISTERED:
            if peer.registered is False or event.snapshot:  # a list says so of who is not asked by qualify
                peer.qualify = None
            peer.registered = True
        elif event.state is PeerState.UNREGISTERED:
            peer.registered, peer.qualify = False, None
        if peer.registered is False and peer.qualify is None:
            return PeerState.UNREGISTERED
        if peer.qualify is not None:
            return peer.qualify
        return PeerState.REGISTERED if peer.registered else PeerState.UNKNOWN


def _is_spare(state: PeerState, peer: _Peer, event: PeerStateSeen) -> bool:
    """Whether a list may be talking of an account that nobody uses: an event would have told of one that left."""
    return state is PeerState.UNREGISTERED or (event.address is None and peer.state is PeerState.UNKNOWN)


def _of_contact(peer: _Peer, event: PeerStateSeen, address: str) -> PeerState:
    """State of a PJSIP endpoint after something was said of one of its contacts."""
    if event.state is PeerState.UNREGISTERED:
        peer.contacts.pop(address, None)
    else:
        peer.contacts[address] = event.state
    peer.registered = bool(peer.contacts)
    best = next((state for state in _BEST_FIRST if state in peer.contacts.values()), PeerState.UNREGISTERED)
    if best not in _ALIVE and peer.qualify is PeerState.REACHABLE:
        return PeerState.REACHABLE  # by a contact we were not told of
    if best is PeerState.UNREGISTERED and peer.qualify is None and peer.state in _ALIVE:
        return peer.state  # had this contact been the last one, PeerStatus would have said so
    return best


def _of_endpoint(peer: _Peer, event: PeerStateSeen) -> PeerState:
    """State of a PJSIP endpoint after PeerStatus spoke of it as a whole."""
    if event.state is PeerState.UNREACHABLE:
        peer.qualify = event.state
        peer.contacts = dict.fromkeys(peer.contacts, event.state)
        return event.state if peer.registered is not False else PeerState.UNREGISTERED
    if event.state is PeerState.REACHABLE:
        peer.qualify, peer.registered = event.state, True
        return event.state
    return peer.state
