"""Events of a call being placed: who is called through which channel, by what number, and how the attempt ended.

Strategy: ``DialString`` is what the dial plan wrote after ``Dial(TECHNOLOGY/``, and holds the number in a place of each
technology's own.  It may hold a password too, so nothing of it but a telephone number leaves this module.

Standard: ``main/dial.c``, ``apps/app_dial.c`` of Asterisk 12 to 23; the notations are those of ``sip_request_call``
(chan_sip), ``chan_pjsip_request_with_stream_topology`` and ``parse_dial_string`` (chan_iax2).
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import channel
from qualitywatch.model import DialBegun, DialEnded, DialProgressed

_NUMBER: Final = re.compile(r"\+?[0-9*#]+")
_SEPARATORS: Final = re.compile(r"[\s.()\-]+")  # RFC 3966, visual-separator: they are for the eye, and no provider minds them
_LONGEST: Final = 64  # digits worth passing on; any longer number is called by its beginning
_SCHEME: Final = re.compile(r"sips?:", re.IGNORECASE)
_END_OF_NUMBER: Final = re.compile(r"[@:;!/&,]")


def dial_begun(message: Message, at: float) -> tuple[DialBegun, ...]:
    """Read DialBegin; without a caller where the PBX itself placed the call (Originate)."""
    dest = channel(message, "Dest")
    if dest is None:
        return ()
    dial_string = message.get("DialString")
    dialled = _dialled(dest.peer, dial_string)
    number = _number(dialled)
    is_unreadable = dialled is not None and number is None
    is_uri = _SCHEME.match((dial_string or "").partition("/")[2]) is not None
    return (DialBegun(at, dest, channel(message), number, is_unreadable=is_unreadable, is_uri=is_uri),)


def dial_ended(message: Message, at: float) -> tuple[DialEnded, ...]:
    """Read DialEnd of one called channel."""
    dest, status = channel(message, "Dest"), message.get("DialStatus")
    return (DialEnded(at, dest, status),) if dest is not None and status else ()


def dial_progressed(message: Message, at: float) -> tuple[DialProgressed, ...]:
    """Read DialState (Asterisk 14 and later): the called side gives a sign, RINGING or PROGRESS (early media)."""
    dest, status = channel(message, "Dest"), message.get("DialStatus")
    return (DialProgressed(at, dest, status),) if dest is not None and status else ()


def dialled_number(peer: str, dial_string: str | None) -> str | None:
    """Return the number called over a peer, or None when only the peer itself was named or what was called is no number.

    Known: ``peer/number`` (chan_sip, IAX2, DAHDI), ``number@peer`` (PJSIP, chan_sip), ``peer/sip:number@host`` (PJSIP).
    """
    return _number(_dialled(peer, dial_string))


def _dialled(peer: str, dial_string: str | None) -> str | None:
    """What was called over a peer, number or not; None when only the peer itself was named."""
    before, slash, after = (dial_string or "").partition("/")
    if slash:
        text = after
    elif "@" in before and not peer.startswith("IAX2/"):  # there it is a user name
        text = before
    else:
        return None
    return _END_OF_NUMBER.split(_SCHEME.sub("", text, count=1), maxsplit=1)[0]


def _number(dialled: str | None) -> str | None:
    digits = _SEPARATORS.sub("", dialled or "")
    return digits[:_LONGEST] if _NUMBER.fullmatch(digits) else None
