"""The HTTP API, version 1: one router a file, all listed in ``routers``."""

from __future__ import annotations

from fastapi import APIRouter

PREFIX = "/api/v1"


def routers() -> tuple[APIRouter, ...]:
    """All routers of the API, without their prefix."""
    return ()
