"""A call that leaves by a trunk, as the manager interface tells it: the caller's channel, the leg it dials, both hangups.

Standard: ``Newchannel``, ``DialBegin``, ``DialEnd`` and ``Hangup`` of Asterisk 20; DialString as each technology writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qualitywatch.ami.codec import Message
from qualitywatch.testing.calls import event


@dataclass(frozen=True, slots=True)
class Dial:
    """``peer`` dials ``number`` by a trunk; the called party may answer after ``answered_s``."""

    peer: str
    number: str
    trunk: str
    lasts_s: float
    answered_s: float | None = None
    cause: int = 16  # Q.850: normal call clearing


def messages(dial: Dial, number: int, at: float) -> Iterator[tuple[float, Message]]:
    """Yield the messages of a call that begins ``at``; ``number`` tells it from all other calls."""
    uniqueid = f"{at:.0f}.{number}"
    leg = f"{uniqueid}1"
    caller = _channel("", dial.peer, number, uniqueid, uniqueid)
    called = _channel("Dest", dial.trunk, number, leg, uniqueid)
    trunk = dial.trunk.partition("/")[2]
    is_pjsip = dial.trunk.startswith("PJSIP/")
    dialled = {"DialString": f"{dial.number}@{trunk}" if is_pjsip else f"{trunk}/{dial.number}"}
    yield at, event("Newchannel", at, caller, {"ChannelStateDesc": "Ring"})
    yield at, event("DialBegin", at, caller, called, dialled)
    if dial.answered_s is not None:
        answered_at = at + dial.answered_s
        up = {"ChannelStateDesc": "Up"}
        yield answered_at, event("Newstate", answered_at, _channel("", dial.trunk, number, leg, uniqueid), up)
        yield answered_at, event("DialEnd", answered_at, caller, called, {"DialStatus": "ANSWER"})
    end_at = at + dial.lasts_s
    cause = {"Cause": str(dial.cause)}
    yield end_at, event("Hangup", end_at, _channel("", dial.trunk, number, leg, uniqueid), cause)
    yield end_at, event("Hangup", end_at, caller, cause)


def _channel(prefix: str, peer: str, number: int, uniqueid: str, linkedid: str) -> dict[str, str]:
    return {
        f"{prefix}Channel": f"{peer}-{number:08x}",
        f"{prefix}Uniqueid": uniqueid,
        f"{prefix}Linkedid": linkedid,
    }
