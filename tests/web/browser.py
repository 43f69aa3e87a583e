"""A real browser that visits a house: Debian's Chromium, driven by playwright; what it complains of and asks for is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.web.house import TOKEN

if TYPE_CHECKING:
    from playwright.async_api import Page

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "vendor/axe-core/axe.min.js"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PATIENCE_MS = 20_000
VIEWS = {
    "overview": "#/",
    "peers": "#/peers",
    "peer": "#/peer/office/SIP%2F6118?last=900",
    "trunks": "#/trunks",
    "trunk": "#/trunk/branch/SIP%2F74993801%40127.0.0.1",
    "queues": "#/queues",
    "calls": "#/calls",
    "alerts": "#/alerts",
    "silences": "#/silences",
}

needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason="needs Debian's chromium (apt-get install chromium) and playwright (pip install playwright)",
)


@dataclass(slots=True)
class Visit:
    """One tab, and what happened in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)  # of the console, and errors nobody caught
    asked: list[str] = field(default_factory=list)  # addresses that were requested

    async def see(self, view: str) -> None:
        """Go to a view by its address and wait until it is drawn and nothing is being read any more."""
        await self.page.evaluate("hash => { location.hash = hash }", VIEWS.get(view, view))
        await self.until("document.querySelector('main h1') !== null")
        await self.settled()

    async def settled(self) -> None:
        """Wait until the page waits for nothing but the stream."""
        await self.until("!/Loading…|Загрузка…/.test(document.querySelector('main').innerText)")

    async def text(self, selector: str = "main") -> str:
        """What a reader sees there."""
        return await self.page.locator(selector).first.inner_text()

    async def until(self, script: str) -> None:
        """Wait until an expression holds; asked from here, because the page's own policy forbids to compile code in it."""
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                while not await self.page.evaluate(script):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never came true: {script}\n{await self.text('body')}") from None

    @property
    def strangers(self) -> list[str]:
        """What was asked of anybody but this machine."""
        return [url for url in self.asked if urlsplit(url).scheme != "data" and urlsplit(url).hostname not in LOOPBACK]


@asynccontextmanager
async def visit(url: str, *, link: str = f"/?token={TOKEN}", is_quiet: bool = True, **context: Any) -> AsyncIterator[Visit]:
    """Open the page by a link; at the end it must have complained of nothing (``is_quiet``) and asked nobody else."""
    from playwright.async_api import async_playwright  # noqa: PLC0415

    options: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "timezone_id": "UTC", "locale": "en-GB"}
    options |= {"reduced_motion": "reduce", **context}
    async with async_playwright() as driver:
        # No sandbox: tests run as root in containers. The rest is Chromium's own traffic, which is not the page's.
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        try:
            tab = await (await browser.new_context(**options)).new_page()
            tab.set_default_timeout(PATIENCE_MS)
            here = Visit(tab, url)
            tab.on("console", lambda said: here.complaints.append(said.text) if said.type in {"error", "warning"} else None)
            tab.on("pageerror", lambda error: here.complaints.append(str(error)))
            tab.on("request", lambda request: here.asked.append(request.url))
            await tab.goto(url + link)
            await tab.locator("#link.live").wait_for()
            await here.settled()
            yield here
            if is_quiet:
                assert here.complaints == []
            assert here.strangers == []
        finally:
            await browser.close()
