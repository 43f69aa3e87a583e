"""What is counted of peers that lose packets: how one stands, and who of a place is active and lossy."""

from __future__ import annotations

import heapq
from typing import Final, TypeAlias

from qualitywatch.model import Direction, Share
from qualitywatch.quality.recent import WINDOW_S, RecentLoss

Key: TypeAlias = tuple[Share | None, str]  # a place; None: the line of a trunk, of which its own loss tells

# In and out, as the default loss rule has them for its warning and its critical alert.
LOSSY_PERCENT: Final = (3.0, 1.5)
RUINED_PERCENT: Final = (10.0, 5.0)
WORST_TOLD: Final = 5
SAY_AGAIN_S: Final = 1.0  # what has not changed; and how old the names may be


class Standing:
    """One peer: what it lost lately, and what that makes it."""

    __slots__ = (
        *("asked_at", "asked_of", "trunks"),
        *("ground", "heard_at", "is_lossy", "is_passed_on", "is_ruined", "loss", "percent", "trunk"),
    )

    def __init__(self) -> None:
        self.loss = {Direction.TO_PEER: RecentLoss(), Direction.FROM_PEER: RecentLoss()}
        self.heard_at = 0.0
        self.percent: float | None = None
        self.is_lossy = self.is_ruined = self.is_passed_on = False
        self.trunks: tuple[str | None, str | None] = (None, None)  # its own, and that of its call ``asked_of``
        self.asked_of, self.asked_at = "", 0.0
        self.ground: Key | None = None  # where it stands
        self.trunk: Key | None = None  # over which it talks

    def judge(self, now: float) -> None:
        """See anew whether it is lossy, by the worse of its directions."""
        percent = None
        for loss in self.loss.values():
            known = loss.percent(now)
            if known is not None and (percent is None or known > percent):
                percent = known
        self.percent = percent
        self.is_lossy = percent is not None and percent >= LOSSY_PERCENT[1 if self.is_lossy else 0]
        self.is_ruined = self.is_lossy and _is_over(percent, RUINED_PERCENT, was=self.is_ruined)

    def is_clean_from(self, now: float) -> bool:
        """Whether what we hear of it is known to be well."""
        percent = self.loss[Direction.FROM_PEER].percent(now)
        return percent is not None and percent < LOSSY_PERCENT[1]


class Place:
    """Who was heard there within the window, longest ago first, and who of them is lossy."""

    __slots__ = ("_worst", "_worst_at", "active", "lossy", "ruined", "told", "told_at")  # ``told`` the counts, at ``told_at``

    def __init__(self) -> None:
        self.active: dict[str, Standing] = {}
        self.lossy: dict[str, Standing] = {}
        self.ruined: set[str] = set()
        self.told: tuple[int, int, int] | None = None
        self.told_at = 0.0
        self._worst: tuple[str, ...] = ()
        self._worst_at = -1.0

    def put(self, subject: str, standing: Standing, *, is_lossy: bool) -> None:
        """Count somebody who was just heard."""
        self.active.pop(subject, None)
        self.active[subject] = standing
        if is_lossy:
            self.lossy[subject] = standing
        elif self.lossy:
            self.lossy.pop(subject, None)
        if is_lossy and standing.is_ruined:
            self.ruined.add(subject)
        elif self.ruined:
            self.ruined.discard(subject)

    def drop(self, subject: str) -> None:
        """Count somebody no more."""
        self.active.pop(subject, None)
        self.lossy.pop(subject, None)
        self.ruined.discard(subject)

    def drop_silent(self, now: float) -> None:
        """Count nobody who was not heard within the window."""
        while self.active:
            subject, standing = next(iter(self.active.items()))
            if standing.heard_at > now - WINDOW_S:
                break
            self.drop(subject)

    def worst(self, now: float) -> tuple[str, ...]:
        """Some of the lossy ones with their figures, the worst first."""
        if not 0 <= now - self._worst_at < SAY_AGAIN_S or len(self._worst) < min(WORST_TOLD, len(self.lossy)):
            figures = ((standing.percent or 0.0, subject) for subject, standing in self.lossy.items())
            self._worst = tuple(f"{subject} {percent:.1f}%" for percent, subject in heapq.nlargest(WORST_TOLD, figures))
            self._worst_at = now
        return self._worst


def _is_over(percent: float | None, limits: tuple[float, float], *, was: bool) -> bool:
    return percent is not None and percent >= limits[1 if was else 0]
