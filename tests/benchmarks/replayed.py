"""The whole path over a file, into the rollups that the daemon keeps: ``python -m tests.benchmarks.replayed FILE``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.app import garbage
from qualitywatch.model import CallRecord, Connected, KpiRecord, LogRecord, Sample
from qualitywatch.model.observations import Observed
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.loader import load_rules
from qualitywatch.shipped import shipped
from qualitywatch.store.backends.rollup import RollupOptions, RollupStore

BATCH = 200  # messages, as the daemon takes them
FLUSH_S = 60.0


async def replay(path: Path) -> int:
    """Returns how many transitions there were."""
    pipeline, transitions = Pipeline("pbx", load_rules([shipped("rules")])), 0
    samples: list[Sample] = []
    calls: list[CallRecord] = []
    logs: list[LogRecord] = []
    observed: list[Observed] = []
    kpis: list[KpiRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        store, flushed_at = None, 0.0
        for number, timed in enumerate(read_recording(path.read_bytes())):
            if store is None:
                store, flushed_at = await RollupStore.open(Path(folder), RollupOptions(), now=timed.at), timed.at
                pipeline.feed(Connected(timed.at))
            for event in translate(timed.message, timed.at):
                effects = pipeline.feed(event)
                transitions += len(effects.transitions)
                samples += effects.samples
                calls += effects.calls
                logs += effects.logs
                observed += effects.observed
                kpis += effects.kpis
            if number % BATCH == 0:
                await store.write(SeriesBatch(tuple(samples), tuple(calls), tuple(logs), tuple(observed), tuple(kpis)))
                samples, calls, logs, observed, kpis = [], [], [], [], []
                if timed.at - flushed_at >= FLUSH_S:
                    flushed_at = timed.at
                    await store.flush(timed.at)
        if store is not None:
            await store.close(flushed_at + FLUSH_S)
    return transitions


if __name__ == "__main__":
    with garbage.rarely():  # as the command does
        print(asyncio.run(replay(Path(sys.argv[1]))))
