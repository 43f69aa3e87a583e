"""Section ``reports``: which chats hear of which days, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from qualitywatch.config.checks import LANGUAGES
from qualitywatch.config.settings import ReportConfig
from qualitywatch.document import Section, read_time

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DEFAULT_AT: Final = 8 * 60 + 10


def read_reports(root: Section, targets: Sequence[str]) -> tuple[ReportConfig, ...]:
    """Read the list of reports; none when the section is left out."""
    found: list[ReportConfig] = []
    for section in root.sections("reports"):
        every = section.text("every", choices=("day", "week"))
        weekday = section.text("weekday", None, choices=_DAYS)
        if weekday is not None and every == "day":
            section.problem("weekday", "is for a weekly report: say every: week")
        minute = read_time(section, "at", _DEFAULT_AT)
        chosen = section.texts("targets")
        _check_targets(section, chosen, targets)
        found.append(
            ReportConfig(
                is_weekly=every == "week",
                at=divmod(_DEFAULT_AT if minute is None else minute, 60),
                weekday=None if every == "day" else _DAYS.index(weekday or "mon"),
                targets=chosen or tuple(targets),
                language=section.text("language", None, choices=LANGUAGES),
            )
        )
    return tuple(found)


def _check_targets(section: Section, chosen: Collection[str], known: Collection[str]) -> None:
    for name in chosen:
        if name not in known:
            section.problem("targets", f'"{name}" is no target: section notify has {", ".join(known) or "none"}')
