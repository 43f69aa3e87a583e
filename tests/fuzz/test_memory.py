"""Memory is bounded, whatever is sent: measured as the resident size of a process of its own."""

from __future__ import annotations

import pytest

from tests.fuzz.memory import CHANNELS, ENDLESS_FRAMES, grown_mb


@pytest.mark.parametrize("name", ENDLESS_FRAMES)
def test_a_frame_without_an_end_is_given_up(name: str) -> None:
    assert grown_mb(ENDLESS_FRAMES[name]) < 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_channels_that_never_end_are_let_go_of() -> None:
    """Ten times as many as are kept; ``python -m tests.fuzz.memory`` opens a million."""
    assert grown_mb(CHANNELS.format(count=200_000)) < 250
