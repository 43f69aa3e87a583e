"""The same verdict as live: what a backtest says of the stored history is what the daemon said while it wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backtest.world import RECORDINGS, live, recorded, retry, told


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_of_every_recording(recording: Path, tmp_path: Path) -> None:
    lived = live(tmp_path, recorded(recording), rest_s=400)
    retrial, exact = retry(lived)
    assert told(retrial.transitions, exact) == lived.told(exact)
