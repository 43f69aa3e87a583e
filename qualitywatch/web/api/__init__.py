"""The HTTP API, version 1: one router a file, all listed in ``routers``."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from qualitywatch.web.api import alerts, calls, events, incidents, pbxes, peers, rules, series, silences, stream, trunks

PREFIX: Final = "/api/v1"


def routers() -> tuple[APIRouter, ...]:
    """All routers of the API, without their prefix."""
    return tuple(
        module.router for module in (pbxes, peers, trunks, calls, events, series, alerts, incidents, silences, rules, stream)
    )
