"""Section ``maintenance``: times of the week in which alerts are expected and nobody is told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo
from typing import Final

from qualitywatch.config.checks import report_twins
from qualitywatch.config.context import Context
from qualitywatch.config.matching import read_matcher
from qualitywatch.desk.policy import MaintenanceWindow
from qualitywatch.document import Section, find_timezone, read_time, read_weekdays

_DAY_MINUTES: Final = 24 * 60


def read_maintenance(root: Section, context: Context, pbxes: Collection[str], zone: tzinfo) -> tuple[MaintenanceWindow, ...]:
    """Read the windows; their times are of ``zone`` unless they name one of their own."""
    sections = root.sections("maintenance")
    windows = tuple(_window(section, context, pbxes, zone) for section in sections)
    report_twins(sections, [window.name for window in windows])
    return windows


def _window(section: Section, context: Context, pbxes: Collection[str], zone: tzinfo) -> MaintenanceWindow:
    start, end = read_time(section, "from"), read_time(section, "to", may_be_midnight_after=True)
    if start is not None and start == end:
        section.problem("to", 'is the same time as "from"; for a whole day write from: "00:00", to: "24:00"')
    days = read_weekdays(section, "days")
    return MaintenanceWindow(
        name=section.text("name"),
        start=start or 0,
        end=(end or 0) % _DAY_MINUTES,
        zone=_zone(section, zone),
        weekdays=days,
        match=read_matcher(section, "match", context, pbxes),
    )


def _zone(section: Section, default: tzinfo) -> tzinfo:
    name = section.text("timezone", None)
    try:
        return default if name is None else find_timezone(name)
    except ValueError as exc:
        section.problem("timezone", str(exc))
        return default
