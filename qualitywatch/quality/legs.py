"""Which leg is to blame: the calls of a peer beside their other legs, joined by Linkedid.

Strategy: a loss sample is net of the gaps of the call's other leg, so a lossy direction of a peer is a segment of the way: what
we hear of it is its uplink, what it hears of us its downlink, both are its access line; the trunk's side where it carries one.
Two findings go before that.  Where samples could not be split, and the other leg is not known to be clean, nobody is blamed.
Where most of the active peers lose in the same direction at once, and not the neighbours of one network alone, it is what they
share: the PBX or its network.

An explanation is asked for at every evaluation of every alert: only those of a loss that is bad now are looked at, through
indexes by peer and by Linkedid, and who else is lossy is counted once a second at most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from qualitywatch.model import Channel, ChannelHungUp, Direction, Evaluation, Metric, Sample, Signal
from qualitywatch.quality.leg import LOSSY_FROM_PERCENT, Leg, figures, pooled
from qualitywatch.quality.neighbours import Lookup, lose_everywhere
from qualitywatch.quality.recent import WINDOW_S

SHARED_BY_PEERS: Final = 3  # so many must lose at once before the blame is on what they share
SHARED_SHARE: Final = 0.5  # and more than this part of all active ones
EXPIRE_EVERY_S: Final = 600.0
IDLE_ROUNDS: Final = 72  # half a day without a word: the leg's hangup was missed
_BAD: Final = frozenset({Signal.BREACH, Signal.KEEP})
_OPPOSITE: Final = {Direction.TO_PEER: Direction.FROM_PEER, Direction.FROM_PEER: Direction.TO_PEER}


def _unknown(subject: str) -> str | None:
    return None


class LegBook:
    """Remembers the recent loss of every leg, and explains a loss alert by it."""

    def __init__(self, *, trunk_of: Lookup = _unknown, address_of: Lookup = _unknown) -> None:
        """``trunk_of`` names the registration a peer carries, ``address_of`` its ``host:port``."""
        self._trunk_of = trunk_of
        self._address_of = address_of
        self._legs: dict[str, Leg] = {}
        self._by_subject: dict[str, dict[str, Leg]] = {}
        self._by_call: dict[str, tuple[Leg, ...]] = {}  # mostly two
        self._ended: deque[tuple[float, str]] = deque()
        self._shared: dict[Direction, tuple[int, tuple[frozenset[str], int] | None]] = {}
        self._expired_at: float | None = None

    def __len__(self) -> int:
        return len(self._legs)

    def see(self, channel: Channel) -> Leg:
        """Note which call a channel belongs to; bridges and transfers move it to another, a Rename to another peer."""
        leg = self._legs.get(channel.uniqueid)
        if leg is not None and leg.heard is channel:
            leg.rounds = 0
            return leg
        if leg is None:
            leg = self._legs[channel.uniqueid] = Leg(channel.uniqueid, channel.peer)
            _put(self._by_subject, leg.subject, leg)
        elif leg.subject != channel.peer:
            _take(self._by_subject, leg.subject, leg)
            leg.subject = channel.peer
            _put(self._by_subject, leg.subject, leg)
        if channel.linkedid and leg.linkedid != channel.linkedid:
            self._leave_call(leg)
            leg.linkedid = channel.linkedid
            self._by_call[leg.linkedid] = (*self._by_call.get(leg.linkedid, ()), leg)
        leg.heard = channel
        leg.is_up = leg.is_up or channel.state == "Up"
        leg.rounds = 0
        return leg

    def observe(self, sample: Sample) -> None:
        """Take in a sample; those of net loss are added up."""
        leg = self._legs.get(sample.uniqueid)
        if leg is None:
            return
        leg.is_measured, leg.rounds = True, 0
        if sample.metric is Metric.LOSS_PERCENT and sample.direction is not None:
            leg.loss(sample.direction).add(sample)

    def hang_up(self, event: ChannelHungUp) -> None:
        """A leg is gone; it is remembered for as long as its last figures count."""
        while self._ended and self._ended[0][0] <= event.at - WINDOW_S:
            self._drop(self._ended.popleft()[1])
        leg = self._legs.get(event.channel.uniqueid)
        if leg is not None and leg.ended_at is None:
            leg.ended_at = event.at
            self._ended.append((event.at, leg.uniqueid))

    def bypassed_with(self, uniqueid: str) -> str | None:
        """The peer that may have exchanged its media with an ended leg directly, past the PBX; None where it cannot have been.

        Asterisk switches RTCP off on both legs of such a call, after a first report at best.  Of a phone that reports nothing
        it still tells what it hears itself, and a leg that is alone has nobody to exchange media with.  It is no proof: a long
        ``rtcpinterval``, or a fax (T.38), looks the same.
        """
        leg = self._legs.get(uniqueid)
        if leg is None or leg.is_measured or leg.ended_at is None:
            return None
        others = self._others(leg, leg.ended_at)
        return others[0].subject if len(others) == 1 and not others[0].is_measured else None

    def carrier(self, uniqueid: str, now: float) -> str | None:
        """The registration over which a leg's call comes: the one of the leg at its other end; None where there is none."""
        leg = self._legs.get(uniqueid)
        others = self._others(leg, now) if leg is not None else ()
        return next((trunk for other in others if (trunk := self._trunk_of(other.subject)) is not None), None)

    def is_passed_on(self, uniqueid: str, now: float) -> bool:
        """Whether what a leg's peer misses may be gaps that its other legs brought along, and they lose by themselves."""
        leg = self._legs.get(uniqueid)
        if leg is None or leg.loss(Direction.TO_PEER).is_split(now):
            return False
        return any(other.is_lossy(Direction.FROM_PEER, now) for other in self._others(leg, now))

    def others(self, uniqueid: str, now: float) -> tuple[str, ...]:
        """The peers of the other legs of a leg's call; none for one that is alone with an application."""
        leg = self._legs.get(uniqueid)
        return () if leg is None else tuple(other.subject for other in self._others(leg, now))

    def explain(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation with what the legs tell of it in its details."""
        direction = evaluation.key.direction
        if evaluation.topic != Metric.LOSS_PERCENT or evaluation.value is None or direction is None:
            return evaluation
        if not any(level.signal in _BAD for level in evaluation.levels):
            return evaluation
        found = self._explained(evaluation.key.subject, direction, evaluation.at)
        return replace(evaluation, details={**evaluation.details, **found}) if found else evaluation

    def forget(self) -> None:
        """Drop everything."""
        for known in (self._legs, self._by_subject, self._by_call, self._ended, self._shared):
            known.clear()

    def expire(self, now: float) -> None:
        """Drop legs whose hangup was missed; looks now and then, however often it is asked."""
        if self._expired_at is not None and 0 <= now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        for leg in list(self._legs.values()):
            leg.rounds += 1
            if leg.rounds > IDLE_ROUNDS:
                self._drop(leg.uniqueid)

    def _explained(self, subject: str, direction: Direction, now: float) -> dict[str, str]:
        known = [leg for leg in self._by_subject.get(subject, {}).values() if leg.percent(direction, now) is not None]
        lossy = [leg for leg in known if leg.is_lossy(direction, now)]
        if not lossy:
            return {}
        others = (other for leg in lossy for other in self._others(leg, now))
        details = {"lossy_calls": str(len(lossy)), "known_calls": str(len(known)), **figures(others, now)}
        shared = self._shared_by(direction, now)
        if shared is not None and subject in shared[0]:
            return {**details, "segment": "pbx", "lossy_peers": str(len(shared[0])), "active_peers": str(shared[1])}
        if not all(self._is_its_own(leg, direction, now) for leg in lossy):
            return {**details, "segment": "unsplit"}
        side = "trunk" if self._trunk_of(subject) is not None else "peer"
        opposite = pooled(lossy, _OPPOSITE[direction], now)
        if opposite is not None and opposite >= LOSSY_FROM_PERCENT:
            return {**details, "segment": f"{side}_both", f"own_{_OPPOSITE[direction]}": f"{opposite:.1f}"}
        return {**details, "segment": f"{side}_{'down' if direction is Direction.TO_PEER else 'up'}"}

    def _is_its_own(self, leg: Leg, direction: Direction, now: float) -> bool:
        """Whether the loss of a leg cannot be made of gaps passed on to it: they were left out, or there were none."""
        if direction is Direction.FROM_PEER or leg.loss(direction).is_split(now):
            return True
        sources = self._others(leg, now) or [leg]  # alone with an application, which may echo what it hears
        return all(source.is_clean(Direction.FROM_PEER, now) for source in sources)

    def _others(self, leg: Leg, now: float) -> list[Leg]:
        """Answered legs of the same call that are alive; where there are none, the one that ended last, within the window."""
        legs = self._by_call.get(leg.linkedid or "", ())
        if len(legs) < 2:
            return []
        found = [other for other in legs if other is not leg and other.has_media]
        alive = [other for other in found if other.ended_at is None]
        ended = [(other.ended_at, other) for other in found if other.ended_at is not None and other.ended_at > now - WINDOW_S]
        return alive or ([max(ended, key=lambda pair: pair[0])[1]] if ended else [])

    def _shared_by(self, direction: Direction, now: float) -> tuple[frozenset[str], int] | None:
        """(peers that lose at once, active ones) where it must be what they share; None otherwise."""
        second, found = self._shared.get(direction, (-1, None))
        if second != int(now):
            found = self._count_shared(direction, now)
            self._shared[direction] = int(now), found
        return found

    def _count_shared(self, direction: Direction, now: float) -> tuple[frozenset[str], int] | None:
        active: dict[str, float] = {}
        left, known, bad = len(self._by_subject), 0, 0
        for subject, legs in self._by_subject.items():
            percent = pooled(legs.values(), direction, now)
            left -= 1
            if percent is not None:
                active[subject] = percent
                known += 1
                bad += percent >= LOSSY_FROM_PERCENT
            if bad + left <= SHARED_SHARE * (known + left):
                return None  # though all the others lost
        lossy = frozenset(subject for subject, percent in active.items() if percent >= LOSSY_FROM_PERCENT)
        if len(lossy) < SHARED_BY_PEERS or len(lossy) <= SHARED_SHARE * len(active):
            return None
        return (lossy, len(active)) if lose_everywhere(lossy, active, self._trunk_of, self._address_of) else None

    def _drop(self, uniqueid: str) -> None:
        leg = self._legs.pop(uniqueid, None)
        if leg is not None:
            _take(self._by_subject, leg.subject, leg)
            self._leave_call(leg)

    def _leave_call(self, leg: Leg) -> None:
        if leg.linkedid is None:
            return
        others = tuple(other for other in self._by_call.get(leg.linkedid, ()) if other is not leg)
        if others:
            self._by_call[leg.linkedid] = others
        else:
            self._by_call.pop(leg.linkedid, None)


def _put(index: dict[str, dict[str, Leg]], key: str, leg: Leg) -> None:
    index.setdefault(key, {})[leg.uniqueid] = leg


def _take(index: dict[str, dict[str, Leg]], key: str, leg: Leg) -> None:
    legs = index.get(key)
    if legs is not None:
        legs.pop(leg.uniqueid, None)
        if not legs:
            del index[key]
