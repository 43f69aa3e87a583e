"""How often Asterisk reports on each stream: ``rtcpinterval``, measured.

Reading rtp.conf would take the rights ``system`` or ``config``, far too much power for a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, ok, unknown, warning

USUAL_S: Final = 5.0
RARE_S: Final = 11.0
FREQUENT_S: Final = 1.0  # 50 packets of usual audio
_WHERE: Final = "rtcpinterval=5000 in [general] of rtp.conf, then: asterisk -rx 'module reload res_rtp_asterisk'"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say how far apart reports on one stream are."""
    del now
    if pbx.failure is not None or pbx.heard is None:
        return
    if not pbx.heard.gaps_s:
        what = "rtcpinterval could not be measured: no two reports on one stream came"
        yield unknown(what, "run doctor again during a call, with --seconds 30 or more")
        return
    every_s = median(pbx.heard.gaps_s)
    if every_s > RARE_S:
        what = f"reports come only every {every_s:.0f} s: alerts are late, and calls shorter than that are never measured"
        yield warning(what, _WHERE)
    elif every_s < FREQUENT_S:
        yield warning(f"reports come every {every_s:.1f} s: each covers so few packets that its loss means little", _WHERE)
    else:
        yield ok(f"reports come every {every_s:.1f} s")
