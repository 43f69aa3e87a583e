"""Header values as numbers, instants and channels; what cannot be read is None.

Strategy: only the spellings Asterisk prints are taken.  Python's own ``int`` and ``float`` accept much more (``1_0``, ``nan``,
digits of other scripts) and refuse very long numbers with an error.
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.ami.codec import Message
from qualitywatch.ami.names import caller_name
from qualitywatch.model import Channel
from qualitywatch.model.events import one_object

MAX_U32: Final = 0xFFFFFFFF

_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,15})?")
_HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
# Where Asterisk prints it; anywhere else it is looked for among all headers.
_USUAL_STAMP: Final = re.compile(
    rb"Event: [^\r\n]*+\r\nPrivilege: [^\r\n]*+\r\nTimestamp: ([0-9]{1,15}+(?:\.[0-9]{0,15}+)?+)\r\n"
)
_CODEC_VARIABLE: Final = "CHANNEL(audioreadformat)="


def whole(text: str | None, maximum: int = MAX_U32) -> int | None:
    """Return an unsigned integer of decimal digits, or None when it is absent, malformed or above ``maximum``."""
    if text is None or not text.isdecimal() or not text.isascii() or len(text) > 20:
        return None
    number = int(text)
    return number if number <= maximum else None


def decimal(text: str | None) -> float | None:
    """Return a decimal number, or None when it is absent or malformed."""
    return float(text) if text is not None and _DECIMAL.fullmatch(text) else None


def positive(text: str | None) -> float | None:
    """Return a decimal number above 0, or None: Asterisk prints 0 and -1 for durations it does not know."""
    number = decimal(text)
    return number if number is not None and number > 0 else None


def ssrc(text: str | None) -> int | None:
    """Return an SSRC printed as ``0x5b1c9a04`` or in decimal digits, or None."""
    if text is not None and _HEXADECIMAL.fullmatch(text):
        number = int(text, 16)
        return number if number <= MAX_U32 else None
    return whole(text)


def timestamp(message: Message) -> float | None:
    """Return the Unix seconds at which Asterisk raised the event, or None without ``timestampevents=yes``."""
    found = _USUAL_STAMP.match(message.raw)
    if found is not None:
        return float(found[1]) or None
    return positive(message.get("Timestamp"))


def channel(message: Message, prefix: str = "") -> Channel | None:
    """Return the channel block of an event, or None when it names no channel; ``prefix`` is "Dest" for the called one."""
    name = message.get(f"{prefix}Channel")
    uniqueid = message.get(f"{prefix}Uniqueid")
    if not name or not uniqueid:
        return None
    linkedid = message.get(f"{prefix}Linkedid") or None
    return Channel(
        name=name,
        uniqueid=uniqueid,
        linkedid=uniqueid if linkedid == uniqueid else linkedid,
        state=_one(message.get(f"{prefix}ChannelStateDesc") or None),
        caller_number=_one(caller_name(message.get(f"{prefix}CallerIDNum"))),
        caller_name=_one(caller_name(message.get(f"{prefix}CallerIDName"))),
        codec=_one(_codec(message, prefix)),
    )


def _one(text: str | None) -> str | None:
    return one_object(text) if text is not None else None


def _codec(message: Message, prefix: str) -> str | None:
    for variable in message.get_all(f"{prefix}ChanVariable"):
        if variable.startswith(_CODEC_VARIABLE):
            codec = variable.removeprefix(_CODEC_VARIABLE).strip()
            return None if codec in ("", "none") else codec
    return None
