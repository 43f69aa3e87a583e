from __future__ import annotations

import random
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.backoff import delays


class Highest(random.Random):
    """Draws the ceiling."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_ceiling_doubles_from_one_second_to_a_minute() -> None:
    assert list(islice(delays(Highest()), 9)) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(), st.integers(min_value=1, max_value=50))
def test_every_delay_is_between_zero_and_its_ceiling(seed: int, count: int) -> None:
    drawn = islice(delays(random.Random(seed)), count)
    ceilings = islice(delays(Highest()), count)
    assert all(0.0 <= delay <= ceiling for delay, ceiling in zip(drawn, ceilings, strict=True))


def test_two_daemons_do_not_come_back_together() -> None:
    assert list(islice(delays(random.Random(1)), 5)) != list(islice(delays(random.Random(2)), 5))
