"""Failed logins at the PBX: who tried, from where, by which protocol.

Strategy: four events of class ``security`` mean that somebody was turned away.  chan_sip says ``InvalidPassword`` of a wrong
password and PJSIP ``ChallengeResponseFailed``; the name tried is in ``AccountID``, which chan_sip fills with a whole From
header at times, and PJSIP with ``<unknown>`` when there is no such account.

Standard: ``main/security_events.c`` of Asterisk 13 to 23; before 13 there are no such events.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.names import known_text
from qualitywatch.model import LoginFailed

FAILURES: Final = ("InvalidPassword", "InvalidAccountID", "ChallengeResponseFailed", "FailedACL")

_FROM_HEADER: Final = re.compile(r'(?:"[^"]*"\s*)?<?sips?:([^@;>\s]+)@')


def login_failed(message: Message, at: float) -> tuple[LoginFailed, ...]:
    """Read one of ``FAILURES``; nothing when it tells neither who nor from where."""
    account = known_text(message.get("AccountID")) or ""
    written_out = _FROM_HEADER.match(account)
    account = written_out[1] if written_out else account
    address = _host(message.get("RemoteAddress"))
    if not account and address is None:
        return ()
    return (LoginFailed(at, account, address, service=known_text(message.get("Service")) or "", reason=message.name),)


def _host(remote: str | None) -> str | None:
    """The host of ``IPV4/UDP/203.0.113.9/5060``; None for what is no address."""
    parts = (remote or "").split("/")
    try:
        return str(ip_address(parts[2].strip("[]"))) if len(parts) == 4 else None
    except ValueError:
        return None
