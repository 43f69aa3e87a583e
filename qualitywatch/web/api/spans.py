"""The past: which time is asked for, and how a long answer is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Query, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from qualitywatch.room import Room
from qualitywatch.web.instants import When

DAY_S: Final = 86_400.0
Since = Annotated[When | None, Query(description="From when on; a day before `until` when not given.")]
Until = Annotated[When | None, Query(description="Until when, not included; now when not given.")]


def span(room: Room, pbx: str | None, since: float | None, until: float | None) -> tuple[float, float]:
    """The time that is asked for; one that ends before it begins holds nothing.

    "Now" is what the clock of the PBX says, because what was measured is stamped by it.
    """
    clocks = [view.now for view in room.pbxes() if pbx in (None, view.name)]
    # A second more, so that what happened within this one is told.
    last = max(clocks, default=room.now()) + 1.0 if until is None else until
    return last - DAY_S if since is None else since, last


async def told(build: Callable[[], BaseModel]) -> Response:
    """Build and write a long answer in a thread: a PBX cuts off whoever does not read for 100 ms."""
    return Response(await run_in_threadpool(lambda: build().model_dump_json()), media_type="application/json")
