"""The status page of ``demo --web``: on a free loopback port, behind a token nobody needs to know; its links are good once."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import webbrowser
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.console import Console

from qualitywatch.app.daemon import Daemon
from qualitywatch.app.web import doors
from qualitywatch.config.settings import WebConfig
from qualitywatch.errors import QualitywatchError
from qualitywatch.ports import Clock
from qualitywatch.secrets import Secret

if TYPE_CHECKING:
    from qualitywatch.web.server import WebServer


def page_settings() -> WebConfig:
    """Settings of a page for this demo alone; raises QualitywatchError where its libraries are not installed."""
    if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "sse_starlette", "prometheus_client")):
        raise QualitywatchError("the page needs more libraries: pip install 'qualitywatch[web]'")
    return WebConfig("127.0.0.1", 0, Secret(secrets.token_urlsafe(24)))


async def show_page(daemon: Daemon, settings: WebConfig, clock: Clock, console: Console) -> None:
    """Print a link once the page is served, and open a browser where there is a desktop."""
    from qualitywatch.web.access import Access  # noqa: PLC0415 only who asks for a page pays for it

    server = await _served(daemon)
    # It knows no more than the token, as the daemon's own does: a link that one signs, the other takes.
    access = Access(doors(settings))

    def link() -> str:
        return f"http://127.0.0.1:{server.port}{access.one_time_link(clock.now())}"

    console.print("The status page, for whoever opens this link first within ten minutes:")
    console.print(f"  [bold]{link()}[/]", soft_wrap=True)
    console.print("Ctrl-C ends the demo.", style="dim")
    console.print()
    console.file.flush()  # a pipe would keep the link until the demo is over
    if _has_desktop():
        await asyncio.to_thread(webbrowser.open, link())


async def _served(daemon: Daemon) -> WebServer:
    from qualitywatch.web.server import WebServer  # noqa: PLC0415

    server = next(service for service in daemon.services if isinstance(service, WebServer))
    await server.ready.wait()
    return server


def _has_desktop() -> bool:
    return sys.platform in {"darwin", "win32"} or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
