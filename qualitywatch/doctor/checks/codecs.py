"""Whether events tell the codec: it gives the clock for jitter and the constants for MOS.

Standard: ``channelvars`` of manager.conf, which adds ChanVariable headers to every event of a channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, ok, unknown, warning

_FIX: Final = "channelvars=CHANNEL(audioreadformat) in [general] of manager.conf, then: asterisk -rx 'manager reload'"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say whether it is told."""
    del now
    if pbx.failure is not None or pbx.heard is None:
        return
    calls = [call for call in pbx.heard.calls if call.up_s > 0 and call.announced]
    if any(call.codec_told for call in calls):
        yield ok("events tell the codec of their channel")
    elif not any(call.sent or call.received for call in calls):
        yield unknown("no call came that could tell its codec", "run doctor again during a call")
    elif pbx.granted is not None and "reporting" in pbx.granted:
        yield warning("events do not tell the codec: it is asked for once for each call", _FIX)
    else:
        yield warning("the codec of calls is not known: jitter in ms and MOS are measured where they can be guessed only", _FIX)
