"""An invented office: phones that call all day, a few of them on bad lines, some that come and go; written to a store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from qualitywatch.model import Direction, Metric, PeerState, Sample, StatusObservation, Verdict
from qualitywatch.model.observations import Gap, Observed
from qualitywatch.ports import SeriesBatch
from qualitywatch.store.backends.rollup import RollupOptions, RollupStore

START = 1_800_000_000.0 - 1_800_000_000 % 86_400
PBX = "office"
REPORT_S, PACKETS = 5.0, 250.0


async def fill(
    directory: Path, *, days: float, peers: int, share_talking: float = 0.1, share_bad: float = 0.05, seed: int = 1
) -> RollupStore:
    """Write the office's days; ``share_bad``: of all calls. Returns the store, closed."""
    store = await RollupStore.open(directory, RollupOptions(), now=START)
    at = START
    for batch in batches(days=days, peers=peers, share_talking=share_talking, share_bad=share_bad, seed=seed):
        await store.write(batch)
        at += 60
        await store.flush(at)
    await store.close(at)
    return store


def batches(*, days: float, peers: int, share_talking: float, share_bad: float, seed: int) -> Iterator[SeriesBatch]:
    """What each minute brings."""
    chance = random.Random(seed)
    talking: dict[int, tuple[int, float]] = {}  # minutes left, loss, by peer
    away: dict[int, int] = {}
    for minute in range(int(days * 1440)):
        start_at = START + 60 * minute
        samples: list[Sample] = []
        observed: list[Observed] = []
        if minute == 0:
            observed.append(Observed(start_at, Gap(start_at, PBX, PBX, begins=True)))
        for peer in range(peers):
            if peer not in talking and chance.random() < share_talking / (3 * (1 - share_talking)):
                loss = chance.choice((2.0, 4.0, 6.0, 12.0)) if chance.random() < share_bad else 0.0
                talking[peer] = (chance.randint(1, 5), loss)
            if peer in talking:
                left, loss = talking.pop(peer)
                samples += _call(peer, start_at, loss, minute + left, chance)
                if left > 1:
                    talking[peer] = (left - 1, loss)
            observed += _presence(peer, minute, start_at, away, chance)
        yield SeriesBatch(tuple(samples), observed=tuple(observed))


def _call(peer: int, start_at: float, loss: float, call: int, chance: random.Random) -> Iterator[Sample]:
    at = start_at + chance.random() * REPORT_S
    while at < start_at + 60:
        for direction in Direction:
            lost = sum(chance.random() * 100 < loss for _ in range(int(PACKETS))) if loss else 0
            figures = {
                Metric.JITTER_MS: chance.uniform(0.5, 8.0),
                Metric.LOSS_PERCENT_REPORTED: 100 * lost / PACKETS,
                Metric.LOSS_PERCENT: 100 * lost / PACKETS,
                Metric.R_FACTOR: 93.2 - 4 * 100 * lost / PACKETS,
            }
            for metric, value in figures.items():
                yield Sample(
                    round(at, 6),
                    metric,
                    value,
                    PBX,
                    f"SIP/{6000 + peer}",
                    direction,
                    "",
                    f"{peer}.{call}",
                    Verdict.OK,
                    PACKETS,
                    "alaw",
                )
        at += REPORT_S


def _presence(peer: int, minute: int, start_at: float, away: dict[int, int], chance: random.Random) -> Iterator[Observed]:
    name = f"SIP/{6000 + peer}"
    if minute == 0:
        yield Observed(start_at, StatusObservation(start_at, "peer", PBX, name, PeerState.REGISTERED, start_at))
    elif away.get(peer) == minute:
        del away[peer]
        yield Observed(start_at + 7, StatusObservation(start_at + 7, "peer", PBX, name, PeerState.REGISTERED, start_at + 7))
    elif peer not in away and chance.random() < 1 / 1440:
        away[peer] = minute + chance.randint(2, 900)
        yield Observed(start_at + 3, StatusObservation(start_at + 3, "peer", PBX, name, PeerState.UNREACHABLE, start_at + 3))
