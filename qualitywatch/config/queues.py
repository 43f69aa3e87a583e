"""Key ``queues`` of a PBX: how often its queues are read, and which of them are of interest."""

from __future__ import annotations

from qualitywatch.config.settings import QueuesConfig
from qualitywatch.config.shapes import is_off
from qualitywatch.document import Section


def read_queues(pbx: Section) -> QueuesConfig | None:
    """Read the key; None when it is off.  Left out, all queues are read: that takes no right, and not every PBX has any."""
    if is_off(pbx, "queues"):
        return None
    section = pbx.section("queues", required="queues" in pbx)
    if section is None:
        return QueuesConfig()
    return QueuesConfig(
        # Rules take a figure for lost after two minutes.
        every_s=section.duration_s("every", QueuesConfig().every_s, minimum=5, maximum=60),
        only=section.patterns("only", required="only" in section),
    )
