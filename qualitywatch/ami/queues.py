"""Queues: what QueueSummary says of each, and that it has said all.

Strategy: figures are read one by one, so that one that is missing or odd takes no other with it.  The answers carry no
Timestamp.  ``Available`` counts members who are neither talking nor paused nor unreachable, ``LoggedIn`` all who are reachable;
a queue without callers has a ``LongestHoldTime`` of 0.

Standard: ``manager_queues_summary`` in ``apps/app_queue.c`` of Asterisk 11 to 23; the action needs no class of ``write``.
"""

from __future__ import annotations

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import whole
from qualitywatch.ami.names import known_text
from qualitywatch.model import QueuesListed, QueueSummarySeen


def queue_summary(message: Message, at: float) -> tuple[QueueSummarySeen, ...]:
    """Read one item of a QueueSummary; nothing of a queue without a name."""
    queue = known_text(message.get("Queue"))
    if not queue:
        return ()
    return (
        QueueSummarySeen(
            at,
            queue,
            callers=whole(message.get("Callers")),
            longest_hold_s=whole(message.get("LongestHoldTime")),
            available=whole(message.get("Available")),
            logged_in=whole(message.get("LoggedIn")),
        ),
    )


def queues_listed(message: Message, at: float) -> tuple[QueuesListed, ...]:
    """Read the end of a QueueSummary."""
    return (QueuesListed(at),)
