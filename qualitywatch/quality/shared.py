"""Peers that lose packets at once, by what they share: the site they stand at, the trunk they talk over, the PBX itself.

Strategy: one figure per peer and direction, packets lost over packets expected of the last minute, as the loss rule has it; a
peer is lossy in the worse of the two.  A peer counts at its site, and over the trunk at the other end of its call.  Gaps that
Asterisk passed on from the trunk's leg are the trunk's where the peer's own way to us is clean: then it is lossy for the trunk,
and clean for its site.  Trunks stand at no site, so their own legs count for the PBX alone.  For the PBX the lossy count only
where most of those elsewhere lose as well, wherever most of the lossy ones are: a site is not a fault of the PBX.

All sums are kept as samples come, so a sample costs the same among ten peers and ten thousand.  While all is well little is
said: that somebody was heard, and is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final, TypeAlias

from qualitywatch.model import Direction, Metric, RtcpReport, Sample, Share, ShareObservation
from qualitywatch.quality.legs import LegBook
from qualitywatch.quality.neighbours import EVERYWHERE, Lookup
from qualitywatch.quality.recent import TRUSTED, WINDOW_S, RecentLoss
from qualitywatch.quality.sites import SiteBook

_Key: TypeAlias = tuple[Share | None, str]  # a place; None: the line of a trunk, of which its own loss tells

# In and out, as the default loss rule has them for its warning and its critical alert.
LOSSY_PERCENT: Final = (3.0, 1.5)
RUINED_PERCENT: Final = (10.0, 5.0)
EXPIRE_EVERY_S: Final = 60.0
WORST_TOLD: Final = 5
SAY_AGAIN_S: Final = 1.0  # what has not changed; and how old the names may be
ALL_WELL_S: Final = 15.0  # the same where nobody is lossy


class _Standing:
    """One peer: what it lost lately, and what that makes it."""

    __slots__ = ("ground", "heard_at", "is_lossy", "is_passed_on", "is_ruined", "loss", "percent", "trunk")

    def __init__(self) -> None:
        self.loss = {Direction.TO_PEER: RecentLoss(), Direction.FROM_PEER: RecentLoss()}
        self.heard_at = 0.0
        self.percent: float | None = None
        self.is_lossy = self.is_ruined = self.is_passed_on = False
        self.ground: _Key | None = None  # where it stands
        self.trunk: _Key | None = None  # over which it talks

    def judge(self, now: float) -> None:
        known = [percent for loss in self.loss.values() if (percent := loss.percent(now)) is not None]
        self.percent = max(known, default=None)
        self.is_lossy = _is_over(self.percent, LOSSY_PERCENT, was=self.is_lossy)
        self.is_ruined = self.is_lossy and _is_over(self.percent, RUINED_PERCENT, was=self.is_ruined)

    def is_clean_from(self, now: float) -> bool:
        percent = self.loss[Direction.FROM_PEER].percent(now)
        return percent is not None and percent < LOSSY_PERCENT[1]


class _Place:
    """Who was heard there within the window, longest ago first, and who of them is lossy."""

    __slots__ = ("_worst", "_worst_at", "active", "lossy", "ruined", "told", "told_at")  # ``told`` the counts, at ``told_at``

    def __init__(self) -> None:
        self.active: dict[str, _Standing] = {}
        self.lossy: dict[str, _Standing] = {}
        self.ruined: set[str] = set()
        self.told: tuple[int, int, int] | None = None
        self.told_at = 0.0
        self._worst: tuple[str, ...] = ()
        self._worst_at = -1.0

    def put(self, subject: str, standing: _Standing, *, is_lossy: bool) -> None:
        self.active.pop(subject, None)
        self.active[subject] = standing
        if is_lossy:
            self.lossy[subject] = standing
        else:
            self.lossy.pop(subject, None)
        (self.ruined.add if is_lossy and standing.is_ruined else self.ruined.discard)(subject)

    def drop(self, subject: str) -> None:
        self.active.pop(subject, None)
        self.lossy.pop(subject, None)
        self.ruined.discard(subject)

    def drop_silent(self, now: float) -> None:
        while self.active:
            subject = next(iter(self.active))
            if self.active[subject].heard_at > now - WINDOW_S:
                break
            self.drop(subject)

    def worst(self, now: float) -> tuple[str, ...]:
        if not 0 <= now - self._worst_at < SAY_AGAIN_S or len(self._worst) < min(WORST_TOLD, len(self.lossy)):
            figures = ((standing.percent or 0.0, subject) for subject, standing in self.lossy.items())
            self._worst = tuple(f"{subject} {percent:.1f}%" for percent, subject in heapq.nlargest(WORST_TOLD, figures))
            self._worst_at = now
        return self._worst


class SharedLoss:
    """Counts the lossy peers of every place of one PBX."""

    def __init__(self, pbx: str, sites: SiteBook, legs: LegBook, *, trunk_of: Lookup, address_of: Lookup) -> None:
        """``trunk_of`` names the registration a peer carries, ``address_of`` its ``host:port``."""
        self._pbx = pbx
        self._sites = sites
        self._legs = legs
        self._trunk_of = trunk_of
        self._address_of = address_of
        self._media: dict[str, str] = {}
        self._standings: dict[str, _Standing] = {}
        self._places: dict[_Key, _Place] = {}
        self._expired_at: float | None = None

    def hear(self, report: RtcpReport) -> None:
        """Note where a peer really sends from: a registration may name an address that many networks have."""
        if report.direction is Direction.TO_PEER and report.channel is not None and report.from_address:
            self._media[report.channel.peer] = report.from_address

    def places_of(self, subject: str) -> tuple[str, ...]:
        """The site a peer stands at, the registration it carries, and the one whose gaps it hears; those that are known."""
        own = self._trunk_of(subject)
        if own is not None:
            return (own,)
        standing, site = self._standings.get(subject), self.site_of(subject)
        heard = standing.trunk if standing is not None and standing.is_passed_on else None
        return (*((heard[1],) if heard is not None else ()), *((site,) if site is not None else ()))

    def site_of(self, subject: str) -> str | None:
        """The site a peer stands at: by where its reports come from, else by where it is registered."""
        return self._sites.site_at(self._media.get(subject)) or self._sites.site_at(self._address_of(subject))

    def observe(self, sample: Sample) -> list[ShareObservation]:
        """Take in a sample; return what has become of the places of its peer."""
        if sample.metric is not Metric.LOSS_PERCENT or sample.direction is None:
            return []
        if sample.verdict not in TRUSTED or sample.weight <= 0:
            return []
        standing = self._standings.get(sample.subject)
        if standing is None:
            standing = self._standings[sample.subject] = _Standing()
        standing.loss[sample.direction].add(sample)
        standing.heard_at = sample.at
        standing.judge(sample.at)
        self._settle(sample, standing)
        return list(self._tell(sample.at, standing))

    def forget(self) -> None:
        """There is a gap in what we saw; where everybody is stays known."""
        self._standings.clear()
        self._places.clear()

    def expire(self, now: float) -> None:
        """Release peers that have long been silent; looks now and then, however often it is asked."""
        if self._expired_at is not None and 0 <= now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        for subject in [name for name, standing in self._standings.items() if standing.heard_at <= now - WINDOW_S]:
            del self._standings[subject]
        for key, place in list(self._places.items()):
            place.drop_silent(now)
            if not place.active:
                del self._places[key]

    def _settle(self, sample: Sample, standing: _Standing) -> None:
        """Count the peer where it belongs now."""
        subject, at = sample.subject, sample.at
        own = self._trunk_of(subject)
        carrier = self._legs.carrier(sample.uniqueid, at) if own is None else None
        standing.is_passed_on = carrier is not None and standing.is_lossy and self._is_passed_on(sample, standing)
        site = self.site_of(subject) if own is None else None
        ground: _Key | None = (None, own) if own is not None else (Share.SITE_LOSS, site) if site is not None else None
        trunk: _Key | None = (Share.TRUNK_LOSS, carrier) if carrier is not None else None
        for before, now in ((standing.ground, ground), (standing.trunk, trunk)):
            if before is not None and before != now and before in self._places:
                self._places[before].drop(subject)
        standing.ground, standing.trunk = ground, trunk
        if standing.percent is None:
            return  # too little was heard to tell
        is_its_own = standing.is_lossy and not standing.is_passed_on
        self._place((Share.PBX_LOSS, self._pbx)).put(subject, standing, is_lossy=is_its_own)
        if ground is not None:
            self._place(ground).put(subject, standing, is_lossy=is_its_own)
        if trunk is not None:
            self._place(trunk).put(subject, standing, is_lossy=standing.is_passed_on)

    def _is_passed_on(self, sample: Sample, standing: _Standing) -> bool:
        """Whether all that a lossy peer loses may be gaps of the trunk it talks over."""
        if not standing.is_clean_from(sample.at):
            return False
        if sample.direction is Direction.FROM_PEER:
            return standing.is_passed_on  # as what it hears was judged
        return self._legs.is_passed_on(sample.uniqueid, sample.at)

    def _place(self, key: _Key) -> _Place:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place()
        return place

    def _tell(self, now: float, standing: _Standing) -> Iterator[ShareObservation]:
        """What there is to say of the places of a peer, the widest first."""
        for key in ((Share.PBX_LOSS, self._pbx), standing.trunk, standing.ground):
            place = self._places.get(key) if key is not None else None
            if place is None or key is None or key[0] is None:
                continue
            place.drop_silent(now)
            counts = len(place.lossy), len(place.ruined), len(place.active)
            if key[0] is Share.PBX_LOSS and not self._is_everywhere(place, now):
                counts = 0, 0, len(place.active)
            is_news = place.told is None or counts[:2] != place.told[:2] or (counts[0] > 0 and counts != place.told)
            if not is_news and 0 <= now - place.told_at < (SAY_AGAIN_S if counts[0] else ALL_WELL_S):
                continue
            place.told, place.told_at = counts, now
            yield ShareObservation(now, key[0], self._pbx, key[1], *counts, place.worst(now) if counts[0] else ())

    def _is_everywhere(self, everybody: _Place, now: float) -> bool:
        """Whether most lose, also of those outside the place where most of the lossy ones are."""
        lossy, active = len(everybody.lossy), len(everybody.active)
        if lossy <= EVERYWHERE * active:
            return False
        grounds = [place for (share, _), place in self._places.items() if share in {Share.SITE_LOSS, None}]
        for place in grounds:
            place.drop_silent(now)
        most = max(grounds, key=lambda place: len(place.lossy), default=None)
        unplaced = lossy - sum(len(place.lossy) for place in grounds)
        if most is None or unplaced > len(most.lossy):
            return False  # nobody can tell what they share
        elsewhere = active - len(most.active)
        return elsewhere > 0 and lossy - len(most.lossy) > EVERYWHERE * elsewhere


def _is_over(percent: float | None, limits: tuple[float, float], *, was: bool) -> bool:
    return percent is not None and percent >= limits[1 if was else 0]
