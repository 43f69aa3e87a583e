"""Section ``maintenance``: times of the week in which alerts are expected and nobody is told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo

from qualitywatch.config.checks import report_twins
from qualitywatch.config.context import Context
from qualitywatch.config.matching import read_matcher
from qualitywatch.desk.policy import MaintenanceWindow
from qualitywatch.document import Section, read_hours


def read_maintenance(root: Section, context: Context, pbxes: Collection[str], zone: tzinfo) -> tuple[MaintenanceWindow, ...]:
    """Read the windows; their times are of ``zone`` unless they name one of their own."""
    sections = root.sections("maintenance")
    windows = tuple(_window(section, context, pbxes, zone) for section in sections)
    report_twins(sections, [window.name for window in windows])
    return windows


def _window(section: Section, context: Context, pbxes: Collection[str], zone: tzinfo) -> MaintenanceWindow:
    return MaintenanceWindow(
        hours=read_hours(section, zone), name=section.text("name"), match=read_matcher(section, "match", context, pbxes)
    )
