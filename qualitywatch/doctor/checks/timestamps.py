"""Whether Asterisk stamps its events: without stamps, a delay on the way looks like time at the PBX."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, ok, unknown, warning


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say whether ``timestampevents`` is on."""
    del now
    if pbx.failure is not None or pbx.heard is None:
        return
    if pbx.heard.stamped:
        yield ok("timestampevents is on")
    elif pbx.heard.unstamped:
        fix = "timestampevents=yes in [general] of manager.conf, then: asterisk -rx 'manager reload'"
        yield warning("events carry no time of the PBX: delays on the way distort what is measured", fix)
    else:
        yield unknown("no event came that could carry a time", "run doctor again when there is traffic")
