"""What ails the daemon itself is said on the page, as long as it lasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_full_disk import fill, small_disk
from tests.web.browser import needs_browser, visit
from tests.web.house import house

__all__ = ["small_disk"]


@needs_browser
@pytest.mark.slow
async def test_a_full_disk_is_said_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    async with house(tmp_path, speed=4) as home, visit(home.url, is_quiet=False) as here:
        await here.see("overview")
        assert (await home.get("pbxes"))["troubles"] == []
        filler = fill(small_disk)
        await here.page.locator("#troubles").get_by_text("the disk is full").first.wait_for()
        assert "alerts are told all the same" in await here.text("#troubles")
        told = (await home.get("pbxes"))["troubles"]
        assert told and all("the disk is full" in each for each in told)
        filler.unlink()
        await here.page.locator("#troubles").wait_for(state="detached")
        await here.page.locator("#link.live").wait_for()
