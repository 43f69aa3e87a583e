"""The kinds of rules there are: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from qualitywatch.document import Section
from qualitywatch.ports import RuleKind
from qualitywatch.rules.kinds import baseline, change, count, destination, fall, level, ratio, share, state, threshold
from qualitywatch.rules.spec import Common

KindParser = Callable[[Common, Section], tuple[str, Callable[[], RuleKind]]]

# A parser reads the keys of its kind, records problems in the section, and returns a summary and a factory.
RULE_KINDS: Final[Mapping[str, KindParser]] = {
    "threshold": threshold.parse,
    "state": state.parse,
    "change": change.parse,
    "count": count.parse,
    "fall": fall.parse,
    "ratio": ratio.parse,
    "baseline": baseline.parse,
    "destination": destination.parse,
    "share": share.parse,
    "level": level.parse,
}
