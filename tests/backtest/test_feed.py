"""The stored past is told in order, and all of it, wherever in an hour it begins."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qualitywatch.model import Metric, Sample, TrunkState
from qualitywatch.rules.loader import load_rules
from qualitywatch.store.backends.rollup import ROLLUP_FILE
from qualitywatch.store.past import Past
from qualitywatch.testing.feed import Progress, feed
from tests.backtest.office import PBX, START, fill
from tests.backtest.test_same_verdict import START as EVENING
from tests.backtest.test_same_verdict import Talk, story_of
from tests.backtest.world import SHIPPED, live, retry, told

DAY_S = 86_400
LOSS = frozenset({Metric.LOSS_PERCENT})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("office")
    asyncio.run(fill(directory, days=1.2, peers=3))
    return directory / ROLLUP_FILE


@pytest.mark.parametrize("since", [START, START + 1800, START + 3599, START + 1234.5])
def test_time_never_runs_back_and_nothing_is_left_out(office: Path, since: float) -> None:
    past, until = Past.open(office), START + 1.15 * DAY_S
    try:
        heard = list(feed(past, PBX, since, until, metrics=LOSS, all_sums=True, progress=Progress()))
        summed = [
            sample
            for number, name in past.subjects(PBX)
            for minute in past.summed(PBX, number, name, since, until, all_of_them=True)
            for sample in minute.samples
            if sample.metric in LOSS and sample.at < until
        ]
    finally:
        past.close()
    instants = [each.at for each in heard]
    assert instants == sorted(instants)
    assert 1000 < len(summed) == sum(isinstance(each, Sample) and each.uniqueid == "summed" for each in heard)


def test_an_outage_lasts_as_long_beside_a_rule_that_needs_sums(tmp_path: Path) -> None:
    """A rule below what is stored report by report is judged by sums; that changes nothing for the others."""
    (tmp_path / "own.yml").write_text(
        "rules: [{name: faint, kind: threshold, metric: loss_percent, warning: {enter: 0.5, clear: 0.2, for: 20s}}]"
    )
    talk = Talk(1200, 5400, 0, 0.7, 0.7, 1, 10, "alaw")
    trunk = [(1.0, TrunkState.REGISTERED), (5500.0, TrunkState.REJECTED), (5740.0, TrunkState.REGISTERED)]
    specs = [*SHIPPED, *load_rules([tmp_path])]
    lived = live(tmp_path / "state", story_of([talk], [(at, ("trunk", state)) for at, state in trunk]), specs, rest_s=400)
    retrial, _ = retry(lived, specs, since=EVENING + 1800)
    assert told(retrial.transitions, ["trunk-down"]) == lived.told(["trunk-down"]) != []
