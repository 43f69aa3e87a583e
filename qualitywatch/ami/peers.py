"""States and User-Agents of phones and qualified trunks, from events, list items and single answers alike.

Strategy: one table of words per source, one set of states for all drivers.  What the recordings teach is kept here:

* no event carries the User-Agent; it is in contact lists (PJSIP), in ``SIPshowpeer`` and in ``Getvar`` of ``PJSIP_CONTACT``;
* ``Time`` of a qualify is absent from PeerStatus Reachable and Lagged since Asterisk 12;
* PeerStatus of PJSIP says Reachable as soon as an endpoint has a contact, whether or not anybody asks the contact with OPTIONS;
* PeerStatus ``Rejected`` says that somebody failed to log in as this peer.  The peer's own registration stays as it was, so the
  event is no state of the peer and yields nothing;
* with least rights a list of devices is all that tells of PJSIP endpoints: each is unavailable while no contact of it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import positive
from qualitywatch.ami.names import callerid_name, host_port, known_text, peer_name, uri_address, uri_transport
from qualitywatch.model import AgentSeen, PeerState, PeerStateSeen

_PEER_STATUS: Final[Mapping[str, PeerState]] = {
    "registered": PeerState.REGISTERED,
    "unregistered": PeerState.UNREGISTERED,
    "reachable": PeerState.REACHABLE,
    "lagged": PeerState.LAGGED,
    "unreachable": PeerState.UNREACHABLE,
}
_CONTACT_STATUS: Final[Mapping[str, PeerState]] = {
    "reachable": PeerState.REACHABLE,
    "unreachable": PeerState.UNREACHABLE,
    "removed": PeerState.UNREGISTERED,
    "nonqualified": PeerState.REGISTERED,
    "created": PeerState.REGISTERED,  # NonQualified as Asterisk 13 spells it
}
_ENTRY_STATUS: Final[Mapping[str, PeerState]] = {
    "ok": PeerState.REACHABLE,
    "lagged": PeerState.LAGGED,
    "unreachable": PeerState.UNREACHABLE,
}
# ``chan_pjsip_devicestate``: an endpoint that is offline is UNAVAILABLE, INVALID is no endpoint, UNKNOWN one that was never
# looked at; all others are online, whatever their calls make of it.
_DEVICE_STATE: Final[Mapping[str, PeerState]] = {
    "unavailable": PeerState.UNREACHABLE,
    **dict.fromkeys(("not_inuse", "inuse", "busy", "ringing", "ringinuse", "onhold"), PeerState.REACHABLE),
}
_ENTRY_STATUS_TEXT: Final = re.compile(r"([A-Za-z]+)(?: \(([0-9]{1,9}) ms\))?")
_CONTACT_ID: Final = re.compile(r"(.+?)(?:;@|@@)")  # aor;@hash of a registration, aor@@hash of a configured contact
_CONTACT_VARIABLE: Final = re.compile(r"PJSIP_CONTACT\((.+?)(?:;@|@@)[^,]*,user_agent\)")


def peer_status(message: Message, at: float) -> tuple[PeerStateSeen, ...]:
    """Read PeerStatus, an event of chan_sip, IAX2 and PJSIP or (with an ActionID) an item of SIPpeerstatus."""
    peer, status = message.get("Peer"), (message.get("PeerStatus") or "").lower()
    if not peer or status in ("", "rejected"):
        return ()
    return (
        PeerStateSeen(
            at=at,
            peer=peer,
            state=_PEER_STATUS.get(status, PeerState.UNKNOWN),
            address=uri_address(message.get("Address")),
            rtt_ms=positive(message.get("Time")),
            cause=known_text(message.get("Cause")),
            snapshot=message.action_id is not None,
        ),
    )


def contact_status(message: Message, at: float) -> tuple[PeerStateSeen, ...]:
    """Read ContactStatus, raised when a contact of a PJSIP endpoint is added, removed, lost or found again."""
    peer = _endpoint(message, "EndpointName", "AOR")
    if peer is None:
        return ()
    return (_contact_state(message, at, peer, status=message.get("ContactStatus"), snapshot=False),)


def contact_detail(message: Message, at: float) -> tuple[PeerStateSeen | AgentSeen, ...]:
    """Read an item of PJSIPShowContacts or of PJSIPShowRegistrationInboundContactStatuses: state and User-Agent."""
    peer = _endpoint(message, "EndpointName", "Endpoint", "AOR", "ObjectName")
    if peer is None:
        return ()
    state = _contact_state(message, at, peer, status=message.get("Status"), snapshot=True)
    agent, transport = known_text(message.get("UserAgent")), uri_transport(message.get("URI"))
    return (state, AgentSeen(at, peer, agent, address=state.address, listed=True, transport=transport))


def peer_entry(message: Message, at: float) -> tuple[PeerStateSeen, ...]:
    """Read an item of SIPpeers or IAXpeerlist."""
    name = message.get("ObjectName")
    if not name:
        return ()
    address = host_port(message.get("IPaddress"), message.get("IPport") or message.get("Port"))
    words = _ENTRY_STATUS_TEXT.match(message.get("Status") or "")
    status, rtt_ms = (words[1].lower(), words[2]) if words else ("", None)
    # chan_sip goes on saying UNREACHABLE of a phone whose registration has expired: that is a phone that went home.
    qualified = _ENTRY_STATUS.get(status) if address is not None else None
    return (
        PeerStateSeen(
            at=at,
            peer=peer_name(message.get("Channeltype"), name),
            state=qualified or _unqualified_state(message, status, address),
            address=address,
            rtt_ms=positive(rtt_ms),
            snapshot=True,
        ),
    )


def device_state(message: Message, at: float) -> tuple[PeerStateSeen, ...]:
    """Read an item of DeviceStateList about an endpoint of PJSIP; the event of that name tells what PeerStatus does."""
    if message.action_id is None:
        return ()
    peer, state = message.get("Device") or "", _DEVICE_STATE.get((message.get("State") or "").lower())
    if state is None or not peer.startswith("PJSIP/"):
        return ()
    return (PeerStateSeen(at, peer, state, snapshot=True),)


def shown_peer(message: Message, at: float) -> tuple[AgentSeen, ...]:
    """Read the answer to SIPshowpeer; any other answer yields nothing."""
    name, agent = message.get("ObjectName"), message.get("SIP-Useragent")
    if not name or agent is None or message.get("Channeltype") != "SIP":
        return ()
    return (
        AgentSeen(
            at=at,
            peer=peer_name("SIP", name),
            user_agent=known_text(agent),
            address=host_port(message.get("Address-IP"), message.get("Address-Port")),
            name=callerid_name(message.get("Callerid")),
            transport=uri_transport(message.get("Reg-Contact")),
        ),
    )


def shown_contact_variable(message: Message, at: float) -> tuple[AgentSeen, ...]:
    """Read the answer to Getvar of ``PJSIP_CONTACT(<aor>;@<id>,user_agent)``; any other answer yields nothing."""
    variable = _CONTACT_VARIABLE.fullmatch(message.get("Variable") or "")
    if variable is None:
        return ()
    return (AgentSeen(at, peer_name("PJSIP", variable[1]), known_text(message.get("Value"))),)


def _endpoint(message: Message, *headers: str) -> str | None:
    """An item without an endpoint still names its AOR, which is the endpoint's name in all usual configurations."""
    for header in headers:
        name = message.get(header)
        if name:
            contact_id = _CONTACT_ID.match(name)
            return peer_name("PJSIP", contact_id[1] if contact_id else name)
    return None


def _contact_state(message: Message, at: float, peer: str, *, status: str | None, snapshot: bool) -> PeerStateSeen:
    roundtrip_usec = positive(message.get("RoundtripUsec"))
    return PeerStateSeen(
        at=at,
        peer=peer,
        state=_CONTACT_STATUS.get((status or "").lower(), PeerState.UNKNOWN),
        address=uri_address(message.get("URI")),
        rtt_ms=None if roundtrip_usec is None else roundtrip_usec / 1000,
        snapshot=snapshot,
    )


def _unqualified_state(message: Message, status: str, address: str | None) -> PeerState:
    """Tell registered from not registered where qualify cannot: only a phone that registers can be without an address."""
    if address is None:
        return PeerState.UNREGISTERED if (message.get("Dynamic") or "").lower() == "yes" else PeerState.UNKNOWN
    return PeerState.REGISTERED if status == "unmonitored" else PeerState.UNKNOWN
