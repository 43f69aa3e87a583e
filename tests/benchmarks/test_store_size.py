"""What a day costs on the disk, and how fast a day of a peer is read; ``python -m tests.benchmarks.store`` prints more."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.store.detail import BURST_BYTES
from tests.benchmarks.day import DAY_S, OFFICE, ROUND_THE_CLOCK
from tests.benchmarks.store import MOST_BYTES, MOST_MS, measure, slowness, told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TWO_HOURS_S = 7_200


async def test_a_day_of_300_peers_costs_at_most_50_mb_and_a_chart_20_ms(tmp_path: Path) -> None:
    before = slowness()
    findings = await measure(tmp_path, OFFICE)
    print(told("an office, 200 reports a second in its busiest hour", findings))
    assert findings.bytes_on_disk <= MOST_BYTES
    # Tests share their machine, whatever its pace; the command looks at the clock on the wall.
    assert findings.chart_cpu_ms <= MOST_MS * max(before, slowness())


async def test_two_hours_at_200_reports_a_second_cost_no_more_than_their_share_of_50_mb(tmp_path: Path) -> None:
    findings = await measure(tmp_path, ROUND_THE_CLOCK, TWO_HOURS_S)
    print(told("two hours of 200 reports a second", findings))
    assert findings.reports / TWO_HOURS_S > 195
    # What single reports of a day may cost all at once, they cost at its beginning; a row takes a bit more than they do.
    assert findings.bytes_on_disk - 1.2 * BURST_BYTES <= MOST_BYTES * TWO_HOURS_S / DAY_S
