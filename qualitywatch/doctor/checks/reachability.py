"""Whether anything answers at the address of the PBX."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.facts import PbxFacts, Stage
from qualitywatch.doctor.finding import Finding, Level, from_text, ok


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say whether the port can be reached and is a manager."""
    del now
    if pbx.failure is None or pbx.failure.stage is not Stage.REACH:
        yield ok(f"{pbx.address} answers")
    else:
        otherwise = "is Asterisk running, and are host and port right in the configuration?"
        finding = from_text(Level.ERROR, pbx.failure.text, otherwise)
        yield Finding(finding.level, f"{pbx.address} {finding.what}", finding.fix)
