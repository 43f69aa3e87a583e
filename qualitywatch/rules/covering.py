"""Whether one selection lies within another one, as far as it can be proven."""

from __future__ import annotations

from collections.abc import Sequence

from qualitywatch.document import Selector
from qualitywatch.rules.spec import Selection


def covers(outer: Selection, inner: Selection) -> bool:
    """Whether all that ``inner`` selects is provably selected by ``outer``."""
    return (
        _list_covers(outer.subjects, inner.subjects)
        and _list_covers(outer.pbxes, inner.pbxes)
        and all(excluded(one, inner.not_subjects) for one in outer.not_subjects)
    )


def _list_covers(outer: Sequence[Selector], inner: Sequence[Selector]) -> bool:
    if not outer:
        return True
    return bool(inner) and all(any(within(one, other) for other in outer) for one in inner)


def within(inner: Selector, outer: Selector) -> bool:
    """Whether one selector provably selects nothing that the other does not."""
    if outer.source in {"*", inner.source} or (inner.whole and inner.source.lower() == outer.source.lower()):
        return True
    plain = inner.whole and not set(inner.source) & {"*", "?"}
    if plain:
        return outer.matches(inner.source)
    # SIP/61?? lies within SIP/*: what a wildcard leaves open is matched by a wildcard that leaves more open.
    return inner.whole and outer.whole and outer.source.endswith("*") and _begins(inner.source, outer.source[:-1])


def _begins(wildcard: str, prefix: str) -> bool:
    return not set(prefix) & {"*", "?"} and wildcard.lower().startswith(prefix.lower())


def excluded(selector: Selector, by: Sequence[Selector]) -> bool:
    """Whether all that a selector names is provably named by one of the others."""
    return any(within(selector, other) for other in by)
