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

from typing import Final

from qualitywatch.model import Direction, Metric, RtcpReport, Sample, Share, ShareObservation
from qualitywatch.quality.legs import LegBook
from qualitywatch.quality.neighbours import EVERYWHERE, Lookup
from qualitywatch.quality.places import SAY_AGAIN_S, Key, Place, Standing
from qualitywatch.quality.recent import TRUSTED, WINDOW_S
from qualitywatch.quality.sites import SiteBook

EXPIRE_EVERY_S: Final = 60.0
ASK_AGAIN_S: Final = 4.0  # which trunk a call goes over: once with its reports, not with every figure of them
ALL_WELL_S: Final = 15.0  # so often it is said that nobody is lossy


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
        self._told_places: dict[str, tuple[str, ...]] = {}
        self._standings: dict[str, Standing] = {}
        self._places: dict[Key, Place] = {}
        self._expired_at: float | None = None
        self._everywhere: tuple[tuple[int, int], float, bool] = ((0, 0), 0.0, False)  # of which counts, when, and the answer

    def configure(self, sites: SiteBook) -> None:
        """Go by other sites from the next sample of each peer on."""
        self._sites = sites

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

    def moved(self, subject: str) -> tuple[str, ...] | None:
        """The places of a peer that was just observed, where they are not what they were when this was asked last."""
        standing = self._standings.get(subject)
        if standing is None:
            return None
        heard = standing.trunk if standing.is_passed_on else None
        places = tuple(key[1] for key in (heard, standing.ground) if key is not None)
        if places == self._told_places.get(subject, ()):
            return None
        self._told_places[subject] = places
        return places

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
            standing = self._standings[sample.subject] = Standing()
        standing.loss[sample.direction].add(sample)
        standing.heard_at = sample.at
        standing.judge(sample.at)
        self._settle(sample, standing)
        return self._tell(sample.at, standing)

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

    def _settle(self, sample: Sample, standing: Standing) -> None:
        """Count the peer where it belongs now."""
        subject = sample.subject
        own, carrier = self._trunks_of(sample, standing)
        standing.is_passed_on = carrier is not None and standing.is_lossy and self._is_passed_on(sample, standing)
        site = self.site_of(subject) if own is None else None
        ground: Key | None = (None, own) if own is not None else (Share.SITE_LOSS, site) if site is not None else None
        trunk: Key | None = (Share.TRUNK_LOSS, carrier) if carrier is not None else None
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

    def _trunks_of(self, sample: Sample, standing: Standing) -> tuple[str | None, str | None]:
        """The registration a peer carries, and the one it talks over; asked now and then, for that is a look at all of them."""
        if sample.uniqueid != standing.asked_of or not 0 <= sample.at - standing.asked_at < ASK_AGAIN_S:
            own = self._trunk_of(sample.subject)
            carrier = self._legs.carrier(sample.uniqueid, sample.at) if own is None else None
            standing.trunks, standing.asked_of, standing.asked_at = (own, carrier), sample.uniqueid, sample.at
        return standing.trunks

    def _is_passed_on(self, sample: Sample, standing: Standing) -> bool:
        """Whether all that a lossy peer loses may be gaps of the trunk it talks over."""
        if not standing.is_clean_from(sample.at):
            return False
        if sample.direction is Direction.FROM_PEER:
            return standing.is_passed_on  # as what it hears was judged
        return self._legs.is_passed_on(sample.uniqueid, sample.at)

    def _place(self, key: Key) -> Place:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place()
        return place

    def _tell(self, now: float, standing: Standing) -> list[ShareObservation]:
        """What there is to say of the places of a peer, the widest first."""
        told: list[ShareObservation] = []
        for key in ((Share.PBX_LOSS, self._pbx), standing.trunk, standing.ground):
            place = self._places.get(key) if key is not None else None
            if place is None or key is None or key[0] is None:
                continue
            place.drop_silent(now)
            counts = len(place.lossy), len(place.ruined), len(place.active)
            if key[0] is Share.PBX_LOSS and not self._is_everywhere(place, now):
                counts = 0, 0, counts[2]
            is_news = place.told is None or counts[:2] != place.told[:2] or (counts[0] > 0 and counts != place.told)
            if not is_news and 0 <= now - place.told_at < (SAY_AGAIN_S if counts[0] else ALL_WELL_S):
                continue
            place.told, place.told_at = counts, now
            told.append(ShareObservation(now, key[0], self._pbx, key[1], *counts, place.worst(now) if counts[0] else ()))
        return told

    def _is_everywhere(self, everybody: Place, now: float) -> bool:
        """Whether most lose, also of those outside the place where most of the lossy ones are."""
        lossy, active = len(everybody.lossy), len(everybody.active)
        if lossy <= EVERYWHERE * active:
            return False
        counts, asked_at, answer = self._everywhere
        if counts != (lossy, active) or not 0 <= now - asked_at < SAY_AGAIN_S:
            answer = self._ask_everywhere(lossy, active, now)
            self._everywhere = (lossy, active), now, answer
        return answer

    def _ask_everywhere(self, lossy: int, active: int, now: float) -> bool:
        grounds = [place for (share, _), place in self._places.items() if share in {Share.SITE_LOSS, None}]
        for place in grounds:
            place.drop_silent(now)
        most = max(grounds, key=lambda place: len(place.lossy), default=None)
        unplaced = lossy - sum(len(place.lossy) for place in grounds)
        if most is None or unplaced > len(most.lossy):
            return False  # nobody can tell what they share
        elsewhere = active - len(most.active)
        return elsewhere > 0 and lossy - len(most.lossy) > EVERYWHERE * elsewhere
