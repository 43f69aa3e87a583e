"""What a day costs on the disk, and how fast a day of a peer is read; ``python -m tests.benchmarks.store`` prints more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.day import OFFICE
from tests.benchmarks.store import MOST_BYTES, MOST_MS, measure, told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_a_day_of_300_peers_costs_at_most_50_mb_and_a_chart_20_ms(tmp_path: Path) -> None:
    findings = await measure(tmp_path, OFFICE)
    print(told("an office, 200 reports a second in its busiest hour", findings))
    assert findings.bytes_on_disk <= MOST_BYTES
    assert findings.chart_cpu_ms <= MOST_MS  # tests share their machine; the command looks at the clock on the wall
