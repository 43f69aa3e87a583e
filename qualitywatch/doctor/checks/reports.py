"""Whether RTCP really arrives, and of whom: without reports there is nothing to measure.

Two intervals are waited for before silence means anything: a call has no report before one has passed.  A call whose media
may go past the PBX (direct_media=yes, which is what Asterisk does unless told otherwise) proves nothing by its silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from qualitywatch.doctor.checks.interval import USUAL_S
from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import CallHeard, Heard, PbxFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown, warning

_PATIENCE: Final = 2.2  # intervals


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say for which peers reports came, and for which they did not although they were on the phone."""
    del now
    heard = pbx.heard
    if pbx.failure is not None or heard is None:
        return
    long_s = _PATIENCE * (median(heard.gaps_s) if heard.gaps_s else USUAL_S)
    measured = sorted({call.peer for call in heard.calls if call.sent or call.received})
    silent = [call for call in heard.calls if call.up_s >= long_s and not call.sent and not call.received]
    if measured:
        yield ok(f"reports came of {several(measured)}")
        yield from _one_sided(heard, long_s)
    elif silent:
        past = [call for call in silent if pbx.direct_media.get(call.peer)]
        if len(past) < len(silent):
            yield _withheld(len(silent) - len(past), long_s)
        yield from _silent(past, pbx)
        return
    else:
        what = f"no call was up long enough to be reported on in {heard.seconds:.0f} s"
        yield unknown(what, "run doctor again during a call, with --seconds 30 or more")
    yield from _silent(silent, pbx)


def _withheld(count: int, long_s: float) -> Finding:
    return error(
        f"{count} channels were up for {long_s:.0f} s and more, and not one report came",
        "add reporting to read= in manager.conf; look for an eventfilter there, and for declined ast_rtp_rtcp types in "
        "stasis.conf",
    )


def _one_sided(heard: Heard, long_s: float) -> Iterator[Finding]:
    """RTCPReceived is what the phone says for itself; some never do."""
    mute = sorted({call.peer for call in heard.calls if call.sent and call.up_s >= long_s and not call.received})
    telling = {call.peer for call in heard.calls if call.received}
    mute = [peer for peer in mute if peer not in telling]
    if mute:
        yield warning(
            f"{several(mute)} sent no reports of their own: what they hear cannot be seen",
            "switch RTCP on in these phones, and let the firewall pass the port above that of RTP",
        )


def _silent(silent: list[CallHeard], pbx: PbxFacts) -> Iterator[Finding]:
    peers = sorted({call.peer for call in silent})
    past = [peer for peer in peers if pbx.direct_media.get(peer)]
    others = [peer for peer in peers if peer not in past]
    if past:
        yield warning(f"no report came of {several(past)}, whose calls may go past the PBX", "see direct media")
    if others:
        yield warning(
            f"{several(others)} were on the phone and no report came",
            "on hold, or direct media; else look for RTP itself: asterisk -rx 'rtp set debug on'",
        )
