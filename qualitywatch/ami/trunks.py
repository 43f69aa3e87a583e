"""States of our outbound registrations, from events and list items, under one name for all drivers.

Strategy: one table of words.  chan_sip hardly ever says more than ``Request Sent`` while its registrar is dead, and IAX2 says
nothing at all: whoever reads these events has to mind the time since the last ``Registered``.

Standard: ``regstate2str`` of ``chan_sip.c`` and ``chan_iax2.c``, ``res_pjsip_outbound_registration.c``; Asterisk 12 to 23.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import positive
from qualitywatch.ami.names import known_text, trunk_name
from qualitywatch.model import TrunkState, TrunkStateSeen

_STATES: Final[Mapping[str, TrunkState]] = {
    "registered": TrunkState.REGISTERED,
    "request sent": TrunkState.RETRYING,
    "auth. sent": TrunkState.RETRYING,
    "timeout": TrunkState.RETRYING,
    "rejected": TrunkState.REJECTED,
    "no authentication": TrunkState.REJECTED,
    "failed": TrunkState.FAILED,
    "stopped": TrunkState.FAILED,
    "unregistered": TrunkState.UNREGISTERED,
}


def registry(message: Message, at: float) -> tuple[TrunkStateSeen, ...]:
    """Read Registry, raised on answers to our REGISTER and on their absence."""
    return _trunk(
        message,
        at,
        technology=message.get("ChannelType"),
        username=message.get("Username"),
        domain=message.get("Domain"),
        status=message.get("Status"),
    )


def registry_entry(message: Message, at: float) -> tuple[TrunkStateSeen, ...]:
    """Read an item of SIPshowregistry or IAXregistry; only the latter tells of ``Perceived``.

    ``Host`` is what Registry calls ``Domain``; the item's own ``Domain`` may be another one (``chan_sip.c``, ``regdomain``).
    """
    return _trunk(
        message,
        at,
        technology="SIP" if message.get("Perceived") is None else "IAX2",
        username=message.get("Username"),
        domain=message.get("Host") or message.get("Domain"),
        status=message.get("State"),
        refresh=message.get("Refresh"),
        snapshot=True,
    )


def outbound_registration(message: Message, at: float) -> tuple[TrunkStateSeen, ...]:
    """Read an item of PJSIPShowRegistrationsOutbound."""
    return _trunk(
        message,
        at,
        technology="PJSIP",
        username=message.get("ClientUri"),
        domain=message.get("ServerUri"),
        status=message.get("Status"),
        refresh=message.get("Expiration"),
        snapshot=True,
    )


def _trunk(
    message: Message,
    at: float,
    *,
    technology: str | None,
    username: str | None,
    domain: str | None,
    status: str | None,
    refresh: str | None = None,
    snapshot: bool = False,
) -> tuple[TrunkStateSeen, ...]:
    if not username and not domain:
        return ()
    return (
        TrunkStateSeen(
            at=at,
            trunk=trunk_name(technology, username, domain),
            state=_STATES.get((status or "").lower(), TrunkState.UNKNOWN),
            refresh_s=positive(refresh),
            cause=known_text(message.get("Cause")),
            snapshot=snapshot,
        ),
    )
