"""Limits that meet a target: the search never promises what was not run, and takes no more than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.commands.backtest_target import snippet
from qualitywatch.model import Severity
from qualitywatch.rules.loader import load_rules
from qualitywatch.testing.fitness import threshold_options
from qualitywatch.testing.target import highest_factor, scaled, search
from tests.backtest.world import RULES, SHIPPED

BY_NAME = {spec.name: spec for spec in SHIPPED}


class Ground:
    """How many alerts there are at each factor, and which factors were asked for."""

    def __init__(self, steps: Sequence[tuple[float, int]]) -> None:
        self._steps = sorted(steps)
        self.ran: dict[float, int] = {}

    def count(self, factors: Sequence[float]) -> list[int]:
        for factor in factors:
            self.ran[factor] = next((count for above, count in reversed(self._steps) if factor >= above), 50)
        return [self.ran[factor] for factor in factors]


grounds = st.lists(st.tuples(st.floats(1, 40), st.integers(0, 60)), max_size=12).map(Ground)


@given(ground=grounds, most=st.integers(0, 60), highest=st.floats(1.01, 40))
def test_what_is_found_was_run_and_meets_the_target(ground: Ground, most: int, highest: float) -> None:
    found = search(ground.count, most, highest)
    assert found.runs <= 16
    if found.factor is None:
        assert ground.count([highest])[0] > most  # even the mildest limits do not meet it
    else:
        assert 1 < found.factor <= highest * (1 + 1e-9)
        assert ground.ran[found.factor] == found.count
        assert found.count is not None
        assert found.count <= most


@given(threshold=st.floats(1.1, 30), highest=st.floats(30.5, 40))
def test_of_an_even_slope_the_least_change_is_found(threshold: float, highest: float) -> None:
    ground = Ground([(threshold, 3)])
    found = search(ground.count, 3, highest)
    assert found.factor is not None
    assert threshold <= found.factor <= threshold * 1.07


def test_where_alerts_grow_again_above_a_limit_the_gap_below_is_not_trusted() -> None:
    ground = Ground([(2.0, 1), (6.0, 9), (20.0, 2)])  # one long trouble becomes nine short ones
    found = search(ground.count, 3, 33)
    assert found.factor is not None
    assert found.factor >= 20
    assert found.count == 2


@pytest.mark.parametrize(("rule", "factor"), [("loss", 1.5), ("loss", 12.0), ("jitter", 2.0), ("rtt", 3.0), ("mos", 1.4)])
def test_the_snippet_is_a_rule_with_exactly_these_limits(rule: str, factor: float, tmp_path: Path) -> None:
    changed = scaled(BY_NAME[rule], factor)
    (tmp_path / "mine.yml").write_text(snippet(BY_NAME[rule], changed), encoding="utf-8")
    (read,) = (spec for spec in load_rules([RULES, tmp_path]) if spec.name == rule)
    assert threshold_options(read) == threshold_options(changed)
    assert (read.name, read.yields_to) == (rule, BY_NAME[rule].yields_to)


@given(rule=st.sampled_from(["loss", "jitter", "rtt", "mos"]), share=st.floats(0, 1))
def test_scaled_limits_stay_in_order_and_further_from_good(rule: str, share: float) -> None:
    spec = BY_NAME[rule]
    before = threshold_options(spec)
    assert before is not None
    after = threshold_options(scaled(spec, highest_factor(before) ** share))
    assert after is not None
    sign = -1 if rule == "mos" else 1
    for severity, limit in after.limits.items():
        assert sign * limit.enter >= sign * before.limits[severity].enter
        assert sign * limit.clear <= sign * limit.enter
        assert limit.hold_s == before.limits[severity].hold_s
    assert sign * after.limits[Severity.CRITICAL].enter >= sign * after.limits[Severity.WARNING].enter
