"""``python -m tests.benchmarks.store``: what a day of 300 peers at 200 reports a second costs on the disk, and reading it.

The limits are 50 MB for the whole file, of a day with that many reports in its busiest hour and of one with as many all day
long, and, for the chart of 24 hours of any one peer, 20 ms; the command ends with 1 beyond them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from qualitywatch.store.rollup_tables import insert
from tests.benchmarks.day import DAY_S, OFFICE, PBX, PEERS, ROUND_THE_CLOCK, START_AT, TRUNKS, Day, name

MOST_BYTES: Final = 50_000_000
MOST_MS: Final = 20.0
READS: Final = 20
PACE_MS: Final = 8.7  # what ``slowness`` computes takes on the machine that the limit of a chart was set on
LEAST_SHOWN: Final = 100_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured."""

    bytes_on_disk: int
    tables: dict[str, int]  # bytes, indexes by their own name
    rows: dict[str, int]
    chart_ms: dict[str, float]
    chart_cpu_ms: float  # of the slowest: what it costs, however busy the machine is with others
    flush_ms: float  # the median minute
    reports: int
    legs: int

    @property
    def rollup_bytes(self) -> int:
        """Minutes and hours of what was heard."""
        return self.tables["v1m"] + self.tables["v1h"]


async def measure(directory: Path, shape: Sequence[float], until_s: int = DAY_S) -> Findings:
    """Write the day, or its beginning, and read it."""
    store = await RollupStore.open(directory, RollupOptions(), now=START_AT + DAY_S)
    try:
        day = Day(shape)
        flushes = []

        def fill(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous = OFF")
            for _, rows in day.minutes(until_s):
                begun = time.perf_counter()
                insert(connection, rows)
                flushes.append(time.perf_counter() - begun)

        await store._database.run(fill)
        chart, cpu_ms = {}, 0.0
        for peer in (0, 1, TRUNKS, PEERS // 2, PEERS - 1):
            chart[name(peer)], cost_ms = await _chart_ms(store, name(peer))
            cpu_ms = max(cpu_ms, cost_ms)
        return Findings(
            (directory / ROLLUP_FILE).stat().st_size,
            *_sizes(directory / ROLLUP_FILE),
            chart,
            cpu_ms,
            1000 * median(flushes),
            day.reports,
            day.legs,
        )
    finally:
        await store.close(START_AT + DAY_S)


async def _chart_ms(store: RollupStore, peer: str) -> tuple[float, float]:
    taken, cost = [], []
    for _ in range(READS):
        begun, spent = time.perf_counter(), time.process_time()
        points = await store.history(PBX, peer, START_AT, START_AT + DAY_S)
        taken.append(1000 * (time.perf_counter() - begun))
        cost.append(1000 * (time.process_time() - spent))
        assert len(points) > 250
    return min(taken), min(cost)  # what else the machine does only adds


def slowness() -> float:
    """How many times as long this machine computes as the one that the limits are for; 1.0 where it is as fast or faster."""
    taken = []
    for _ in range(READS):
        spent, found = time.process_time(), 0
        for number in range(200_000):
            found += number * number % 7
        taken.append(1000 * (time.process_time() - spent))
    return max(1.0, min(taken) / PACE_MS)


def _sizes(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    connection = sqlite3.connect(path)
    sizes = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY 1 ORDER BY 2 DESC"))
    tables = [table for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    rows = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return sizes, rows


def told(title: str, findings: Findings) -> str:
    """The figures, for people."""
    lines = [
        f"{title}: {findings.reports:,} reports ({findings.reports / DAY_S:.0f} a second), {findings.legs:,} legs of calls"
    ]
    for table, size in findings.tables.items():
        rows = findings.rows.get(table)
        if size >= LEAST_SHOWN:
            each = f"{rows:>9,} rows {size / rows:6.1f} B each" if rows else ""
            lines.append(f"  {table:<18} {size / 1e6:6.1f} MB  {each}".rstrip())
    lines.append(f"  {'rollups alone':<18} {findings.rollup_bytes / 1e6:6.1f} MB")
    lines.append(f"  {'the file':<18} {findings.bytes_on_disk / 1e6:6.1f} MB")
    lines.append(f"  a minute is written in {findings.flush_ms:.0f} ms")
    lines += [f"  24 h of {peer:<14} are read in {taken:5.1f} ms" for peer, taken in findings.chart_ms.items()]
    lines.append(f"  the slowest of them computes for {findings.chart_cpu_ms:.1f} ms; the rest is others' work on this machine")
    return "\n".join(lines)


def measured(shape: Sequence[float]) -> Findings:
    """Write and read a day in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(measure(Path(directory), shape))


def main() -> int:
    """Measure and print."""
    office = measured(OFFICE)
    print(told("an office, 200 reports a second in its busiest hour", office))
    always = measured(ROUND_THE_CLOCK)
    print(told("200 reports a second all day long", always))
    slowest = max(*office.chart_ms.values(), *always.chart_ms.values())
    largest = max(office.bytes_on_disk, always.bytes_on_disk)
    print(f"limits: {MOST_BYTES / 1e6:.0f} MB a file, {MOST_MS:.0f} ms a chart; found {largest / 1e6:.1f} MB, {slowest:.1f} ms")
    return int(largest > MOST_BYTES or slowest > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
