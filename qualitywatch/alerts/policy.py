"""Who must be told of a change, and why.  A reason, not a bool: "why did it page?" is then an answer in the log.

A pending alert tells nobody, a lower severity tells nobody; firing, a higher severity, and the end of what was told do.
"""

from __future__ import annotations

from qualitywatch.model import Alert, AlertState, NotifyReason


def notify_reason(before: Alert | None, after: Alert, *, one_shot: bool = False) -> NotifyReason:
    """Decide from the alert before and after a change; ``after.state`` INACTIVE means it ended."""
    if one_shot:
        return NotifyReason.HAPPENED
    was_firing = before is not None and before.state is AlertState.FIRING
    if after.state is AlertState.FIRING:
        if not was_firing:
            return NotifyReason.FIRING
        if before is not None and after.severity.rank > before.severity.rank:
            return NotifyReason.SEVERITY_INCREASED
        return NotifyReason.NONE
    if after.state is AlertState.INACTIVE and was_firing:
        return NotifyReason.RESOLVED
    return NotifyReason.NONE
