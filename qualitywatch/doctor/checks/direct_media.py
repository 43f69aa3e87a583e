"""Calls whose media goes past the PBX: Asterisk frees the RTCP of both legs then, and nobody can report on them.

Standard: ``direct_media`` of pjsip.conf and ``directmedia`` of sip.conf, both yes unless written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, ok, unknown, warning

_FIX: Final = "direct_media=no for them in pjsip.conf, directmedia=no in sip.conf; where calls are to go past the PBX, leave it"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say for which endpoints it is allowed."""
    del now
    if pbx.failure is not None:
        return
    asked = pbx.direct_media
    allowed = sorted(name for name, is_on in asked.items() if is_on)
    if not asked:
        yield unknown(
            "the endpoints cannot be asked whether their calls may go past the PBX",
            "reporting in write= of manager.conf; or look for direct_media in pjsip.conf (yes is the default)",
        )
    elif allowed:
        what = f"calls of {several(allowed)} may go past the PBX (direct media): those cannot be measured"
        yield warning(f"{what}; {len(asked)} endpoints were asked", _FIX)
    else:
        yield ok(f"direct media is off for all {len(asked)} endpoints asked")
