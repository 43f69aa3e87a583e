"""``qualitywatch demo --web``: one command, and the page shows the recordings as they play."""

from __future__ import annotations

import httpx
import pytest

from tests.web.browser import needs_browser, visit
from tests.web.demo import demo

pytestmark = pytest.mark.slow


@needs_browser
async def test_the_demo_shows_the_page_with_the_recordings_playing_through_it() -> None:
    async with demo("--speed", "15") as shown:
        async with visit(shown.url, link=shown.link) as here:
            for pbx in ("office", "branch", "home"):
                await here.page.locator(f"[data-pbx={pbx}]").get_by_text("seen", exact=True).wait_for()
            await here.page.locator("#incidents").get_by_text("Loss to").first.wait_for()
            await here.see("#/peer/home/SIP%2F6103")
            await here.page.locator("#agents tbody tr").nth(2).wait_for()
            assert "User-Agent" in await here.text("#agents tbody")
            await here.see("#/peer/office/SIP%2F6118?last=150")
            await here.page.locator("#chart-loss").get_by_text("warning 3 %").first.wait_for()
            await here.page.locator("#calls tbody tr").nth(1).wait_for()
            assert "reported 15" in await here.text("#calls")
        code, text = await shown.end()
        assert code == 0
        assert "Trunks" in text and "Traceback" not in text


async def test_a_link_is_good_once() -> None:
    async with demo() as shown, httpx.AsyncClient(base_url=shown.url) as client:
        assert (await client.get(shown.link)).status_code == 200
        client.cookies.clear()
        assert (await client.get(shown.link)).status_code == 401
        assert (await client.get("/api/v1/peers")).status_code == 401
        assert (await client.get("/static/js/main.js")).status_code == 401
