"""A large PBX: a thousand peers in one answer."""

from __future__ import annotations

import time
from pathlib import Path

from qualitywatch.model import Direction, Metric, PeerState, PeerStateSeen, Sample, Verdict
from qualitywatch.ports import SeriesBatch
from tests.web.house import house

PEERS = 1000


async def test_a_thousand_peers_are_told_in_a_fifth_of_a_second(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here:
        watcher = here.daemon.watchers[0]
        now = watcher.now
        for number in range(PEERS):
            watcher.pipeline.feed(
                PeerStateSeen(now, f"PJSIP/{number:04}", PeerState.REACHABLE, f"192.0.2.{number % 250}:5060", 12.0)
            )
        samples = [
            Sample(now, metric, value, "office", f"PJSIP/{number:04}", direction, "c", "u", Verdict.OK, 500)
            for number in range(PEERS)
            for direction in Direction
            for metric, value in ((Metric.LOSS_PERCENT, number / 100), (Metric.JITTER_MS, 4.0), (Metric.MOS, 4.3))
        ]
        for store in here.daemon._shift._keeper._series:
            await store.write(SeriesBatch(tuple(samples)))
        took_s = []
        response = await here.client.get("/api/v1/peers")
        for sort in ("subject", "loss", "subject"):
            begun = time.perf_counter()
            response = await here.client.get("/api/v1/peers", params={"limit": PEERS, "sort": sort})
            took_s.append(time.perf_counter() - begun)
            assert len(response.json()["items"]) == PEERS
        begun = time.perf_counter()
        page = await here.client.get("/metrics")
        scrape_s = time.perf_counter() - begun
        assert page.text.count("qualitywatch_peer_loss_ratio{") == 2 * PEERS
        print(f"{PEERS} peers: {min(took_s) * 1000:.0f} ms, {len(response.content)} bytes; scrape {scrape_s * 1000:.0f} ms")
        assert min(took_s) < 0.2
