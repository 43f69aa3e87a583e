"""Matchers: which alerts a route, an inhibition or a maintenance window speaks of.

Whatever cannot match anything is told, because a matcher that silently matches nothing loses alerts: an unknown PBX is a
mistake of this very file; an unknown topic, rule or label is only warned of, for rules come and go in files of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from qualitywatch.config.context import Context, suggestion
from qualitywatch.desk.policy import Matcher
from qualitywatch.document import Section, Selector
from qualitywatch.model import Gauge, Metric, Severity, Share, Tally
from qualitywatch.rules.kinds.change import Attribute
from qualitywatch.rules.kinds.state import Entity

TOPICS: Final = (*Metric, *Gauge, *Tally, *Share, *(f"{entity}_state" for entity in Entity), *Attribute)


def read_matcher(parent: Section, key: str, context: Context, pbxes: Collection[str], *, required: bool = False) -> Matcher:
    """Read the matcher under a key; absent it matches everything.  ``pbxes`` are the names there are."""
    section = parent.section(key, required=required or key in parent)  # an emptied section must not mean everything
    if section is None:
        return Matcher()
    rules = _patterns(section, "rule")
    for selector in rules:
        context.mention(section, "rule", selector)
    topics = _patterns(section, "topic")
    for selector in topics:
        if not any(selector.matches(topic) for topic in TOPICS):
            reason = f"there is no topic {selector}{suggestion(str(selector), TOPICS)}"
            context.warn(section, "topic", f"{reason}; known are {', '.join(TOPICS)}")
    named = _patterns(section, "pbx")
    for selector in named:
        if pbxes and not any(selector.matches(pbx) for pbx in pbxes):
            section.problem("pbx", f"no PBX is called {selector}{suggestion(str(selector), pbxes)}")
    severities = section.texts("severity", required="severity" in section, choices=tuple(Severity))
    return Matcher(
        rules=rules,
        subjects=_patterns(section, "subject"),
        pbxes=named,
        topics=topics,
        severities=frozenset(Severity(word) for word in severities),
        labels=_labels(section, context),
    )


def _labels(parent: Section, context: Context) -> dict[str, tuple[Selector, ...]]:
    section = parent.section("labels", required="labels" in parent)
    if section is None:
        return {}
    labels = {name: section.patterns(name, required=True) for name in section}
    for name, selectors in labels.items():
        for selector in selectors:
            context.mention(section, name, selector, name)
    return labels


def _patterns(section: Section, key: str) -> tuple[Selector, ...]:
    return section.patterns(key, required=key in section)
