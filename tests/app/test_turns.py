"""Who waits for the interpreter beside a thread that computes asks for it sooner than by default."""

from __future__ import annotations

import sys

from qualitywatch.app import turns


def test_the_loop_asks_for_its_turn_within_a_millisecond() -> None:
    before_s = sys.getswitchinterval()
    try:
        turns.shorten()
        assert sys.getswitchinterval() <= min(
            0.001, before_s
        )  # each of some twenty turns on the way to a message waits so long
    finally:
        sys.setswitchinterval(before_s)
