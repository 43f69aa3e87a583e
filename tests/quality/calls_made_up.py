"""A stream to a phone, packet by packet: who spoke when, what either leg lost, and the reports both ends would send."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from qualitywatch.quality.sentcounter import SentCounter
from qualitywatch.quality.split import GapSplit

FOREVER_S = 1e9


@dataclass(frozen=True)
class Made:
    """One stream; losses are shares of 1, times are seconds."""

    seed: int
    gaps: float = 0.0  # lost by the other leg
    own: float = 0.0
    talk_s: float = FOREVER_S
    pause_s: float = 0.0
    per_s: float = 50.0
    ours_every_s: float = 5.0
    theirs_every_s: float = 5.0
    stamps_s: float = 0.0  # their reports are late by up to so much
    rtt_s: float = 0.0
    said_rtt_s: float | None = None  # where the phone's delay since our report makes it another
    feedback: float = 0.0  # share of our reports followed by another one at once
    hold: tuple[float, float] = (0.0, 0.0)
    outages: tuple[tuple[float, float], ...] = ()  # of the other leg
    lasts_s: float = 240.0


@dataclass(frozen=True)
class Told:
    """What a report of the phone led to, at once or with the next report of ours, beside the truth up to then."""

    at: float
    taken: tuple[float, float] | None
    sent: int
    own_lost: int


def told(made: Made) -> Iterator[Told]:
    """Every report of the phone and what was settled later, in the order of time."""
    rng = random.Random(made.seed)
    sent_at = list(_packets(made, rng))
    arrived = [rng.random() >= made.gaps and not _inside(at, made.outages) for at in sent_at]
    lost = [came and rng.random() < made.own for came in arrived]
    sent, own = [0, *accumulate(arrived)], [0, *accumulate(lost)]
    counter, split = SentCounter(), None
    began = before = truth = (0, 0)
    last_sent = -1
    for at, is_ours in sorted([*_ours(made, rng), *_theirs(made, rng)]):
        if is_ours:
            count = sent[bisect_right(sent_at, at)]
            counter.observe(at, None if count == last_sent else count)
            last_sent = count
            if split is not None and (settled := split.settle(counter)) is not None:
                yield Told(at, settled, *truth)
            continue
        number = bisect_right(sent_at, at - made.rtt_s)  # when it left us: what was under way then is not in the report
        now = number, number - sent[number] + own[number]
        stamped_at = at + rng.random() * made.stamps_s
        if split is None:
            split, began, before = GapSplit(stamped_at), (sent[number], own[number]), now
            continue
        split.add(stamped_at, now[0] - before[0], now[1] - before[1], made.said_rtt_s or made.rtt_s or None)
        before, truth = now, (sent[number] - began[0], own[number] - began[1])
        yield Told(at, split.take(counter), *truth)


def _packets(made: Made, rng: random.Random) -> Iterator[float]:
    now = 0.0
    while now < made.lasts_s:
        until = min(made.lasts_s, now + rng.expovariate(1 / made.talk_s))
        while now < until:
            if not _inside(now, (made.hold,)):
                yield now
            now += 1 / made.per_s
        now += rng.expovariate(1 / made.pause_s) if made.pause_s else 0.0


def _ours(made: Made, rng: random.Random) -> Iterator[tuple[float, bool]]:
    at = made.ours_every_s * rng.uniform(0.1, 1)
    while at < made.lasts_s:
        yield at, True
        if rng.random() < made.feedback:
            yield at + 0.002, True
        at += made.ours_every_s


def _theirs(made: Made, rng: random.Random) -> Iterator[tuple[float, bool]]:
    at = made.theirs_every_s * rng.uniform(0.1, 1) + made.rtt_s
    while at < made.lasts_s:
        yield at, False
        at += made.theirs_every_s * rng.uniform(0.95, 1.05)


def _inside(at: float, spans: tuple[tuple[float, float], ...]) -> bool:
    return any(start <= at < end for start, end in spans)
