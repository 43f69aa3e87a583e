"""Who is configured on a PBX, by its lists: whom a whole list does not name is configured no more.

Strategy: only what is certain.  A list counts when its completion event came and at least as many of its items could be named
as that event says there were; one that was denied, is absent, is an error, was cut short or given up tells nothing.
Peers that chan_sip reads from a database are forgotten when their registration expires (``rtautoclear``): a list that no longer
names them is no proof.  PJSIP has a list of contacts and none of endpoints that least rights may read: those are asked for one
by one (``endpoints``).

Standard: ``ListItems`` of ``main/manager.c`` (``astman_send_list_complete_start``), sent with all five lists since Asterisk 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.codec import Message
from qualitywatch.ami.peers import peer_entry
from qualitywatch.ami.trunks import outbound_registration, registry_entry
from qualitywatch.model import PeerStateSeen, Roster, TrunkStateSeen

_Read = Callable[[Message, float], tuple[PeerStateSeen | TrunkStateSeen, ...]]

_LISTS: Final[Mapping[str, tuple[str, str, str, _Read]]] = {
    "SIPpeers": ("peer", "SIP", "PeerEntry", peer_entry),
    "IAXpeerlist": ("peer", "IAX2", "PeerEntry", peer_entry),
    "SIPshowregistry": ("trunk", "SIP", "RegistryEntry", registry_entry),
    "IAXregistry": ("trunk", "IAX2", "RegistryEntry", registry_entry),
    "PJSIPShowRegistrationsOutbound": ("trunk", "PJSIP", "OutboundRegistrationDetail", outbound_registration),
}


def roster(answer: Answer) -> Roster | None:
    """Return whom a list named; None for any answer that is no whole list."""
    if answer.action not in _LISTS or not answer.ok or answer.counted is None:
        return None
    entity, technology, item, read = _LISTS[answer.action]
    # AuthDetail is mixed into the registrations of PJSIP: other items are nobody.
    items = [(each, name) for each in answer.items if each.name == item and (name := _name(read(each, 0.0)))]
    named = [name for _, name in items]
    passing = frozenset(name for each, name in items if each.get("RealtimeDevice") == "yes")
    whole = len(named) >= answer.counted and all(name.startswith(f"{technology}/") for name in named)
    return Roster(entity, technology, frozenset(named), passing) if whole else None


def _name(seen: tuple[PeerStateSeen | TrunkStateSeen, ...]) -> str | None:
    found = next(iter(seen), None)
    if found is None:
        return None
    return found.peer if isinstance(found, PeerStateSeen) else found.trunk
