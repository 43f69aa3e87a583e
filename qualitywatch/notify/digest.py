"""Which incidents share one message when more wait for their first than a chat, or a tired reader, can bear.

A storm begins when more than ``FOLD_ABOVE`` wait at one look: the ``OWN_MESSAGES`` most urgent get messages of their own, the
others go into one digest.  It lasts until none is left to be folded, so that those sent meanwhile do not make room for more.
Critical incidents are only folded when even they are too many, those that were sent in this storm counted in.  What closed
before it could be told, after an outage of the target, is history and is folded whatever its severity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from qualitywatch.model import Incident, Post, Severity

FOLD_ABOVE: Final = 4
OWN_MESSAGES: Final = 3
CRITICALS_FOLD_ABOVE: Final = 10
STALE_FOLD_ABOVE: Final = 2
DIGEST_OPEN_S: Final = 600.0  # so long a digest takes in more, and is not sent anew


class Storm:
    """Decides at each look which of the waiting incidents are folded."""

    def __init__(self) -> None:
        self._own_left: int | None = None  # None: no storm

    def fold(self, waiting: Sequence[Incident]) -> set[int]:
        """Return the ids of those that belong into a digest; ``waiting`` is in order of urgency."""
        stale = {incident.id for incident in waiting if not incident.is_open}
        folded = stale if len(stale) > STALE_FOLD_ABOVE else set()
        others = [incident for incident in waiting if incident.id not in folded]
        if self._own_left is None:
            if len(others) <= FOLD_ABOVE:
                return folded
            self._own_left = OWN_MESSAGES
        criticals = sum(incident.severity is Severity.CRITICAL for incident in others)
        folds_criticals = criticals + OWN_MESSAGES - self._own_left > CRITICALS_FOLD_ABOVE
        rest = {
            incident.id
            for incident in others[self._own_left :]
            if folds_criticals or incident.severity is not Severity.CRITICAL
        }
        if not rest:
            self._own_left = None
        return folded | rest

    def spend(self) -> None:
        """Count a first message that an incident got for itself."""
        if self._own_left:
            self._own_left -= 1


def open_digest(posts: Iterable[Post], open_incidents: set[int], now: float) -> Post | None:
    """Return the digest that takes in more: shown, young, and not over yet."""
    young = [
        post
        for post in posts
        if post.is_digest
        and post.refusal is None
        and not post.failed
        and post.message_id is not None
        and now - post.sent_at < DIGEST_OPEN_S
        and any(told.incident in open_incidents for told in post.told)
    ]
    return max(young, key=lambda post: post.sent_at, default=None)
