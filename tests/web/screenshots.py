"""Takes the screenshots of the README: ``python -m tests.web.screenshots``."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.web.browser import Visit, visit
from tests.web.demo import demo

FOLDER = Path(__file__).parent / "screenshots"
COLOURS = 128  # a palette of these is what a page needs, at a third of the size


async def keep(here: Visit, name: str) -> None:
    """Write what is on the screen as a small PNG."""
    await asyncio.sleep(0.5)  # charts are drawn a frame later
    picture = Image.open(io.BytesIO(await here.page.screenshot()))
    path = FOLDER / f"{name}.png"
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size / 1024:.0f} KiB")


async def main() -> None:
    """Play the recordings of the demo and take the pictures when they are over."""
    FOLDER.mkdir(exist_ok=True)
    wide = {"width": 1100, "height": 860}
    async with demo("--speed", "8") as shown:
        async with visit(shown.url, link=shown.link, viewport=wide) as here:
            await here.see("#/peer/office/SIP%2F6118?last=150")
            await here.page.locator("#calls tbody tr").nth(1).wait_for()  # the call is over
            cookies = await here.page.context.cookies()
            await here.page.emulate_media(color_scheme="dark")
            await here.page.locator("#charts-head").scroll_into_view_if_needed()
            await here.page.evaluate("scrollTo(0, document.querySelector('#charts-head').offsetTop - 80)")
            await keep(here, "dark")
            await here.page.emulate_media(color_scheme="light")
            await here.see("overview")
            await here.page.locator("#worst").get_by_text("User 6118").wait_for()
            await keep(here, "desktop")
        state = {"cookies": cookies, "origins": []}
        shape = {"width": 375, "height": 760}
        phone: dict[str, Any] = {"viewport": shape, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
        async with visit(shown.url, link="/", storage_state=state, **phone) as here:
            await here.see("overview")
            await keep(here, "phone")


if __name__ == "__main__":
    asyncio.run(main())
