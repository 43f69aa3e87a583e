"""Prefixes that a destination rule allows although nothing denies them: most likely one of the two is a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qualitywatch.rules.findings import Finding, Rule
from qualitywatch.rules.kinds.destination import Options


def idle_allowances(rule: Rule, options: Options) -> Iterator[Finding]:
    """Yield what could be taken out of ``allow`` without a difference."""
    meant = options.destinations
    for sign, table, others in (("+", meant.international, (meant.plain,)), ("", meant.plain, ())):
        for digits, denied in table.items():
            tables = (table, *others)
            as_written = _next(digits, tables, otherwise=meant.otherwise)
            abroad = not sign and _next(digits, (meant.international, meant.plain), otherwise=meant.otherwise)
            if not denied and not as_written and not abroad:
                yield rule.finding(
                    f"allows {sign}{digits} for nothing",
                    f"it denies no number that begins with {sign}{digits}",
                    "deny what it is an exception of, or take it out of allow",
                )


def _next(digits: str, tables: tuple[Mapping[str, bool], ...], *, otherwise: bool) -> bool:
    """Whether numbers that begin so would be denied without this prefix."""
    for length in range(len(digits) - 1, -1, -1):
        for table in tables:
            found = table.get(digits[:length])
            if found is not None:
                return found
    return otherwise
