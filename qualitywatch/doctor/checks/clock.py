"""Whether the clocks of the PBX and of this machine agree: alerts and charts show the PBX's time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown, warning

NOTICEABLE_S: Final = 2.0
GROSS_S: Final = 300.0
_FIX: Final = "let both machines keep time by NTP (chrony or systemd-timesyncd): timedatectl shows whether they do"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say how far apart they are."""
    del now
    if pbx.failure is not None:
        return
    ahead_s = pbx.clock_ahead_s
    if ahead_s is None:
        yield unknown("the PBX does not tell its time", "compare date on both machines")
        return
    off_s = abs(ahead_s)
    if off_s - pbx.clock_accuracy_s <= NOTICEABLE_S:
        yield ok(f"clocks agree within {max(off_s, pbx.clock_accuracy_s, 0.01):.2f} s")
        return
    what = f"the clock of the PBX is {_long(off_s)} {'ahead' if ahead_s > 0 else 'behind'}"
    yield error(f"{what}: times in alerts and charts are wrong", _FIX) if off_s > GROSS_S else warning(what, _FIX)


def _long(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
