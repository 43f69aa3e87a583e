"""Section ``remedies``: whether anything is done about alerts at all, what, and how often."""

from __future__ import annotations

from qualitywatch.document import Section
from qualitywatch.model import RemedyAction
from qualitywatch.remedies.policy import RemedyPolicy


def read_remedy_policy(root: Section) -> RemedyPolicy:
    """Read the section; without it nothing is done, whatever the rules say."""
    section = root.section("remedies", required="remedies" in root)
    if section is None:
        return RemedyPolicy()
    only = section.texts("only", required="only" in section, choices=tuple(RemedyAction))
    return RemedyPolicy(
        enabled=section.boolean("enabled", False),
        dry_run=section.boolean("dry_run", False),
        max_per_hour=section.integer("max_per_hour", 10, minimum=1, maximum=1000),
        only=frozenset(RemedyAction(word) for word in only),
    )
