"""The web application: built from what it shows and who may come in.  It does no I/O of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from qualitywatch import __version__
from qualitywatch.web import api, metrics, pages, probes, refusals
from qualitywatch.web.access import COOKIE, Access
from qualitywatch.web.gate import Gate
from qualitywatch.web.news import Shared
from qualitywatch.web.pages.files import PageFiles
from qualitywatch.web.sources import Sources

STATIC: Final = Path(__file__).with_name("static")
_SUMMARY: Final = """How the PBXes, peers and trunks that are watched stand, what was measured, and what is done about it.

* Send the token as `Authorization: Bearer ...`, or log in by name and password.
* A figure nobody knows is `null`, never 0.  Units stand in the names: `_ms`, `_percent`, `_s`.
* An instant is told twice: `unix`, in seconds, and `iso`, in UTC.  Where one is asked for, either will do.
"""


def build_api(sources: Sources) -> FastAPI:
    """Build everything that is behind the door."""
    application = FastAPI(
        title="qualitywatch",
        version=__version__,
        description=_SUMMARY,
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    application.state.sources = sources
    application.state.shared_news = Shared()
    refusals.install(application)
    for router in api.routers():
        application.include_router(router, prefix=api.PREFIX)
    application.include_router(probes.router)
    application.include_router(metrics.router)
    application.include_router(pages.router())
    application.mount("/static", PageFiles(directory=STATIC), name="static")
    application.openapi = partial(_document, application)  # type: ignore[method-assign]
    return application


def _document(application: FastAPI) -> dict[str, Any]:
    """The API's document, with the ways to come in: the door stands before the application, which knows nothing of it."""
    if application.openapi_schema is None:
        document = FastAPI.openapi(application)
        document["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "The token of the configuration."},
            "login": {"type": "http", "scheme": "basic", "description": "A user of the configuration."},
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What /?token=... leaves."},
        }
        document["security"] = [{"token": []}, {"login": []}, {"session": []}]
        application.openapi_schema = document
    return application.openapi_schema


def build_application(sources: Sources, access: Access) -> ASGIApp:
    """Build the application with its door."""
    return Gate(build_api(sources), access, sources.clock)
