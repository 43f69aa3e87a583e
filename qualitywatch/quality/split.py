"""Telling our own leg's loss from the gaps the other leg left.

Asterisk copies sequence gaps of the leg it receives into the leg it sends, so a phone's receiver report counts packets that
never reached Asterisk.  How many the phone received is known at its reports, how many we sent at ours, and the two never
coincide:

    own loss = packets we sent - packets the peer received        (expected - lost)

Strategy: packets leave in bursts of speech, so blame rests on no interpolation.  What may have happened between two reports is
bounded by the counters around it and the pace of the stream, which gives a lowest and a highest own loss at every instant, in
steady talk nearly the same.  Loss never shrinks: the highest of the lowest less the lowest of the highest was lost on this leg
for certain.  Two numbers per stream hold that, and they do not drift.  What a peer missed after our last report is taken to be
lost as before; when that does not explain it, it is judged when we count again.  Only of a leg that is proven to lose beside
gaps of the other one more is believed than the proven: what it lost if packets left evenly.
"""

from __future__ import annotations

import math

from qualitywatch.quality.packetpace import PacketPace
from qualitywatch.quality.sentcounter import SentCounter

# A call may have that much in its newest report without a reason: a surprise is judged when we count again.
SURPRISE_SHARE = 0.03
# So few packets beside proven loss are taken for the same: no rule would notice them (2 % of 400).
UNNOTICED_PACKETS = 8
# So many are no noise: of whom they are proven, what else is likely is believed as well, within bounds.
PROVEN_PACKETS = 25.0
MOST_OF_PROVEN = 1.5
DEVIATIONS = 1.5  # of the gaps that may have been passed on before our first count
# By how much the bounds may contradict each other by the noise of stamps; beyond it somebody renumbered the stream.
CONTRADICTION_PACKETS = 25
# Packets over which the shares of loss and gaps are measured; the first time sooner.
SHARE_PACKETS = 200
FIRST_SHARE_PACKETS = 50
# How far our count and the peer's may disagree before the sequence must have leapt without a packet being sent or lost.
LEAP_MARGIN_PACKETS = 50
LEAP_MARGIN_SHARE = 0.1
# Beyond it the round trip is not believed: where a peer tells its delay since our report wrong by seconds, its loss would move
# to another time, and gaps of the other leg beside a pause would look like loss of its own.
LONGEST_SETBACK_S = 1.0


def leapt(expected: float, lost: float, sent: float | None) -> bool:
    """Whether a sequence ran ahead of what was sent although the receiver misses nothing: Asterisk renumbered the stream.

    It does so after a hold and in transfers, under the same SSRC; ``sent`` None (not known) means no.
    """
    if sent is None:
        return False
    return expected - sent > lost + LEAP_MARGIN_PACKETS + LEAP_MARGIN_SHARE * sent


class GapSplit:
    """The running balance of one stream of ours as its receiver sees it."""

    __slots__ = (
        "_at",
        "_before",
        "_before_span",
        "_expected",
        "_gap_share",
        "_gaps",
        "_gaps_from",
        "_given",
        "_given_own",
        "_highest",
        "_is_blind",
        "_judged",
        "_likely",
        "_likely_start",
        "_lost",
        "_lowest",
        "_lowest_judged",
        "_own_share",
        "_pace",
        "_rtt_s",
        "_shared",
        "_start_unknown",
        "started_at",
    )

    def __init__(self, at: float) -> None:
        self._pace = PacketPace()
        self._rtt_s: float | None = None
        self._begin(at)

    def _begin(self, at: float) -> None:
        self.started_at = self._at = at
        self._expected = self._lost = 0.0
        self._before = at, 0.0, 0.0  # instant and sums of the report before the newest
        self._judged = self._given = 0.0, 0.0  # sums up to which all is bounded, and up to which all was given
        self._given_own = 0.0
        # Own loss since the start plus a constant: the most it can have been then, the least it was since, and the least by the
        # report that was judged last.
        self._highest = math.inf
        self._lowest = self._lowest_judged = -math.inf
        self._start_unknown: float | None = None  # lost packets that may have been before or after our first count
        # The same of the report that was judged last and of the start if packets left evenly; None: not known.
        self._likely: float | None = None
        self._likely_start: float | None = None
        self._is_blind = False  # the peer reported before we ever did
        self._gaps_from: tuple[float, float] | None = None
        self._before_span = 0.0  # packets expected before our first count
        self._gaps = 0.0, 0.0  # packets between the first and the last count of ours, and the most gaps there were
        self._own_share = self._gap_share = 0.0
        self._shared: tuple[float, float, float] | None = None

    def add(self, at: float, expected: float, lost: float, rtt_s: float | None = None) -> None:
        """Count what the peer's next report expected and missed, at our time less the round trip: of what left by then."""
        if rtt_s is not None and rtt_s <= LONGEST_SETBACK_S and (self._rtt_s is None or rtt_s < self._rtt_s):
            later_s = (self._rtt_s or 0.0) - rtt_s  # the shortest of them: the longest are those of a busy moment
            self._rtt_s = rtt_s
            self._at += later_s
            if self._start_unknown is None or self._is_blind:
                self.started_at += later_s
        at -= self._rtt_s or 0.0
        self._before = self._at, self._expected, self._lost
        if self._pace.learn(expected, at - self._at):
            self._begin(at)  # whatever was bounded by too slow a pace is worth nothing
            return
        self._at = at
        self._expected += expected
        self._lost += lost

    def take(self, sent: SentCounter) -> tuple[float, float] | None:
        """Return (expected, lost) of our own leg since the last take, or None while nobody can tell."""
        if not self._look(sent):
            self._begin(self._at)
            return None
        if self._lost == self._given[1]:
            return self._give((self._expected, self._lost), 0.0)
        return self._decide(sent)

    def settle(self, sent: SentCounter) -> tuple[float, float] | None:
        """Return what could not be told at the peer's newest report and can be now that we have counted again."""
        newest, received = (self._expected, self._lost), self._expected - self._lost
        if newest[0] <= self._given[0] or sent.last_at < self._at:
            return None
        bounds = sent.bounds(self._at, self._pace)
        if bounds is None:
            return None
        self._judge(newest, sent, self._at)
        self._find_start(sent)
        if not self._narrow(bounds[0] - received, bounds[0] - received, bounds[1] - received):
            self._begin(self._at)
            return None
        return self._decide(sent)

    def _decide(self, sent: SentCounter) -> tuple[float, float] | None:
        newest = self._expected, self._lost
        if self._lowest_judged == -math.inf or self._highest == math.inf:
            return None
        if self._is_blind and self._given[0] == 0.0:
            if sent.known < 2:
                return None  # the second count tells whether the first was that of a beginning
            if self._gaps[1] > UNNOTICED_PACKETS:
                self._begin_later(sent)
                return None
        expected, lost = self._judged
        fresh_expected, fresh_lost = self._expected - expected, self._lost - lost
        proven = self._lowest - self._highest
        if self._lost - proven <= min(proven, UNNOTICED_PACKETS):
            return self._give(newest, self._lost)
        if fresh_expected > 0 and proven >= PROVEN_PACKETS and self._gaps[1] > UNNOTICED_PACKETS:
            return None  # both legs lose: our next count tells better what is whose
        own = self._own(expected, lost, fresh_lost / fresh_expected if fresh_expected > 0 else 0.0)
        if own is None:
            return None
        self._learn_shares(expected, lost, own)
        share = self._own_share + self._gap_share
        if fresh_lost - max(0.0, proven - own) - share * fresh_expected > SURPRISE_SHARE * fresh_expected:
            return self._give(self._judged, own)
        likely = fresh_lost * self._own_share / share if share > 0 else 0.0
        return self._give(newest, max(proven, own + likely))

    def _begin_later(self, sent: SentCounter) -> None:
        """Begin after our first count: both legs may lose, and what the other one passed on before cannot be told."""
        at, more, more_lost = self._at, self._expected - self._before[1], self._lost - self._before[2]
        self._begin(self._before[0])
        self._at, self._expected, self._lost = at, more, more_lost
        self._look(sent)

    def _find_start(self, sent: SentCounter) -> None:
        """Bound how much we had sent when the balance began, as soon as our counts tell."""
        if self._start_unknown is None:
            self._start_unknown, self._is_blind = self._lost, True
        if self._is_blind and (start := sent.bounds(self.started_at, self._pace)) is not None:
            self._highest = min(self._highest, start[1])
            self._likely_start = sent.likely(self.started_at)
            self._start_unknown, self._is_blind = min(self._start_unknown, start[1] - start[0]), False

    def take_unsplit(self) -> tuple[float, float] | None:
        """Return (expected, lost) since the last take without splitting: our own count is missing."""
        expected, lost = self._expected - self._given[0], self._lost - self._given[1]
        if expected <= 0:
            return None
        self._given = self._expected, self._lost
        self._given_own += lost
        return expected, max(0.0, min(lost, expected))

    def _look(self, sent: SentCounter) -> bool:
        """Bound our own loss by the counts we sent since the peer's last report; False when they contradict each other."""
        before_at, before, missed = self._before
        points = sent.within(before_at, self._at)
        if not points:
            return True
        pace, received = self._pace, before - missed
        more, more_lost = self._expected - before, self._lost - missed
        self._judge((before, missed), sent, before_at)
        self._find_start(sent)
        # What we had sent when the peer reported last...
        bounds = sent.bounds(before_at, pace)
        if bounds is not None and not self._narrow(bounds[0] - received, bounds[0] - received, bounds[1] - received):
            return False
        # ...and what the peer had been sent, gaps included, when we reported.
        for at, packets in points:
            head, tail = min(more, pace.most(at - before_at)), min(more, pace.most(self._at - at))
            excess = packets - received
            lowest, highest = excess - min(head, more - more_lost), excess - max(0.0, more - tail - more_lost)
            if not self._narrow(excess - head, lowest, highest):
                return False
            if self._gaps_from is None:
                self._before_span = before + more - tail
                self._gaps_from = packets, self._before_span - packets
            elif at == points[0][0]:
                self._gaps = packets - self._gaps_from[0], max(0.0, before + head - packets - self._gaps_from[1])
        return True

    def _judge(self, sums: tuple[float, float], sent: SentCounter, at: float) -> None:
        likely = sent.likely(at)
        self._judged = sums
        self._likely = None if likely is None else likely - (sums[0] - sums[1])

    def _narrow(self, lowest_judged: float, lowest: float, highest: float) -> bool:
        if highest < self._lowest - CONTRADICTION_PACKETS:
            return False
        self._highest = min(self._highest, max(highest, self._lowest))  # noise must not make blame
        self._lowest_judged = max(self._lowest_judged, lowest_judged)
        self._lowest = max(self._lowest, lowest)
        return True

    def _own(self, expected: float, lost: float, fresh_share: float) -> float | None:
        """Own loss up to the report judged last; None while that matters and nobody can tell yet."""
        own = min(lost, max(0.0, self._lowest_judged - self._highest))
        both_lose = own >= PROVEN_PACKETS and self._gaps[1] > UNNOTICED_PACKETS
        if both_lose and self._likely is not None and self._likely_start is not None:
            return max(own, min(lost, self._likely - self._likely_start, MOST_OF_PROVEN * own))
        return self._past_the_start(own, expected, lost, fresh_share)

    def _past_the_start(self, own: float, expected: float, lost: float, fresh_share: float) -> float | None:
        """What is proven, and what only the uncertain start keeps from being so; None as above."""
        if lost - own <= min(own, UNNOTICED_PACKETS):
            return lost
        span, gaps = self._gaps
        if 2 * span < expected or span <= 0:
            return None if (self._start_unknown or 0.0) > UNNOTICED_PACKETS else own
        before = gaps / (span + gaps) * self._before_span
        likely = lost - gaps - before - DEVIATIONS * math.sqrt(before)
        if not own < likely <= own + UNNOTICED_PACKETS + (self._start_unknown or 0.0):
            return own
        if likely <= 3 * own or (
            gaps <= UNNOTICED_PACKETS and expected <= 2 * SHARE_PACKETS and 2 * fresh_share * expected >= lost
        ):
            return likely  # it was lost before, or goes on being lost, without gaps that would explain it
        return own if likely - own <= SURPRISE_SHARE * expected else None

    def _learn_shares(self, expected: float, lost: float, own: float) -> None:
        """Measure how much is lost, and how much passed on, of what is judged."""
        from_expected, from_lost, from_own = self._shared or (0.0, 0.0, 0.0)
        packets = expected - from_expected
        if packets < (FIRST_SHARE_PACKETS if self._shared is None else SHARE_PACKETS):
            return
        self._own_share = max(0.0, own - from_own) / packets
        self._gap_share = max(0.0, (lost - from_lost) / packets - self._own_share)
        self._shared = expected, lost, own

    def _give(self, until: tuple[float, float], own: float) -> tuple[float, float] | None:
        """The packets since the last time, with what own loss grew by: never more than the peer missed of them."""
        expected, lost = until[0] - self._given[0], until[1] - self._given[1]
        mine = max(0.0, min(lost, own - self._given_own))
        sent = expected - lost + mine
        if expected <= 0 or sent <= 0:
            return None
        self._given = until
        self._given_own += mine
        return sent, mine
