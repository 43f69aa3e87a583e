"""Messages to events: the one table that says what each message of Asterisk means to us.

Strategy: the name of an event selects a handler; a handler reads headers and returns values.  Handlers are pure and total: no
bytes of a peer make them raise, what they cannot read is None or no event at all.  AuthDetail, which holds passwords in
plain text, is not in the table, so that a decoder that knows ``WANTED_EVENTS`` drops it unread.

To support another event, add its value to ``model/events.py`` and one handler to the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from qualitywatch.ami import calls, dials, peers, queues, rtcp, security, trunks
from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import positive, timestamp
from qualitywatch.ami.rtcp_fast import read_report
from qualitywatch.model import Booted, PbxEvent, Reloaded, ShuttingDown

Handler: TypeAlias = Callable[[Message, float], tuple[PbxEvent, ...]]


def _booted(message: Message, at: float) -> tuple[Booted, ...]:
    return (Booted(at, uptime_s=positive(message.get("Uptime"))),)


def _shutting_down(message: Message, at: float) -> tuple[ShuttingDown, ...]:
    return (ShuttingDown(at, restart=(message.get("Restart") or "").lower() == "true"),)


def _reloaded(message: Message, at: float) -> tuple[Reloaded, ...]:
    """Read Reload; a failed one (``Status`` is not 0) may have changed half of what it was to change."""
    return (Reloaded(at, module=message.get("Module") or ""),)


_HANDLERS: Final[Mapping[str, Handler]] = {
    "RTCPSent": rtcp.rtcp_sent,
    "RTCPReceived": rtcp.rtcp_received,
    "Newchannel": calls.channel_changed,
    "Newstate": calls.channel_changed,
    "CoreShowChannel": calls.channel_listed,
    "Rename": calls.channel_renamed,
    "Hold": calls.channel_held,
    "Unhold": calls.channel_unheld,
    "Hangup": calls.channel_hung_up,
    "DialBegin": dials.dial_begun,
    "DialState": dials.dial_progressed,
    "DialEnd": dials.dial_ended,
    "DTMFEnd": calls.digit_heard,
    "OriginateResponse": calls.call_outcome,
    "PeerStatus": peers.peer_status,
    "PeerEntry": peers.peer_entry,
    "ContactStatus": peers.contact_status,
    "ContactStatusDetail": peers.contact_detail,
    "ContactList": peers.contact_detail,
    "DeviceStateChange": peers.device_state,
    "Registry": trunks.registry,
    "RegistryEntry": trunks.registry_entry,
    "OutboundRegistrationDetail": trunks.outbound_registration,
    "QueueSummary": queues.queue_summary,
    "QueueSummaryComplete": queues.queues_listed,
    **dict.fromkeys(security.FAILURES, security.login_failed),
    "FullyBooted": _booted,
    "Shutdown": _shutting_down,
    "Reload": _reloaded,
}

# Events that only end a list: they mean nothing here and everything to whoever asked for the list.
_COMPLETIONS: Final = frozenset(
    {
        "ContactListComplete",
        "ContactStatusDetailComplete",
        "CoreShowChannelsComplete",
        "EndpointDetailComplete",
        "EndpointListComplete",
        "OutboundRegistrationDetailComplete",
        "PeerlistComplete",
        "RegistrationsComplete",
        "SIPpeerstatusComplete",
        "StatusComplete",
    }
)

WANTED_EVENTS: Final[frozenset[str]] = frozenset(_HANDLERS) | _COMPLETIONS
"""Every event that is translated and every end of a list of such events; a decoder may drop all others by their first line."""


def translate(message: Message, received_at: float) -> tuple[PbxEvent, ...]:
    """Return what a message says, usually one event or none.

    ``at`` of the events is the ``Timestamp`` header where the PBX sends one, else ``received_at`` (Unix seconds).
    """
    report = read_report(message.raw, received_at)
    if report is not None:
        return (report,)
    if message.kind == "event":
        handler = _HANDLERS.get(message.name)
        return () if handler is None else handler(message, timestamp(message) or received_at)
    if message.kind == "response" and message.name == "Success":
        return peers.shown_peer(message, received_at) or peers.shown_contact_variable(message, received_at)
    return ()
