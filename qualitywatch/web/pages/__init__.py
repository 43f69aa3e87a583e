"""The status page: what ``/`` shows.  Static files lie in ``web/static`` and are served below ``/static``."""

from __future__ import annotations

from fastapi import APIRouter


def router() -> APIRouter:
    """Return the routes of pages; they are not part of the API's document."""
    return APIRouter(include_in_schema=False)
