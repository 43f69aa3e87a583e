"""Rule kind ``share``: many peers of one place are in trouble at once: a site, a trunk they talk over, the PBX itself.

Strategy: two conditions together.  A share alone would call two phones of two a site; a number alone, three of a hundred.  When
so few are left to judge that the number cannot be reached any more, while the share still is, nothing is known to be better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import AlertKey, Evaluation, Level, Observation, Severity, Share, ShareObservation, Signal
from qualitywatch.rules.bands import Band, Edge
from qualitywatch.rules.spec import Common

STALE_AFTER_S: Final = 20.0  # then nothing new is said
GONE_AFTER_S: Final = 60.0  # then there are no calls any more: who is lossy was judged by the last minute
_SEVERITIES: Final = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


class Trouble(StrEnum):
    """How badly off a peer must be to count."""

    LOSSY = "lossy"  # from 3 % on
    RUINED = "ruined"  # from 10 % on


@dataclass(frozen=True, slots=True)
class Limit:
    """One severity: from ``enter`` percent on it is bad, below ``clear`` good; of whom, and how long before it is told."""

    trouble: Trouble
    enter: float
    clear: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class Options:
    share: Share
    min_peers: int
    clear_hold_s: float
    limits: Mapping[Severity, Limit]

    @property
    def band(self) -> Band:
        """The percentage of those in trouble, and its limits."""
        edges = {
            severity: Edge(limit.enter, limit.clear, limit.hold_s, of=limit.trouble) for severity, limit in self.limits.items()
        }
        return Band(f"percentage of {self.share}", ("share", self.share, self.min_peers), edges, highest=100.0)


class ShareRule:
    """One share rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._latest: dict[AlertKey, ShareObservation] = {}
        self._asked_at: dict[AlertKey, float] = {}

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.share})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a share of ours."""
        if not isinstance(observation, ShareObservation) or observation.share is not self._options.share:
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if key is None:
            return ()
        self._latest[key] = observation
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key by what was counted last."""
        if key.rule != self._common.name:
            return None
        latest = self._latest.get(key)
        known_at = latest.at if latest is not None else self._asked_at.setdefault(key, now)  # from before a restart
        if latest is None or now - known_at > STALE_AFTER_S:
            return self._opinion(key, now, Signal.UNKNOWN if now - known_at < GONE_AFTER_S else Signal.GONE)
        return self._opinion(key, now, None, latest)

    def rests_until(self, key: AlertKey, now: float) -> float:
        """Until what was counted last is too old to go by."""
        latest = self._latest.get(key)
        if latest is None or now - latest.at >= GONE_AFTER_S:
            return -math.inf
        return latest.at + (STALE_AFTER_S if now - latest.at <= STALE_AFTER_S else GONE_AFTER_S)

    def forget(self) -> None:
        """Drop everything."""
        self._latest.clear()
        self._asked_at.clear()

    def expire(self, now: float) -> None:
        """Drop places of which nothing was heard; an alert of one is over."""
        for key in [key for key, latest in self._latest.items() if latest.at < now - 2 * GONE_AFTER_S]:
            self._asked_at[key] = self._latest.pop(key).at
        for key in [key for key, asked_at in self._asked_at.items() if asked_at < now - 3600]:
            del self._asked_at[key]

    def _opinion(self, key: AlertKey, now: float, signal: Signal | None, latest: ShareObservation | None = None) -> Evaluation:
        levels = tuple(
            Level(severity, signal or self._signal(limit, latest), limit.hold_s)
            for severity, limit in self._options.limits.items()
        )
        value = _percent(latest, Trouble.LOSSY) if latest is not None else None
        details: dict[str, str] = {}
        if latest is not None and latest.lossy:
            details = {"lossy": str(latest.lossy), "active": str(latest.total), "ruined": str(latest.ruined)}
            if latest.worst:
                details["worst"] = ", ".join(latest.worst)
                details["more"] = str(latest.lossy - len(latest.worst))
        return Evaluation(
            key,
            now,
            levels,
            value,
            self._options.clear_hold_s,
            topic=self._options.share,
            details=details,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )

    def _signal(self, limit: Limit, latest: ShareObservation | None) -> Signal:
        percent = _percent(latest, limit.trouble)
        if latest is None or percent is None:
            return Signal.GONE
        if percent < limit.clear:
            return Signal.CLEAR
        enough = (latest.lossy if limit.trouble is Trouble.LOSSY else latest.ruined) >= self._options.min_peers
        if percent >= limit.enter and enough:
            return Signal.BREACH
        if not enough and latest.total >= self._options.min_peers and percent < limit.enter:
            return Signal.CLEAR
        return Signal.KEEP


def _percent(latest: ShareObservation | None, trouble: Trouble) -> float | None:
    if latest is None or latest.total <= 0:
        return None
    return 100 * (latest.lossy if trouble is Trouble.LOSSY else latest.ruined) / latest.total


def parse(common: Common, section: Section) -> tuple[str, Callable[[], ShareRule]]:
    """Read the keys of a share rule; problems go to the section's document."""
    options = Options(
        share=section.choice("share", Share, Share.SITE_LOSS),
        min_peers=section.integer("min_peers", 3, minimum=2, maximum=10_000),
        clear_hold_s=section.duration_s("clear_hold", 120.0),
        limits=_read_limits(section),
    )
    parts = [f"{severity} from {limit.enter:g} % {limit.trouble}" for severity, limit in options.limits.items()]
    summary = f"{options.share} of {options.min_peers} peers or more: " + ", ".join(parts)
    return summary, partial(ShareRule, common, options)


def _read_limits(section: Section) -> dict[Severity, Limit]:
    limits: dict[Severity, Limit] = {}
    for severity in _SEVERITIES:
        part = section.section(severity)
        if part is None:
            continue
        if "enter" not in part:
            part.problem("enter", "missing; the percentage of the active peers from which on it is bad")
        enter = part.percent("enter", math.nan, minimum=1)
        clear = part.percent("clear", enter)
        if clear > enter:
            part.problem("clear", f"must not be above enter ({enter:g})")
        limits[severity] = Limit(part.choice("peers", Trouble, Trouble.LOSSY), enter, clear, part.duration_s("for", 0.0))
        part.close()
    if not limits:
        section.problem("warning", "a share rule needs at least one of info, warning and critical, such as {enter: 60}")
    return limits
