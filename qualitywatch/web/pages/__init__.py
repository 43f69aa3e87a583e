"""The status page: what ``/`` shows.  Static files lie in ``web/static`` and are served below ``/static``.

Strategy: one document without anything in it but the language of the daemon; plain modules, as they are written, ask the API
and listen to its stream, so that the page is one more of its users and has no secret of its own.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from qualitywatch.web.asking import Seen

_STATIC: Final = Path(__file__).parent.with_name("static")
_DOCUMENT: Final = Template((_STATIC / "index.html").read_text(encoding="utf-8"))


def router() -> APIRouter:
    """Return the routes of pages; they are not part of the API's document."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/", response_class=HTMLResponse)
    async def page(sources: Seen) -> HTMLResponse:
        return HTMLResponse(_DOCUMENT.substitute(language="ru" if sources.language == "ru" else "en"))

    @pages.get("/favicon.ico", response_class=FileResponse)
    async def icon() -> FileResponse:
        """What a browser asks for by itself, on the page that leaves the cookie for example."""
        return FileResponse(_STATIC / "icon.svg", media_type="image/svg+xml")

    return pages
