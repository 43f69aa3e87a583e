"""What the end of a call says of the trunk that carried it: did the network do its part?

Strategy: a network effectiveness ratio counts as delivered what reached the called party or failed for reasons of its own: it
rang, it was answered, busy, switched off, or there is no such number.  Failures are what the network itself could not do.  A
cause that can mean one thing only is taken at its word.  All others may hide either: there the SIP code decides where the
version tells it (PJSIP since 20.17, 22.7, 23.1), and where none does, whether it rang, and how quickly the answer came: a
machine says no at once, a person lets it ring.  What cannot be told is None and is counted nowhere.

Cause and code need not be of one mind.  Asterisk makes the cause of the code (``ast_sip_hangup_sip2cause`` of
``res/res_pjsip.c``, ``hangup_sip2cause`` of ``channels/chan_sip.c``: 18, 21 and 127 of most refusals, 28 of 484), but where the
answer holds ``Reason: Q.850;cause=20`` it is 20 (``res/res_pjsip_rfc3326.c``), which 20.17 and 20.18, 22.7 and 22.8, 23.1 and
23.2 tell beside the code; later versions go back to the cause of the code (``chan_pjsip_session_end``).

Standard: ITU-T E.425 (network effectiveness ratio), Q.850 (causes), RFC 6076 section 4.7 (480, 486, 600 and 603 are no failures
of the network), RFC 3261 section 21 (codes), RFC 3326 (Reason).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DELIVERED: Final = frozenset({1, 16, 17, 19, 20, 22, 28})
FAILED: Final = frozenset({27, 34, 38, 41, 58, 102})
REFUSED: Final = frozenset({21, 127})  # 401, 402, 403, 407 and most of the other 4xx among them, but also 603
ANSWERED_ELSEWHERE: Final = 26
# Nobody declines a call so quickly that his phone does not even ring.
PROMPT_S: Final = 2.0

# The called party's, or of the number that was dialled: not found, gone, unavailable, incomplete, ambiguous, busy.
_PARTY_CODES: Final = frozenset({404, 410, 480, 484, 485, 486})
_REQUEST_TIMEOUT: Final = 408
_TERMINATED: Final = 487  # our own giving up, come back

_NAMES: Final[Mapping[int, str]] = {
    1: "unassigned number",
    3: "no route to destination",
    16: "normal clearing",
    17: "user busy",
    18: "no user responding",
    19: "no answer",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    26: "answered elsewhere",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "congestion",
    38: "network out of order",
    41: "temporary failure",
    42: "switch congestion",
    44: "channel not available",
    50: "facility not subscribed",
    57: "bearer capability not authorised",
    58: "bearer capability not available",
    88: "incompatible destination",
    102: "recovery on timer expiry",
    111: "protocol error",
    127: "interworking",
}


def was_delivered(
    cause: int | None, sip_code: int | None, *, rang: bool, had_sign: bool = False, after_s: float
) -> bool | None:
    """Whether a call that nobody answered was delivered; None when that cannot be told.

    ``had_sign`` tells of early media, which may be the ringing of another network or its words of regret; ``after_s`` is how
    long it took from dialling to the end.
    """
    if cause in DELIVERED:
        return True
    if cause in FAILED:
        return False
    if sip_code is not None and 400 <= sip_code < 700:
        return _by_sip_code(sip_code, rang=rang or had_sign)
    if rang:
        return True
    return False if cause in REFUSED and after_s <= PROMPT_S else None


def cause_text(cause: int | None, sip_code: int | None) -> str:
    """Return ``21 call rejected, SIP 401``."""
    name = _NAMES.get(cause, "") if cause is not None else ""
    parts = ("no cause" if not cause else f"{cause} {name}".rstrip(), "" if sip_code is None else f"SIP {sip_code}")
    return ", ".join(part for part in parts if part)


def _by_sip_code(code: int, *, rang: bool) -> bool | None:
    # Nobody regrets for as long as it takes to run into a timeout, be it theirs or ours: what was heard was ringing.
    if code == _REQUEST_TIMEOUT:
        return rang  # after it the called party stayed silent, without it the provider did
    if code == _TERMINATED:
        return True if rang else None
    return code in _PARTY_CODES or code >= 600  # a global refusal is the called party's
