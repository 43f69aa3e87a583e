"""Every fault of the table, as a test: no alert is lost, none told twice but by a kill, every sample accounted for.

Kills and cuts are fewer here than by ``python -m tests.faults``, which takes a quarter of an hour.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.disks import CannotBeTriedError
from tests.faults.registry import faults

FEWER = faults(times_killed=12, times_cut=40)


@pytest.mark.slow
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("name", FEWER)
async def test_what_was_promised_is_kept(name: str, tmp_path: Path) -> None:
    try:
        found = await FEWER[name].inject(tmp_path)
    except CannotBeTriedError as exc:
        pytest.skip(str(exc))
    assert not found.problems, "\n".join(found.problems)
    assert (found.lost, found.missing) == (0, 0)
